"""What one element of a batch is: two responses of a pair, or all k responses of a ranking with its implied pairs.

A pair is a row of the data set with `chosen_ids`, `rejected_ids`, `soft_label`, `weight` and, on all rows or none,
`margin`. A ranking is a row with `texts_ids` (k token lists) and, one entry per implied pair, `first`, `second`
(places in `texts_ids`), `soft_label`, `weight`, `margin`: each response goes through the model once, not k - 1 times
(Ouyang et al., 2022, section 3.5, who also found that pairs of one ranking in several batches overfit).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from trl.trainer.reward_trainer import DataCollatorForPreference
from trl.trainer.utils import pad

from reward.prefix import row_length, shared_rows

Element = tuple[list[list[int]], list[int], list[int]]
"""Texts, and for each pair the places of its first (preferred) and second text."""

ELEMENT_COLUMNS = ("soft_label", "weight", "texts_ids", "first", "second")
"""Columns of the training set beyond TRL's own."""


def is_ranking(example: Mapping[str, Any]) -> bool:
    """Whether a row of the data set holds a whole ranking."""
    return "texts_ids" in example


def element_of(example: Mapping[str, Any]) -> Element:
    """The texts of a row and its pairs."""
    if is_ranking(example):
        return example["texts_ids"], example["first"], example["second"]
    return [example["chosen_ids"], example["rejected_ids"]], [0], [1]


def element_length(example: Mapping[str, Any], *, share_prefixes: bool) -> int:
    """Tokens that a row takes up in a batch: its shared row, or its longest text."""
    texts = element_of(example)[0]
    return row_length(texts) if share_prefixes else max(len(text) for text in texts)


@dataclass
class PreferenceCollator(DataCollatorForPreference):
    """TRL's collator for soft labels and weights, for rankings, and with prefixes shared where asked.

    Pairs without sharing come out as from TRL (chosen rows first, then rejected rows) with `soft_label` and `weight`
    of shape (pairs,). Otherwise `first` and `second`, shape (pairs,), say which of the batch's texts each pair is
    about; the weights of a ranking's pairs are multiplied by pairs / elements, so that a mean over the batch's pairs is
    a mean over elements of their summed pairs.

    Args:
        pad_token_id: fills the end of shorter rows.
        share_prefixes: one row per element, see `reward.prefix`.

    Example:
        >>> PreferenceCollator(pad_token_id=0)([
        ...     {"chosen_ids": [1, 2], "rejected_ids": [3], "soft_label": 0.8, "weight": 1.0}])
        {'input_ids': tensor([[1, 2], [3, 0]]), 'attention_mask': tensor([[1, 1], [1, 0]]),
         'soft_label': tensor([0.8000]), 'weight': tensor([1.])}
    """

    share_prefixes: bool = False

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """One batch."""
        if not self.share_prefixes and not is_ranking(examples[0]):
            batch = super().torch_call(examples)
            for key in ("soft_label", "weight"):
                if key in examples[0]:
                    batch[key] = torch.tensor([example[key] for example in examples], dtype=torch.float)
            return batch
        elements = [element_of(example) for example in examples]
        texts = [texts for texts, _, _ in elements]
        layout = shared_rows(texts, pad_token_id=self.pad_token_id) if self.share_prefixes else self._plain_rows(texts)
        return {**layout, **_places(elements), **_pair_values(examples)}

    def _plain_rows(self, texts: Sequence[Sequence[Sequence[int]]]) -> dict[str, torch.Tensor]:
        ids = [torch.tensor(text) for element in texts for text in element]
        masks = [torch.ones_like(one) for one in ids]
        return {
            "input_ids": pad(ids, padding_value=self.pad_token_id, padding_side="right"),
            "attention_mask": pad(masks, padding_value=0, padding_side="right"),
        }


def _places(elements: Sequence[Element]) -> dict[str, torch.Tensor]:
    """For each pair of the batch, the places of its two texts among all texts of the batch."""
    first, second, n_before = [], [], 0
    for texts, firsts, seconds in elements:
        first += [n_before + place for place in firsts]
        second += [n_before + place for place in seconds]
        n_before += len(texts)
    return {"first": torch.tensor(first), "second": torch.tensor(second)}


def _pair_values(examples: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
    """Labels, weights and margins per pair, as far as the rows have them."""
    values = {}
    for key in ("soft_label", "weight", "margin"):
        if key in examples[0]:
            flat = [value for e in examples for value in (e[key] if is_ranking(e) else [e[key]])]
            values[key] = torch.tensor(flat, dtype=torch.float)
    if "weight" in values:
        values["weight"] *= len(values["weight"]) / len(examples)
    return values
