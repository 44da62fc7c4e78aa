"""Keys by what strong raters answer, levels by performance, flags from several signs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stats.flags import FAST, conduct_flags
from app.stats.gold_items import check_items
from app.stats.levels import level_of


def panel(n_raters: int = 6, n_items: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Raters who are right everywhere."""
    rater, item = (part.ravel() for part in np.meshgrid(np.arange(n_raters), np.arange(n_items), indexing="ij"))
    return rater, item, np.ones(len(rater), bool)


def test_a_key_that_all_strong_raters_contradict_is_suspect_and_no_other():
    rater, item, right = panel()
    right[item == 3] = False
    found = {one.item: one for one in check_items(rater, item, right)}
    assert [code for code, one in found.items() if one.is_suspect] == [3]
    assert (found[3].n, found[3].n_right, found[3].n_strong, found[3].n_strong_wrong) == (6, 0, 6, 6)
    assert found[3].p_value == pytest.approx(0.25**6)


def test_three_strong_raters_are_too_few_and_weak_ones_do_not_count():
    rater, item, right = panel(n_raters=3)
    right[item == 3] = False
    assert not any(one.is_suspect for one in check_items(rater, item, right))
    rater, item, right = panel()
    right[(item == 3) | (item % 2 == 0)] = False
    assert all(one.n_strong == 0 for one in check_items(rater, item, right))


def test_discrimination_is_negative_where_only_the_weak_are_right():
    rater, item, right = panel(n_raters=8, n_items=30)
    rng = np.random.default_rng(0)
    right[(rater < 4)] = rng.random((rater < 4).sum()) < 0.5
    right[item == 0] = (rater < 4)[item == 0]
    right[item == 1] = (rater >= 4)[item == 1]
    found = {one.item: one for one in check_items(rater, item, right)}
    assert found[0].discrimination < -0.9
    assert found[1].discrimination > 0.9
    assert found[2].discrimination is None or -1 <= found[2].discrimination <= 1


def test_levels_rise_with_evidence_and_fall_only_against_it():
    assert level_of(np.ones(9, bool))[0] == 0
    assert level_of(np.ones(12, bool))[0] == 1
    assert level_of(np.ones(25, bool))[0] == 2
    assert level_of(np.ones(60, bool))[0] == 3
    good_enough = np.array([True] * 8 + [False] * 2).repeat(4)
    assert level_of(good_enough, held=2)[0] == 2
    assert level_of(np.zeros(30, bool), held=3)[0] == 0
    assert level_of(np.zeros(0, bool), held=2)[0] == 2


@given(st.lists(st.booleans(), max_size=120), st.integers(0, 3))
def test_a_right_answer_never_lowers_a_level(right, held):
    before, _ = level_of(np.array(right, bool), held=held)
    after, _ = level_of(np.array([*right, True], bool), held=before)
    assert after >= before


def card(**changes) -> dict:
    """A card without signs."""
    share = {"value": 0.8, "low": 0.7, "high": 0.9}
    plain = {
        "pace": {"n": 50, "n_below_floor": 0},
        "side_runs": {"p_value": 0.5},
        "first_shown_wins": {"value": 0.5, "low": 0.4, "high": 0.6},
        "duplicate_justifications": {"value": 0.0, "low": 0.0, "high": 0.05},
        "agreement_with_others": share,
        "gold_accuracy": share,
    }
    return plain | changes


def test_speed_alone_is_never_a_flag_and_speed_with_low_agreement_is():
    fast = {"n": 50, "n_below_floor": 40}
    low = {"value": 0.5, "low": 0.4, "high": 0.6}
    others = [card(), card(), card()]
    assert conduct_flags(card(pace=fast), others) == ()
    assert conduct_flags(card(agreement_with_others=low), others) == ()
    assert conduct_flags(card(pace=fast, agreement_with_others=low), others)[0] == FAST
    copied = {"value": 0.9, "low": 0.8, "high": 0.95}
    runs = {"p_value": 1e-6}
    assert len(conduct_flags(card(duplicate_justifications=copied, side_runs=runs), others)) == 2


def test_measures_that_are_undefined_raise_no_flag():
    none = {"value": None, "low": None, "high": None}
    empty = card(
        pace={"n": 0, "n_below_floor": 0}, side_runs={"p_value": None}, first_shown_wins=none,
        duplicate_justifications=none, agreement_with_others=none, gold_accuracy=none,
    )  # fmt: skip
    assert conduct_flags(empty, [empty]) == ()
