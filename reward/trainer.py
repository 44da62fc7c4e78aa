"""TRL's `RewardTrainer` with what raters really said: soft labels and weights, and batches of like length.

Bradley and Terry (1952) with a probability for a label: for a pair with rewards r_c and r_r, margin m, soft label p and
weight w (mean 1 over the training set), `d = r_c - r_r - m`,

    loss = mean over the batch of  w * -( p * log sigmoid(d) + (1 - p) * log sigmoid(-d) )

plus TRL's centring term `c * mean((r_c + r_r)^2)` where `center_rewards_coefficient` is set. With p = 1 and w = 1 it is
TRL's loss. Nothing here leaves the host: TRL's telemetry and its model card are switched off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import torch
from torch.nn.functional import logsigmoid
from torch.utils.data import Sampler
from transformers.modeling_outputs import SequenceClassifierOutput
from trl import RewardTrainer

from reward import processes
from reward.elements import ELEMENT_COLUMNS, PreferenceCollator, element_length

MEGA_BATCHES = 50
LENGTH_JITTER = 0.1


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
    """TRL's `RewardTrainer` with soft labels, weights, rankings, length grouping and shared prefixes.

    The training set needs `chosen_ids` and `rejected_ids`, or the columns of a ranking (see `reward.elements`);
    `soft_label`, `weight` and `margin` are used where present, `length` groups the batches where present. Without
    `soft_label` it is TRL's trainer. Prefixes are shared where the collator says so; the model must then have been
    through `reward.prefix.enable_sharing`.
    """

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the card that names the snapshot is written when the run is complete."""

    def _send_telemetry(self) -> None:
        """Nothing: no request leaves the host."""

    def _save_rng_state(self, output_dir: str) -> None:
        """Every process has written its part of a checkpoint before the first one writes the file that ends it."""
        super()._save_rng_state(output_dir)
        processes.wait_for_all()

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        """Rankings are tokenised already, like pairs, under a column name that TRL does not know."""
        return dataset if "texts_ids" in dataset.column_names else super()._prepare_dataset(dataset, *args, **kwargs)

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        self._signature_columns = list(dict.fromkeys([*self._signature_columns, *ELEMENT_COLUMNS]))

    @cached_property
    def _lengths(self) -> list[int]:
        """Tokens that each training element takes up in a batch."""
        if not (isinstance(self.data_collator, PreferenceCollator) and self.data_collator.share_prefixes):
            return list(self.train_dataset["length"])
        return [element_length(example, share_prefixes=True) for example in self.train_dataset]

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        if "length" not in self.train_dataset.column_names:
            return super()._get_train_sampler(train_dataset)
        batch_size = self._train_batch_size * self.args.world_size
        return LengthGroupedSampler(self._lengths, batch_size=batch_size, seed=self.args.seed)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The soft-label loss of one batch; TRL's own pass still fills its metrics."""
        labels, weights = inputs.pop("soft_label", None), inputs.pop("weight", None)
        if "first" in inputs:
            model, inputs = _as_pairs(model, inputs)
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


def _as_pairs(model: Any, inputs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Run the model on the batch's texts and present the result to TRL as if it had been a batch of pairs.

    Returns:
        A function that gives the logits of all first texts, then of all second texts, and the inputs that TRL's loss
        reads for itself: the margin, and the tokens to count.
    """
    rest = dict(inputs)
    first, second, margin = rest.pop("first"), rest.pop("second"), rest.pop("margin", None)
    logits = model(**rest, use_cache=False).logits
    paired = SequenceClassifierOutput(logits=torch.cat([logits[first], logits[second]]))
    counted = rest["attention_mask"] if "segments" not in rest else rest["segments"] >= 0
    return lambda **_: paired, {"attention_mask": counted, **({} if margin is None else {"margin": margin})}
