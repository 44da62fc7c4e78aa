"""Training on a GPU at the size of a real reward model: tokens per second and MFU, ours beside stock TRL.

A causal model of Qwen3-0.6B's shape in bfloat16, prompts and responses up to 2,048 tokens together, arms alternating
step by step as in `tests.bench.reward`. Tokens are those of the texts without padding, a prompt counted with each of
its two responses, so that every arm is credited with the same work. MFU is what the model computes for the tokens that
an arm really puts through it, over the chip's dense bfloat16 peak; a forward and a backward pass cost

    6 N + 6 L A T    per token,

N parameters without the embedding, L layers, A the width of all heads, T the mean length (Kaplan et al., 2020, table 1;
half of the attention of Chowdhery et al., 2023, appendix B, which is not causal there).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tests.bench.reward import draw_pairs, make_arm, ratio_interval

QWEN3_06B = {
    "vocab_size": 151_936,
    "hidden_size": 1024,
    "num_hidden_layers": 28,
    "intermediate_size": 3072,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 2048,
}
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "RTX 4090": 165e12}
"""Dense bfloat16 peaks by name, from the makers' data sheets, in operations a second."""

LIMIT, N_PAIRS, BATCH_SIZE, N_EPOCHS = 2048, 64, 4, 4


def measurements() -> Iterator[dict[str, Any]]:
    """Stock TRL and ours; nothing without a GPU."""
    import torch

    if torch.cuda.is_available():
        yield from training_lines(QWEN3_06B, "Qwen3-0.6B, bf16", device=torch.cuda.get_device_name())


def training_lines(
    shape: Mapping[str, int],
    title: str,
    *,
    device: str,
    limit: int = LIMIT,
    n_pairs: int = N_PAIRS,
    n_epochs: int = N_EPOCHS,
) -> Iterator[dict[str, Any]]:
    """One line an arm; the first epoch warms up and is not counted."""
    pairs = draw_pairs("long", n=n_pairs, seed=0, limit=limit)
    with tempfile.TemporaryDirectory() as folder:
        arms = {
            "stock TRL": _arm(shape, pairs, folder, stock=True, share=False),
            "length groups and shared prefixes": _arm(shape, pairs, folder, stock=False, share=True),
        }
        for _ in range(n_epochs * n_pairs // BATCH_SIZE):
            for arm in arms.values():
                arm.step()
    seconds = {name: np.reshape(arm.seconds, (n_epochs, -1)).sum(axis=1)[1:] for name, arm in arms.items()}
    n_text, n_shared = token_counts(pairs)
    computed = {"stock TRL": n_text, "length groups and shared prefixes": n_shared}
    cost = operations_per_token(arms["stock TRL"].trainer.model, mean_length=n_text / (2 * n_pairs))
    peak = next((value for name, value in PEAKS.items() if name in device), None)
    for name, spent in seconds.items():
        yield {
            "name": f"train {title}, up to {limit:,} tokens, {name}",
            "n": len(spent),
            "median": round(float(np.median(n_text / spent)), 1),
            "p95": round(float(np.percentile(n_text / spent, 5)), 1),
            "unit": "tokens per second",
            "mfu": None if peak is None else float(f"{computed[name] * cost / np.median(spent) / peak:.3g}"),
            "device": device,
            **({} if name == "stock TRL" else ratio_interval(seconds["stock TRL"] / spent)),
        }


def _arm(shape: Mapping[str, int], pairs: Sequence[dict[str, Any]], folder: str, *, stock: bool, share: bool) -> Any:
    import torch
    from transformers import Qwen3Config, Qwen3ForSequenceClassification

    torch.manual_seed(0)
    model = Qwen3ForSequenceClassification(Qwen3Config(**shape, num_labels=1, pad_token_id=0)).to(torch.bfloat16)
    return make_arm(model, pairs, folder, stock=stock, share=share, batch_size=BATCH_SIZE)


def token_counts(pairs: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Tokens of all texts, and those that are left where a pair's common beginning is computed once."""
    from reward.prefix import row_length

    texts = [(pair["chosen_ids"], pair["rejected_ids"]) for pair in pairs]
    return sum(len(a) + len(b) for a, b in texts), sum(map(row_length, texts))


def operations_per_token(model: Any, *, mean_length: float) -> float:
    """6 N + 6 L A T; see the module."""
    config, embedding = model.config, model.get_input_embeddings()
    n = sum(p.numel() for p in model.parameters()) - sum(p.numel() for p in embedding.parameters())
    return 6.0 * n + 6.0 * config.num_hidden_layers * config.num_attention_heads * config.head_dim * mean_length
