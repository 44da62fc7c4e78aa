"""Where the criteria of one judgment pull apart, and of which tensions the screen speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rubrics.answers import Answer, pairs_in_id_order, tensions_within
from rubrics.model import Rubric

SPEAK_UP = 0.6
"""The screen speaks of a tension without a rule from this strength on; of one with a rule, always."""

AT_MOST = 2
"""Of so many tensions the screen speaks, the strongest first; all of them count in the statistics."""


@dataclass(frozen=True)
class SeenTension:
    """Two criteria that favour different completions.

    Attributes:
        between: their keys, alphabetically.
        strength: the smaller of the two absolute values, above 0 and at most 1.
        favoured: criterion key -> the completion that it favours.
    """

    between: tuple[str, str]
    strength: float
    favoured: Mapping[str, str]


def seen_tensions(rubric: Rubric, answers: Mapping[str, Answer], completion_ids: Sequence[str]) -> list[SeenTension]:
    """The tensions in the answers, each pair of criteria once at its strongest; strongest first.

    Args:
        rubric: the rubric version of the judgment.
        answers: criterion key -> answer; each covers every completion.
        completion_ids: the ids of all completions of the comparison.

    Returns:
        Nothing where no two criteria pull apart.
    """
    strongest: dict[tuple[str, str], SeenTension] = {}
    for first, second in pairs_in_id_order(completion_ids):
        values = {key: rubric.signed_value(key, answer, first, second) for key, answer in answers.items()}
        for i, j, strength in tensions_within(values):
            favoured = {key: first if (values[key] or 0) > 0 else second for key in (i, j)}
            known = strongest.get((i, j))
            if known is None or strength > known.strength:
                strongest[i, j] = SeenTension((i, j), strength, favoured)
    return sorted(strongest.values(), key=lambda tension: (-tension.strength, tension.between))


def spoken_of(rubric: Rubric, tensions: Sequence[SeenTension]) -> list[SeenTension]:
    """Those of which the screen may speak: strong ones, and those with a rule of the rubric; it shows `AT_MOST`."""
    return [t for t in tensions if t.strength >= SPEAK_UP or rubric.tension_rule(*t.between) is not None]
