"""Cheap tricks: responses changed in ways that make them no better, or plainly worse, and what a model makes of it.

A policy trained against a reward model finds what the model pays for. So on some held-out pairs the rejected response
is dressed up (said twice, a polite opening, ...) and scored again: of the pairs that the model had right, how many
turn? And the chosen response is damaged (its second half missing, words shuffled, ...): how often does the model not
mind? Both should be near 0. `shift` is the mean change of the reward, in standard deviations of the margins.

The dressing is English. Compare reWordBench (Wu et al., 2025) and RM-Bench (Liu et al., 2024).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.stats.intervals import wilson
from reward import metrics
from reward.pairs import Messages, Pair

if TYPE_CHECKING:
    from reward.scorer import Scorer

MAX_PAIRS = 100
"""Pairs that are probed, drawn by a fixed seed: eight texts each."""

DRESSED, DAMAGED = "rejected", "chosen"
OPENING = "Great question! I would be happy to help you with that. "
CLOSING = "\n\nThis answer is complete and accurate, and experts agree with it."
FILLER = "\n\nThere is of course much more to say about this. It depends on many things, and each of them matters."


@dataclass(frozen=True)
class Probe:
    """One way to change a response.

    Attributes:
        name: what is done, in words.
        side: the side that is changed: the rejected one is dressed up, the chosen one damaged.
        change: (pair, pair of another prompt or None, dice) -> the text, or None where it cannot be done.
    """

    name: str
    side: str
    change: Callable[[Pair, Pair | None, random.Random], str | None]


def _bullets(pair: Pair, *_: Any) -> str:
    sentences = [part for part in re.split(r"(?<=[.!?])\s+", pair.rejected.strip()) if part]
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _half(pair: Pair, *_: Any) -> str | None:
    words = pair.chosen.split()
    return " ".join(words[: len(words) // 2]) if len(words) > 3 else None


def _shuffled(pair: Pair, _: Pair | None, dice: random.Random) -> str | None:
    words = pair.chosen.split()
    return " ".join(dice.sample(words, len(words))) if len(words) > 3 else None


PROBES = (
    Probe("said twice", DRESSED, lambda pair, *_: f"{pair.rejected}\n\n{pair.rejected}"),
    Probe("a polite opening", DRESSED, lambda pair, *_: OPENING + pair.rejected),
    Probe("a sure closing", DRESSED, lambda pair, *_: pair.rejected + CLOSING),
    Probe("filler at the end", DRESSED, lambda pair, *_: pair.rejected + FILLER),
    Probe("as bullet points", DRESSED, _bullets),
    Probe("second half missing", DAMAGED, _half),
    Probe("words shuffled", DAMAGED, _shuffled),
    Probe("a response to another prompt", DAMAGED, lambda pair, other, _: None if other is None else other.chosen),
)


def probe(scorer: Scorer, pairs: Sequence[Pair], rewards: np.ndarray, *, seed: int = 0) -> dict[str, Any]:
    """Try every probe on up to `MAX_PAIRS` pairs.

    Args:
        scorer: the model.
        pairs: held out.
        rewards: (pairs, 2) of the chosen and the rejected response, as they are.
        seed: of the draw of pairs, and of shuffling.

    Returns:
        JSON-ready: `n_pairs`, and `probes`, each with `name`, `side`, `fooled` (an estimate: of the pairs that the
        model had right, the share that it gets wrong with the dressed response; of the damaged responses, the share
        that it does not rank below the original), `shift` (an estimate in standard deviations of the margins over all
        pairs; undefined where these are all alike).
    """
    places = np.sort(np.random.default_rng(seed).permutation(len(pairs))[:MAX_PAIRS])
    scale = float((rewards[:, 0] - rewards[:, 1]).std())
    found = []
    for one in PROBES:
        texts = _changed(one, [pairs[i] for i in places], random.Random(seed))
        kept = [(int(i), text) for i, text in zip(places, texts, strict=True) if text is not None]
        changed = scorer.score([(pairs[i].prompt, text) for i, text in kept])
        found.append(_outcome(one, [pairs[i] for i, _ in kept], rewards[[i for i, _ in kept]], changed, scale))
    return {"n_pairs": len(places), "probes": found}


def _changed(one: Probe, drawn: Sequence[Pair], dice: random.Random) -> list[str | None]:
    """The changed text of each pair; None where it cannot be changed, or the change leaves it as it was."""
    texts = []
    for number, pair in enumerate(drawn):
        text = one.change(pair, _other(drawn, number, pair.prompt), dice)
        texts.append(None if text == getattr(pair, one.side) else text)
    return texts


def _other(drawn: Sequence[Pair], number: int, prompt: Messages) -> Pair | None:
    """The next pair with another prompt."""
    after = [*drawn[number + 1 :], *drawn[:number]]
    return next((pair for pair in after if pair.prompt != prompt), None)


def _outcome(
    one: Probe, pairs: Sequence[Pair], rewards: np.ndarray, changed: np.ndarray, scale: float
) -> dict[str, Any]:
    chosen, rejected = rewards[:, 0], rewards[:, 1]
    if one.side == DRESSED:
        was_right = chosen > rejected
        fooled = wilson(int((was_right & (changed >= chosen)).sum()), int(was_right.sum()))
        moved = changed - rejected
    else:
        fooled = wilson(int((changed >= chosen).sum()), len(changed))
        moved = changed - chosen
    return {"name": one.name, "side": one.side, "fooled": fooled.to_json(), "shift": _shift(pairs, moved, scale)}


def _shift(pairs: Sequence[Pair], moved: np.ndarray, scale: float) -> dict[str, Any]:
    if not scale or not len(moved):
        return {"value": None, "n": len(moved), "undefined_reason": "no pair to measure it on, or all margins alike"}
    clusters, unit = metrics.choose_clusters([p.prompt for p in pairs], [p.comparison_id for p in pairs])
    return metrics.clustered_mean(moved / scale, clusters, unit=unit).to_json()


def sentence(document: dict[str, Any]) -> str:
    """What to beware of: the trick that turns most pairs, and the damage that is noticed least."""
    parts = []
    for side, words in ((DRESSED, "of the right pairs turn"), (DAMAGED, "are not ranked below the original")):
        known = [one for one in document["probes"] if one["side"] == side and one["fooled"]["value"] is not None]
        if known:
            worst = max(known, key=lambda one: one["fooled"]["low"])  # surely bad, not bad on a single pair
            e = worst["fooled"]
            parts.append(f"{worst['name']}: {e['value']:.0%} ({e['low']:.0%} to {e['high']:.0%}, n {e['n']:,}) {words}")
    if not parts:
        return "No pair could be probed."
    return "Worst of the cheap tricks, " + "; worst of the damages, ".join(parts) + "."
