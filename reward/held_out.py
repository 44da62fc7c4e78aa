"""What a run is worth while it trains: accuracy, likelihood and margins on validation pairs, for the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from reward import metrics
from reward.elements import element_of

if TYPE_CHECKING:
    from datasets import Dataset

    from reward.trainer import PreferenceTrainer

MAX_PAIRS = 200
MAX_MEASUREMENTS = 10
MAX_COST = 0.15
"""Measuring takes at most about this share of the training itself (a backward pass costs two forward passes)."""


class HeldOut:
    """Measures the model as it is on a fixed sample of validation pairs.

    Args:
        trainer: gives model, padding and device.
        pairs: token ids of the preferred and of the other response.
        n_measurements: over the whole run.
    """

    def __init__(
        self, trainer: PreferenceTrainer, pairs: Sequence[tuple[list[int], list[int]]], *, n_measurements: int
    ) -> None:
        self.trainer = trainer
        self.pairs = pairs
        self.n_measurements = n_measurements
        self._n_done = 0

    @classmethod
    def choose(cls, trainer: PreferenceTrainer, validation: Dataset | None, *, n_pair_steps: int) -> HeldOut | None:
        """A sample and a rhythm that cost little, or None: without a validation split, or in several processes."""
        if validation is None or trainer.args.world_size > 1:
            return None
        order = np.random.default_rng(0).permutation(len(validation))[:MAX_PAIRS]
        pairs = []
        for i in order.tolist():
            example = validation[i]
            texts, first, second = element_of(example)
            labels = np.atleast_1d(example["soft_label"])
            pairs += [(texts[a], texts[b]) for a, b, p in zip(first, second, labels, strict=True) if p > 0.5]
        pairs = pairs[:MAX_PAIRS]
        n_measurements = min(MAX_MEASUREMENTS, int(3 * MAX_COST * n_pair_steps / max(1, len(pairs))))
        return cls(trainer, pairs, n_measurements=n_measurements) if pairs and n_measurements else None

    def is_due(self, step: int, n_steps: int) -> bool:
        """Whether the share of the run that is done calls for another measurement."""
        return step >= n_steps * (self._n_done + 1) / self.n_measurements

    def measure(self) -> dict[str, Any]:
        """`held_out_accuracy` with `_low`, `_high` (Wilson) and `_n`, `held_out_loss`, `held_out_margins` (histogram).

        The accuracy is that of `reward evaluate`, on a sample: for following a run.
        """
        self._n_done += 1
        margins = self._margins()
        accuracy = metrics.pairwise_accuracy(margins).estimate
        return {
            "held_out_accuracy": accuracy.value,
            "held_out_low": accuracy.low,
            "held_out_high": accuracy.high,
            "held_out_n": accuracy.n,
            "held_out_loss": metrics.negative_log_likelihood(margins).value,
            "held_out_margins": metrics.margin_histogram(margins, n_bins=20),
        }

    @torch.no_grad()
    def _margins(self) -> np.ndarray:
        from reward.scorer import length_batches, padded

        model, pad = self.trainer.model, self.trainer.processing_class.pad_token_id
        was_training = model.training
        model.eval()
        texts = [text for pair in self.pairs for text in pair]
        rewards = np.empty(len(texts))
        try:
            for batch in length_batches([len(text) for text in texts]):
                ids, mask = padded([texts[i] for i in batch], pad_token_id=pad)
                with self.trainer.compute_loss_context_manager():
                    logits = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device)).logits
                rewards[batch] = logits.squeeze(-1).double().cpu().numpy()
        finally:
            model.train(was_training)
        return rewards[::2] - rewards[1::2]
