"""The agreement report from counts: patched, it is the report of the votes themselves."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.stats.agreement_counts import CannotPatch, count_agreement, patch_agreement
from app.stats.coding import code_votes
from app.stats.readers import votes_from_native
from app.stats.report_agreement import agreement_report, counted_agreement_report
from tests.stats.build import KINDS, random_votes, votes
from tests.stats.test_reports import kway_lines

OUTCOMES = ("first", "second", "tie", "both_bad", "cannot_judge")


def counted(frame):
    return count_agreement(code_votes(frame, kinds=KINDS), frame)


def document_of(frame):
    return agreement_report(frame, kinds=KINDS, n_bootstrap=40).to_json()


def document_from(counts):
    return counted_agreement_report(counts, kinds=KINDS, n_bootstrap=40).to_json()


def assert_close(one, other, *, where=""):
    """The same JSON; numbers to 1e-9."""
    assert type(one) is type(other), where
    if isinstance(one, dict):
        assert list(one) == list(other), where
        for key in one:
            assert_close(one[key], other[key], where=f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for at, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            assert_close(mine, theirs, where=f"{where}[{at}]")
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=1e-9), where
    else:
        assert one == other, where


def test_counts_give_the_report_of_the_votes():
    frame, _ = random_votes(1, units=150, raters=5)
    assert document_of(frame)["rater_pairs"]
    assert_close(document_from(counted(frame)), document_of(frame))


@st.composite
def ledgers(draw):
    """Votes before and after a change of some comparisons: new raters, other answers, votes gone, new criteria."""
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    cut = draw(st.integers(0, 30))
    rows = []
    for unit in range(40):
        for rater in range(6):
            if rng.random() < 0.6:
                for criterion in ("overall", "clarity"):
                    value = OUTCOMES[rng.integers(5)] if rng.random() < 0.4 else float(rng.integers(-3, 4)) / 3
                    rows.append((f"c{unit:02d}", f"r{(rater * 7) % 6}", value, criterion))
    after = [row for row in rows if row[0] >= f"c{cut:02d}" and rng.random() < 0.8]
    after += [(f"c{cut:02d}", name, 0.5, draw(st.sampled_from(("overall", "tone")))) for name in ("a-new", "z-new")]
    return rows, [row for row in rows if row[0] < f"c{cut:02d}"] + after, cut


@settings(max_examples=25, deadline=None)
@given(ledgers())
def test_patched_equals_counted_again(ledger):
    was, now, cut = ledger
    changed = {f"c{unit:02d}" for unit in range(cut, 40)}
    old, new = votes(was), votes(now)
    before, after = (frame[frame["comparison_id"].isin(changed)] for frame in (old, new))
    patched = patch_agreement(counted(old), before=counted(before), after=counted(after))
    assert_close(document_from(patched), document_of(new))


def test_a_change_of_nothing_and_the_first_votes():
    frame, _ = random_votes(3, units=30)
    nothing = frame.iloc[:0]
    assert_close(
        document_from(patch_agreement(counted(frame), before=counted(nothing), after=counted(nothing))),
        document_of(frame),
    )


def test_what_cannot_be_patched_is_refused():
    frame, _ = random_votes(2, units=20)
    other, _ = random_votes(5, units=40)
    with pytest.raises(CannotPatch, match="do not"):
        patch_agreement(counted(frame), before=counted(other), after=counted(frame))
    rankings = votes_from_native(kway_lines(6))
    with pytest.raises(CannotPatch, match="Rankings"):
        counted(rankings)
    aspect = votes([("x", "ann", 1.0, "clarity"), ("x", "bob", 1.0, "clarity")])
    both = pd.concat([aspect, votes([("y", "ann", 1.0)])])
    with pytest.raises(CannotPatch, match="another criterion"):
        patch_agreement(counted(aspect), before=counted(aspect.iloc[:0]), after=counted(both[both["criterion"] != ""]))
