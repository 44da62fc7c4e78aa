"""Counts: patched ones equal fresh ones."""

import numpy as np
import pytest

from app.stats.agreement import krippendorff_alpha
from app.stats.coding import code_votes
from app.stats.counts import criterion_counts, patch_counts
from app.stats.patterns import count_patterns, patterns_of_table
from app.stats.readers import votes_from_native
from app.stats.report_agreement import criterion_document
from tests.stats.build import KINDS, random_votes
from tests.stats.test_reports import kway_lines


def counts_of(frame):
    return criterion_counts(code_votes(frame, kinds=KINDS))


def assert_same(one, other):
    for name in ("nominal", "ordered"):
        mine, theirs = getattr(one, name), getattr(other, name)
        order = [np.lexsort(part.rows.T) for part in (mine, theirs)]
        np.testing.assert_array_equal(mine.rows[order[0]], theirs.rows[order[1]])
        np.testing.assert_array_equal(mine.n_units[order[0]], theirs.n_units[order[1]])
        assert mine.n_clusters == theirs.n_clusters
    np.testing.assert_array_equal(one.values, other.values)


def test_new_votes_and_new_values_are_patched_in():
    frame, _ = random_votes(1, units=120)
    frame.loc[frame["comparison_id"] == "c0110", "value"] *= 0.5
    old = frame.drop(frame.index[300:])
    changed = set(frame["comparison_id"].iloc[300:])
    before, after = (part[part["comparison_id"].isin(changed)] for part in (old, frame))
    patched = patch_counts(counts_of(old), counts_of(before), counts_of(after))
    assert_same(patched, counts_of(frame))
    assert criterion_document(patched, n_bootstrap=50)["krippendorff_alpha"]["value"] == pytest.approx(
        criterion_document(counts_of(frame), n_bootstrap=50)["krippendorff_alpha"]["value"]
    )


def test_rankings_keep_their_pairs_together():
    frame = votes_from_native(kway_lines(60))
    cut = frame["comparison_id"].isin([f"c{k:03d}" for k in range(50, 60)]) & (frame["judgment_id"] % 2 == 0)
    old = frame[~cut]
    changed = set(frame.loc[cut, "comparison_id"])
    before, after = (part[part["comparison_id"].isin(changed)] for part in (old, frame))
    patched = patch_counts(counts_of(old), counts_of(before), counts_of(after))
    fresh = counts_of(frame)
    assert_same(patched, fresh)
    assert patched.nominal.n_clusters == 60
    sums = [(p.cluster_counts @ p.cluster_patterns).sum() for p in (patched.nominal, fresh.nominal)]
    assert sums[0] == sums[1]


def test_taking_away_what_is_not_there_is_refused():
    frame, _ = random_votes(2, units=10)
    other, _ = random_votes(3, units=30)
    with pytest.raises(ValueError, match="do not"):
        patch_counts(counts_of(frame), counts_of(other), counts_of(frame))


def test_a_ready_table_gives_the_same_patterns():
    rng = np.random.default_rng(4)
    unit, label = rng.integers(0, 300, 1000), rng.integers(0, 4, 1000)
    table = np.zeros((301, 4), int)
    np.add.at(table, (unit, label), 1)
    ready, counted = patterns_of_table(table), count_patterns(unit, label, 4)
    assert ready.n_units.sum() == counted.n_units.sum()
    alphas = [krippendorff_alpha(patterns).estimate.value for patterns in (ready, counted)]
    assert alphas[0] == pytest.approx(alphas[1])
