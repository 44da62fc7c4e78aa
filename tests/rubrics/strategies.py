"""Hypothesis strategies for rubrics, and for answers that fit a criterion.

What does not depend on a draw is built once: to build a strategy takes longer than to draw from it.
"""

from __future__ import annotations

from string import ascii_lowercase, digits
from typing import Any

from hypothesis import strategies as st

from rubrics.answers import CANNOT_JUDGE, NOT_APPLICABLE, TIE, Answer
from rubrics.criterion_types import CRITERION_TYPES
from rubrics.model import RESERVED_KEYS, Criterion, Rubric

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
prose = texts.map(lambda text: text if text.strip() else f"{text}p")
slugs = st.builds(str.__add__, st.sampled_from(ascii_lowercase), st.text(f"{ascii_lowercase}{digits}_-", max_size=11))
slugs = slugs.filter(lambda slug: slug not in RESERVED_KEYS)
plain_floats = st.floats(-1000, 1000).filter(lambda number: "e" not in repr(number))  # see the test of exponents
scalars = st.one_of(texts, st.integers(-5, 5), st.booleans(), plain_floats)
conditions = st.dictionaries(texts, st.lists(scalars, min_size=1, max_size=3), max_size=2)
preferences = st.sampled_from(["a", "b", TIE])
example = st.fixed_dictionaries({"prompt": texts, "a": texts, "b": texts, "prefer": preferences, "why": prose})
examples = st.lists(example, max_size=2)


@st.composite
def plain_criteria(draw: st.DrawFn, *, key: str, has_weight: bool) -> dict[str, Any]:
    """A criterion as plain values."""
    kind = draw(st.sampled_from(sorted(CRITERION_TYPES)))
    plain: dict[str, Any] = {
        "key": key,
        "name": f"{draw(prose)} {key}",
        "question": draw(prose),
        "guidance": draw(texts),
        "type": kind,
        "allow_not_applicable": draw(st.booleans()),
        "applies_if": draw(conditions),
    }
    if kind == "preference_scale":
        plain["points"] = draw(st.integers(2, 101))
    if kind == "scores":
        plain["minimum"] = draw(st.integers(-10, 10))
        plain["maximum"] = plain["minimum"] + draw(st.integers(1, 20))
    if kind == "check":
        plain["veto"] = draw(st.booleans())
    if has_weight:
        plain["weight"] = draw(st.floats(0.01, 100))
    points = CRITERION_TYPES[kind].anchor_range(Criterion.model_validate(plain))
    if points:
        plain["anchors"] = draw(st.dictionaries(st.sampled_from(list(points)), prose, max_size=3))
    plain["examples"] = draw(examples)
    return plain


@st.composite
def rubrics(draw: st.DrawFn) -> Rubric:
    """Any valid rubric."""
    keys = draw(st.lists(slugs, unique=True, max_size=4))
    has_weight = draw(st.booleans())
    criteria = [draw(plain_criteria(key=key, has_weight=has_weight)) for key in keys]
    tensions = []
    if len(keys) >= 2:
        vetoing = [criterion["key"] for criterion in criteria[:2] if criterion.get("veto")]
        precedence = draw(st.sampled_from(vetoing if len(vetoing) == 1 else [*keys[:2], "context"]))
        tensions.append({"between": keys[:2], "precedence": precedence, "guidance": draw(prose)})
    expected = st.dictionaries(st.sampled_from([*keys, "overall"]), preferences, min_size=1)
    test = st.fixed_dictionaries({"prompt": texts, "a": texts, "b": texts, "expect": expected})
    return Rubric.from_dict(
        {
            "key": draw(slugs),
            "title": draw(prose),
            "instructions": draw(texts),
            "criteria": criteria,
            "tensions": tensions,
            "overall": {"points": draw(st.sampled_from([3, 5, 7, 9])), "allow_both_bad": draw(st.booleans())},
            "justification": {"min_words": draw(st.integers(0, 20)), "required_on_tension": draw(st.booleans())},
            "tests": draw(st.lists(test, max_size=2)),
        }
    )


@st.composite
def criteria_of(draw: st.DrawFn, kind: str) -> Criterion:
    """A criterion of one kind, on scales of different length."""
    settings: dict[str, int] = {}
    if kind == "preference_scale":
        settings["points"] = draw(st.integers(2, 11))
    if kind == "scores":
        settings["minimum"] = draw(st.integers(-3, 3))
        settings["maximum"] = settings["minimum"] + draw(st.integers(1, 9))
    return Criterion.model_validate({"key": "c", "name": "C", "question": "Which?", "type": kind, **settings})


@st.composite
def rankings(draw: st.DrawFn, ids: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The ids in any order, cut into tie groups anywhere."""
    order = draw(st.permutations(ids))
    cuts = sorted(draw(st.sets(st.integers(1, len(ids) - 1)))) if len(ids) > 1 else []
    return tuple(tuple(order[start:end]) for start, end in zip([0, *cuts], [*cuts, len(ids)], strict=True))


@st.composite
def answers_to(draw: st.DrawFn, criterion: Criterion, ids: tuple[str, ...]) -> Answer:
    """A valid answer to a criterion about these completions."""
    if draw(st.integers(0, 9)) == 0:
        return Answer(preferred=draw(st.sampled_from([CANNOT_JUDGE, NOT_APPLICABLE])))
    match criterion.type:
        case "scores":
            score = st.integers(criterion.minimum or 0, criterion.maximum or 0)
            return Answer(scores={key: draw(score) for key in ids})
        case "check":
            return Answer(checks={key: draw(st.booleans()) for key in ids})
        case "ranking":
            return Answer(ranking=draw(rankings(ids)))
    ties = [TIE] if (criterion.points or 0) % 2 else []
    preferred = draw(st.sampled_from([*ids, *ties]))
    strength = draw(st.none() | st.integers(1, int(criterion.strength_bound))) if preferred != TIE else None
    return Answer(preferred=preferred, strength=strength)
