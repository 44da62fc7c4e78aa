"""Shared prefixes: the same rewards and gradients as texts in rows of their own, and an honest refusal elsewhere."""

from __future__ import annotations

import pytest
import torch

from reward.models import load_base, load_tokenizer, resolve_base
from reward.prefix import (
    branch_mask,
    largest_difference,
    prefix_length,
    row_length,
    shared_length,
    shared_rows,
    sharing_obstacle,
)
from reward.trainer import PreferenceTrainer
from tests.reward.test_trainer import loss_and_gradient, make, sharing

PAIRS = [
    {"chosen_ids": [9, 8, 7, 6, 5, 4], "rejected_ids": [9, 8, 7, 3]},
    {"chosen_ids": [9, 1], "rejected_ids": [9, 1, 2, 3, 4, 5, 6]},
    {"chosen_ids": [11, 12, 13], "rejected_ids": [21, 22]},
    {"chosen_ids": [5, 6, 7], "rejected_ids": [5, 6, 7]},
]
LABELS = [{"soft_label": 0.8, "weight": 1.5}, {"soft_label": 1.0, "weight": 0.5}] * 2
RANKING = {
    "texts_ids": [[9, 8, 7, 1], [9, 8, 7, 2, 3], [9, 8, 4]],
    "first": [0, 0, 1],
    "second": [1, 2, 2],
    "soft_label": [1.0, 0.75, 0.5],
    "weight": [2 / 3, 2 / 3, 2 / 3],
}


def model_of(directory, pooling="model"):
    tokenizer = load_tokenizer(str(directory))
    return load_base(resolve_base(str(directory)), pooling=pooling, pad_token_id=tokenizer.pad_token_id, seed=0)


def as_pairs(ranking):
    values = zip(ranking["first"], ranking["second"], ranking["soft_label"], ranking["weight"], strict=True)
    texts = ranking["texts_ids"]
    return [{"chosen_ids": texts[i], "rejected_ids": texts[j], "soft_label": p, "weight": w} for i, j, p, w in values]


@pytest.mark.parametrize(
    ("first", "second", "n"),
    [([1, 2, 3], [1, 2, 4], 2), ([1, 2, 3], [1, 2, 3], 2), ([1], [1, 2], 0), ([1, 2], [3, 4], 0), ([1, 2], [1], 0)],
)
def test_the_last_token_is_never_shared(first, second, n):
    assert shared_length(first, second) == shared_length(second, first) == n
    assert row_length([first, second]) == len(first) + len(second) - n


def test_a_row_by_hand():
    batch = shared_rows([[[5, 6, 7], [5, 8]], [[1, 2], [3]]], pad_token_id=0)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8], [1, 2, 3, 0]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 1], [0, 1, 0, 0]]
    assert batch["segments"].tolist() == [[0, 1, 1, 2], [1, 1, 2, -1]]
    assert list(zip(batch["rows"].tolist(), batch["ends"].tolist(), strict=True)) == [(0, 2), (0, 3), (1, 1), (1, 2)]
    seen = branch_mask(batch["segments"])[0, 0].int().tolist()
    assert seen == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1]]  # the second branch sees the prefix alone
    assert prefix_length(RANKING["texts_ids"]) == 2


def test_where_the_end_token_pads_the_reward_is_read_where_the_model_reads_it(qwen_dir):
    """A tokenizer without padding token pads with its end token, and the model then reads before the end."""
    end, pad = 4, 4
    model = load_base(resolve_base(str(qwen_dir)), pooling="model", pad_token_id=pad, seed=0)
    texts = [[9, 8, 7, 6, end], [9, 8, end], [9, 8, 5, end], [9, 8, 3, 5, 6, end]]
    batch = shared_rows([texts], pad_token_id=pad)
    assert batch["input_ids"][0, batch["ends"]].tolist() == [6, 8, 5, 6], "the second has its last word in the prefix"
    assert largest_difference(model, texts, pad_token_id=pad) < 1e-5
    assert sharing_obstacle(model, texts, pad_token_id=pad) is None


@pytest.mark.parametrize("labelled", [False, True])
def test_rewards_and_gradients_are_those_of_separate_rows(qwen_dir, tmp_path, labelled):
    rows = [{**pair, **label} for pair, label in zip(PAIRS, LABELS, strict=True)] if labelled else PAIRS
    plain = make(PreferenceTrainer, qwen_dir, rows, tmp_path)
    shared = sharing(make(PreferenceTrainer, qwen_dir, rows, tmp_path))
    expected = plain.model(**plain.data_collator(PAIRS)).logits.flatten()
    batch = shared.data_collator(PAIRS)
    first, second = batch.pop("first"), batch.pop("second")
    found = shared.model(**batch).logits.flatten()
    assert torch.allclose(torch.cat([found[first], found[second]]), expected, atol=1e-5)
    loss, gradient = loss_and_gradient(plain, rows)
    shared_loss, shared_gradient = loss_and_gradient(shared, rows)
    assert shared_loss == pytest.approx(loss, abs=1e-6)
    assert (shared_gradient - gradient).abs().max() < 1e-4 * gradient.abs().max()


@pytest.mark.parametrize("architecture", ["bert", "qwen"])
@pytest.mark.parametrize("share", [False, True])
def test_a_ranking_is_its_implied_pairs_in_one_element(request, tmp_path, architecture, share):
    """Loss and gradient of a ranking of 3 are the sums over its 3 pairs, each response read once."""
    if share and architecture == "bert":
        pytest.skip("an encoder cannot share prefixes")
    directory = request.getfixturevalue(f"{architecture}_dir")
    pairs = make(PreferenceTrainer, directory, as_pairs(RANKING), tmp_path)
    one = make(PreferenceTrainer, directory, [RANKING], tmp_path)
    if share:
        sharing(one)
    mean, mean_gradient = loss_and_gradient(pairs, as_pairs(RANKING))
    found, gradient = loss_and_gradient(one, [RANKING])
    assert found == pytest.approx(3 * mean, abs=1e-6)
    assert torch.allclose(gradient, 3 * mean_gradient, atol=1e-5)
    n_texts = 1 if share else 3
    assert one.data_collator([RANKING])["input_ids"].shape[0] == n_texts


def test_training_on_shared_rows_follows_the_same_path(qwen_dir, tmp_path):
    rows = [{**PAIRS[i % 3], "soft_label": 1.0, "weight": 1.0, "length": 6 + i % 3} for i in range(12)]
    weights = []
    for share in (False, True):
        options = {"max_steps": 6, "learning_rate": 1e-3, "per_device_train_batch_size": 3}
        trainer = make(PreferenceTrainer, qwen_dir, [{**row, "length": 5} for row in rows], tmp_path, **options)
        if share:
            sharing(trainer)
            trainer._lengths = [5] * len(rows)  # the same order in both arms
        trainer.train()
        weights.append(torch.cat([p.detach().flatten() for p in trainer.model.parameters()]))
    assert (weights[0] - weights[1]).abs().max() < 1e-4


def test_obstacles_are_named(bert_dir, qwen_dir):
    texts = [[9, 8, 7, 6], [9, 8, 5]]
    assert sharing_obstacle(model_of(qwen_dir), texts, pad_token_id=0) is None
    assert "no causal body" in sharing_obstacle(model_of(bert_dir), texts, pad_token_id=0)
    assert "not causal" in sharing_obstacle(model_of(bert_dir, "mean"), texts, pad_token_id=0)
    assert "not causal" in sharing_obstacle(model_of(qwen_dir, "mean"), texts, pad_token_id=0)
    model = model_of(qwen_dir)
    model.config._attn_implementation = "flash_attention_2"
    assert "no 4-D mask" in sharing_obstacle(model, texts, pad_token_id=0)
    model = model_of(qwen_dir)
    model.config.sliding_window, model.config.use_sliding_window = 8, True
    assert "sliding window of 8" in sharing_obstacle(model, texts, pad_token_id=0)
