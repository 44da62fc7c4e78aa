"""What a rubric implies: by hand, against plain recomputation, and what is worth judging again."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.stats.coding import code_votes
from app.stats.implied import Weighing, implied_signs, labels_of, what_if
from app.stats.stale import stale_units
from app.stats.tension import build_profiles
from tests.stats.build import KINDS, votes

NAMES = ("kind", "safe", "true")
VALUE = st.sampled_from([None, -1.0, -0.5, 0.0, 0.5, 1.0])
JUDGMENTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 4), st.fixed_dictionaries(dict.fromkeys(NAMES, VALUE))),
    min_size=1,
    max_size=25,
    unique_by=lambda one: one[:2],
)
PAIRS = [(i, j) for i in NAMES for j in NAMES if i != j]
WEIGHINGS = st.builds(
    Weighing,
    weights=st.one_of(
        st.just({}), st.fixed_dictionaries({name: st.sampled_from([0.0, 0.2, 0.5, 1.0]) for name in NAMES})
    ),
    precedence=st.frozensets(st.sampled_from(PAIRS), max_size=3),
    vetoes=st.frozensets(st.sampled_from(NAMES), max_size=2),
)


def profiles_of(judgments):
    rows = [
        (f"c{unit}", f"r{rater}", np.nan if value is None else value, name)
        for unit, rater, answers in judgments
        for name, value in ({"overall": 1.0} | answers).items()
    ]
    frame = votes([row if row[2] == row[2] else (*row[:2], "not_applicable", row[3]) for row in rows])
    return build_profiles(code_votes(frame, kinds=KINDS), frame)


def by_hand(answers, weighing):
    """The rule of `app.stats.implied` for one judgment, in words of Python."""
    said = {name: value for name, value in answers.items() if value}
    vetoes = {np.sign(said[name]) for name in weighing.vetoes if name in said}
    if len(vetoes) == 1:
        return vetoes.pop()
    silent = {
        loser
        for loser, winner in weighing.precedence
        if loser in said and winner in said and said[loser] * said[winner] < 0
    }
    weights = weighing.weights or dict.fromkeys(NAMES, 1.0)
    return np.sign(round(sum(weights[name] * value for name, value in said.items() if name not in silent), 12))


def labels_by_hand(judgments, weighing):
    tally = {}
    for unit, _, answers in judgments:
        tally.setdefault(f"c{unit}", Counter())[by_hand(answers, weighing)] += 1
    return {unit: np.sign(counts[1] - counts[-1]) for unit, counts in tally.items()}


@settings(max_examples=150, deadline=None)
@given(JUDGMENTS, WEIGHINGS, WEIGHINGS)
def test_what_if_is_recomputation_from_scratch(judgments, before, after):
    found = what_if(profiles_of(judgments), before, after)
    old, new = labels_by_hand(judgments, before), labels_by_hand(judgments, after)
    units = sorted(old)
    assert found.before.sign.tolist() == [old[unit] for unit in units]
    assert found.after.sign.tolist() == [new[unit] for unit in units]
    assert found.flipped.tolist() == [old[unit] != new[unit] for unit in units]
    assert found.share.n == len(units)


def test_vetoes_first_then_precedence_then_weights():
    judgments = [(0, 0, {"kind": 1.0, "safe": -0.5, "true": None})]
    profiles = profiles_of(judgments)
    assert implied_signs(profiles, Weighing()) == [1]
    assert implied_signs(profiles, Weighing({"kind": 0.2, "safe": 0.8})) == [-1]
    assert implied_signs(profiles, Weighing(precedence=frozenset({("kind", "safe")}))) == [-1]
    veto = Weighing(precedence=frozenset({("kind", "safe")}), vetoes=frozenset({"kind"}))
    assert implied_signs(profiles, veto) == [1]
    circle = Weighing(precedence=frozenset({("kind", "safe"), ("safe", "kind")}))
    assert implied_signs(profiles, circle) == [0], "rules that go round in a circle silence each other"


def test_what_if_tells_which_weighing_is_nearer_to_the_raters():
    judgments = [(unit, rater, {"kind": 1.0, "safe": -1.0, "true": 0.0}) for unit in range(5) for rater in range(3)]
    found = what_if(profiles_of(judgments), Weighing({"kind": 1, "safe": 2}), Weighing({"kind": 2, "safe": 1}))
    assert (found.fits_before.value, found.fits_after.value, found.fits_after.n) == (0.0, 1.0, 5)
    assert found.share.value == 1.0


def overall(rows):
    """Profiles from (comparison, rater, overall, kind, safe)."""
    frame = votes(
        [
            (c, r, value, name)
            for c, r, y, kind, safe in rows
            for name, value in (("overall", y), ("kind", kind), ("safe", safe))
        ]
    )
    return build_profiles(code_votes(frame, kinds=KINDS), frame)


def test_divided_comparisons_that_rest_on_the_change_come_first():
    profiles = overall(
        [
            ("clear", "ann", 1, 1, 0), ("clear", "bob", 1, 1, 0), ("clear", "cy", 1, 1, 0),
            ("divided", "ann", 1, 1, 0), ("divided", "bob", -1, 1, 0),
            ("elsewhere", "ann", 1, 0, 1), ("elsewhere", "bob", -1, 0, 1),
        ]
    )  # fmt: skip
    same = Weighing({"kind": 0.5, "safe": 0.5})
    found = stale_units(profiles, before=same, after=same, changed={"kind"})
    assert found.exposure.tolist() == [1, 1, 0]
    # p = (3 + .5) / 4 for the clear one, (1 + .5) / 3 for the divided one
    assert found.nearness.tolist() == pytest.approx([1 - abs(2 * 3.5 / 4 - 1), 1, 1])
    assert found.value.argmax() == 1
    assert found.main_change.tolist() == ["kind", "kind", ""]


def test_a_label_that_flips_counts_whole_and_a_rule_where_it_bites():
    profiles = overall([("x", "ann", 1, 1, -0.5), ("x", "bob", 1, 1, -0.5), ("y", "ann", 1, 1, 1)])
    before, after = Weighing(), Weighing(precedence=frozenset({("kind", "safe")}))
    found = stale_units(profiles, before=before, after=after, changed=(), rules=[("kind", "safe")])
    assert found.flips.tolist() == [True, False]
    assert found.value.tolist() == [1.0, 0.0]
    assert found.main_change.tolist() == ["kind|safe", ""]
    fresh = stale_units(profiles, before=before, after=before, changed=(), added={"true": 0.4})
    assert fresh.exposure.tolist() == [0.4, 0.4]


def test_labels_count_judgments():
    profiles = overall([("x", "ann", 1, 0, 0), ("x", "bob", -1, 0, 0), ("x", "cy", 0, 0, 0)])
    labels = labels_of(profiles, profiles.overall_sign)
    assert (labels.sign.item(), labels.n_first.item(), labels.n_second.item(), labels.n.item()) == (0, 1, 1, 3)
