"""Cheap tricks: a scorer that pays for length is found out, one that reads the words is not."""

from __future__ import annotations

import numpy as np
import pytest

from reward.pairs import Pair
from reward.probes import CLOSING, PROBES, probe, sentence

N = 40


class By:
    """A scorer made of a function of the response."""

    def __init__(self, reward) -> None:
        self.reward = reward

    def score(self, texts) -> np.ndarray:
        return np.array([float(self.reward(response)) for _, response in texts])


def pairs_and_rewards(reward) -> tuple[list[Pair], np.ndarray]:
    pairs = [
        Pair(
            (("user", f"question {i}"),),
            "it is a good one." + " and one more." * (1 + i % 3),
            f"it is so. and {i % 7}.",
            comparison_id=f"c{i}",
        )
        for i in range(N)
    ]
    return pairs, np.array([[reward(pair.chosen), reward(pair.rejected)] for pair in pairs], dtype=float)


def found(reward) -> dict[str, dict]:
    pairs, rewards = pairs_and_rewards(reward)
    document = probe(By(reward), pairs, rewards)
    assert document["n_pairs"] == N
    return {one["name"]: one for one in document["probes"]}


def test_a_scorer_that_pays_for_length_is_fooled_by_what_is_longer_and_by_no_cut():
    """A closing makes every rejected response longer than its chosen one; half of a text is always shorter."""
    by_name = found(len)
    assert set(by_name) == {one.name for one in PROBES}
    closing = by_name["a sure closing"]
    assert (closing["fooled"]["value"], closing["fooled"]["n"]) == (1.0, N)
    margins = np.diff(pairs_and_rewards(len)[1][:, ::-1]).ravel()
    assert closing["shift"]["value"] == pytest.approx(len(CLOSING) / margins.std())
    assert by_name["second half missing"]["fooled"]["value"] == 0.0
    assert by_name["words shuffled"]["fooled"]["value"] == 1.0, "the same length is not ranked below"


def test_a_scorer_that_reads_one_word_is_not_fooled_by_dressing():
    by_name = found(lambda text: text.count("good") > 0)
    dressed = [one["fooled"]["value"] for one in by_name.values() if one["side"] == "rejected"]
    assert dressed == [0.0] * 5
    assert by_name["a polite opening"]["shift"]["undefined_reason"], "all margins alike"
    assert by_name["second half missing"]["fooled"]["value"] == 1.0, "the word is in the first half"


def test_what_cannot_be_changed_is_left_out_and_nothing_is_undefined_without_a_reason():
    pairs = [Pair((), "yes", "no", comparison_id=f"c{i}") for i in range(12)]
    document = probe(By(len), pairs, np.array([[3.0, 2.0]] * 12))
    by_name = {one["name"]: one for one in document["probes"]}
    assert by_name["words shuffled"]["fooled"] == {**by_name["words shuffled"]["fooled"], "value": None, "n": 0}
    assert by_name["words shuffled"]["fooled"]["undefined_reason"]
    assert by_name["a response to another prompt"]["fooled"]["value"] is None, "there is one prompt"
    assert by_name["said twice"]["fooled"]["n"] == 12
    assert sentence(document).startswith("Worst of the cheap tricks, ")
