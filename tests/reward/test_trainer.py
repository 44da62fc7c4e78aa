"""The trainer: TRL's loss where labels are hard, the soft-label loss elsewhere, batches of like length."""

from __future__ import annotations

import math

import pytest
import torch
from datasets import Dataset
from trl import RewardConfig, RewardTrainer

from reward.models import load_base, load_tokenizer, resolve_base
from reward.prefix import enable_sharing
from reward.trainer import LengthGroupedSampler, PreferenceCollator, PreferenceTrainer

EXAMPLES = [
    {"chosen_ids": [2, 7, 8, 3, 9, 3], "rejected_ids": [2, 7, 8, 3, 3], "margin": 0.3},
    {"chosen_ids": [2, 7, 3, 11, 3], "rejected_ids": [2, 7, 3, 12, 13, 14, 3], "margin": 0.0},
    {"chosen_ids": [2, 9, 3, 10, 3], "rejected_ids": [2, 9, 3, 15, 3], "margin": 1.1},
]


def make(cls, directory, rows, out, **config):
    """A trainer of either class over the same weights."""
    tokenizer = load_tokenizer(str(directory))
    model = load_base(resolve_base(str(directory)), pooling="model", pad_token_id=tokenizer.pad_token_id, seed=0)
    arguments = RewardConfig(
        output_dir=str(out),
        use_cpu=True,
        bf16=False,
        max_length=None,
        report_to="none",
        disable_tqdm=True,
        save_strategy="no",
        dataloader_pin_memory=False,
        **{"gradient_checkpointing": False, **config},
    )
    collator = PreferenceCollator(tokenizer.pad_token_id)
    return cls(
        model=model,
        args=arguments,
        data_collator=collator,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )


def sharing(trainer):
    """The trainer, with prefixes computed once."""
    enable_sharing(trainer.model)
    trainer.data_collator = PreferenceCollator(trainer.processing_class.pad_token_id, share_prefixes=True)
    return trainer


def loss_and_gradient(trainer, rows):
    trainer.model.zero_grad()
    loss = trainer.compute_loss(trainer.model, trainer.data_collator(rows))
    loss.backward()
    gradient = torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None])
    return loss.item(), gradient


@pytest.mark.parametrize("architecture", ["bert", "qwen"])
@pytest.mark.parametrize("with_margin", [False, True])
@pytest.mark.parametrize("centring", [None, 0.01])
def test_hard_labels_and_weight_one_give_trls_loss(request, tmp_path, architecture, with_margin, centring):
    directory = request.getfixturevalue(f"{architecture}_dir")
    rows = EXAMPLES if with_margin else [{k: v for k, v in row.items() if k != "margin"} for row in EXAMPLES]
    theirs = make(RewardTrainer, directory, rows, tmp_path, center_rewards_coefficient=centring)
    ours = make(PreferenceTrainer, directory, rows, tmp_path, center_rewards_coefficient=centring)
    expected, expected_gradient = loss_and_gradient(theirs, rows)
    for labelled in (rows, [{**row, "soft_label": 1.0, "weight": 1.0} for row in rows]):
        found, gradient = loss_and_gradient(ours, labelled)
        assert found == pytest.approx(expected, abs=1e-6)
        assert torch.allclose(gradient, expected_gradient, atol=1e-6)


def test_the_soft_loss_by_hand(bert_dir, tmp_path):
    trainer = make(PreferenceTrainer, bert_dir, EXAMPLES, tmp_path)
    logits = torch.tensor([[2.0], [0.0], [1.0], [1.0]])  # chosen 2, 0; rejected 1, 1: differences 1 and -1
    s = 1 / (1 + math.exp(-1))
    first = -(0.75 * math.log(s) + 0.25 * math.log(1 - s))
    second = -math.log(1 - s)
    loss = trainer._soft_loss(logits, torch.tensor([0.75, 1.0]), torch.tensor([1.5, 0.5]), None)
    assert loss.item() == pytest.approx((1.5 * first + 0.5 * second) / 2, abs=1e-6)


@pytest.mark.parametrize("p", [0.5, 0.75])
def test_training_reaches_the_soft_label_and_ignores_weight_zero(bert_dir, tmp_path, p):
    """The best margin is logit(p): 0 for a tie, log 3 for .75; a pair of weight 0 pulls nowhere."""
    row = {k: v for k, v in EXAMPLES[0].items() if k != "margin"}
    against = {"chosen_ids": row["rejected_ids"], "rejected_ids": row["chosen_ids"]}
    rows = [{**row, "soft_label": p, "weight": 2.0}, {**against, "soft_label": 1.0, "weight": 0.0}]
    trainer = make(
        PreferenceTrainer, bert_dir, rows, tmp_path, max_steps=60, learning_rate=3e-3, per_device_train_batch_size=2
    )
    trainer.train()
    batch = trainer.data_collator([rows[0]])
    with torch.no_grad():
        chosen, rejected = trainer.model(batch["input_ids"], batch["attention_mask"]).logits.flatten().tolist()
    assert chosen - rejected == pytest.approx(math.log(p / (1 - p)), abs=0.05)


ROWS = [
    {"chosen_ids": [2, 7, *range(20, 21 + i)], "rejected_ids": [2, 7, 9], "soft_label": 0.9, "weight": 1.0}
    for i in range(12)
]


def weights_after(directory, rows, out, *, share=False, **config):
    """All weights after three optimiser steps."""
    trainer = make(PreferenceTrainer, directory, rows, out, max_steps=3, learning_rate=1e-3, **config)
    (sharing(trainer) if share else trainer).train()
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


def test_accumulated_gradients_are_those_of_the_larger_batch(qwen_dir, tmp_path):
    whole = weights_after(qwen_dir, ROWS, tmp_path, per_device_train_batch_size=4)
    parts = weights_after(qwen_dir, ROWS, tmp_path, per_device_train_batch_size=2, gradient_accumulation_steps=2)
    assert (whole - parts).abs().max() < 1e-6


@pytest.mark.parametrize(("architecture", "share"), [("bert", False), ("qwen", True)])
def test_recomputed_activations_change_nothing(request, tmp_path, architecture, share):
    directory = request.getfixturevalue(f"{architecture}_dir")
    options = {"per_device_train_batch_size": 4, "share": share}
    kept, recomputed = (
        weights_after(directory, ROWS, tmp_path, gradient_checkpointing=again, **options) for again in (False, True)
    )
    assert (kept - recomputed).abs().max() < 1e-6


def test_every_epoch_has_batches_of_its_own(bert_dir, tmp_path):
    """The loop tells the sampler of each new epoch; otherwise the same few pairs would meet every time."""
    rows = [{**row, "length": len(row["chosen_ids"])} for row in ROWS]
    seen = []

    class Noting(PreferenceCollator):
        def torch_call(self, examples):
            seen.append(frozenset(len(example["chosen_ids"]) for example in examples))
            return super().torch_call(examples)

    trainer = make(PreferenceTrainer, bert_dir, rows, tmp_path, num_train_epochs=2, per_device_train_batch_size=3)
    trainer.data_collator = Noting(0)
    trainer.train()
    first, second = seen[:4], seen[4:]
    assert frozenset.union(*first) == frozenset.union(*second)
    assert set(first) != set(second)


def test_labels_and_weights_reach_the_loss_through_the_loader(bert_dir, tmp_path):
    rows = [{**row, "soft_label": 0.6, "weight": 1.0, "length": 7} for row in EXAMPLES]
    trainer = make(PreferenceTrainer, bert_dir, rows, tmp_path, per_device_train_batch_size=3)
    [batch] = list(trainer.get_train_dataloader())
    assert set(batch) == {"input_ids", "attention_mask", "soft_label", "weight", "margin"}
    sampler = trainer._get_train_sampler()
    assert isinstance(sampler, LengthGroupedSampler)
    assert sampler.batch_size == 3


def test_no_request_leaves_the_host(bert_dir, tmp_path, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr("trl.trainer.base_trainer.send_telemetry", lambda *_, **__: pytest.fail("telemetry was sent"))
    make(PreferenceTrainer, bert_dir, EXAMPLES, tmp_path)


@pytest.mark.parametrize("n", [1, 7, 8, 50, 1000])
def test_the_sampler_visits_each_example_once_in_full_batches(n):
    sampler = LengthGroupedSampler([i % 37 + 1 for i in range(n)], batch_size=8, seed=3)
    assert sorted(sampler) == list(range(n))
    assert len(sampler) == n


def padded(lengths, order, batch_size):
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    return sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)


@pytest.mark.parametrize("n", [40, 400])
def test_the_sampler_saves_padding_on_small_sets(n):
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(10, 250, (n,), generator=generator).tolist()
    random_order = torch.randperm(n, generator=generator).tolist()
    grouped = padded(lengths, list(LengthGroupedSampler(lengths, batch_size=8, seed=0)), 8)
    assert grouped < 0.75 * padded(lengths, random_order, 8)
    assert grouped < 1.25 * sum(lengths)


def test_order_depends_on_seed_and_epoch_alone():
    lengths = [i % 11 for i in range(64)]
    first, second = (LengthGroupedSampler(lengths, batch_size=8, seed=1) for _ in range(2))
    assert list(first) == list(second)
    second.set_epoch(1)
    assert list(first) != list(second)
    batches = [{frozenset(order[i : i + 8]) for i in range(0, 64, 8)} for order in (list(first), list(second))]
    assert len(batches[0] & batches[1]) < 4  # other batches, not the same ones in another order
    assert list(first) != list(LengthGroupedSampler(lengths, batch_size=8, seed=2))
