"""What an answer is worth against a gold key: right or wrong, a partial credit, a proper score of the confidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select

from app.domain import OVERALL, GoldKey, Purpose, Rater
from app.stats.rater_quality import CONFIDENCE
from app.store import tables
from app.store.visibility import visible
from rubrics.answers import BOTH_BAD, MISSING, NOT_APPLICABLE, TIE, Answer

HALF = 0.5
"""Credit of a tie where one response is better, and of a preference where they are equal: near, not right."""


@dataclass(frozen=True)
class GoldScore:
    """One answer to a gold comparison.

    Attributes:
        is_right: whether the overall answer is among the accepted ones; of work without an overall question, whether
            every criterion of the key that was asked is right. Exams and alarms count this.
        credit: 0 to 1: the mean of the overall credit and of the share of the key's criteria that are right.
        criteria: criterion of the key that was asked -> whether its direction is right.
        is_missing: whether the overall answer says that it cannot be judged: wrong at an exam, and no evidence of
            decline, as in the report.
        confidence_score: 1 - (p - right)² of the stated probability p: proper, so that it pays to say what one
            believes; None where no confidence was stated.
    """

    is_right: bool
    credit: float
    criteria: Mapping[str, bool]
    confidence_score: float | None = None
    is_missing: bool = False


@dataclass(frozen=True)
class GoldAnswer:
    """A rater's first answer to a gold comparison, scored.

    Attributes:
        purpose: why it was given: gold, exam or work.
    """

    judgment_id: int
    assignment_id: int
    round_id: int
    comparison_id: int
    external_id: str
    purpose: str
    at: Any
    meta: Mapping[str, Any]
    confidence: int | None
    score: GoldScore


def answer_class(key: GoldKey) -> str:
    """The class of a key: what its first right answer is, a completion id, "tie" or "both_bad"."""
    return right_answers(key)[0]


def right_answers(key: GoldKey) -> tuple[str, ...]:
    """The accepted answers; where a key has a distribution only, those with the largest share, by name."""
    if key.accepted or not key.distribution:
        return key.accepted
    top = max(key.distribution.values())
    return tuple(name for name in sorted(key.distribution) if key.distribution[name] == top)


def score_answer(key: GoldKey, answers: Mapping[str, Answer], *, confidence: int | None = None) -> GoldScore:
    """Score a judgment against a key.

    Any accepted answer is right. A distribution gives each answer the share of experts behind it, divided by the
    largest share. Else a tie where one response is better (or the other way round) earns half.

    Args:
        key: the gold key.
        answers: criterion key (and "overall") -> answer, in completion ids.
        confidence: stated level, 1 to 5.

    Source: Brier (1950) for the score of the confidence.
    """
    criteria = {name: _credit(answers[name], {wanted}) for name, wanted in key.criteria.items() if name in answers}
    parts = [sum(criteria.values()) / len(criteria)] if criteria else []
    if OVERALL in answers:
        overall = _overall_credit(key, answers[OVERALL])
        is_right = overall >= 1 and (bool(key.accepted) or key.distribution is not None)
        parts.append(overall)
    else:
        is_right = bool(criteria) and all(credit == 1 for credit in criteria.values())
    credit = sum(parts) / len(parts) if parts else 0.0
    earned = None if confidence is None else 1 - (CONFIDENCE[confidence] - is_right) ** 2
    is_missing = OVERALL in answers and not is_right and answers[OVERALL].preferred in MISSING
    return GoldScore(is_right, credit, {name: one == 1 for name, one in criteria.items()}, earned, is_missing)


def gold_answers(connection: Connection, campaign_id: int, rater: Rater) -> list[GoldAnswer]:
    """A rater's first answers to the gold of a campaign, scored by the keys that hold now, oldest first."""
    rows = connection.execute(_rater_query(), {"campaign_id": campaign_id, "rater_id": rater.id}).all()
    return scored(connection, rows)


def hidden_gold_answers(
    connection: Connection, campaign_id: int, rater: Rater, *, since: datetime | None
) -> list[GoldAnswer]:
    """`gold_answers`, only those to hidden gold, and since a time."""
    wanted = {"campaign_id": campaign_id, "rater_id": rater.id, "since": since or datetime.min.replace(tzinfo=UTC)}
    return scored(connection, connection.execute(_hidden_query(), wanted).all())


def scored(connection: Connection, rows: list[Row[Any]]) -> list[GoldAnswer]:
    """Rows of judgments with their keys as scored answers."""
    answers = answers_of(connection, [row.judgment_id for row in rows])
    return [
        GoldAnswer(
            judgment_id=row.judgment_id,
            assignment_id=row.assignment_id,
            round_id=row.round_id,
            comparison_id=row.comparison_id,
            external_id=row.external_id,
            purpose=row.purpose,
            at=row.submitted_at,
            meta=row.meta,
            confidence=row.confidence,
            score=score_answer(key_of(row), answers.get(row.judgment_id, {}), confidence=row.confidence),
        )
        for row in rows
    ]


def answers_of(connection: Connection, judgment_ids: list[int]) -> dict[int, dict[str, Answer]]:
    """Judgment -> criterion -> answer."""
    verdict = tables.verdict
    found: dict[int, dict[str, Answer]] = {}
    for start in range(0, len(judgment_ids), 5_000):
        chunk = judgment_ids[start : start + 5_000]
        for row in connection.execute(select(verdict).where(verdict.c.judgment_id.in_(chunk))):
            ranking = None if row.ranking is None else tuple(tuple(group) for group in row.ranking)
            answer = Answer(row.preferred, row.strength, row.scores, row.checks, ranking)
            found.setdefault(row.judgment_id, {})[row.criterion] = answer
    return found


def key_of(row: Any) -> GoldKey:
    """A row of `gold_key` as the domain's type."""
    return GoldKey(tuple(row.accepted), row.criteria, row.explanation, row.distribution)


def answers_query() -> Select[Any]:
    """First answers to gold whose key holds, with their keys, in a campaign (`:campaign_id`), oldest first."""
    judgment, assignment, comparison = tables.judgment, tables.assignment, tables.comparison
    key = tables.gold_key
    return (
        select(
            judgment.c.id.label("judgment_id"),
            judgment.c.confidence,
            judgment.c.submitted_at,
            assignment.c.id.label("assignment_id"),
            assignment.c.round_id,
            assignment.c.rater_id,
            assignment.c.purpose,
            comparison.c.id.label("comparison_id"),
            comparison.c.external_id,
            comparison.c.meta,
            key.c.accepted,
            key.c.criteria,
            key.c.explanation,
            key.c.distribution,
        )
        .select_from(judgment.join(assignment).join(comparison).join(key, key.c.comparison_id == comparison.c.id))
        .where(
            comparison.c.campaign_id == bindparam("campaign_id"),
            judgment.c.revision == 0,
            assignment.c.repeat_index == 0,
            key.c.suspended_at.is_(None),
            visible(judgment.c.batch_id),
        )
        .order_by(judgment.c.id)
    )


@cache
def _rater_query() -> Select[Any]:
    """`answers_query` of `:rater_id`; built once, because building it takes longer than running it."""
    return answers_query().where(tables.assignment.c.rater_id == bindparam("rater_id"))


@cache
def _hidden_query() -> Select[Any]:
    """`_rater_query`, given as hidden gold after `:since`."""
    judgment, assignment = tables.judgment, tables.assignment
    since = bindparam("since", type_=judgment.c.submitted_at.type)
    return _rater_query().where(assignment.c.purpose == Purpose.GOLD.value, judgment.c.submitted_at > since)


def _overall_credit(key: GoldKey, answer: Answer) -> float:
    if key.distribution is not None:
        chosen, top = _chosen(answer), max(key.distribution.values(), default=0.0)
        share = sum(key.distribution.get(name, 0.0) for name in chosen) / max(len(chosen), 1)
        return 1.0 if chosen & set(key.accepted) else (share / top if top else 0.0)
    return _credit(answer, set(key.accepted))


def _credit(answer: Answer, accepted: set[str]) -> float:
    """1 where an accepted answer was given, a half where it was missed by a tie, else 0."""
    chosen = _chosen(answer)
    if not chosen:
        return 0.0
    if chosen & accepted:
        return 1.0
    near = TIE in chosen or (TIE in accepted and BOTH_BAD not in chosen)
    return HALF if near else 0.0


def _chosen(answer: Answer) -> set[str]:
    """What an answer says, in the words of keys; "does not apply" says that nothing tells the responses apart."""
    if answer.preferred is not None:
        return {TIE} if answer.preferred == NOT_APPLICABLE else {answer.preferred}
    if answer.ranking is not None:
        top = answer.ranking[0] if answer.ranking else ()
        return set(top) if len(top) == 1 else {TIE}
    merits = answer.scores if answer.scores is not None else answer.checks
    if not merits:
        return set()
    best = [name for name, value in merits.items() if value == max(merits.values())]
    return set(best) if len(best) == 1 else {TIE}
