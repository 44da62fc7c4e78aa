"""A trained model as a function: texts in, rewards out, in batches of like length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from reward.models import load_reward_model, load_tokenizer
from reward.packing import pack_linear_layers
from reward.pairs import Messages
from reward.prefix import prefix_length, row_length, shared_logits, shared_rows, sharing_obstacle
from reward.rendering import Renderer
from reward.runs import Run, read_run

TOKENS_PER_BATCH = 8192
CPU_TOKENS_PER_BATCH = 1024
"""What fits the caches: on two cores MiniLM scored 160 mixed texts in 2.4 s with 1,024 tokens, in 3.5 s with 8,192."""

MAX_BRANCHES = 8
"""Responses that share one row at most."""


class Scorer:
    """Rewards of a finished model, in float32.

    Texts are rendered as in training, each distinct text is scored once, causal models compute a prompt that several
    responses share once (exactly, see `reward.prefix`), and batches hold rows of like length under a budget of padded
    tokens; results come back in the order of the question. On the CPU the linear layers are packed once
    (`reward.packing`).

    Args:
        directory: where the model lies.
        run: what it is; read from the directory's `run.json` when None.
        device: such as 'cuda'; the accelerator if there is one, else the CPU, when None.
        tokens_per_batch: padded tokens in one forward pass; 1,024 on the CPU, 8,192 elsewhere, when None.

    Raises:
        RewardError: the directory is not a finished model.
    """

    def __init__(
        self,
        directory: Path,
        *,
        run: Run | None = None,
        device: str | None = None,
        tokens_per_batch: int | None = None,
    ) -> None:
        self.run = run or read_run(directory)
        tokenizer = load_tokenizer(str(directory))
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.model = load_reward_model(directory).to(self.device)
        if self.device.type == "cpu":
            pack_linear_layers(self.model)
        self.renderer = Renderer(tokenizer, layout=self.run.layout, max_length_tokens=self.run.max_length_tokens)
        default = CPU_TOKENS_PER_BATCH if self.device.type == "cpu" else TOKENS_PER_BATCH
        self.tokens_per_batch = tokens_per_batch or default
        self._pad = tokenizer.pad_token_id
        self._is_causal: bool | None = None

    def score(
        self, texts: Sequence[tuple[Messages, str]], *, on_progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Rewards of (prompt, response) texts.

        Args:
            texts: what to score.
            on_progress: called with the number of distinct texts that each batch finished.

        Returns:
            Array of shape (len(texts),), float64.
        """
        return self.score_ids([rendered.ids for rendered in self.renderer.render(texts)], on_progress=on_progress)

    def score_ids(
        self, ids: Sequence[Sequence[int]], *, on_progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Rewards of texts that are already token ids; shape (len(ids),)."""
        if not ids:
            return np.empty(0)
        distinct: dict[tuple[int, ...], int] = {}
        index = [distinct.setdefault(tuple(one), len(distinct)) for one in ids]
        texts, rewards = list(distinct), np.empty(len(distinct))
        rows = prefix_groups(texts) if self._shares(texts) else [[i] for i in range(len(texts))]
        lengths = [row_length([texts[i] for i in row]) for row in rows]
        with torch.inference_mode():
            for batch in length_batches(lengths, self.tokens_per_batch):
                places = [i for at in batch for i in rows[at]]
                rewards[places] = self._rewards([[texts[i] for i in rows[at]] for at in batch])
                if on_progress is not None:
                    on_progress(len(places))
        return rewards[index]

    def _shares(self, texts: Sequence[tuple[int, ...]]) -> bool:
        """Whether prefixes are computed once: the model is causal, found out once on texts of its own."""
        if self._is_causal is None:
            group = next((row for row in prefix_groups(texts) if len(row) > 1), None)
            if group is None:
                return False
            probe = [texts[i] for i in group[:2]]
            self._is_causal = sharing_obstacle(self.model, probe, pad_token_id=self._pad) is None
        return self._is_causal

    def _rewards(self, rows: Sequence[Sequence[Sequence[int]]]) -> np.ndarray:
        """Rewards of the texts of some rows; rows of several texts have a common prefix."""
        if all(len(row) == 1 for row in rows):
            return self._forward([row[0] for row in rows])
        shared = shared_rows(rows, pad_token_id=self._pad)
        logits = shared_logits(self.model, {name: tensor.to(self.device) for name, tensor in shared.items()})
        return logits.squeeze(-1).double().cpu().numpy()

    def _forward(self, batch: Sequence[Sequence[int]]) -> np.ndarray:
        ids, mask = padded(batch, pad_token_id=self._pad)
        logits = self.model(input_ids=ids.to(self.device), attention_mask=mask.to(self.device)).logits
        return logits.squeeze(-1).double().cpu().numpy()


def prefix_groups(texts: Sequence[Sequence[int]]) -> list[list[int]]:
    """Indices of texts that are worth a common row: sorted, neighbours that share at least half of the shorter one.

    A row has at most `MAX_BRANCHES` texts, so that its attention stays small; every text is in one group.

    Example:
        >>> prefix_groups([(1, 2, 3), (9, 9), (1, 2, 4)])
        [[0, 2], [1]]
    """
    groups: list[list[int]] = []
    for i in sorted(range(len(texts)), key=lambda i: texts[i]):
        mates = groups[-1] if groups else []
        joined = [*(texts[j] for j in mates), texts[i]]
        is_close = bool(mates) and 2 * prefix_length(joined) >= min(map(len, joined))
        if is_close and len(mates) < MAX_BRANCHES:
            mates.append(i)
        else:
            groups.append([i])
    return groups


def padded(batch: Sequence[Sequence[int]], *, pad_token_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids padded at the end and their attention mask, both of shape (texts, longest)."""
    longest = max(len(one) for one in batch)
    ids = torch.full((len(batch), longest), pad_token_id, dtype=torch.long)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    for row, one in enumerate(batch):
        ids[row, : len(one)] = torch.tensor(one, dtype=torch.long)
        mask[row, : len(one)] = 1
    return ids, mask


def length_batches(lengths: Sequence[int], tokens_per_batch: int = CPU_TOKENS_PER_BATCH) -> list[list[int]]:
    """Indices from long to short, cut so that no batch holds more padded tokens than the budget (or one text)."""
    batches: list[list[int]] = []
    room = 0
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if room < 1:
            batches.append([])
            room = max(1, tokens_per_batch // max(1, lengths[i]))
        batches[-1].append(i)
        room -= 1
    return batches
