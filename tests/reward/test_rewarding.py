"""A reward model as a reward function: for TRL's GRPO on a tiny policy, and for best-of-n."""

from __future__ import annotations

import pytest
from datasets import Dataset

from reward.rewarding import RewardFunction, best_of
from reward.train import train


@pytest.fixture(scope="module")
def reward(snapshot_dir, bert_dir, tmp_path_factory) -> RewardFunction:
    """A model that has learned that clear beats vague."""
    output = tmp_path_factory.mktemp("rewarding") / "model"
    options = {"epochs": 6, "batch_size": 8, "learning_rate": 2e-3, "precision": "fp32", "progress": False}
    train(snapshot_dir, output_dir=output, base=str(bert_dir), frozen_baseline_pairs=0, **options)
    return RewardFunction(output, device="cpu")


def test_texts_and_messages_get_the_same_reward(reward):
    as_text = reward(["question 1"], ["the answer is clear"], extra=["ignored"])
    as_messages = reward(
        [[{"role": "user", "content": "question 1"}]], [[{"role": "assistant", "content": "the answer is clear"}]]
    )
    assert as_text == as_messages
    assert isinstance(as_text[0], float)
    assert reward.__name__.startswith("reward_model_")


def test_the_best_of_n(reward):
    candidates = ["the answer 1 is vague", "the answer 1 is clear", "the answer 1 is rude"]
    assert best_of(reward, "question 1", candidates) == "the answer 1 is clear"
    with pytest.raises(ValueError, match="no candidates"):
        best_of(reward, "question 1", [])


def test_grpo_trains_a_tiny_policy_on_it(reward, qwen_dir, tmp_path):
    """TRL calls the model with its own prompts and completions, and logs the mean reward under the model's name."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    config = GRPOConfig(
        output_dir=str(tmp_path),
        max_steps=2,
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=8,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        disable_tqdm=True,
        logging_steps=1,
        save_strategy="no",
        learning_rate=1e-3,
        model_init_kwargs=None,
    )
    policy = AutoModelForCausalLM.from_pretrained(qwen_dir)
    before = [p.detach().clone() for p in policy.parameters()]
    trainer = GRPOTrainer(
        model=policy,
        args=config,
        reward_funcs=reward,
        train_dataset=Dataset.from_list([{"prompt": f"question {i}"} for i in range(4)]),
        processing_class=AutoTokenizer.from_pretrained(qwen_dir),
    )
    trainer.train()
    logged = [entry for entry in trainer.state.log_history if f"rewards/{reward.__name__}/mean" in entry]
    assert len(logged) == 2
    assert any((a != b).any() for a, b in zip(before, policy.parameters(), strict=True))
