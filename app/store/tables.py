"""The schema: every fact of the platform, with its uniqueness in named constraints.

Facts are rows; opinions (agreement, consensus, calibration, tension) are not in this file. `queue_item` is the one
exception that is stated as such: counters that let a lease be found without counting, repaired from the facts by
`steelyard db check`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time in, an aware UTC time out, on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"The time {value!r} has no zone; times are UTC.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


def _ref(name: str, target: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, ForeignKey(f"{target}.id"), nullable=nullable)


# --- people and judges -------------------------------------------------------------------------------------------

rater = Table(
    "rater",
    metadata,
    _id(),
    Column("namespace", String, nullable=False, server_default=text("''")),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("roles", Json, nullable=False),
    Column("specification", Json),
    Column("password_hash", String),
    Column("created_at", UtcDateTime, nullable=False),
    Column("preferences", Json),
    UniqueConstraint("namespace", "name"),
    CheckConstraint("kind IN ('human', 'model', 'program', 'simulated')", name="kind"),
    CheckConstraint("state IN ('applicant', 'training', 'qualified', 'warned', 'paused', 'retired')", name="state"),
)
"""`specification`: what a machine rater is made of (model, prompt, parameters) or the ability of a simulated one.
`preferences`: how a person wants the screen, null for the defaults."""

rater_skill = Table(
    "rater_skill",
    metadata,
    _id(),
    _ref("rater_id", "rater"),
    _ref("campaign_id", "campaign", nullable=True),
    Column("skill", String, nullable=False),
    Column("level", Integer, nullable=False),
    Column("evidence", Json),
    Column("granted_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    UniqueConstraint("rater_id", "campaign_id", "skill", "granted_at"),
)

login_token = Table(
    "login_token",
    metadata,
    _id(),
    _ref("rater_id", "rater"),
    Column("purpose", String, nullable=False),
    Column("token_hash", String, nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    CheckConstraint("purpose IN ('set_password', 'session')", name="purpose"),
)
"""Only the hash of a token is kept; `set_password` tokens work once."""

# --- rubrics, campaigns, rounds ----------------------------------------------------------------------------------

rubric_version = Table(
    "rubric_version",
    metadata,
    Column("version", String, primary_key=True),
    Column("key", String, nullable=False),
    Column("title", String, nullable=False),
    Column("content", Json, nullable=False),
    Column("source_yaml", Text),
    Column("published_at", UtcDateTime, nullable=False),
)

rubric_draft = Table(
    "rubric_draft",
    metadata,
    _id(),
    Column("title", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("dismissed", Json, nullable=False),
    Column("created_by", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("saved_by", String, nullable=False),
    Column("saved_at", UtcDateTime, nullable=False),
    Column("published_version", ForeignKey("rubric_version.version")),
    Column("closed_at", UtcDateTime),
    CheckConstraint("revision >= 1", name="revision"),
)
"""A text in the making. Who saves names the revision they read; another one is refused. `closed_at`: it has ended."""

rubric_draft_text = Table(
    "rubric_draft_text",
    metadata,
    Column("draft_id", ForeignKey("rubric_draft.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("saved_by", String, nullable=False),
    Column("saved_at", UtcDateTime, nullable=False),
)
"""A text that a draft had, and that another one has replaced since."""

campaign = Table(
    "campaign",
    metadata,
    _id(),
    Column("name", String, nullable=False, unique=True),
    Column("title", String, nullable=False),
    Column("counted_kinds", Json, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("renders_math", Boolean, nullable=False, server_default=false()),
    CheckConstraint("state IN ('open', 'closed')", name="state"),
)

campaign_member = Table(
    "campaign_member",
    metadata,
    _id(),
    _ref("campaign_id", "campaign"),
    _ref("rater_id", "rater"),
    Column("roles", Json, nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
    UniqueConstraint("campaign_id", "rater_id"),
)

round_ = Table(
    "round",
    metadata,
    _id(),
    _ref("campaign_id", "campaign"),
    _ref("batch_id", "import_batch", nullable=True),
    Column("name", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("rubric_version", ForeignKey("rubric_version.version"), nullable=False),
    Column("rules", Json, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("campaign_id", "name"),
    CheckConstraint("purpose IN ('pilot', 'main', 'bridge')", name="purpose"),
    CheckConstraint("mode IN ('pair', 'kway')", name="mode"),
    CheckConstraint("state IN ('open', 'closed')", name="state"),
)
"""`batch_id`: the import that opened the round, because judgments in its file are of it."""

# --- comparisons -------------------------------------------------------------------------------------------------

content = Table(
    "content",
    metadata,
    Column("hash", String, primary_key=True),
    Column("body", Text),
    Column("erased_at", UtcDateTime),
    Column("erased_reason", String),
    CheckConstraint("(body IS NULL) = (erased_at IS NOT NULL)", name="tombstone"),
    Index(
        "ix_content_erased",
        "hash",
        sqlite_where=text("erased_at IS NOT NULL"),
        postgresql_where=text("erased_at IS NOT NULL"),
    ),
)
"""Texts, once each, by sha256. An erased text leaves its row without a body: a tombstone."""

import_batch = Table(
    "import_batch",
    metadata,
    _id(),
    _ref("campaign_id", "campaign"),
    Column("source", String, nullable=False),
    Column("format", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("heartbeat_at", UtcDateTime, nullable=False),
    Column("completed_at", UtcDateTime),
    Column("event_id", Integer),
    Column("counts", Json),
)
"""What a batch brought is visible when `completed_at` is set; the rows of a batch that died are swept away."""

comparison = Table(
    "comparison",
    metadata,
    _id(),
    _ref("campaign_id", "campaign"),
    _ref("batch_id", "import_batch", nullable=True),
    Column("external_id", String, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("record_hash", String, nullable=False),
    Column("prompt_hash", ForeignKey("content.hash"), nullable=False),
    Column("mode", String, nullable=False),
    Column("n_completions", Integer, nullable=False),
    Column("meta", Json, nullable=False),
    Column("reference", Json),
    Column("requires", Json),
    UniqueConstraint("campaign_id", "external_id"),
    CheckConstraint("mode IN ('pair', 'kway')", name="mode"),
    CheckConstraint("n_completions >= 2", name="completions"),
    Index("ix_comparison_content_hash", "campaign_id", "content_hash"),
    Index("ix_comparison_batch_id", "batch_id"),
    Index("ix_comparison_prompt_hash", "prompt_hash"),
)
"""`content_hash`: prompt and texts. `record_hash`: everything a file said of it, models, meta, gold and all."""

completion = Table(
    "completion",
    metadata,
    Column("comparison_id", ForeignKey("comparison.id"), primary_key=True),
    Column("slot", String, primary_key=True),
    Column("text_hash", ForeignKey("content.hash"), nullable=False),
    Column("model", String),
    Column("parameters", Json),
    Column("source", String),
    Column("licence", String),
    Index("ix_completion_text_hash", "text_hash"),
)
"""`slot` is the completion's identity (a, b, c ...), not a position on any screen."""

comparison_content = Table(
    "comparison_content",
    metadata,
    Column("comparison_id", ForeignKey("comparison.id"), primary_key=True),
    Column("kind", String, primary_key=True),
)
"""The kinds of content that a comparison's meta names (`content_kinds`), so that a lease can leave them out."""

content_opt_out = Table(
    "content_opt_out",
    metadata,
    Column("rater_id", ForeignKey("rater.id"), primary_key=True),
    Column("kind", String, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
)
"""Kinds of content that a rater does not want to be shown."""

gold_key = Table(
    "gold_key",
    metadata,
    _id(),
    _ref("comparison_id", "comparison"),
    Column("accepted", Json, nullable=False),
    Column("criteria", Json, nullable=False),
    Column("explanation", Text, nullable=False),
    Column("distribution", Json),
    Column("suspended_at", UtcDateTime),
    Column("suspended_for", Json),
    Column("kept_at", UtcDateTime),
    UniqueConstraint("comparison_id"),
)
"""`suspended_for`: reason and figures. `kept_at`: a designer looked at the key then and keeps it; nothing before counts
against it."""

# --- assigning ---------------------------------------------------------------------------------------------------

lane = Table(
    "lane",
    metadata,
    _id(),
    _ref("round_id", "round"),
    Column("scope", String, nullable=False, server_default=text("''")),
    Column("key", String, nullable=False, server_default=text("''")),
    Column("requires", Json),
    Column("for_contested", Boolean, nullable=False),
    Column("n_items", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("round_id", "scope", "key"),
)
"""A part of a round's queue whose comparisons ask the same of a rater: a scope and requirements (clauses).
`n_items` counts what was put into it, so that shares need no counting."""

queue_item = Table(
    "queue_item",
    metadata,
    Column("round_id", ForeignKey("round.id"), primary_key=True),
    Column("comparison_id", ForeignKey("comparison.id"), primary_key=True),
    Column("scope", String, primary_key=True, server_default=text("''")),
    _ref("lane_id", "lane"),
    Column("priority", Float, nullable=False, server_default=text("0")),
    Column("priority_reason", String),
    Column("sort_key", Float, nullable=False),
    Column("n_slots", Integer, nullable=False),
    Column("n_taken", Integer, nullable=False, server_default=text("0")),
    Column("n_extra", Integer, nullable=False, server_default=text("0")),
    Column("is_open", Boolean, nullable=False),
    Column("state", String, nullable=False, server_default=text("'collecting'")),
    CheckConstraint("n_taken >= 0 AND n_taken <= n_slots OR NOT is_open", name="overlap"),
    CheckConstraint("state IN ('collecting', 'settled', 'contested', 'withdrawn')", name="state"),
    Index(
        "ix_queue_item_open",
        "lane_id",
        "priority",
        "n_taken",
        "sort_key",
        sqlite_where=text("is_open = 1"),
        postgresql_where=text("is_open"),
    ),
    Index(
        "ix_queue_item_fresh",
        "lane_id",
        "priority",
        "sort_key",
        sqlite_where=text("is_open = 1 AND n_taken = 0"),
        postgresql_where=text("is_open AND n_taken = 0"),
    ),
)
"""`n_taken` counts leased or submitted work of counted kinds; `n_slots` is what the round's policy allows by now, and
`n_extra` what was granted on top of its overlap. Read backwards: urgent first, started ones next."""

overlap_decision = Table(
    "overlap_decision",
    metadata,
    _id(),
    _ref("round_id", "round"),
    _ref("comparison_id", "comparison"),
    Column("scope", String, nullable=False, server_default=text("''")),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("answer", String),
    Column("n_votes", Integer, nullable=False),
    Column("probability", Float),
    Column("policy", String, nullable=False),
    Column("is_audited", Boolean, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    CheckConstraint("state IN ('settled', 'contested')", name="state"),
    CheckConstraint("n_votes >= 0", name="n_votes"),
    CheckConstraint("probability IS NULL OR (probability >= 0 AND probability <= 1)", name="probability"),
    Index("ix_overlap_decision_comparison", "comparison_id", "round_id"),
    Index("ix_overlap_decision_round", "round_id", "id"),
)
"""When a policy stopped asking, and what it took for the answer then; the last row of a comparison holds. `is_audited`:
it went on to full overlap all the same, to measure how often stopping early is right."""

assignment = Table(
    "assignment",
    metadata,
    _id(),
    _ref("round_id", "round"),
    _ref("comparison_id", "comparison"),
    _ref("rater_id", "rater"),
    _ref("batch_id", "import_batch", nullable=True),
    Column("repeat_index", Integer, nullable=False, server_default=text("0")),
    Column("scope", String, nullable=False, server_default=text("''")),
    Column("purpose", String, nullable=False),
    Column("state", String, nullable=False),
    Column("shown", Json),
    Column("criteria_shown", Json),
    Column("asks_overall", Boolean, nullable=False),
    Column("overall_first", Boolean),
    Column("takes_place", Boolean, nullable=False),
    Column("policy", String, nullable=False),
    Column("propensity", Float),
    Column("leased_at", UtcDateTime, nullable=False),
    Column("lease_expires_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Column("skip_reason", String),
    Column("draft", Json),
    Column("draft_saved_at", UtcDateTime),
    UniqueConstraint("round_id", "comparison_id", "rater_id", "repeat_index", name="uq_assignment_once"),
    CheckConstraint("purpose IN ('work', 'gold', 'repeat', 'exam', 'audit')", name="purpose"),
    CheckConstraint("state IN ('open', 'submitted', 'skipped', 'expired')", name="state"),
    CheckConstraint("repeat_index >= 0", name="repeat_index"),
    CheckConstraint("propensity IS NULL OR (propensity > 0 AND propensity <= 1)", name="propensity"),
    Index(
        "uq_assignment_one_open",
        "round_id",
        "rater_id",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index(
        "ix_assignment_lease",
        "lease_expires_at",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("ix_assignment_comparison", "comparison_id"),
    Index("ix_assignment_rater", "rater_id", "round_id", "state", "id"),
    Index("ix_assignment_batch_id", "batch_id"),
)
"""`takes_place`: whether it takes one of the comparison's places in the round's overlap (work of a counted kind)."""

# --- judging -----------------------------------------------------------------------------------------------------

judgment = Table(
    "judgment",
    metadata,
    _id(),
    _ref("assignment_id", "assignment"),
    Column("revision", Integer, nullable=False, server_default=text("0")),
    Column("rubric_version", ForeignKey("rubric_version.version"), nullable=False),
    Column("justification", Text, nullable=False),
    Column("confidence", Integer),
    Column("active_seconds", Float),
    Column("submitted_at", UtcDateTime),
    Column("event_id", Integer),
    _ref("batch_id", "import_batch", nullable=True),
    UniqueConstraint("assignment_id", "revision"),
    CheckConstraint("revision >= 0", name="revision"),
    CheckConstraint("confidence IS NULL OR confidence BETWEEN 1 AND 5", name="confidence"),
    Index("ix_judgment_batch_id", "batch_id"),
)
"""Append-only. `event_id` is the event that brought it; rows of a batch take the batch's event."""

verdict = Table(
    "verdict",
    metadata,
    Column("judgment_id", ForeignKey("judgment.id"), primary_key=True),
    Column("criterion", String, primary_key=True),
    Column("preferred", String),
    Column("strength", Float),
    Column("scores", Json),
    Column("checks", Json),
    Column("ranking", Json),
)
"""One row per criterion and overall: an answer in completion ids, exactly as given."""

declared_tension = Table(
    "declared_tension",
    metadata,
    _id(),
    _ref("judgment_id", "judgment"),
    Column("first_criterion", String, nullable=False),
    Column("second_criterion", String, nullable=False),
    Column("prevailed", String),
    Column("why", Text, nullable=False),
    UniqueConstraint("judgment_id", "first_criterion", "second_criterion"),
)

error_span = Table(
    "error_span",
    metadata,
    _id(),
    _ref("judgment_id", "judgment"),
    Column("completion", String, nullable=False),
    Column("criterion", String, nullable=False),
    Column("start_character", Integer, nullable=False),
    Column("end_character", Integer, nullable=False),
    Column("note", Text, nullable=False),
    UniqueConstraint(
        "judgment_id", "completion", "criterion", "start_character", "end_character", name="uq_error_span_once"
    ),
    CheckConstraint("start_character >= 0 AND end_character > start_character", name="extent"),
)
"""Passages that a rater marked as wrong: characters of the completion's text, so that an erased text is not kept."""

rater_report = Table(
    "rater_report",
    metadata,
    _id(),
    _ref("assignment_id", "assignment"),
    _ref("judgment_id", "judgment", nullable=True),
    Column("kind", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("reported_at", UtcDateTime),
    Column("answer", Text),
    Column("answered_at", UtcDateTime),
    Column("answered_by", String),
    Column("read_at", UtcDateTime),
    Index("ix_rater_report_assignment_id", "assignment_id"),
    Index("ix_rater_report_judgment_id", "judgment_id"),
)
"""What a rater flags or asks, and the designer's answer; `read_at`: when the rater saw it."""

justification_sketch = Table(
    "justification_sketch",
    metadata,
    Column("rater_id", ForeignKey("rater.id"), primary_key=True),
    Column("judgment_id", ForeignKey("judgment.id"), primary_key=True),
    Column("sketch", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""A small fingerprint of each justification, by rater: near copies are found without reading the texts."""

working_time = Table(
    "working_time",
    metadata,
    _id(),
    _ref("rater_id", "rater"),
    _ref("assignment_id", "assignment"),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("ended_by", String, nullable=False),
    CheckConstraint("ended_by IN ('submitted', 'skipped', 'paused', 'stopped')", name="ended_by"),
    CheckConstraint("seconds >= 0 AND ended_at >= started_at", name="seconds"),
    Index("ix_working_time_rater_id", "rater_id", "started_at"),
    Index("ix_working_time_assignment_id", "assignment_id"),
)
"""Append-only: stretches of active work on one assignment, measured by the server (see `app.services.working_time`)."""

working_clock = Table(
    "working_clock",
    metadata,
    Column("rater_id", ForeignKey("rater.id"), primary_key=True),
    _ref("assignment_id", "assignment", nullable=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("unbroken_seconds", Float, nullable=False),
    Column("paused_at", UtcDateTime),
)
"""The stretch that a rater is in now; it becomes a row of `working_time` when it ends."""

adjudication = Table(
    "adjudication",
    metadata,
    _id(),
    _ref("round_id", "round"),
    _ref("comparison_id", "comparison"),
    _ref("batch_id", "import_batch", nullable=True),
    Column("position", Integer, nullable=False),
    Column("answer", Json, nullable=False),
    Column("cause", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("adjudicator", String, nullable=False),
    Column("decided_at", UtcDateTime),
    Column("event_id", Integer),
    UniqueConstraint("round_id", "comparison_id", "position"),
    CheckConstraint("cause IN ('error', 'underspecified', 'style', 'refusal', 'value_conflict')", name="cause"),
    Index("ix_adjudication_comparison_id", "comparison_id"),
)
"""Decisions beside the votes; the one with the highest `position` holds. None overwrites a vote."""

inbox_decision = Table(
    "inbox_decision",
    metadata,
    _id(),
    _ref("campaign_id", "campaign"),
    Column("subject", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("comparison", String),
    Column("figures", Json, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", String, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("rubric_version", ForeignKey("rubric_version.version")),
    Column("event_id", Integer, nullable=False),
    CheckConstraint("kind IN ('value_conflict', 'underspecified', 'question', 'report', 'gold', 'drift')", name="kind"),
    CheckConstraint("outcome IN ('change', 'explain', 'fix_key', 'leave')", name="outcome"),
    Index("ix_inbox_decision_campaign_id", "campaign_id", "subject"),
    Index("ix_inbox_decision_rubric_version", "rubric_version"),
)
"""What designers decided about items of their inbox; `text` is the item as it stood, `comparison` its external id,
`rubric_version` the version that answers it, once there is one."""

overlap_model = Table(
    "overlap_model",
    metadata,
    _id(),
    _ref("round_id", "round"),
    Column("document", Json, nullable=False),
    Column("fitted_at", UtcDateTime, nullable=False),
    Index("ix_overlap_model_round", "round_id", "id"),
)
"""The posteriors that stopped comparisons, by version: `overlap_decision.policy` names the row."""

adjudicator_view = Table(
    "adjudicator_view",
    metadata,
    Column("comparison_id", ForeignKey("comparison.id"), primary_key=True),
    Column("rater_id", ForeignKey("rater.id"), primary_key=True),
    Column("answer", Json, nullable=False),
    Column("formed_at", UtcDateTime, nullable=False),
)
"""What somebody thought of a comparison before they saw its votes; without it the votes stay hidden from them."""

audit = Table(
    "audit",
    metadata,
    _id(),
    _ref("round_id", "round"),
    Column("position", Integer, nullable=False),
    Column("n_items", Integer, nullable=False),
    Column("n_sampled", Integer, nullable=False),
    Column("max_defects", Integer, nullable=False),
    Column("plan", Json, nullable=False),
    Column("state", String, nullable=False),
    Column("opened_by", String, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    UniqueConstraint("round_id", "position"),
    CheckConstraint("state IN ('open', 'accepted', 'rejected')", name="state"),
    CheckConstraint("n_sampled BETWEEN 1 AND n_items", name="n_sampled"),
)
"""A batch of settled comparisons and the plan by which a sample of it decides: rejected batches return to the queue."""

audit_item = Table(
    "audit_item",
    metadata,
    Column("audit_id", ForeignKey("audit.id"), primary_key=True),
    Column("comparison_id", ForeignKey("comparison.id"), primary_key=True),
    Column("label", String, nullable=False),
    Column("is_sampled", Boolean, nullable=False),
    Column("answer", Json),
    Column("is_defect", Boolean),
    Column("reason", Text),
    Column("auditor", String),
    Column("inspected_at", UtcDateTime),
    Index("ix_audit_item_comparison_id", "comparison_id"),
)
"""`label`: what the votes had settled on when the batch was drawn; `answer`: the auditor's own, given without it."""

review = Table(
    "review",
    metadata,
    _id(),
    _ref("judgment_id", "judgment"),
    Column("level", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("answers", Json),
    Column("reason", Text, nullable=False),
    _ref("reviewer_id", "rater"),
    Column("reviewed_at", UtcDateTime, nullable=False),
    UniqueConstraint("judgment_id", "level"),
    CheckConstraint("level IN ('review', 'senior')", name="level"),
    CheckConstraint("verdict IN ('approve', 'edit')", name="verdict"),
    CheckConstraint("(verdict = 'edit') = (answers IS NOT NULL)", name="answers"),
)
"""A reviewer's word on an attempt, beside it: the attempt stays as it was given."""

review_claim = Table(
    "review_claim",
    metadata,
    Column("judgment_id", ForeignKey("judgment.id"), primary_key=True),
    Column("level", String, primary_key=True),
    Column("reviewer_id", ForeignKey("rater.id"), primary_key=True),
    _ref("comparison_id", "comparison"),
    Column("claimed_at", UtcDateTime, nullable=False),
    CheckConstraint("level IN ('review', 'senior')", name="level"),
    Index("ix_review_claim_reviewer", "reviewer_id", "comparison_id"),
)
"""Who was shown which attempt: for a while nobody else gets it, and for good they do not judge that comparison."""

review_wait = Table(
    "review_wait",
    metadata,
    Column("judgment_id", ForeignKey("judgment.id"), primary_key=True),
    _ref("round_id", "round"),
    _ref("comparison_id", "comparison"),
    _ref("rater_id", "rater"),
    Column("level", String, nullable=False),
    CheckConstraint("level IN ('review', 'senior')", name="level"),
    Index("ix_review_wait_round", "round_id", "level", "judgment_id"),
)
"""Attempts that wait for a word, and at which level: kept beside the facts, so that nobody walks all judgments."""

rater_decision = Table(
    "rater_decision",
    metadata,
    _id(),
    _ref("rater_id", "rater"),
    _ref("campaign_id", "campaign", nullable=True),
    Column("decision", String, nullable=False),
    Column("figures", Json, nullable=False),
    Column("explanation", Text, nullable=False),
    Column("decided_by", String, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("appeal", Text),
    Column("appeal_answer", Text),
    Column("appealed_at", UtcDateTime),
    Column("answered_at", UtcDateTime),
    Column("answered_by", String),
    Column("withdrawn_at", UtcDateTime),
    Column("distrusts_from", UtcDateTime),
    Index("ix_rater_decision_rater_id", "rater_id", "campaign_id"),
)
"""What was decided about a rater, with its figures and in plain words. `distrusts_from`: judgments from then until the
decision weigh less. `withdrawn_at`: an appeal was granted; the decision no longer holds, its row stays."""

# --- exams and lessons ---------------------------------------------------------------------------------------------

exam = Table(
    "exam",
    metadata,
    _id(),
    _ref("round_id", "round"),
    _ref("rater_id", "rater"),
    Column("attempt", Integer, nullable=False),
    Column("plan", Json, nullable=False),
    Column("classes", Json, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("verdict", String),
    Column("result", Json),
    UniqueConstraint("round_id", "rater_id", "attempt"),
    CheckConstraint("verdict IS NULL OR verdict IN ('pass', 'fail')", name="verdict"),
    CheckConstraint("(verdict IS NULL) = (closed_at IS NULL)", name="closed"),
)
"""One attempt at the exam of a round. `result`: what was decided and on which figures, as of then."""

exam_item = Table(
    "exam_item",
    metadata,
    Column("exam_id", ForeignKey("exam.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    _ref("assignment_id", "assignment"),
    Column("answer_class", String, nullable=False),
    UniqueConstraint("assignment_id"),
)
"""The items of an attempt in their order; `answer_class` is that of the key when the item was drawn."""

lesson_answer = Table(
    "lesson_answer",
    metadata,
    _id(),
    _ref("rater_id", "rater"),
    _ref("campaign_id", "campaign"),
    Column("lesson", String, nullable=False),
    Column("answer", String, nullable=False),
    Column("is_right", Boolean, nullable=False),
    Column("answered_at", UtcDateTime, nullable=False),
    Index("ix_lesson_answer_rater_id", "rater_id", "campaign_id"),
)
"""Answers to lessons, each tried as often as one likes. `lesson`: e.g. `criterion:honesty:0`, `gold:x1`."""

# --- models as raters, and cycles ----------------------------------------------------------------------------------

prejudging = Table(
    "prejudging",
    metadata,
    _id(),
    _ref("round_id", "round"),
    _ref("rater_id", "rater"),
    Column("state", String, nullable=False),
    Column("threshold", Float),
    Column("max_error", Float, nullable=False),
    Column("audit_rate", Float, nullable=False),
    Column("calibration", Json, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("withdrawn_reason", Text),
    Column("event_id", Integer, nullable=False),
    CheckConstraint("state IN ('standing', 'withdrawn')", name="state"),
    CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn"),
    CheckConstraint("max_error > 0 AND max_error < 1 AND audit_rate > 0 AND audit_rate <= 1", name="shares"),
    Index("ix_prejudging_round_id", "round_id"),
)
"""A model has judged before people do. `calibration`: what the threshold rests on; `event_id`: its last event."""

prejudged = Table(
    "prejudged",
    metadata,
    Column("prejudging_id", ForeignKey("prejudging.id"), primary_key=True),
    Column("comparison_id", ForeignKey("comparison.id"), primary_key=True),
    _ref("assignment_id", "assignment"),
    Column("preferred", String, nullable=False),
    Column("margin", Float, nullable=False),
    Column("outcome", String, nullable=False),
    CheckConstraint("outcome IN ('accepted', 'audit', 'people', 'calibration', 'gold')", name="outcome"),
    Index("ix_prejudged_comparison_id", "comparison_id"),
)
"""What became of each: the label stands, or it is audited by people, or people judge it as they would have."""

cycle = Table(
    "cycle",
    metadata,
    _id(),
    _ref("campaign_id", "campaign"),
    Column("number", Integer, nullable=False),
    Column("source", String, nullable=False),
    Column("model", String),
    Column("snapshot", String),
    Column("started_at", UtcDateTime, nullable=False),
    Column("event_id", Integer, nullable=False),
    UniqueConstraint("campaign_id", "number"),
)
"""A batch of comparisons that was chosen to be judged next: `steelyard priorities import`."""

cycle_item = Table(
    "cycle_item",
    metadata,
    Column("cycle_id", ForeignKey("cycle.id"), primary_key=True),
    Column("comparison_id", ForeignKey("comparison.id"), primary_key=True),
    Column("arm", String, nullable=False, server_default=text("''")),
    Column("propensity", Float),
    Column("priority", Float, nullable=False),
    CheckConstraint("propensity IS NULL OR (propensity > 0 AND propensity <= 1)", name="propensity"),
    Index("ix_cycle_item_comparison_id", "comparison_id"),
)
"""`arm`: which rule chose it (random, d_optimal); empty where a file does not say."""

# --- running -----------------------------------------------------------------------------------------------------

snapshot = Table(
    "snapshot",
    metadata,
    _id(),
    _ref("campaign_id", "campaign"),
    Column("hash", String, nullable=False),
    Column("directory", String, nullable=False),
    Column("event_id", Integer, nullable=False),
    Column("counts", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("campaign_id", "hash", "directory"),
)

job = Table(
    "job",
    metadata,
    _id(),
    _ref("campaign_id", "campaign", nullable=True),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("arguments", Json, nullable=False),
    Column("actor", String, nullable=False),
    Column("progress", Float, nullable=False, server_default=text("0")),
    Column("message", Text, nullable=False, server_default=text("''")),
    Column("result", Json),
    Column("cancel_requested", Boolean, nullable=False),
    Column("n_attempts", Integer, nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("heartbeat_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
    CheckConstraint("progress >= 0 AND progress <= 1", name="progress"),
)

event = Table(
    "event",
    metadata,
    _id(),
    _ref("campaign_id", "campaign", nullable=True),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("payload_hash", String, nullable=False),
    Column("detail", Json, nullable=False),
    Index("ix_event_campaign_id", "campaign_id", "id"),
)
