"""The tutor: says in the rubric's own words why a key is what it is, and finds the passage that a question is about.

Every sentence is the rubric's; nothing is made up here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rubrics.model import Criterion, Rubric

AT_MOST = 4
_WORD = re.compile(r"[\w']{3,}")
_COMMON = frozenset(
    ("the", "and", "are", "for", "that", "with", "this", "which", "who", "what", "when", "where", "does", "not", "but")
)


@dataclass(frozen=True)
class Passage:
    """A piece of the rubric: where it stands, and its words."""

    source: str
    text: str


def explain(rubric: Rubric, criteria: Sequence[str]) -> list[Passage]:
    """The rubric's words on some criteria: question and guidance of each, and the rule where two of them pull apart."""
    named = [rubric.criterion(key) for key in criteria if key in rubric.criterion_keys]
    found = [passage for criterion in named for passage in _of_criterion(criterion)][: 2 * AT_MOST]
    pairs = {frozenset(rule.between): rule for rule in rubric.tensions}
    for pair, rule in pairs.items():
        if pair <= set(criteria):
            found.append(_of_rule(rubric, rule.between))
    return found or [Passage("Instructions", rubric.instructions or rubric.title)]


def ask(rubric: Rubric, question: str) -> list[Passage]:
    """The passages of the rubric that share most words with a question, best first; empty where none shares any.

    A shared word counts by how few passages have it: 1 / number of passages.
    """
    passages = list(_all(rubric))
    words = [_words(f"{one.source} {one.text}") for one in passages]
    asked = _words(question)
    rarity = {
        word: 1 / sum(word in there for there in words) for word in asked if any(word in there for there in words)
    }
    scores = [sum(rarity.get(word, 0.0) for word in there & asked) for there in words]
    order = sorted(range(len(passages)), key=lambda at: -scores[at])
    return [passages[at] for at in order if scores[at] > 0][:AT_MOST]


def _all(rubric: Rubric) -> Iterator[Passage]:
    if rubric.instructions:
        yield Passage("Instructions", rubric.instructions)
    for criterion in rubric.criteria:
        yield from _of_criterion(criterion)
        for example in criterion.examples:
            yield Passage(f"{criterion.name}, an example", f"{example.prompt}\n\n{example.why}")
    for rule in rubric.tensions:
        yield _of_rule(rubric, rule.between)


def _of_criterion(criterion: Criterion) -> Iterator[Passage]:
    yield Passage(criterion.name, criterion.question)
    for paragraph in filter(None, (part.strip() for part in criterion.guidance.split("\n\n"))):
        yield Passage(f"{criterion.name}, guidance", " ".join(paragraph.split()))
    if criterion.anchors:
        said = "; ".join(f"{point}: {text}" for point, text in sorted(criterion.anchors.items()))
        yield Passage(f"{criterion.name}, what the points mean", said)


def _of_rule(rubric: Rubric, between: tuple[str, str]) -> Passage:
    rule = rubric.tension_rule(*between)
    assert rule is not None, "the pair is of this rubric"
    names = [rubric.criterion(key).name for key in rule.between]
    prevails = (
        "the context decides" if rule.prevailing is None else f"{rubric.criterion(rule.prevailing).name} prevails"
    )
    text = f"{prevails[0].upper()}{prevails[1:]}. {' '.join(rule.guidance.split())}".strip()
    return Passage(f"{names[0]} against {names[1]}", text)


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)} - _COMMON
