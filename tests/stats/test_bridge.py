"""Bridges: a shift by hand, planted shifts inside their intervals, and verdicts on old data."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from app.stats.bridge import CARRY, DO_NOT, NOT_SHOWN, TOO_FEW, code_both, measure_shift, pair_values
from app.stats.report_bridge import bridge_report
from tests.stats.bridging import POINTS, SHIFT, bridge_votes
from tests.stats.build import KINDS, votes

N_BRIDGES = 60
"""Bridges simulated here; `make bench ARGS=rubrics` runs 200."""


def paired(old, new, name="clear", points=1.0):
    new = new.assign(judgment_id=new["judgment_id"] + 10_000)
    return pair_values(code_both(old, new, kinds=KINDS), name, points=points)


def test_the_shift_by_hand():
    old = votes([("x", "ann", 0.5, "clear"), ("x", "bob", -0.5, "clear"), ("y", "ann", 1.0, "clear"),
                 ("only old", "ann", -1.0, "clear")])  # fmt: skip
    new = votes([("x", "ann", 1.0, "clear"), ("y", "cy", 0.5, "clear"), ("y", "ann", 0.5, "clear")])
    # x moves from 0 to 1, y from 1 to .5; sizes: x from .5 to 1, y from 1 to .5
    found = measure_shift(paired(old, new, points=2.0))
    assert (found.shift.value, found.shift.n) == (pytest.approx(2 * (1 - 0.5) / 2), 2)
    assert found.strength.value == pytest.approx(0)
    assert found.verdict == TOO_FEW


def test_with_one_vote_each_the_error_is_that_of_the_paired_t_test():
    rng = np.random.default_rng(5)
    before, after = rng.uniform(-1, 1, 30), rng.uniform(-1, 1, 30)
    old, new = (votes([(f"c{k:02d}", "ann", v, "clear") for k, v in enumerate(values)]) for values in (before, after))
    found = measure_shift(paired(old, new)).shift
    expected = stats.ttest_rel(after, before)
    low, high = expected.confidence_interval(0.95)
    assert (found.value, found.low, found.high) == pytest.approx(((after - before).mean(), low, high))


def test_a_planted_half_point_lies_inside_the_interval():
    inside = 0
    for seed in range(N_BRIDGES):
        old, new = bridge_votes(seed)
        shift = measure_shift(pair_values(code_both(old, new, kinds=KINDS), "clear", points=POINTS)).shift
        inside += shift.low <= SHIFT <= shift.high
    assert inside >= 0.85 * N_BRIDGES


def test_what_moved_may_not_be_carried_over_and_what_did_not_may():
    old, new = bridge_votes(1, n_comparisons=400)
    moved = bridge_report(old, new, kinds=KINDS, points={"clear": POINTS}, margin=0.2).to_json()
    row = next(row for row in moved["criteria"] if row["criterion"] == "clear")
    assert (row["verdict"], moved["may_carry_over"]) == (DO_NOT, False)
    assert "may not be carried over: " in moved["reading"]
    old, new = bridge_votes(2, shift=0.0, n_comparisons=400)
    still = bridge_report(old, new, kinds=KINDS, points={"clear": POINTS}, margin=0.4)
    assert still.to_json()["may_carry_over"] is True
    assert "Old votes may be carried over" in still.to_text()


def test_a_small_bridge_says_how_many_it_would_take():
    old, new = bridge_votes(3, shift=0.0, n_comparisons=30)
    document = bridge_report(old, new, kinds=KINDS, points={"clear": POINTS}, margin=0.2).to_json()
    row = next(row for row in document["criteria"] if row["criterion"] == "clear")
    assert (row["verdict"], document["may_carry_over"]) == (NOT_SHOWN, None)
    assert row["n_needed"] > 30
    old, new = bridge_votes(3, shift=0.0, n_comparisons=row["n_needed"] * 2)
    found = measure_shift(pair_values(code_both(old, new, kinds=KINDS), "clear", points=POINTS), margin=0.4)
    assert found.verdict == CARRY


def test_criteria_of_one_version_are_named_and_nothing_shared_is_said():
    old = votes([("x", "ann", 1.0, "gone"), ("x", "ann", 1.0)])
    new = votes([("x", "ann", 1.0, "fresh"), ("x", "ann", 1.0)])
    new["judgment_id"] += 10
    document = bridge_report(old, new, kinds=KINDS).to_json()
    assert (document["only_old"], document["only_new"]) == (["gone"], ["fresh"])
    assert document["may_carry_over"] is None
    nothing = bridge_report(old, new.assign(comparison_id="y"), kinds=KINDS).to_json()
    assert "No comparison was judged under both" in nothing["reading"]
    empty = bridge_report(old.iloc[:0], new.iloc[:0], kinds=KINDS)
    assert empty.to_json()["criteria"] == []


def test_the_same_rater_in_both_rounds_is_one_cluster_and_two_votes():
    old = votes([("x", "ann", 1.0, "clear"), ("y", "bob", 1.0, "clear")])
    found = paired(old, old)
    assert len(found.value) == 4
    assert len(set(found.rater)) == 2


def test_relabelling_raters_changes_nothing():
    old, new = bridge_votes(7, n_comparisons=40)
    one, other = (
        bridge_report(*frames, kinds=KINDS).to_json()["criteria"]
        for frames in ((old, new), tuple(f.assign(rater_id="z" + f["rater_id"]) for f in (old, new)))
    )
    assert pd.DataFrame(one).to_json() == pd.DataFrame(other).to_json()
    with pytest.raises(ValueError, match="above 0"):
        measure_shift(paired(old, new), margin=0)
