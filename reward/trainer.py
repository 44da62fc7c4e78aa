"""TRL's `RewardTrainer` with what raters really said: soft labels and weights, and batches of like length.

Bradley and Terry (1952) with a probability for a label: for a pair with rewards r_c and r_r, margin m, soft label p and
weight w (mean 1 over the training set), `d = r_c - r_r - m`,

    loss = mean over the batch of  w * -( p * log sigmoid(d) + (1 - p) * log sigmoid(-d) )

plus TRL's centring term `c * mean((r_c + r_r)^2)` where `center_rewards_coefficient` is set. With p = 1 and w = 1 it is
TRL's loss. Nothing here leaves the host: TRL's telemetry and its model card are switched off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import logsigmoid
from torch.utils.data import Sampler
from trl import RewardTrainer
from trl.trainer.reward_trainer import DataCollatorForPreference

MEGA_BATCHES = 50
LENGTH_JITTER = 0.1


@dataclass
class PreferenceCollator(DataCollatorForPreference):
    """TRL's collator that also passes `soft_label` and `weight` on, as float tensors of shape (pairs,).

    Example:
        >>> PreferenceCollator(pad_token_id=0)([
        ...     {"chosen_ids": [1, 2], "rejected_ids": [3], "soft_label": 0.8, "weight": 1.0}])
        {'input_ids': tensor([[1, 2], [3, 0]]), 'attention_mask': tensor([[1, 1], [1, 0]]),
         'soft_label': tensor([0.8000]), 'weight': tensor([1.])}
    """

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """Pad one batch: chosen rows first, then rejected rows."""
        batch = super().torch_call(examples)
        for key in ("soft_label", "weight"):
            if key in examples[0]:
                batch[key] = torch.tensor([example[key] for example in examples], dtype=torch.float)
        return batch


class LengthGroupedSampler(Sampler[int]):
    """Indices such that consecutive batches hold texts of like length, different in every epoch.

    The set is shuffled, cut into mega-batches of up to 50 batches, each sorted by length with 10 % of noise (so that
    small sets do not see the same batches in every epoch) and cut into batches, whose order is then shuffled. It groups
    however small the set is. The incomplete batch comes last. Order is a function of seed and epoch alone, so that a
    resumed run sees the batches it would have seen.

    Args:
        lengths: length of each example, in tokens.
        batch_size: examples per optimiser batch, over all processes.
        seed: of the order.
    """

    def __init__(self, lengths: Sequence[int], *, batch_size: int, seed: int) -> None:
        self.lengths = torch.as_tensor(lengths, dtype=torch.float)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order the next iteration gives."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
        order = torch.randperm(len(self.lengths), generator=generator)
        noise = 1 + LENGTH_JITTER * (2 * torch.rand(len(order), generator=generator) - 1)
        noisy = self.lengths * noise
        batches = [batch for mega in order.split(self.batch_size * MEGA_BATCHES) for batch in self._cut(mega, noisy)]
        full = [batch for batch in batches if len(batch) == self.batch_size]
        short = [batch for batch in batches if len(batch) < self.batch_size]
        shuffled = [full[i] for i in torch.randperm(len(full), generator=generator).tolist()]
        for batch in [*shuffled, *short]:
            yield from batch.tolist()

    def _cut(self, mega: torch.Tensor, lengths: torch.Tensor) -> Sequence[torch.Tensor]:
        return mega[torch.argsort(lengths[mega], descending=True, stable=True)].split(self.batch_size)


class PreferenceTrainer(RewardTrainer):
    """TRL's `RewardTrainer` with soft labels, weights and length grouping.

    The training set needs `chosen_ids` and `rejected_ids`; `soft_label`, `weight` and `margin` are used where present,
    `length` groups the batches where present. Without `soft_label` it is TRL's trainer.
    """

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the card that names the snapshot is written when the run is complete."""

    def _send_telemetry(self) -> None:
        """Nothing: no request leaves the host."""

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        self._signature_columns = list(dict.fromkeys([*self._signature_columns, "soft_label", "weight"]))

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        if "length" not in self.train_dataset.column_names:
            return super()._get_train_sampler(train_dataset)
        batch_size = self._train_batch_size * self.args.world_size
        return LengthGroupedSampler(self.train_dataset["length"], batch_size=batch_size, seed=self.args.seed)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The soft-label loss of one batch; TRL's own pass still fills its metrics."""
        labels, weights = inputs.pop("soft_label", None), inputs.pop("weight", None)
        loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
        if labels is not None or weights is not None:
            loss = self._soft_loss(outputs.logits, labels, weights, inputs.get("margin"))
        return (loss, outputs) if return_outputs else loss

    def _soft_loss(
        self,
        logits: torch.Tensor,
        labels: torch.Tensor | None,
        weights: torch.Tensor | None,
        margin: torch.Tensor | None,
    ) -> torch.Tensor:
        chosen, rejected = torch.chunk(logits.squeeze(-1), chunks=2)
        difference = chosen - rejected if margin is None else chosen - rejected - margin
        p = torch.ones_like(difference) if labels is None else labels
        losses = -(p * logsigmoid(difference) + (1 - p) * logsigmoid(-difference))
        loss = (losses if weights is None else weights * losses).mean()
        if self.args.center_rewards_coefficient is not None:
            loss = loss + self.args.center_rewards_coefficient * torch.mean((chosen + rejected) ** 2)
        return loss
