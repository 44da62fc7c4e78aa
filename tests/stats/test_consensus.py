"""Consensus: decisions, recovery of a planted truth, monotone fits."""

import numpy as np
import pytest

from app.stats.coding import CLASSES, code_votes
from app.stats.consensus import consensus_frame, majority, one_coin
from app.stats.gold import accepted_by_unit, accuracy_on_gold
from tests.stats.build import KINDS, random_votes, votes


def decisions(consensus):
    return np.array(CLASSES)[consensus.decision].tolist()


def test_an_even_split_is_a_tie():
    frame = votes([("x", 1, "first"), ("x", 2, "second"), ("y", 1, "second"), ("y", 2, "second"), ("y", 3, "both_bad")])
    result = majority(code_votes(frame, kinds=KINDS))
    assert decisions(result) == ["tie", "second"]
    assert result.n_votes.tolist() == [2, 3]
    np.testing.assert_allclose(result.posterior.sum(axis=1), 1)


def test_one_coin_hears_the_better_raters():
    # ann and bob agree on ten units where cy and di differ; on x the two good ones stand against two others
    rows = []
    for unit in range(30):
        truth = "first" if unit % 2 else "second"
        rows += [(f"u{unit}", "ann", truth), (f"u{unit}", "bob", truth), (f"u{unit}", "eve", truth)]
        rows.append((f"u{unit}", "cy", "first" if unit % 3 else "second"))
    rows += [("x", "ann", "first"), ("x", "cy", "second")]
    coded = code_votes(votes(rows), kinds=KINDS)
    fit = one_coin(coded)
    accuracy = dict(zip(coded.rater_ids, fit.rater_accuracy, strict=True))
    assert accuracy["ann"] > 0.9 > accuracy["cy"]
    assert decisions(fit)[-1] == "first"
    assert decisions(majority(coded))[-1] == "tie"


def test_the_log_posterior_never_falls_and_the_fit_converges():
    for seed in range(5):
        frame, _ = random_votes(seed, accuracy=0.6)
        fit = one_coin(code_votes(frame, kinds=KINDS))
        assert np.diff(fit.objective).min() > -1e-9
        assert fit.converged
        assert fit.n_iterations == len(fit.objective)


def test_one_coin_beats_majority_when_raters_differ():
    rng = np.random.default_rng(11)
    truth = rng.integers(0, 2, 400)
    ability = np.r_[np.full(5, 0.95), np.full(10, 0.55)]
    rows = [
        (f"c{unit:03d}", f"r{rater:02d}", ("first", "second")[truth[unit] ^ (rng.random() > ability[rater])])
        for unit in range(400)
        for rater in rng.choice(15, 5, replace=False)
    ]
    coded = code_votes(votes(rows), kinds=KINDS)
    right = [(fit.decision == truth).mean() for fit in (majority(coded), one_coin(coded))]
    assert right[1] > right[0] + 0.03


def test_swapping_sides_swaps_the_posterior():
    frame, _ = random_votes(3)
    swapped = frame.assign(
        outcome=frame["outcome"].replace({"first": "second", "second": "first"}), value=-frame["value"]
    )
    mine, other = (one_coin(code_votes(f, kinds=KINDS)) for f in (frame, swapped))
    np.testing.assert_allclose(mine.posterior[:, 0], other.posterior[:, 1], atol=1e-6)


def test_the_order_of_rows_does_not_matter():
    frame, _ = random_votes(4)
    shuffled = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    mine, other = (one_coin(code_votes(f, kinds=KINDS)) for f in (frame, shuffled))
    np.testing.assert_allclose(mine.posterior, other.posterior, atol=1e-8)


def test_no_votes_no_consensus():
    coded = code_votes(votes([("x", 1, "cannot_judge")]), kinds=KINDS)
    assert len(majority(coded).unit) == 0
    assert len(one_coin(coded).unit) == 0


def test_the_frame_names_units_and_adds_up():
    frame, _ = random_votes(5, units=20)
    coded = code_votes(frame, kinds=KINDS)
    table = consensus_frame(coded, one_coin(coded), frame)
    assert table["comparison_id"].tolist() == [f"c{unit:04d}" for unit in range(20)]
    np.testing.assert_allclose(table[[f"p_{name}" for name in CLASSES]].sum(axis=1), 1)
    np.testing.assert_allclose(table["soft_label"], table["p_first"] + (table["p_tie"] + table["p_both_bad"]) / 2)


def test_accuracy_on_gold_accepts_any_answer_of_the_key():
    import pandas as pd

    frame = votes([("x", 1, "first"), ("y", 1, "tie"), ("z", 1, "second")])
    keys = [("x", "first"), ("y", "first"), ("y", "tie"), ("z", "first"), ("elsewhere", "first")]
    gold = pd.DataFrame([(c, "a", "b", "overall", answer) for c, answer in keys])
    gold.columns = ["comparison_id", "first", "second", "criterion", "outcome"]
    coded = code_votes(frame, kinds=KINDS)
    accepted = accepted_by_unit(coded, frame, gold, criterion="overall")
    estimate = accuracy_on_gold(majority(coded), accepted)
    assert estimate.value == pytest.approx(2 / 3)
    assert estimate.n == 3
    assert accuracy_on_gold(majority(coded), None).undefined_reason == "no gold key"
