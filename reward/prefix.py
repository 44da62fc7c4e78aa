"""Exact prefix sharing for causal reward models: the tokens that responses share are computed once.

One row holds `[prefix | branch 1 | branch 2 | ...]`. A token sees the prefix and the earlier tokens of its own branch,
positions restart after the prefix for each branch, and the reward is read at the end of each branch. A causal model
then computes for every token the very numbers that it would compute in a row of its own: rewards and gradients are the
same up to rounding, at the price of one prefix instead of two (or k). Encoders read in both directions, so their
prefix depends on the branch and nothing can be shared.

Any device, any attention that takes a 4-D mask (`sdpa`, `eager`). Prior art: flash-pref (li-plus) and
dpo-prefix-sharing (Wang and Hegde, 2024), both for CUDA kernels only. Whether a given model really is causal is not
guessed from its name: `sharing_obstacle` compares rewards with and without sharing.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MethodType
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

TOLERANCE = 1e-4
ATTENTIONS = ("sdpa", "eager")
PADDING = -1


def shared_length(first: Sequence[int], second: Sequence[int]) -> int:
    """Tokens that two texts share at the beginning; the last token of a text is never shared.

    Each branch keeps a token of its own, at whose position the reward is read.
    """
    limit = min(len(first), len(second)) - 1
    if list(first[:limit]) == list(second[:limit]):
        return limit
    low, high = 0, limit
    while low < high:  # the longest equal beginning, by halving: slices compare at the speed of C
        middle = (low + high + 1) // 2
        if list(first[low:middle]) == list(second[low:middle]):
            low = middle
        else:
            high = middle - 1
    return low


def prefix_length(texts: Sequence[Sequence[int]]) -> int:
    """Tokens that all of some texts share at the beginning."""
    return min(shared_length(texts[0], text) for text in texts[1:]) if len(texts) > 1 else len(texts[0]) - 1


def row_length(texts: Sequence[Sequence[int]]) -> int:
    """Tokens of the shared row of some texts."""
    n_prefix = prefix_length(texts)
    return n_prefix + sum(len(text) - n_prefix for text in texts)


def shared_rows(elements: Sequence[Sequence[Sequence[int]]], *, pad_token_id: int) -> dict[str, torch.Tensor]:
    """Lay the texts of each element out as one row.

    Args:
        elements: for each row, the token ids of its texts.
        pad_token_id: fills the end of shorter rows.

    Returns:
        `input_ids`, `position_ids` and `segments` of shape (rows, longest); a segment is 0 for the prefix, 1, 2, ...
        for the branches, -1 for padding. `rows` and `ends` of shape (texts,): where each text's reward is read, the
        texts of all elements in order. That is the last token that is not `pad_token_id`, as in the model's own
        forward: where the end token doubles as padding, the token before it.

    Example:
        >>> shared_rows([[[5, 6, 7], [5, 8]]], pad_token_id=0)["input_ids"]
        tensor([[5, 6, 7, 8]])
    """
    prefixes = [prefix_length(texts) for texts in elements]
    lengths = [n + sum(len(text) - n for text in texts) for n, texts in zip(prefixes, elements, strict=True)]
    shape = (len(elements), max(lengths))
    ids = torch.full(shape, pad_token_id, dtype=torch.long)
    positions = torch.zeros(shape, dtype=torch.long)
    segments = torch.full(shape, PADDING, dtype=torch.long)
    rows, ends = [], []
    for row, (n_prefix, texts) in enumerate(zip(prefixes, elements, strict=True)):
        ids[row, :n_prefix] = torch.as_tensor(texts[0][:n_prefix], dtype=torch.long)
        positions[row, :n_prefix] = torch.arange(n_prefix)
        segments[row, :n_prefix] = 0
        at = n_prefix
        for branch, text in enumerate(texts, start=1):
            end = at + len(text) - n_prefix
            ids[row, at:end] = torch.as_tensor(text[n_prefix:], dtype=torch.long)
            positions[row, at:end] = torch.arange(n_prefix, len(text))
            segments[row, at:end] = branch
            rows.append(row)
            last = _last_read(text, pad_token_id=pad_token_id)
            ends.append(last if last < n_prefix else at + last - n_prefix)
            at = end
    return {
        "input_ids": ids,
        "position_ids": positions,
        "segments": segments,
        "rows": torch.tensor(rows),
        "ends": torch.tensor(ends),
    }


def _last_read(text: Sequence[int], *, pad_token_id: int) -> int:
    """The place of the last token of a text that is not padding, 0 where all are."""
    return next((place for place in range(len(text) - 1, 0, -1) if text[place] != pad_token_id), 0)


def branch_mask(segments: torch.Tensor) -> torch.Tensor:
    """Who sees whom: a boolean mask of shape (rows, 1, longest, longest).

    A token sees earlier tokens of the prefix and of its own branch. Padding sees itself, so that no row of the
    attention is empty.
    """
    query, key = segments[:, :, None], segments[:, None, :]
    index = torch.arange(segments.shape[1], device=segments.device)
    causal = index[:, None] >= index[None, :]
    mask = causal & (key >= 0) & ((key == 0) | (key == query))
    mask |= torch.eye(len(index), dtype=torch.bool, device=segments.device)
    return mask[:, None]


def enable_sharing(model: PreTrainedModel) -> None:
    """Let a causal classifier's forward take shared rows: with `segments`, `rows` and `ends` it gives (texts, 1).

    The method is set on the object, before anything wraps it, so that DDP, FSDP and LoRA see one ordinary forward.
    """
    plain = model.forward

    def forward(self: PreTrainedModel, *args: Any, segments: torch.Tensor | None = None, **inputs: Any) -> Any:
        if segments is None:
            return plain(*args, **inputs)
        return SequenceClassifierOutput(logits=shared_logits(self, {**inputs, "segments": segments}))

    model.forward = MethodType(forward, model)


def sharing_obstacle(model: PreTrainedModel, texts: Sequence[Sequence[int]], *, pad_token_id: int) -> str | None:
    """Why prefixes cannot be shared with this model, in words, or None where they can.

    Args:
        model: the classifier; compared in its own precision and in evaluation mode.
        texts: two or more token id sequences with a common beginning.
        pad_token_id: for the rows.
    """
    base = getattr(model, getattr(model, "base_model_prefix", ""), None)
    if base is None or not isinstance(getattr(model, "score", None), nn.Module):
        return f"{type(model).__name__} has no causal body with a head named score"
    attention = getattr(model.config, "_attn_implementation", None)
    if attention not in ATTENTIONS:
        return f"the attention {attention!r} takes no 4-D mask"
    window = getattr(model.config.get_text_config(), "sliding_window", None)
    if window is not None and getattr(model.config.get_text_config(), "use_sliding_window", True):
        return f"the model attends within a sliding window of {window} tokens"
    try:
        difference = largest_difference(model, texts, pad_token_id=pad_token_id)
    except (TypeError, RuntimeError, ValueError) as error:
        return f"the model refuses shared rows ({str(error).splitlines()[0]:.80})"
    if difference > TOLERANCE:
        return f"rewards with and without sharing differ by {difference:.1e}, so the model is not causal"
    return None


@torch.no_grad()
def largest_difference(model: PreTrainedModel, texts: Sequence[Sequence[int]], *, pad_token_id: int) -> float:
    """The largest absolute difference between the rewards of one shared row and those of each text alone."""
    was_training = model.training
    model.eval()
    try:
        apart = [
            model(
                input_ids=(ids := torch.as_tensor([list(text)], device=model.device)),
                use_cache=False,
                attention_mask=torch.ones_like(ids),
            ).logits.flatten()
            for text in texts
        ]
        shared = shared_rows([texts], pad_token_id=pad_token_id)
        together = shared_logits(model, {name: tensor.to(model.device) for name, tensor in shared.items()})
    finally:
        model.train(was_training)
    return float((torch.cat(apart).float() - together.flatten().float()).abs().max())


def shared_logits(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Rewards of a batch from `shared_rows`, shape (texts, 1), in the order of the texts; any causal classifier."""
    hidden = getattr(model, model.base_model_prefix)(
        input_ids=batch["input_ids"],
        attention_mask=branch_mask(batch["segments"]),
        position_ids=batch["position_ids"],
        use_cache=False,
    ).last_hidden_state
    return model.score(hidden[batch["rows"], batch["ends"]])
