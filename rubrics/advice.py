"""Advice while a rubric is written: what raters will trip over, each with its place and a remedy. Nothing is refused.

Every rule errs on the side of silence: advice that is often wrong is not read. The library is the measure of that
(`tests/rubrics/test_advice.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from rubrics.errors import Location, RubricProblem
from rubrics.loader import line_of
from rubrics.model import Criterion, Rubric
from rubrics.words import ASPECTS, overlap, sentences, telling, words_of

SAY_THE_SAME = 0.7
"""Two criteria ask the same when their questions, or all their words, share this part of the telling words."""

RELATED = 0.3
"""Guidance that two criteria share is held against them only from this part of shared words in the questions on."""


@dataclass(frozen=True)
class Advice:
    """One remark.

    Attributes:
        kind: a key of RULES.
        location: the way to the value in the document.
        reason: what raters will trip over, with the words concerned.
        remedy: what to do.
        line: line in the text, from 1; None without a text.
    """

    kind: str
    location: Location
    reason: str
    remedy: str
    line: int | None = None

    @property
    def field(self) -> str:
        """The location as people write it."""
        return RubricProblem(self.location, "", "").field

    @property
    def id(self) -> str:
        """What a dismissal remembers: kind, place and reason. Another text at the same place is advised on again."""
        return hashlib.sha256(f"{self.kind}\n{self.field}\n{self.reason}".encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"{self.field}: {self.reason} ({self.remedy})"


def advise(rubric: Rubric, text: str | None = None) -> list[Advice]:
    """All advice on a rubric, in the order of the document.

    Args:
        rubric: what is written.
        text: the document that it was read from, for the lines.
    """
    found = [replace(one, kind=kind) for kind, rule in RULES.items() for one in rule(rubric)]
    if text is not None:
        lines = line_of(text, [one.location for one in found])
        found = [replace(one, line=line) for one, line in zip(found, lines, strict=True)]
    places = {key: place for place, key in enumerate(("criteria", "tensions", "tests"))}
    return sorted(found, key=lambda one: (one.line or 0, places.get(str(one.location[:1]), -1), one.field))


# --- vague words -----------------------------------------------------------------------------------------------------

_VAGUE = {
    "good": "say what makes it so",
    "bad": "say what makes it so",
    "nice": "say what makes it so",
    "great": "say what makes it so",
    "appropriate": "say for whom and for what",
    "appropriately": "say for whom and for what",
    "adequate": "say for what it must suffice",
    "adequately": "say for what it must suffice",
    "reasonable": "say where the limit lies",
    "reasonably": "say where the limit lies",
    "sufficient": "say for what it must suffice",
    "sufficiently": "say for what it must suffice",
    "proper": "say by which standard",
    "properly": "say by which standard",
    "suitable": "say for whom and for what",
    "satisfactory": "say for whom and for what",
    "acceptable": "say where the limit lies",
    "high-quality": "name what quality is made of here",
    "quality": "name what quality is made of here",
    "overall": "ask for one aspect; the overall verdict is asked by itself",
    "better": "say in what respect",
    "best": "say in what respect",
    "effective": "say which effect is wanted",
    "effectively": "say which effect is wanted",
    "interesting": "say for whom, and what shows it",
    "engaging": "say what shows it",
    "optimal": "say by which measure",
    "etc": "end the list, or say what its members share",
    "somehow": "say how",
}
"""Words that every rater fills in differently, when nothing else says what they mean."""

_EXPLAINING_WORDS = 25
"""Guidance of this length explains its question: only questions that stand nearly alone are called vague."""


def _vague(rubric: Rubric) -> Iterator[Advice]:
    """A question that rests on a word without a measure, and too little guidance to fill it."""
    for index, criterion in enumerate(rubric.criteria):
        where = ("criteria", index)
        found = [word for word in words_of(criterion.question) if word in _VAGUE]
        if found and len(words_of(criterion.guidance)) < _EXPLAINING_WORDS:
            reason = f"{found[0]!r} means something else to every rater, and the guidance does not say what"
            yield _advice((*where, "question"), reason, _VAGUE[found[0]])
        for point, text in criterion.anchors.items():
            bare = [word for word in telling(text) if word not in _GRADES]
            if not bare:
                reason = f"{text!r} names a degree and not what it looks like"
                yield _advice((*where, "anchors", str(point)), reason, "describe a response that stands at this point")


_GRADES = frozenset(
    telling(
        "good bad poor excellent average fair great very best worst better worse okay ok acceptable unacceptable high "
        "low medium moderate strong weak perfect terrible neutral slightly somewhat clearly much"
    )
)


# --- double-barrelled ------------------------------------------------------------------------------------------------

_JOINED = re.compile(
    r"(?P<left>[^\W\d_-]+),?\s+(?:and|or|as well as|but also|yet)\s+"
    r"(?:(?:more|less|how|as|also|better)\s+)*(?P<right>[^\W\d_-]+)"
)


def _double_barrelled(rubric: Rubric) -> Iterator[Advice]:
    """One question about two aspects: a response may have one and lack the other, and the rater has one answer."""
    for index, criterion in enumerate(rubric.criteria):
        where = ("criteria", index, "question")
        pair = _two_aspects(criterion.question)
        if pair is not None:
            remedy = "ask for one of them, and make the other a criterion of its own"
            yield _advice(where, f"asks for {pair[0]!r} and {pair[1]!r} at once", remedy)
        elif criterion.question.count("?") > 1:
            yield _advice(where, "asks two questions, and there is one answer", "keep one, and move the other")


def _two_aspects(question: str) -> tuple[str, str] | None:
    for match in _JOINED.finditer(question.casefold()):
        left, right = match["left"], match["right"]
        aspects = (telling(left), telling(right))
        if all(aspect and aspect <= ASPECTS for aspect in aspects) and aspects[0] != aspects[1]:
            return left, right
    return None


# --- criteria that say the same ---------------------------------------------------------------------------------------


def _same(rubric: Rubric) -> Iterator[Advice]:
    """Two criteria that ask for the same in other words: their votes will never separate."""
    for (_, first), (j, second) in combinations(enumerate(rubric.criteria), 2):
        if first.applies_if and second.applies_if and first.applies_if != second.applies_if:
            continue
        asked = overlap(_asked(first), _asked(second))
        whole = overlap(_whole(first), _whole(second))
        if asked >= SAY_THE_SAME or (whole >= SAY_THE_SAME and asked >= RELATED):
            reason = f"{second.name!r} asks nearly the same as {first.name!r} ({max(asked, whole):.0%} of the words)"
            remedy = "merge the two, or say in both what belongs to the other"
            yield _advice(("criteria", j, "question"), reason, remedy)


def _asked(criterion: Criterion) -> set[str]:
    return telling(criterion.question) - _FRAME


def _whole(criterion: Criterion) -> set[str]:
    return telling(f"{criterion.question} {criterion.guidance}") - _FRAME


_FRAME = frozenset(telling("response responses more less better rate how far which does do user reader rater"))
"""Words of nearly every question: they tell no two criteria apart."""


# --- missing tension rules -------------------------------------------------------------------------------------------

_PULLS: tuple[tuple[str, str, str], ...] = (
    (
        "helpful helpfulness useful task instruction request",
        "harmless harmlessness safe safety harm risk",
        "a request that should not be met in full",
    ),
    (
        "complete completeness coverage thorough detail informativeness",
        "concise concision brevity short length brief clarity",
        "a longer response that leaves nothing out",
    ),
    (
        "honest honesty truth truthfulness candour",
        "helpful helpfulness kind kindness empathy warmth supportive",
        "a truth that the user would rather not hear",
    ),
    (
        "factuality accuracy correctness faithful faithfulness factual correct",
        "fluency fluent style readability naturalness engaging originality creativity",
        "a well-written response with an error",
    ),
    (
        "original originality creative creativity inventive",
        "instruction brief prompt constraint coherence coherent",
        "a surprising text that leaves the brief",
    ),
    (
        "informativeness informative content coverage",
        "naturalness natural fluency fluent",
        "a text that says everything and reads like a list",
    ),
    (
        "correctness correct bug defects",
        "readability maintainability simplicity style",
        "code that works and that nobody can maintain",
    ),
)
"""Aspects that commonly favour different responses, and where that happens."""


def _missing_rules(rubric: Rubric) -> Iterator[Advice]:
    """Criteria that commonly pull apart, and no rule that says what should prevail."""
    named = {
        criterion.key: telling(f"{criterion.key.replace('_', ' ')} {criterion.name}") for criterion in rubric.criteria
    }
    for one, other in combinations(rubric.criteria, 2):
        if rubric.tension_rule(one.key, other.key) is not None or one.veto or other.veto:
            continue
        for left, right, where in _PULLS:
            sides = telling(left), telling(right)
            if any(named[i.key] & sides[0] and named[j.key] & sides[1] for i, j in ((one, other), (other, one))):
                reason = f"{one.name!r} and {other.name!r} commonly pull apart: {where}"
                remedy = f"add a rule: between [{one.key}, {other.key}], with precedence or context and guidance"
                yield _advice(("tensions",), reason, remedy)
                break


# --- what raters lack ------------------------------------------------------------------------------------------------


def _unexplained(rubric: Rubric) -> Iterator[Advice]:
    """What raters need beside the question: guidance, and words for the ends of the scale."""
    for index, criterion in enumerate(rubric.criteria):
        where = ("criteria", index)
        if not criterion.guidance and not criterion.anchors and not criterion.examples:
            reason = "has neither guidance nor anchors nor an example, so raters decide what it means"
            yield _advice(where, reason, "say in two sentences what counts and what does not, and give an example")
        elif criterion.type == "scores" and not criterion.anchors:
            reason = f"asks for ratings from {criterion.minimum} to {criterion.maximum} that nothing describes"
            yield _advice(where, reason, "describe at least the lowest, the middle and the highest as anchors")
        for text in sentences(criterion.question):
            n_words = len(words_of(text))
            if n_words > _LONG_QUESTION:
                remedy = "ask in one short sentence, and move the rest to guidance"
                yield _advice((*where, "question"), f"has {n_words} words, and is read for every comparison", remedy)


_LONG_QUESTION = 30


def _untested(rubric: Rubric) -> Iterator[Advice]:
    """Criteria that no test expects anything of: nothing would show that raters read them otherwise."""
    expected = {key for test in rubric.tests for key in test.expect}
    absent = [criterion.name for criterion in rubric.criteria if criterion.key not in expected]
    if rubric.tests and absent:
        reason = f"no test expects an answer to {', '.join(absent)}"
        yield _advice(("tests",), reason, "add a worked example in which it is clear")


def _too_many(rubric: Rubric) -> Iterator[Advice]:
    """More questions than a rater answers one by one."""
    n = len(rubric.criteria)
    if n > _MANY_CRITERIA:
        reason = f"{n} criteria for every comparison tire raters, and the later ones follow the earlier"
        yield _advice(("criteria",), reason, "merge some, or ask some only where they apply (applies_if)")


_MANY_CRITERIA = 8

RULES: dict[str, Callable[[Rubric], Iterator[Advice]]] = {
    "vague": _vague,
    "double_barrelled": _double_barrelled,
    "same": _same,
    "missing_rule": _missing_rules,
    "unexplained": _unexplained,
    "untested": _untested,
    "too_many": _too_many,
}
"""Every rule of advice by its name."""


def _advice(location: Location, reason: str, remedy: str) -> Advice:
    return Advice("", location, reason, remedy)
