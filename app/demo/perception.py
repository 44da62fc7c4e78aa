"""How a simulated rater turns what is there into a submission: perceive, weigh, answer, justify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.demo.qualities import Truth
from app.demo.traits import Traits
from app.domain import OVERALL, Assignment, DeclaredTension
from app.services.judging import Submission
from rubrics.answers import BOTH_BAD, TIE, Answer, tensions_within
from rubrics.model import Criterion, Rubric

Points = Mapping[str, float]
"""Completion id -> points as perceived."""

OVERALL_SHARE = 0.5
"""How much of the overall verdict follows what is written down as overall; the rest follows the criteria."""


@dataclass(frozen=True)
class _Verdict:
    """What the rater made of the comparison before putting it into words."""

    answers: Mapping[str, Answer]
    values: Mapping[str, float]
    gap: float


def judge(
    assignment: Assignment, truth: Truth, traits: Traits, rubric: Rubric, chance: np.random.Generator
) -> Submission:
    """The submission of a simulated rater for an assignment."""
    perceived = {key: _perceive(points, assignment.shown, traits, chance) for key, points in truth.qualities.items()}
    is_pair = len(assignment.shown) == 2
    answers = {
        key: _answer(rubric.criterion(key), perceived[key], traits, is_pair=is_pair)
        for key in assignment.criteria_shown
    }
    overall = _weigh(perceived, assignment.criteria_shown, traits, rubric)
    answers[OVERALL] = _overall(overall, truth, traits, rubric, is_pair=is_pair)
    first, second = sorted(assignment.shown)[:2]
    values = (
        {key: rubric.signed_value(key, answers[key], first, second) or 0.0 for key in assignment.criteria_shown}
        if is_pair
        else {}
    )
    gap = max(overall.values()) - min(overall.values())
    verdict = _Verdict(answers, values, gap)
    tensions = _declare(verdict, first, chance)
    return Submission(
        answers=answers,
        justification=_justify(verdict, tensions, rubric, traits, chance),
        tensions=tensions,
        confidence=int(np.clip(round(2 + gap / 1.2 + traits.boldness + chance.normal(0, 0.5)), 1, 5)),
        seconds=_seconds(assignment, traits, chance),
    )


def _perceive(points: Points, shown: Sequence[str], traits: Traits, chance: np.random.Generator) -> dict[str, float]:
    """Quality plus noise; what stands first gains the position bias. Noise is per completion: halved variance each."""
    noise = chance.normal(0, traits.noise / np.sqrt(2), len(shown))
    bias = np.linspace(traits.position_bias / 2, -traits.position_bias / 2, len(shown))
    return {name: points[name] + float(noise[i]) + float(bias[i]) for i, name in enumerate(shown)}


def _weigh(perceived: Mapping[str, Points], keys: Sequence[str], traits: Traits, rubric: Rubric) -> dict[str, float]:
    """Overall points per completion: the rater's own weighted sum of the criteria, and what is plain overall."""
    ids = list(next(iter(perceived.values())))
    total = sum(traits.weights.get(key, 0.0) for key in keys)
    weighted = dict.fromkeys(ids, 0.0)
    for key in keys:
        scale = 3.0 / rubric.criterion(key).strength_bound
        mean = sum(perceived[key].values()) / len(ids)
        for name in ids:
            weighted[name] += traits.weights.get(key, 0.0) / (total or 1.0) * scale * (perceived[key][name] - mean)
    if OVERALL not in perceived:
        return weighted
    if not keys:
        return dict(perceived[OVERALL])
    share = OVERALL_SHARE
    return {name: share * perceived[OVERALL][name] + (1 - share) * 1.6 * weighted[name] for name in ids}


def _answer(criterion: Criterion, points: Points, traits: Traits, *, is_pair: bool) -> Answer:
    if criterion.type == "scores":
        low, high = criterion.minimum, criterion.maximum
        middle = (low + high) / 2 if max(points.values()) < low else 0.0
        return Answer(scores={name: float(np.clip(round(middle + value), low, high)) for name, value in points.items()})
    if criterion.type == "check":
        return Answer(checks={name: value > 0 for name, value in points.items()})
    if criterion.type == "ranking" or not is_pair:
        return Answer(ranking=_rank(points, traits))
    return _preference(points, traits, bound=criterion.strength_bound, allow_tie=(criterion.points or 7) % 2 == 1)


def _overall(points: Points, truth: Truth, traits: Traits, rubric: Rubric, *, is_pair: bool) -> Answer:
    if not is_pair:
        return Answer(ranking=_rank(points, traits))
    if truth.is_both_bad and rubric.overall.allow_both_bad and abs(_difference(points)) < 2 * traits.noise + 1:
        return Answer(preferred=BOTH_BAD)
    return _preference(points, traits, bound=rubric.overall.strength_bound, allow_tie=rubric.overall.allow_tie)


def _difference(points: Points) -> float:
    first, second = sorted(points)
    return points[first] - points[second]


def _preference(points: Points, traits: Traits, *, bound: float, allow_tie: bool) -> Answer:
    difference = _difference(points)
    if allow_tie and abs(difference) < traits.tie_width:
        return Answer(preferred=TIE)
    first, second = sorted(points)
    strength = float(np.clip(round(abs(difference)), 1, bound))
    return Answer(preferred=first if difference > 0 else second, strength=strength)


def _rank(points: Points, traits: Traits) -> tuple[tuple[str, ...], ...]:
    """Best first; a completion that is closer to the one above than the tie width shares its place."""
    groups: list[list[str]] = []
    last = None
    for name in sorted(points, key=lambda key: (-points[key], key)):
        if last is not None and last - points[name] < traits.tie_width:
            groups[-1].append(name)
        else:
            groups.append([name])
        last = points[name]
    return tuple(tuple(sorted(group)) for group in groups)


def _declare(verdict: _Verdict, first: str, chance: np.random.Generator) -> tuple[DeclaredTension, ...]:
    """The strongest tension of the judgment, which seven raters in ten care to declare."""
    pulling = tensions_within(verdict.values)
    if not pulling or chance.random() > 0.7:
        return ()
    i, j, _ = max(pulling, key=lambda tension: tension[2])
    preferred = verdict.answers[OVERALL].preferred
    if preferred in (TIE, BOTH_BAD):
        return (DeclaredTension((i, j), None, "They balance each other here."),)
    favours_first = preferred == first
    prevailed = i if (verdict.values[i] > 0) == favours_first else j
    return (DeclaredTension((i, j), prevailed, "It matters more for what this user needs."),)


_OPENINGS = (
    "{name} decided it for me",
    "What settled this was {name}",
    "I went by {name} above all",
    "{name} made the difference here",
    "The choice rests on {name}",
)
_CLEAR = (
    ", and the gap was easy to see.",
    ": one response does plainly better there.",
    "; the other response falls clearly short.",
)
_CLOSE = (
    ", though it was a close call.",
    ", by a small margin and with some doubt.",
    "; another reader could see it differently.",
)


def _justify(
    verdict: _Verdict,
    tensions: Sequence[DeclaredTension],
    rubric: Rubric,
    traits: Traits,
    chance: np.random.Generator,
) -> str:
    """Two or three plain sentences that name what decided, and the tension where there is one."""
    keys = [key for key in verdict.answers if key != OVERALL]
    if not keys:
        return "Overall this response serves the request better, as far as I can tell from reading both."
    leading = max(keys, key=lambda key: abs(verdict.values.get(key, 0.0)) * traits.weights.get(key, 0.0) + 1e-3)
    if verdict.answers[OVERALL].preferred == TIE:
        return f"Taken together they come out even: what one gains in {_name(rubric, leading)} the other makes up for."
    if verdict.answers[OVERALL].preferred == BOTH_BAD:
        return f"Neither response should reach a user; already in {_name(rubric, leading)} both of them fail."
    opening = str(chance.choice(_OPENINGS)).format(name=_name(rubric, leading))
    ending = str(chance.choice(_CLEAR if verdict.gap > 1.5 else _CLOSE))
    text = opening[0].upper() + opening[1:] + ending
    for tension in tensions:
        i, j = tension.between
        if tension.prevailed is not None:
            lost = j if tension.prevailed == i else i
            text += f" {_name(rubric, lost)} pulled the other way; {_name(rubric, tension.prevailed)} weighs more here."
    return text


def _name(rubric: Rubric, key: str) -> str:
    return rubric.criterion(key).name


def _seconds(assignment: Assignment, traits: Traits, chance: np.random.Generator) -> float:
    texts = [message.content for message in assignment.prompt] + list(assignment.responses)
    n_words = sum(len(text.split()) for text in texts)
    reading = n_words / traits.pace + 6 * (1 + len(assignment.criteria_shown))
    return round(float(reading * chance.lognormal(0, 0.3)), 1)
