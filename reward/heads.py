"""One head per criterion, and a gate that weighs them: what the raters said they judge by, beside what they went by.

After ArmoRM (Wang et al., 2024): on frozen features phi(x) of a response, criterion c has a linear head

    P(first is better on c) = sigmoid(h_c . (phi(x_first) - phi(x_second)))

fitted to the votes on that criterion. The heads are then fixed, brought to one scale (each margin divided by its root
mean square on the training pairs), and a gate over the prompt learns how much each counts for the overall verdict:

    margin = scale * sum_c g_c(prompt) * margin_c,    g = softmax(G psi(prompt) + b)

with psi the first 16 principal components of the prompts' embeddings. The mean gate is the learned weight of each
criterion; beside it stand the weights that the verdicts reveal by regression (`app.stats.revealed`, in the manifest)
and those that the rubric declares. The gate sees the heads' opinions, the regression the raters' own: where the two
differ, the heads do not see what the raters see.

The score of a response on criterion c is h_c . phi(x). Only differences tell: between two responses it is margin_c, and
1 is the root mean square of the margins on the training pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.stats.results import plain
from reward import metrics
from reward.embeddings import DEFAULT_ENCODER, FEATURES_VERSION, Embedder, text_features
from reward.errors import RewardError
from reward.frozen import pair_features
from reward.laplace import fit_posterior
from reward.pairs import Messages, Pair, Snapshot, open_snapshot, read_pairs
from reward.runs import write_json

HEAD_PRECISION = 1.0
GATE_COMPONENTS = 16
GATE_DECAY = 0.05
GATE_STEPS = 300
MIN_PAIRS = 30
FILE_NAME, REPORT_NAME = "heads.npz", "heads.json"


@dataclass(frozen=True)
class Gate:
    """Weights of the heads as a function of the prompt.

    Attributes:
        mean: (width,) of the prompts' embeddings.
        directions: (width, components).
        slopes: (components, criteria).
        intercepts: (criteria,).
        scale: of the gated sum.
    """

    mean: np.ndarray
    directions: np.ndarray
    slopes: np.ndarray
    intercepts: np.ndarray
    scale: float

    def weights(self, prompts: np.ndarray) -> np.ndarray:
        """Shares that sum to 1, shape (prompts, criteria)."""
        logits = (prompts - self.mean) @ self.directions @ self.slopes + self.intercepts
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class CriterionHeads:
    """Fitted heads and their gate.

    Attributes:
        criteria: names.
        coefficients: (criteria, features), brought to one scale.
        gate: over prompts.
        n_pairs: criterion -> pairs with a value there.
        encoder: whose embeddings they read.
    """

    criteria: tuple[str, ...]
    coefficients: np.ndarray
    gate: Gate
    n_pairs: Mapping[str, int]
    encoder: str

    def margins(self, differences: np.ndarray) -> np.ndarray:
        """Margins by criterion, shape (pairs, criteria)."""
        return differences @ self.coefficients.T

    def overall(self, differences: np.ndarray, prompts: np.ndarray) -> np.ndarray:
        """Gated margins, shape (pairs,)."""
        return self.gate.scale * (self.gate.weights(prompts) * self.margins(differences)).sum(axis=1)

    def save(self, path: Path) -> None:
        """Write the arrays (no pickle)."""
        gate = {f"gate_{name}": np.asarray(value) for name, value in vars(self.gate).items()}
        n_pairs = np.array([self.n_pairs[name] for name in self.criteria])
        made = {"encoder": np.array(self.encoder), "version": np.array(FEATURES_VERSION), "n_pairs": n_pairs}
        np.savez(path, criteria=np.array(self.criteria), coefficients=self.coefficients, **made, **gate)


def load_heads(path: Path) -> CriterionHeads:
    """Read what `CriterionHeads.save` wrote.

    Raises:
        RewardError: the file is absent, or its heads read features of another version.
    """
    if not path.is_file():
        raise RewardError(f"{path}: there are no heads; fit them with `steelyard heads`.")
    with np.load(path, allow_pickle=False) as arrays:
        if "version" not in arrays or int(arrays["version"]) != FEATURES_VERSION:
            raise RewardError(
                f"{path}: the heads were fitted on features of another version; fit them again with `steelyard heads`."
            )
        parts = ("mean", "directions", "slopes", "intercepts")
        gate = Gate(*(arrays[f"gate_{name}"] for name in parts), scale=float(arrays["gate_scale"]))
        criteria = tuple(arrays["criteria"].tolist())
        n_pairs = dict(zip(criteria, arrays["n_pairs"].tolist(), strict=True))
        return CriterionHeads(criteria, arrays["coefficients"], gate, n_pairs, str(arrays["encoder"]))


class CriterionScorer:
    """Fitted heads as a function: responses in, a score on each criterion out.

    Args:
        directory: the output of `train_heads`.
        device: of the encoder, such as 'cuda'; chosen by sentence-transformers when None.

    Raises:
        RewardError: there are no heads, or they read features of another version.
    """

    def __init__(self, directory: Path, *, device: str | None = None) -> None:
        self.heads = load_heads(directory / FILE_NAME)
        self.criteria = self.heads.criteria
        self._embedder = Embedder(self.heads.encoder, device=device)

    def score(self, responses: Sequence[str]) -> np.ndarray:
        """Scores by criterion, shape (responses, criteria); a head reads the response alone, not its prompt."""
        if not responses:
            return np.empty((0, len(self.criteria)))
        return self.heads.margins(text_features(self._embedder, responses))


def fit_heads(
    differences: np.ndarray, prompts: np.ndarray, pairs: Sequence[Pair], *, encoder: str = DEFAULT_ENCODER
) -> CriterionHeads:
    """Fit one head per criterion that enough pairs have, then the gate.

    Args:
        differences: (pairs, features) of the chosen minus the rejected response.
        prompts: (pairs, width) embeddings of the prompts.
        pairs: for values by criterion, labels and weights.
        encoder: whose embeddings the features and the prompts are.

    Raises:
        RewardError: no criterion has 30 pairs with a value other than 0 on both sides together.
    """
    heads, counts = {}, {}
    for key in sorted({key for pair in pairs for key in pair.criteria}):
        values = np.array([pair.criteria.get(key, np.nan) for pair in pairs], dtype=float)
        decided = np.nan_to_num(values) != 0
        if decided.sum() < MIN_PAIRS:
            continue
        labels = (1 + values[decided]) / 2
        head = fit_posterior(differences[decided], labels, precision=HEAD_PRECISION).mean
        size = float(np.sqrt(np.mean((differences @ head) ** 2)))
        if size > 1e-9:
            heads[key], counts[key] = head / size, int(decided.sum())
    if not heads:
        raise RewardError(f"No criterion was judged on {MIN_PAIRS} training pairs; heads need votes by criterion.")
    coefficients = np.stack(list(heads.values()))
    gate = fit_gate(differences @ coefficients.T, prompts, pairs)
    return CriterionHeads(tuple(heads), coefficients, gate, counts, encoder)


def fit_gate(margins: np.ndarray, prompts: np.ndarray, pairs: Sequence[Pair], *, seed: int = 0) -> Gate:
    """Fit the gate to the overall labels with the heads fixed, by gradient descent (Adam) with weight decay.

    Args:
        margins: (pairs, criteria) of the heads.
        prompts: (pairs, width).
        pairs: for labels and weights.
        seed: of the starting slopes.
    """
    import torch

    mean = prompts.mean(axis=0)
    _, values, vectors = np.linalg.svd(prompts - mean, full_matrices=False)
    n_kept = min(GATE_COMPONENTS, int((values > 1e-6 * max(values[0], 1e-12)).sum()) if values[0] > 1e-9 else 0)
    directions = vectors[:n_kept].T
    psi = torch.tensor((prompts - mean) @ directions, dtype=torch.float64)
    x = torch.tensor(margins, dtype=torch.float64)
    p = torch.tensor([pair.soft_label for pair in pairs], dtype=torch.float64)
    w = torch.tensor([pair.weight for pair in pairs], dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    slopes = (0.01 * torch.randn(n_kept, x.shape[1], generator=generator, dtype=torch.float64)).requires_grad_()
    intercepts = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    log_scale = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([slopes, intercepts, log_scale], lr=0.05)
    for _ in range(GATE_STEPS):
        shares = torch.softmax(psi @ slopes + intercepts, dim=1)
        d = log_scale.exp() * (shares * x).sum(1)
        losses = -(p * torch.nn.functional.logsigmoid(d) + (1 - p) * torch.nn.functional.logsigmoid(-d))
        loss = (w * losses).sum() / w.sum() + GATE_DECAY * slopes.square().sum() / max(1, n_kept)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    arrays = (slopes.detach().numpy(), intercepts.detach().numpy())
    return Gate(mean, directions, *arrays, float(log_scale.detach().exp()))


def train_heads(
    snapshot_dir: Path, *, output_dir: Path, encoder: str = DEFAULT_ENCODER, cache_dir: Path | None = None
) -> dict[str, Any]:
    """Fit heads and gate on a snapshot's training pairs, measure them on its held-out pairs, write both.

    Args:
        snapshot_dir: a snapshot with votes by criterion.
        output_dir: gets `heads.npz` and `heads.json`.
        encoder: whose embeddings.
        cache_dir: where embeddings are kept between calls.

    Returns:
        The document of `heads.json`.

    Raises:
        ContractError: the snapshot is unsound.
        RewardError: no criterion was judged often enough.
    """
    snapshot = open_snapshot(snapshot_dir)
    embedder = Embedder(encoder, cache_dir=cache_dir)
    train = read_pairs(snapshot, "train")
    prompts = embed_prompts(embedder, train)
    heads = fit_heads(pair_features(embedder, train), prompts, train, encoder=embedder.encoder)
    document = heads_report(heads, prompts, snapshot, embedder)
    output_dir.mkdir(parents=True, exist_ok=True)
    heads.save(output_dir / FILE_NAME)
    write_json(output_dir / REPORT_NAME, document)
    return document


def embed_prompts(embedder: Embedder, pairs: Sequence[Pair]) -> np.ndarray:
    """Embeddings of the prompts' last messages, shape (pairs, width)."""
    return embedder.embed([_last(pair.prompt) for pair in pairs]).astype(float)


def _last(prompt: Messages) -> str:
    return prompt[-1][1] if prompt else ""


def heads_report(heads: CriterionHeads, prompts: np.ndarray, snapshot: Snapshot, embedder: Embedder) -> dict[str, Any]:
    """Learned, revealed and declared weights by criterion, and what heads and gate are worth on held-out pairs.

    The interval of a learned weight is the range in which the middle 95 % of the training prompts' gates lie: how much
    the weight depends on the prompt, not how uncertain it is.
    """
    from reward.evaluate import held_out_split

    shares = heads.gate.weights(prompts)
    revealed = snapshot.manifest.content.get("revealed_weights") or {}
    rows = []
    for c, name in enumerate(heads.criteria):
        low, high = np.percentile(shares[:, c], [2.5, 97.5])
        rows.append(
            {
                "criterion": name,
                "n_pairs": heads.n_pairs[name],
                "learned": {"value": shares[:, c].mean(), "low": low, "high": high, "n": len(shares)},
                "revealed": (revealed.get("shares") or {}).get(name),
                "declared": (revealed.get("declared") or {}).get(name),
            }
        )
    document: dict[str, Any] = {
        "snapshot": snapshot.manifest.hash,
        "encoder": embedder.encoder,
        "criteria": rows,
        "revealed_undefined_reason": revealed.get("undefined_reason"),
        "held_out": None,
    }
    split = held_out_split(snapshot)
    if split is not None:
        pairs = read_pairs(snapshot, split)
        differences = pair_features(embedder, pairs)
        document["held_out"] = {
            "split": split,
            "overall": metrics.pairwise_accuracy(heads.overall(differences, embed_prompts(embedder, pairs))).to_json(),
            "criteria": _accuracies(heads, differences, pairs),
        }
    return plain(document)


def _accuracies(heads: CriterionHeads, differences: np.ndarray, pairs: Sequence[Pair]) -> dict[str, Any]:
    """How often each head agrees with the votes on its criterion, where these favour a side."""
    found = {}
    for c, name in enumerate(heads.criteria):
        values = np.array([pair.criteria.get(name, 0.0) or 0.0 for pair in pairs])
        margins = (heads.margins(differences)[:, c] * np.sign(values))[values != 0]
        found[name] = metrics.pairwise_accuracy(margins).to_json()
    return found


def heads_sentence(document: Mapping[str, Any]) -> str:
    """The weights as a table, for the terminal."""
    lines = [f"{'criterion':<24}{'learned':>9}{'revealed':>10}{'declared':>10}{'pairs':>8}"]
    for row in document["criteria"]:
        revealed, declared = (row["revealed"] or {}).get("value"), row["declared"]
        cells = [row["learned"]["value"], revealed, declared]
        shown = ["-" if cell is None else f"{cell:.3f}" for cell in cells]
        lines.append(f"{row['criterion']:<24}{shown[0]:>9}{shown[1]:>10}{shown[2]:>10}{row['n_pairs']:>8,}")
    held_out = document["held_out"]
    if held_out and held_out["overall"]["value"] is not None:
        overall = held_out["overall"]
        lines.append(f"Gated heads on the {held_out['split']} split: {overall['value']:.3f}, n {overall['n']:,}.")
    return "\n".join(lines)
