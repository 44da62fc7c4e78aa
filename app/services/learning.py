"""Lessons: from the rubric's examples, from its tension rules, and from real comparisons that were settled.

Foundation asks one criterion at a time on the rubric's own examples, advanced what prevails where criteria pull apart,
expert real comparisons: gold that is kept for teaching, and contested ones that were adjudicated. The feedback comes at
once. Who has answered four in five of a level right holds it as a skill.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, insert, select, union

from app.domain import AssignmentState, Campaign, Cause, Message, Rater, RaterState, Round, utc_now
from app.errors import InvalidInput, NotFound
from app.policy import Action
from app.services import events, probing, standing
from app.services.gold_scoring import right_answers
from app.services.levelling import LESSONS
from app.services.lookup import find_account, find_campaign, require, rounds_of, rubric_of
from app.services.tutoring import Passage, explain
from app.services.watching import REFRESHERS, refreshers_done
from app.store import tables
from app.store.engine import Store
from app.store.queries import adjudications, comparison_ids, read_comparisons, suspended_keys
from rubrics.answers import BOTH_BAD, NOT_APPLICABLE, TIE
from rubrics.model import OVERALL, Criterion, Rubric

FOUNDATION, ADVANCED, EXPERT = 1, 2, 3
SHARE = 0.8
"""Share of a level's lessons that must be answered right, each at its latest try."""

AT_MOST = 30
"""Expert lessons that are offered."""

CONTEXT = "context"

_lesson = tables.lesson_answer


@dataclass(frozen=True)
class Lesson:
    """One question with its key.

    Attributes:
        key: its name, such as `criterion:honesty:0`, `tension:honesty:helpfulness`, `gold:x1` or `decided:x2`.
        level: 1 foundation, 2 advanced, 3 expert.
        title: what it is about.
        prompt: the conversation; empty for a question about a rule.
        responses: the texts to compare, in the order shown.
        slots: the answer that stands for each response.
        question: what is asked.
        options: the answers that can be given, with their words.
        accepted: those that are right.
        explanation: why, in the words of whoever made the key.
        criteria: which criteria it is about: what the tutor quotes.
    """

    key: str
    level: int
    title: str
    prompt: tuple[Message, ...]
    responses: tuple[str, ...]
    slots: tuple[str, ...]
    question: str
    options: tuple[tuple[str, str], ...]
    accepted: frozenset[str]
    explanation: str
    criteria: tuple[str, ...]


@dataclass(frozen=True)
class Feedback:
    """What a rater learns from an answer, at once.

    Attributes:
        right: the accepted answers in the words of the options.
        passages: the rubric's own words on it.
        level: the level of lessons that the rater has finished now.
    """

    is_right: bool
    right: tuple[str, ...]
    explanation: str
    passages: tuple[Passage, ...]
    level: int


@dataclass(frozen=True)
class Course:
    """The lessons of a campaign for one rater.

    Attributes:
        rubric: what is taught.
        lessons: all of them, by level.
        done: key -> whether the latest answer was right.
        level: the highest level finished in a row.
        required: the level that the exam asks for.
        n_refreshers: refresher lessons still asked for by a warning.
    """

    rubric: Rubric
    lessons: tuple[Lesson, ...]
    done: dict[str, bool]
    level: int
    required: int
    n_refreshers: int = 0

    def of(self, level: int) -> list[Lesson]:
        """The lessons of a level."""
        return [lesson for lesson in self.lessons if lesson.level == level]

    def progress(self, level: int) -> tuple[int, int]:
        """(answered right at the latest try, lessons) of a level."""
        keys = [lesson.key for lesson in self.of(level)]
        return sum(self.done.get(key, False) for key in keys), len(keys)

    def next_lesson(self) -> Lesson | None:
        """The first lesson that was not answered right yet, from the lowest level on; None where all are."""
        return next((lesson for lesson in self.lessons if not self.done.get(lesson.key, False)), None)


def course(store: Store, rater_name: str, campaign_name: str) -> Course | None:
    """The lessons of a campaign with what a rater has done of them; None where it has no open round.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account is no rater here.
    """
    with store.read() as connection:
        rater, campaign = find_account(connection, rater_name), find_campaign(connection, campaign_name)
        require(connection, rater, Action.JUDGE, campaign=campaign)
        return _course(connection, rater, campaign)


def answer_lesson(
    store: Store, rater_name: str, campaign_name: str, key: str, answer: str, *, now: datetime | None = None
) -> Feedback:
    """Answer a lesson, as often as one likes; a finished level becomes a skill.

    Raises:
        NotFound: no such account, campaign or lesson.
        NotAllowed: the account is no rater here.
        InvalidInput: the answer is none of the lesson's.
    """
    now = now or utc_now()
    with store.write() as connection:
        rater, campaign = find_account(connection, rater_name), find_campaign(connection, campaign_name)
        require(connection, rater, Action.JUDGE, campaign=campaign)
        before = _course(connection, rater, campaign)
        lesson = next((one for one in before.lessons if one.key == key), None) if before else None
        if before is None or lesson is None:
            raise NotFound(f"Campaign {campaign_name!r} has no lesson {key!r}.")
        words = dict(lesson.options)
        if answer not in words:
            raise InvalidInput(f"{answer!r} is no answer to this lesson; the answers are {', '.join(words)}.")
        is_right = answer in lesson.accepted
        row = {"rater_id": rater.id, "campaign_id": campaign.id, "lesson": key, "answer": answer, "is_right": is_right}
        connection.execute(insert(_lesson), {**row, "answered_at": now})
        events.record(
            connection,
            actor=rater.name,
            action="lesson.answered",
            subject=f"rater {rater.name}",
            campaign_id=campaign.id,
            detail={"lesson": key, "answer": answer, "is_right": is_right},
        )
        after = _with_level(replace(before, done={**before.done, key: is_right}))
        if after.level > _held_level(connection, rater, campaign, now=now):
            _reach(connection, rater, campaign, after, now=now)
    right = tuple(words[one] for one in words if one in lesson.accepted)
    passages = tuple(explain(before.rubric, lesson.criteria))
    return Feedback(is_right, right, lesson.explanation, passages, after.level)


def _course(connection: Connection, rater: Rater, campaign: Campaign) -> Course | None:
    rounds = [one for one in rounds_of(connection, campaign.id) if one.state == "open"]
    if not rounds:
        return None
    round_ = next((one for one in rounds if one.rules.calibration is not None), rounds[0])
    rubric = rubric_of(connection, round_.rubric_version)
    lessons = [*_foundation(rubric, rater), *_advanced(rubric), *_expert(connection, campaign, round_, rubric, rater)]
    rows = connection.execute(
        select(_lesson.c.lesson, _lesson.c.is_right)
        .where(_lesson.c.rater_id == rater.id, _lesson.c.campaign_id == campaign.id)
        .order_by(_lesson.c.id)
    )
    done = {row.lesson: row.is_right for row in rows}
    required = round_.rules.calibration.lesson_level if round_.rules.calibration else 0
    stands = standing.standing_of(connection, rater, campaign.id)
    n_left = 0
    if stands.state is RaterState.WARNED and stands.decision is not None:
        n_left = max(0, REFRESHERS - refreshers_done(connection, rater, campaign, stands.decision))
    if n_left:
        done = _refresher_done(connection, rater, campaign, stands.decision.decided_at)
    return _with_level(Course(rubric, tuple(lessons), done, 0, required, n_left))


def _refresher_done(connection: Connection, rater: Rater, campaign: Campaign, since: datetime) -> dict[str, bool]:
    """What was answered since a warning: the lessons begin again."""
    rows = connection.execute(
        select(_lesson.c.lesson, _lesson.c.is_right)
        .where(_lesson.c.rater_id == rater.id, _lesson.c.campaign_id == campaign.id, _lesson.c.answered_at >= since)
        .order_by(_lesson.c.id)
    )
    return {row.lesson: row.is_right for row in rows}


def _with_level(found: Course) -> Course:
    level = 0
    for one in (FOUNDATION, ADVANCED, EXPERT):
        right, n = found.progress(one)
        if right < SHARE * n:
            break
        level = one
    return replace(found, level=level)


def _held_level(connection: Connection, rater: Rater, campaign: Campaign, *, now: datetime) -> int:
    skill = tables.rater_skill
    held = (
        skill.c.rater_id == rater.id,
        skill.c.campaign_id == campaign.id,
        skill.c.skill == LESSONS,
        skill.c.expires_at.is_(None),
    )
    return max(connection.scalars(select(skill.c.level).where(*held)), default=0)


def _reach(connection: Connection, rater: Rater, campaign: Campaign, found: Course, *, now: datetime) -> None:
    evidence = {standing.LEVELS[level]: list(found.progress(level)) for level in range(FOUNDATION, found.level + 1)}
    standing.grant(connection, rater, LESSONS, level=found.level, evidence=evidence, now=now, campaign_id=campaign.id)
    events.record(
        connection,
        actor=rater.name,
        action="lessons.finished",
        subject=f"rater {rater.name}",
        campaign_id=campaign.id,
        detail={"level": found.level, **evidence},
    )


# --- making lessons --------------------------------------------------------------------------------------------------


def _foundation(rubric: Rubric, rater: Rater) -> list[Lesson]:
    """One lesson per example of a criterion."""
    return [
        _on_example(criterion, number, rater)
        for criterion in rubric.criteria
        for number in range(len(criterion.examples))
    ]


def _on_example(criterion: Criterion, number: int, rater: Rater) -> Lesson:
    example = criterion.examples[number]
    key = f"criterion:{criterion.key}:{number}"
    slots = _order(("a", "b"), key, rater)
    options = [*_responses(slots), (TIE, "They are equal")]
    if criterion.allow_not_applicable or example.prefer == NOT_APPLICABLE:
        options.append((NOT_APPLICABLE, "It does not apply"))
    if example.prefer not in dict(options):
        options.append((example.prefer, "It cannot be judged"))
    texts = {"a": example.a, "b": example.b}
    return Lesson(
        key=key,
        level=FOUNDATION,
        title=criterion.name,
        prompt=(Message("user", example.prompt),),
        responses=tuple(texts[slot] for slot in slots),
        slots=slots,
        question=criterion.question,
        options=tuple(options),
        accepted=frozenset({example.prefer}),
        explanation=_noted(example.why, slots, note="In the rubric, your Response B stands first."),
        criteria=(criterion.key,),
    )


def _noted(why: str, slots: Sequence[str], *, note: str) -> str:
    """An explanation as it was written, with a note where the responses are shown the other way round."""
    return why if list(slots) == sorted(slots) or not why else f"{why} ({note})"


def _advanced(rubric: Rubric) -> list[Lesson]:
    """One lesson per tension rule."""
    lessons = []
    for rule in rubric.tensions:
        names = {key: rubric.criterion(key).name for key in rule.between}
        i, j = rule.between
        lessons.append(
            Lesson(
                key=f"tension:{min(i, j)}:{max(i, j)}",
                level=ADVANCED,
                title=f"{names[i]} against {names[j]}",
                prompt=(),
                responses=(),
                slots=(),
                question=f"{names[i]} favours one response and {names[j]} the other. What should prevail overall?",
                options=((i, names[i]), (j, names[j]), (CONTEXT, "The context decides")),
                accepted=frozenset({rule.prevailing or CONTEXT}),
                explanation=rule.guidance,
                criteria=(i, j),
            )
        )
    return lessons


def _expert(connection: Connection, campaign: Campaign, round_: Round, rubric: Rubric, rater: Rater) -> list[Lesson]:
    """Real comparisons: gold that teaches, and decisions that corrected votes, with the reasons that were given.

    Gold teaches where a round is calibrated: elsewhere all of it measures. What is still asked of raters is left out.
    """
    known = comparison_ids(connection, campaign.id)
    reasons = {
        one.comparison_id: one.adjudication
        for one in adjudications(connection, campaign.id)
        if one.holds and one.adjudication.cause is Cause.ERROR and one.adjudication.answer.preferred
    }
    suspended = suspended_keys(connection)
    key = tables.gold_key
    explained = set(connection.scalars(select(key.c.comparison_id).where(key.c.explanation != "")))
    teaching = explained - suspended if round_.rules.calibration is not None else set()
    gold = [name for name, row in known.items() if row in teaching and probing.teaches(name, True)]
    asked = _still_asked(connection, campaign, rater)
    decided = [name for name in reasons if name in known and known[name] not in explained | asked]
    names = [*gold, *decided][:AT_MOST]
    lessons = []
    for stored in read_comparisons(connection, [known[name] for name in names]):
        comparison = stored.comparison
        if stored.erased or comparison.mode is not round_.mode or len(comparison.completions) != 2:
            continue
        if comparison.gold is not None:
            accepted, why, kind = frozenset(right_answers(comparison.gold)), comparison.gold.explanation, "gold"
            about = tuple(comparison.gold.criteria) or rubric.criterion_keys[:1]
        else:
            decision = reasons[comparison.id]
            accepted, why, kind = frozenset({str(decision.answer.preferred)}), decision.reason, "decided"
            about = rubric.criterion_keys
        name = f"{kind}:{comparison.id}"
        slots = _order(comparison.completion_ids, name, rater)
        texts = {one.id: one.text for one in comparison.completions}
        lessons.append(
            Lesson(
                key=name,
                level=EXPERT,
                title="A real comparison",
                prompt=comparison.prompt,
                responses=tuple(texts[slot] for slot in slots),
                slots=slots,
                question="Which response is better overall?",
                options=(*_responses(slots), (TIE, "They are equal"), (BOTH_BAD, "Both are bad")),
                accepted=accepted,
                explanation=_noted(why, slots, note="There, A is your Response B, and B your Response A."),
                criteria=tuple(key for key in about if key != OVERALL),
            )
        )
    return lessons


def _still_asked(connection: Connection, campaign: Campaign, rater: Rater) -> set[int]:
    """Comparisons that wait for votes, or that the rater holds: a lesson on one would tell what was decided of it."""
    item, assignment, round_ = tables.queue_item, tables.assignment, tables.round_
    rounds = select(round_.c.id).where(round_.c.campaign_id == campaign.id)
    waiting = select(item.c.comparison_id).where(item.c.round_id.in_(rounds), item.c.is_open)
    held = select(assignment.c.comparison_id).where(
        assignment.c.round_id.in_(rounds),
        assignment.c.rater_id == rater.id,
        assignment.c.state == AssignmentState.OPEN.value,
    )
    return set(connection.scalars(union(waiting, held)))


def _responses(slots: Sequence[str]) -> list[tuple[str, str]]:
    return [(slot, f"Response {'ABCDEFGH'[place]}") for place, slot in enumerate(slots)]


def _order(slots: Sequence[str], key: str, rater: Rater) -> tuple[str, ...]:
    """The order on the screen, drawn by lesson and rater: the same at every visit."""
    digest = hashlib.sha256(f"{rater.id}\0{key}".encode()).digest()
    return tuple(slots) if digest[0] % 2 else tuple(reversed(slots))
