"""Hypothesis strategies for whole imported comparisons, in the canonical form that a reader returns.

They are kept: to build one takes longer than to draw from it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from string import ascii_lowercase
from typing import Any

from hypothesis import strategies as st

from app.domain import (
    OVERALL,
    Adjudication,
    Cause,
    Comparison,
    Completion,
    DeclaredTension,
    ErrorSpan,
    GoldKey,
    ImportedComparison,
    Judgment,
    Message,
    Purpose,
    Question,
    RaterKind,
    Report,
    Review,
    ReviewLevel,
)
from rubrics.answers import Answer

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30)
names = texts.map(lambda text: text if text.strip() else f"{text}n")
keys = st.sampled_from(["helpfulness", "harmlessness", "clarity", "größe"])
numbers = st.floats(allow_nan=False, allow_infinity=False)
times = st.datetimes(datetime(1900, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(texts, json_values, max_size=3)


@cache
def answers(ids: tuple[str, ...]) -> st.SearchStrategy[Answer]:
    """Answers of every form that cover the completions."""
    words = ["tie", "both_bad", "cannot_judge", "not_applicable"]
    preferred = st.sampled_from([*ids, *words] if len(ids) == 2 else words)
    return st.one_of(
        st.builds(
            lambda one, strength: Answer(preferred=one, strength=strength), preferred, st.none() | st.floats(0, 9)
        ),
        st.fixed_dictionaries(dict.fromkeys(ids, numbers)).map(lambda scores: Answer(scores=scores)),
        st.fixed_dictionaries(dict.fromkeys(ids, st.booleans())).map(lambda checks: Answer(checks=checks)),
        rankings(ids).map(lambda ranking: Answer(ranking=ranking)),
    )


@cache
def rankings(ids: tuple[str, ...]) -> st.SearchStrategy[tuple[tuple[str, ...], ...]]:
    """Weak orders of the completions, best first."""

    def grouped(order: list[str], cuts: list[bool]) -> tuple[tuple[str, ...], ...]:
        groups: list[list[str]] = [[order[0]]]
        for one, cut in zip(order[1:], cuts, strict=True):
            if cut:
                groups.append([one])
            else:
                groups[-1].append(one)
        return tuple(tuple(group) for group in groups)

    size = len(ids) - 1
    return st.builds(grouped, st.permutations(ids), st.lists(st.booleans(), min_size=size, max_size=size))


tensions = st.builds(
    lambda between, which, why: DeclaredTension(tuple(between), None if which is None else between[which], why),
    st.lists(names, min_size=2, max_size=2, unique=True),
    st.sampled_from([None, 0, 1]),
    texts,
)


@cache
def spans(ids: tuple[str, ...]) -> st.SearchStrategy[ErrorSpan]:
    """Passages with a beginning and a later end."""
    return st.builds(
        lambda completion, criterion, start, length, note: ErrorSpan(
            completion, criterion, start, start + length, note
        ),
        st.sampled_from(ids),
        names,
        st.integers(0, 1000),
        st.integers(1, 1000),
        texts,
    )


@cache
def judgments(ids: tuple[str, ...]) -> st.SearchStrategy[Judgment]:
    """Judgments that use every field of the type."""
    overall = st.dictionaries(st.just(OVERALL), answers(ids), max_size=1)
    criteria = st.dictionaries(keys, answers(ids), max_size=3)
    return st.builds(
        Judgment,
        rater=names,
        answers=st.builds(lambda first, others: first | others, overall, criteria).filter(bool),
        rater_kind=st.sampled_from(RaterKind),
        justification=texts,
        tensions=st.lists(tensions, max_size=2, unique_by=lambda tension: tension.between).map(tuple),
        reports=st.lists(reports(), max_size=2).map(tuple),
        error_spans=st.lists(spans(ids), max_size=2).map(tuple),
        confidence=st.none() | st.integers(1, 5),
        seconds=st.none() | st.floats(0, 1e6),
        at=st.none() | times,
        shown=st.none() | st.permutations(ids).map(tuple),
        criteria_shown=st.none() | st.lists(names, max_size=3, unique=True).map(tuple),
        overall_first=st.none() | st.booleans(),
        revision=st.integers(0, 5),
        repeat_index=st.integers(0, 5),
        purpose=st.sampled_from(Purpose),
        round=st.none() | names,
        rubric_version=st.none() | names,
        scope=st.none() | names,
        reviews=reviews(ids),
    ).filter(lambda one: one.rater not in {review.by for review in one.reviews})


@cache
def reviews(ids: tuple[str, ...]) -> st.SearchStrategy[tuple[Review, ...]]:
    """No review, a reviewer's word, or that of one who would change it with a senior's."""
    changed = st.dictionaries(st.just(OVERALL) | keys, answers(ids), min_size=1, max_size=2)
    stands = st.none()

    def word(level: ReviewLevel, said: st.SearchStrategy[Any]) -> st.SearchStrategy[Review]:
        return st.builds(Review, st.just(level), said, texts, names, times)

    first = word(ReviewLevel.REVIEW, stands | changed).map(lambda one: (one,))
    both = st.tuples(word(ReviewLevel.REVIEW, changed), word(ReviewLevel.SENIOR, stands | changed))
    return st.just(()) | first | both.filter(lambda two: two[0].by != two[1].by)


@cache
def reports() -> st.SearchStrategy[Report]:
    """Reports and questions, some with an answer, some of these read."""
    waiting = st.builds(Report, names, texts, st.none() | times)
    answered = st.builds(Report, names, texts, st.none() | times, texts, st.none() | names, times, st.none() | times)
    return waiting | answered


@cache
def questions() -> st.SearchStrategy[Question]:
    """Questions of any rater."""
    return st.builds(Question, names, reports(), st.sampled_from(RaterKind), st.none() | names, st.integers(0, 3))


@cache
def gold_keys(ids: tuple[str, ...]) -> st.SearchStrategy[GoldKey]:
    """Gold keys with accepted answers, with or without the rest; some suspended, some looked at and kept."""
    key = st.builds(
        GoldKey,
        accepted=st.lists(st.sampled_from([*ids, "tie", "both_bad"]), min_size=1, unique=True).map(tuple),
        criteria=st.dictionaries(keys, st.sampled_from([*ids, "tie"]), max_size=2),
        explanation=texts,
        distribution=st.none() | st.just({ids[0]: 0.75, "tie": 0.25}),
        kept_at=st.none() | times,
    )
    reasons = st.none() | st.dictionaries(texts, json_values, min_size=1, max_size=2)
    return key | st.builds(replace, key, suspended_at=times, suspended_for=reasons)


@cache
def decisions(ids: tuple[str, ...]) -> st.SearchStrategy[Adjudication]:
    """Adjudications of every cause."""
    return st.builds(
        Adjudication, answers(ids), st.sampled_from(Cause), texts, names, st.none() | times, st.none() | names
    )


def _identity(judgment: Judgment) -> tuple[object, ...]:
    return judgment.rater, judgment.round, judgment.repeat_index, judgment.revision


@st.composite
def imported_comparisons(draw: st.DrawFn, *, line: int = 1) -> ImportedComparison:
    """Whole lines: a comparison of two to four completions with judgments, decisions, gold, reference and meta."""
    ids = tuple(ascii_lowercase[: draw(st.integers(2, 4))])
    optional = st.none() | names
    completions = tuple(
        Completion(one, draw(texts), draw(optional), draw(st.none() | objects), draw(optional), draw(optional))
        for one in ids
    )
    prompt = draw(st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), texts), min_size=1))
    label = st.fixed_dictionaries({"preferred": st.sampled_from([*ids, "tie"])})
    comparison = Comparison(
        id=draw(names),
        prompt=tuple(prompt),
        completions=completions,
        gold=draw(st.none() | gold_keys(ids)),
        reference=draw(st.none() | label | st.just({})),
        meta=draw(objects),
    )
    return ImportedComparison(
        line,
        comparison,
        tuple(draw(st.lists(judgments(ids), max_size=3, unique_by=_identity))),
        tuple(draw(st.lists(decisions(ids), max_size=2))),
        questions=tuple(draw(st.lists(questions(), max_size=2, unique_by=str))),
    )
