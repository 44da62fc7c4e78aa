"""READ FIRST: what Steelyard talks about. Frozen dataclasses and enums; no I/O, no pandas, no SQLAlchemy.

A *campaign* holds *comparisons* (one prompt, k >= 2 completions). A *round* is one rubric version with its
collecting rules. A *rater* (a person, a model, a program or a simulation) is leased an *assignment* and answers it
with a *judgment*: one *answer* per criterion and one overall (`rubrics.answers.Answer`).

Identity is not position: completions are `a, b, c ...` for ever; `shown` is the order that one rater saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from app.requirements import NOTHING, Requirements
from rubrics.answers import Answer

OVERALL = "overall"
"""The reserved criterion key of the overall verdict."""


def utc_now() -> datetime:
    """The time now, aware, in UTC: the only clock of the platform."""
    return datetime.now(UTC)


class RaterKind(StrEnum):
    """What a judge is. Kinds are never merged silently: a campaign names the kinds it counts."""

    HUMAN = "human"
    MODEL = "model"
    PROGRAM = "program"
    SIMULATED = "simulated"


class Role(StrEnum):
    """What a person may do, everywhere or in one campaign (see `app.policy`)."""

    RATER = "rater"
    REVIEWER = "reviewer"
    DESIGNER = "designer"
    RESEARCHER = "researcher"
    ADMIN = "admin"


class RaterState(StrEnum):
    """Where a rater stands in their life on the platform."""

    APPLICANT = "applicant"
    TRAINING = "training"
    QUALIFIED = "qualified"
    WARNED = "warned"
    PAUSED = "paused"
    RETIRED = "retired"


class Decision(StrEnum):
    """What was decided about a rater in a campaign; the latest one that moves the state holds (`STATE_AFTER`)."""

    PASSED = "passed"
    FAILED = "failed"
    WARNED = "warned"
    CLEARED = "cleared"
    PAUSED = "paused"
    REVIEW = "review"
    REQUALIFIED = "requalified"
    SKILL = "skill"


STATE_AFTER: Mapping[Decision, RaterState] = {
    Decision.PASSED: RaterState.QUALIFIED,
    Decision.WARNED: RaterState.WARNED,
    Decision.CLEARED: RaterState.QUALIFIED,
    Decision.PAUSED: RaterState.PAUSED,
    Decision.REVIEW: RaterState.PAUSED,
    Decision.REQUALIFIED: RaterState.QUALIFIED,
}
"""Where a rater stands in a campaign after a decision; the other decisions leave them where they are."""


class RankingMode(StrEnum):
    """What a round asks for: a choice between two completions, or a ranking of three or more."""

    PAIR = "pair"
    KWAY = "kway"


class RoundPurpose(StrEnum):
    """Why a round exists."""

    PILOT = "pilot"
    MAIN = "main"
    BRIDGE = "bridge"


class Purpose(StrEnum):
    """Why a rater got a comparison. Hidden from the rater."""

    WORK = "work"
    GOLD = "gold"
    REPEAT = "repeat"
    EXAM = "exam"
    AUDIT = "audit"


class CriteriaOrder(StrEnum):
    """In which order a round asks the criteria: the rubric's, or one drawn by lot for each assignment."""

    RUBRIC = "rubric"
    RANDOM = "random"


class OverallPlace(StrEnum):
    """Where a round asks the overall verdict: after the criteria, before them, or by lot for each assignment."""

    LAST = "last"
    FIRST = "first"
    RANDOM = "random"


class AssignmentState(StrEnum):
    """`open` holds a lease; the other states are final, except that an expired one may be leased again."""

    OPEN = "open"
    SUBMITTED = "submitted"
    SKIPPED = "skipped"
    EXPIRED = "expired"


class OverlapPolicy(StrEnum):
    """When a comparison has votes enough (`app.stats.overlap` decides, `app.services.collecting` acts)."""

    FIXED = "fixed"
    CURTAILED = "curtailed"
    POSTERIOR = "posterior"


class ItemState(StrEnum):
    """Where a comparison stands in a round's queue: `collecting` until its votes are enough or exhausted."""

    COLLECTING = "collecting"
    SETTLED = "settled"
    CONTESTED = "contested"
    WITHDRAWN = "withdrawn"


class Cause(StrEnum):
    """Why raters disagreed, as the adjudicator sees it."""

    ERROR = "error"
    UNDERSPECIFIED = "underspecified"
    STYLE = "style"
    REFUSAL = "refusal"
    VALUE_CONFLICT = "value_conflict"


class ReviewLevel(StrEnum):
    """Who reviews an attempt: another person first, a senior where that one would answer otherwise."""

    REVIEW = "review"
    SENIOR = "senior"


class ReviewVerdict(StrEnum):
    """What a reviewer makes of an attempt: it stands as given, or other answers should stand."""

    APPROVE = "approve"
    EDIT = "edit"


class JobState(StrEnum):
    """The life of long work."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Message:
    """One turn of a conversation; `role` is system, user, assistant or tool."""

    role: str
    content: str


@dataclass(frozen=True)
class Completion:
    """One model response. `id` is its identity inside the comparison: a, b, c ..."""

    id: str
    text: str
    model: str | None = None
    parameters: Mapping[str, Any] | None = None
    source: str | None = None
    licence: str | None = None


@dataclass(frozen=True)
class GoldKey:
    """What a careful reader must answer: for scoring raters, never exported for training.

    Attributes:
        accepted: overall answers that count as right (completion ids, "tie", "both_bad").
        criteria: direction per criterion (a completion id or "tie"), for the criteria that are clear.
        explanation: why, in the words shown to a rater who is being taught.
        distribution: instead of a set, the share of experts behind each answer.
        suspended_at: since when nobody is measured by it; None while it measures.
        suspended_for: the reason with its figures, where one is kept.
        kept_at: when a designer looked at it and kept it; nothing before counts against it.
    """

    accepted: tuple[str, ...]
    criteria: Mapping[str, str] = field(default_factory=dict)
    explanation: str = ""
    distribution: Mapping[str, float] | None = None
    suspended_at: datetime | None = None
    suspended_for: Mapping[str, Any] | None = None
    kept_at: datetime | None = None


@dataclass(frozen=True)
class DeclaredTension:
    """A rater's own word that two criteria pulled apart, and which of them prevailed."""

    between: tuple[str, str]
    prevailed: str | None = None
    why: str = ""


@dataclass(frozen=True)
class ErrorSpan:
    """A passage of a completion that a rater marked as wrong, tied to a criterion.

    Attributes:
        completion: the completion's id.
        criterion: the key of the criterion that the passage fails.
        start: the first character of the passage in the completion's text, counted from 0 in Unicode characters.
        end: the character after its last.
        note: what is wrong, in the rater's words.
    """

    completion: str
    criterion: str
    start: int
    end: int
    note: str = ""


@dataclass(frozen=True)
class Report:
    """A rater's flag on a comparison: harmful content, a broken text, a question to the designer.

    Attributes:
        at: when it was raised; None for the time of the judgment with which it came.
        answer: the designer's words; None while it waits.
        read_at: when the rater saw the answer.
    """

    kind: str
    text: str = ""
    at: datetime | None = None
    answer: str | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None
    read_at: datetime | None = None


@dataclass(frozen=True)
class Question:
    """What a rater asked or reported while they held a comparison, outside any judgment of it.

    Attributes:
        scope: the part of the rubric that they were asked for; None for the whole.
    """

    rater: str
    report: Report
    rater_kind: RaterKind = RaterKind.HUMAN
    round: str | None = None
    repeat_index: int = 0
    scope: str | None = None


@dataclass(frozen=True)
class Review:
    """What a reviewer or a senior said of an attempt: it stands beside the judgment and overwrites nothing.

    Attributes:
        answers: what should stand instead (criterion key or "overall" -> answer); None where the attempt stands.
        by: who said it.
    """

    level: ReviewLevel
    answers: Mapping[str, Answer] | None
    reason: str
    by: str
    at: datetime

    @property
    def verdict(self) -> ReviewVerdict:
        """Whether the attempt stands as given."""
        return ReviewVerdict.APPROVE if self.answers is None else ReviewVerdict.EDIT


@dataclass(frozen=True)
class Judgment:
    """All that one rater says of one comparison, with the facts of how it was said.

    Attributes:
        answers: criterion key (or "overall") -> answer, canonical: in completion ids, never in positions.
        revision: 0 for the first submission; a later one supersedes it and leaves it in place.
        repeat_index: 0, or 1, 2 ... for blind repeats.
        error_spans: passages marked as wrong.
        shown: completion ids in the order on the rater's screen, where known.
        criteria_shown: criterion keys in the order on the rater's screen, where known.
        overall_first: whether the overall verdict was asked before the criteria, where known.
        confidence: 1 to 5.
        seconds: active seconds.
        scope: the part of the rubric that was asked, where criteria are routed to specialists; None for the whole.
        reviews: what reviewers and seniors said of it, the reviewer's word first.
    """

    rater: str
    answers: Mapping[str, Answer]
    rater_kind: RaterKind = RaterKind.HUMAN
    justification: str = ""
    tensions: tuple[DeclaredTension, ...] = ()
    reports: tuple[Report, ...] = ()
    error_spans: tuple[ErrorSpan, ...] = ()
    confidence: int | None = None
    seconds: float | None = None
    at: datetime | None = None
    shown: tuple[str, ...] | None = None
    criteria_shown: tuple[str, ...] | None = None
    overall_first: bool | None = None
    revision: int = 0
    repeat_index: int = 0
    purpose: Purpose = Purpose.WORK
    round: str | None = None
    rubric_version: str | None = None
    scope: str | None = None
    reviews: tuple[Review, ...] = ()


@dataclass(frozen=True)
class Adjudication:
    """A decision about a comparison: it adds a row and a reason, and overwrites no vote."""

    answer: Answer
    cause: Cause
    reason: str
    by: str
    at: datetime | None = None
    round: str | None = None


@dataclass(frozen=True)
class Comparison:
    """One prompt with k >= 2 completions, as the outside world names it.

    Attributes:
        id: external id, unique in its campaign.
        prompt: the conversation up to the response that is judged.
        reference: a label from outside to compare with; never shown, never a gold key.
        meta: free facts (topic, language, source ...) to slice and split by.
        requires: what a rater must hold to judge it.
    """

    id: str
    prompt: tuple[Message, ...]
    completions: tuple[Completion, ...]
    gold: GoldKey | None = None
    reference: Mapping[str, Any] | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    requires: Requirements = NOTHING

    @property
    def completion_ids(self) -> tuple[str, ...]:
        """Ids in id order: the order of every stored preference."""
        return tuple(completion.id for completion in self.completions)

    @property
    def mode(self) -> RankingMode:
        """Pairs are judged in pair rounds, three or more completions in k-way rounds."""
        return RankingMode.PAIR if len(self.completions) == 2 else RankingMode.KWAY


def content_kinds(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """The kinds of content that a comparison's meta warns of: `{"content_kinds": ["violence", "self-harm"]}`.

    One text counts as a list of one; case and surrounding spaces do not matter; what is no text names nothing.
    """
    named = meta.get("content_kinds", ())
    listed = named if isinstance(named, list | tuple) else [named]
    return tuple(sorted({kind.strip().casefold() for kind in listed if isinstance(kind, str) and kind.strip()}))


@dataclass(frozen=True)
class ImportedComparison:
    """One good line of a file: a comparison with whatever judgments, decisions and questions came along."""

    line: int
    comparison: Comparison
    judgments: tuple[Judgment, ...] = ()
    adjudications: tuple[Adjudication, ...] = ()
    warnings: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True)
class RefusedLine:
    """One bad line of a file: where, which field, and why, with the remedy in the reason."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        place = f", field {self.field}" if self.field else ""
        return f"line {self.line}{place}: {self.reason}"


@dataclass(frozen=True)
class Calibration:
    """How a round calibrates its raters: an exam before work, gold by experience, actions on decline.

    Attributes:
        p0: accuracy that must not pass the exam.
        p1: accuracy that must pass it.
        max_items: the longest exam.
        class_minimum: share of right answers needed in every class of answers.
        wait_hours: between a failed exam and the one retry.
        valid_days: how long a passed exam holds.
        lesson_level: lessons to finish before the exam: 0 none, 1 foundation, 2 advanced, 3 expert.
        exposure_cap: raters who may see one gold comparison; then it is used no more.
    """

    p0: float = 0.70
    p1: float = 0.85
    max_items: int = 100
    class_minimum: float = 0.6
    wait_hours: float = 24.0
    valid_days: int = 365
    lesson_level: int = 0
    exposure_cap: int = 500


@dataclass(frozen=True)
class Scope:
    """The part of a rubric that one kind of rater judges: a safety specialist harmlessness, an expert factuality.

    Attributes:
        name: short, unique in the round; stored with every assignment.
        criteria: keys of the criteria asked.
        asks_overall: whether the overall verdict is asked too.
        requires: what a rater must hold to judge it.
    """

    name: str
    criteria: tuple[str, ...] = ()
    asks_overall: bool = False
    requires: Requirements = NOTHING


@dataclass(frozen=True)
class RoundRules:
    """How a round collects.

    Attributes:
        overlap: the most votes of counted kinds that a comparison gets before it is contested.
        gold_rate: share of assignments that are hidden gold, 0 to 1.
        repeat_rate: share of assignments that are blind repeats of the rater's own work, 0 to 1.
        lease_seconds: how long a rater holds a comparison.
        required_skills: skills a rater must hold.
        sample: how many comparisons, drawn by lot when the round opens; None takes all, also those imported later.
        calibration: how raters are calibrated; None lets every qualified member rate at once, at a fixed `gold_rate`.
        criteria_order: in which order the criteria are asked; by lot, an impression of one colours all alike.
        overall_place: where the overall verdict is asked.
        policy: when votes are enough before the overlap is reached.
        threshold: calibrated posterior that stops, under the posterior policy.
        audit_share: share of early-stopped comparisons that go on to full overlap, chosen by a stable hash.
        max_share: largest share of the round's votes that one rater may give; 1 sets no cap.
        experts: what a rater must hold for the further votes on a contested comparison; none asks for none.
        expert_votes: how many such votes a contested comparison gets.
        scopes: parts of the rubric that different raters judge; none means that everybody judges everything.
        audit_batch: settled comparisons after which an audit opens by itself; 0 for none.
        review_share: share of the judgments that somebody else reviews, by lot; 0 for none.
    """

    overlap: int = 3
    gold_rate: float = 0.1
    repeat_rate: float = 0.0
    lease_seconds: int = 3600
    required_skills: tuple[str, ...] = ()
    sample: int | None = None
    calibration: Calibration | None = None
    criteria_order: CriteriaOrder = CriteriaOrder.RUBRIC
    overall_place: OverallPlace = OverallPlace.LAST
    policy: OverlapPolicy = OverlapPolicy.CURTAILED
    threshold: float = 0.95
    audit_share: float = 0.05
    max_share: float = 1.0
    experts: Requirements = NOTHING
    expert_votes: int = 2
    scopes: tuple[Scope, ...] = ()
    audit_batch: int = 0
    review_share: float = 0.0


@dataclass(frozen=True)
class Campaign:
    """A set of comparisons under one name, with the kinds of rater that count.

    Attributes:
        renders_math: whether formulas between dollar signs are set as formulas; elsewhere they are shown as written.
    """

    id: int
    name: str
    title: str
    counted_kinds: tuple[RaterKind, ...]
    state: str
    created_at: datetime
    renders_math: bool = False


@dataclass(frozen=True)
class Round:
    """One rubric version with its collecting rules."""

    id: int
    campaign_id: int
    name: str
    purpose: RoundPurpose
    mode: RankingMode
    rubric_version: str
    rules: RoundRules
    state: str
    created_at: datetime


@dataclass(frozen=True)
class Preferences:
    """How a person wants the screen to be.

    Attributes:
        language: of the rater's pages, as in `app.ui.words`; None follows the browser.
        single_keys: whether single keys (1 to 9, j, k ...) do something (WCAG 2.1.4).
    """

    language: str | None = None
    single_keys: bool = True


@dataclass(frozen=True)
class Rater:
    """A judge of any kind. `namespace` is empty for accounts, a campaign's name for imported pseudonyms."""

    id: int
    name: str
    namespace: str
    kind: RaterKind
    state: RaterState
    roles: frozenset[Role]
    preferences: Preferences = Preferences()


@dataclass(frozen=True)
class Assignment:
    """A comparison leased to a rater, as the rater may see it: slots in the order shown, no purpose, no model names.

    Attributes:
        shown: completion ids in the order on the screen.
        criteria_shown: criterion keys in the order on the screen; the scope of this assignment.
        overall_first: whether the overall verdict is asked before the criteria.
    """

    id: int
    campaign: str
    round_id: int
    rubric_version: str
    comparison_id: str
    prompt: tuple[Message, ...]
    responses: tuple[str, ...]
    shown: tuple[str, ...]
    criteria_shown: tuple[str, ...]
    asks_overall: bool
    lease_expires_at: datetime
    draft: Mapping[str, Any] | None = None
    overall_first: bool = False


@dataclass(frozen=True)
class Job:
    """Long work and how far it is.

    Attributes:
        actor: who asked for it.
        campaign_id: the campaign that it is about, if any.
        is_stopping: somebody asked it to stop, and it has not ended yet.
    """

    id: int
    kind: str
    state: JobState
    progress: float
    message: str
    arguments: Mapping[str, Any]
    result: Mapping[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    actor: str = ""
    campaign_id: int | None = None
    is_stopping: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class Event:
    """Something that changed the state: who, what, on what, when."""

    id: int
    campaign_id: int | None
    actor: str
    action: str
    subject: str
    at: datetime
    detail: Mapping[str, Any]
