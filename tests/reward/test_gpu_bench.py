"""The measurement for GPUs, run to its end on a tiny model on the processor: what it counts, by hand."""

from __future__ import annotations

import pytest

from tests.bench._gpu import QWEN3_06B, operations_per_token, token_counts, training_lines
from tests.reward.test_prefix import model_of

TINY = {**QWEN3_06B, "vocab_size": 4096, "hidden_size": 32, "num_hidden_layers": 1, "intermediate_size": 64}
TINY |= {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16}


def test_both_arms_are_measured_and_credited_with_the_same_tokens():
    stock, ours = training_lines(TINY, "tiny", device="NVIDIA H200", limit=64, n_pairs=8, n_epochs=3)
    assert (stock["n"], ours["n"], stock["unit"]) == (2, 2, "tokens per second")
    assert 0 < stock["mfu"] < 1
    assert ours["ratio_low"] <= ours["ratio"] <= ours["ratio_high"]
    [unknown, _] = training_lines(TINY, "tiny", device="some processor", limit=64, n_pairs=8, n_epochs=3)
    assert unknown["mfu"] is None


def test_what_a_token_costs(qwen_dir):
    """Two layers of 2 heads of 16: 6 L A T = 6 * 2 * 32 * 10 = 3,840 beside 6 times what is no embedding."""
    model = model_of(qwen_dir)
    n = sum(p.numel() for name, p in model.named_parameters() if "embed_tokens" not in name)
    assert operations_per_token(model, mean_length=10) == pytest.approx(6 * n + 3840)
    pairs = [{"chosen_ids": [5, 6, 7], "rejected_ids": [5, 6, 8, 9]}]
    assert token_counts(pairs) == (7, 5)  # the prefix 5 6 once
