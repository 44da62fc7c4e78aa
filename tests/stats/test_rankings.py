"""Kendall's coefficients and the human ceiling."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from app.stats.ceiling import human_ceiling
from app.stats.coding import N_CLASSES, code_votes
from app.stats.patterns import count_patterns
from app.stats.rankings import ranking_agreement
from app.stats.readers import votes_from_native
from tests.stats.build import KINDS, random_votes, votes


def ranked(rankings):
    """Vote frame of one comparison of four, ranked by several raters; `rankings` are ranks of a, b, c, d."""
    lines = []
    for number, comparison in enumerate(rankings):
        judgments = []
        for rater, ranks in enumerate(comparison):
            groups = [[i for i, r in zip("abcd", ranks, strict=True) if r == rank] for rank in sorted(set(ranks))]
            judgments.append({"rater": f"r{rater}", "ranking": groups})
        completions = [{"id": i, "text": i} for i in "abcd"]
        lines.append({"id": f"c{number}", "completions": completions, "judgments": judgments})
    return votes_from_native(lines)


def agreement(rankings):
    frame = ranked(rankings)
    return ranking_agreement(code_votes(frame, kinds=KINDS), frame)


def test_tau_b_equals_scipy_with_ties():
    rng = np.random.default_rng(1)
    rankings = [[rng.integers(1, 4, 4).tolist() for _ in range(3)] for _ in range(30)]
    expected = [
        stats.kendalltau(one, other).statistic
        for comparison in rankings
        for one, other in combinations(comparison, 2)
        if len(set(one)) > 1 and len(set(other)) > 1
    ]
    estimate = agreement(rankings).kendall_tau_b
    assert estimate.value == pytest.approx(np.mean(expected))
    assert estimate.n == len(expected)
    assert estimate.low < estimate.value < estimate.high


def test_w_by_its_definition_with_ties():
    # Kendall: W = 12 S / (m²(k³ - k) - m sum T), S the squared deviations of the rank sums, T = sum (t³ - t)
    ranks = np.array([stats.rankdata(r) for r in ([1, 2, 2, 3], [1, 1, 2, 3], [2, 1, 3, 4])])
    s = ((ranks.sum(axis=0) - ranks.sum(axis=0).mean()) ** 2).sum()
    correction = sum((n**3 - n) for row in ranks for n in np.unique(row, return_counts=True)[1])
    expected = 12 * s / (9 * 60 - 3 * correction)
    assert agreement([ranks.tolist()]).kendall_w.value == pytest.approx(expected)


def test_equal_rankings_agree_perfectly_and_opposite_ones_not_at_all():
    equal = agreement([[[1, 2, 3, 4]] * 3] * 5)
    assert equal.kendall_w.value == pytest.approx(1)
    assert equal.kendall_tau_b.value == pytest.approx(1)
    opposite = agreement([[[1, 2, 3, 4], [4, 3, 2, 1]]] * 5)
    assert opposite.kendall_w.value == pytest.approx(0)
    assert opposite.kendall_tau_b.value == pytest.approx(-1)


def test_pairs_and_lone_rankings_are_undefined():
    frame = votes([("x", "ann", "first"), ("x", "bob", "first")])
    assert ranking_agreement(code_votes(frame, kinds=KINDS), frame).kendall_w.value is None
    alone = agreement([[[1, 2, 3, 4]]] * 3)
    assert "ranked by two raters" in alone.kendall_tau_b.undefined_reason
    assert agreement([[[1, 1, 1, 1], [1, 2, 3, 4]]]).kendall_w.value is None


def ceiling(frame):
    coded = code_votes(frame, kinds=KINDS)
    return human_ceiling(count_patterns(coded.unit, coded.outcome, N_CLASSES))


def test_the_ceiling_by_hand():
    # x: ann and bob first, cy second. Rest of ann: (first, second) split. Of bob: split. Of cy: first twice -> miss.
    # y: three first: three hits. z: ann first, bob tie: each has one other, both miss.
    frame = votes(
        [("x", "ann", "first"), ("x", "bob", "first"), ("x", "cy", "second")]
        + [("y", name, "first") for name in ("ann", "bob", "cy")]
        + [("z", "ann", "first"), ("z", "bob", "tie")]
    )
    result = ceiling(frame)
    assert result.agreement.n == 6
    assert result.agreement.value == pytest.approx(3 / 6)
    # decided only: x gives cy against two (ann and bob are split by the other two), y three hits,
    # z: bob's rest is ann, but bob is no decided vote; ann's rest has no decided vote
    assert (result.strict.n, result.strict.value) == (4, pytest.approx(3 / 4))


def test_the_ceiling_equals_a_loop_over_votes():
    frame, _ = random_votes(3, units=80, per_unit=4)
    hits = n = 0
    for _, unit in frame.groupby("comparison_id"):
        for row in range(len(unit)):
            rest = unit["outcome"].drop(unit.index[row]).value_counts()
            if (rest == rest.max()).sum() == 1:
                n += 1
                hits += rest.idxmax() == unit["outcome"].iloc[row]
    result = ceiling(frame)
    assert result.agreement.n == n
    assert result.agreement.value == pytest.approx(hits / n)
    assert result.kappa.value < result.agreement.value


def test_no_overlap_has_no_ceiling():
    result = ceiling(votes([("x", "ann", "first"), ("y", "bob", "tie")]))
    assert result.agreement.value is None
    assert result.strict.undefined_reason
