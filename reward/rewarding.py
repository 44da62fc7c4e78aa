"""A trained reward model in the hands of others: TRL's GRPO, and best-of-n.

    from pathlib import Path
    from reward.rewarding import RewardFunction, best_of

    reward = RewardFunction(Path("models/main-3"))
    trainer = GRPOTrainer(model="Qwen/Qwen3-0.6B", reward_funcs=reward, ...)      # TRL calls it with each batch
    answer = best_of(reward, "Explain a steelyard.", candidates)                  # the best of n candidates

Prompts and completions may be texts or lists of messages, as TRL hands them over; they are rendered as in training,
whatever the policy's own tokenizer and template are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reward.pairs import messages_of, response_of
from reward.scorer import Scorer


class RewardFunction:
    """A reward model as one of TRL's `reward_funcs`.

    Args:
        directory: a finished model.
        device: such as 'cuda'; the accelerator if there is one when None.

    Raises:
        RewardError: the directory is not a finished model.
    """

    def __init__(self, directory: Path, *, device: str | None = None) -> None:
        self.scorer = Scorer(directory, device=device)
        self.__name__ = f"reward_model_{self.scorer.run.run_id}"  # TRL logs the mean reward under this name

    def __call__(self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float]:
        """Rewards of completions, one a completion; further columns of the data set are not used."""
        texts = [
            (messages_of(prompt, place=f"prompt {i}"), response_of(completion, place=f"completion {i}"))
            for i, (prompt, completion) in enumerate(zip(prompts, completions, strict=True))
        ]
        return [float(reward) for reward in self.scorer.score(texts)]


def best_of(reward: RewardFunction, prompt: Any, candidates: Sequence[Any]) -> Any:
    """The candidate with the highest reward; the first of equals.

    Raises:
        ValueError: there are no candidates.
    """
    if not candidates:
        raise ValueError("best_of: there are no candidates.")
    rewards = reward([prompt] * len(candidates), candidates)
    return candidates[max(range(len(candidates)), key=rewards.__getitem__)]
