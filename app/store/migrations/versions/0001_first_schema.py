"""The first schema: people, rubrics, campaigns, comparisons, assignments, judgments, decisions, jobs, events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _json() -> sa.types.TypeEngine:
    return sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("counted_kinds", _json(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_campaign_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("name", name=op.f("uq_campaign_name")),
    )
    op.create_table(
        "content",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_reason", sa.String(), nullable=True),
        sa.CheckConstraint("(body IS NULL) = (erased_at IS NOT NULL)", name=op.f("ck_content_tombstone")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_content")),
    )
    op.create_table(
        "rater",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("namespace", sa.String(), server_default=sa.text("('')"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("roles", _json(), nullable=False),
        sa.Column("specification", _json(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('human', 'model', 'program', 'simulated')", name=op.f("ck_rater_kind")),
        sa.CheckConstraint(
            "state IN ('applicant', 'training', 'qualified', 'warned', 'paused', 'retired')",
            name=op.f("ck_rater_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rater")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_rater_namespace_name")),
    )
    op.create_table(
        "rubric_version",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("content", _json(), nullable=False),
        sa.Column("source_yaml", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_rubric_version")),
    )
    op.create_table(
        "campaign_member",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("roles", _json(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_member_campaign_id")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_campaign_member_rater_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_member")),
        sa.UniqueConstraint("campaign_id", "rater_id", name=op.f("uq_campaign_member_campaign_id_rater_id")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload_hash", sa.String(), nullable=False),
        sa.Column("detail", _json(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_event_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_campaign_id", "event", ["campaign_id", "id"], unique=False)
    op.create_table(
        "import_batch",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("counts", _json(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_import_batch_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("arguments", _json(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("progress", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("message", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("result", _json(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("n_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_job_state")),
        sa.CheckConstraint("progress >= 0 AND progress <= 1", name=op.f("ck_job_progress")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_job_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_table(
        "login_token",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('set_password', 'session')", name=op.f("ck_login_token_purpose")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_login_token_rater_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_token_token_hash")),
    )
    op.create_table(
        "rater_decision",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("figures", _json(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("appeal", sa.Text(), nullable=True),
        sa.Column("appeal_answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_rater_decision_campaign_id")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_rater_decision_rater_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rater_decision")),
    )
    op.create_table(
        "rater_skill",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("skill", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("evidence", _json(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_rater_skill_campaign_id")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_rater_skill_rater_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rater_skill")),
        sa.UniqueConstraint(
            "rater_id",
            "campaign_id",
            "skill",
            "granted_at",
            name=op.f("uq_rater_skill_rater_id_campaign_id_skill_granted_at"),
        ),
    )
    op.create_table(
        "round",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("rubric_version", sa.String(), nullable=False),
        sa.Column("rules", _json(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('pair', 'kway')", name=op.f("ck_round_mode")),
        sa.CheckConstraint("purpose IN ('pilot', 'main', 'bridge')", name=op.f("ck_round_purpose")),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_round_state")),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_round_batch_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_round_campaign_id")),
        sa.ForeignKeyConstraint(["rubric_version"], ["rubric_version.version"], name=op.f("fk_round_rubric_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("campaign_id", "name", name=op.f("uq_round_campaign_id_name")),
    )
    op.create_table(
        "snapshot",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("directory", sa.String(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("counts", _json(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_snapshot_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint("campaign_id", "hash", "directory", name=op.f("uq_snapshot_campaign_id_hash_directory")),
    )
    op.create_table(
        "comparison",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("record_hash", sa.String(), nullable=False),
        sa.Column("prompt_hash", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("n_completions", sa.Integer(), nullable=False),
        sa.Column("meta", _json(), nullable=False),
        sa.Column("reference", _json(), nullable=True),
        sa.CheckConstraint("mode IN ('pair', 'kway')", name=op.f("ck_comparison_mode")),
        sa.CheckConstraint("n_completions >= 2", name=op.f("ck_comparison_completions")),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_comparison_batch_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_comparison_campaign_id")),
        sa.ForeignKeyConstraint(["prompt_hash"], ["content.hash"], name=op.f("fk_comparison_prompt_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparison")),
        sa.UniqueConstraint("campaign_id", "external_id", name=op.f("uq_comparison_campaign_id_external_id")),
    )
    op.create_index("ix_comparison_batch_id", "comparison", ["batch_id"], unique=False)
    op.create_index("ix_comparison_prompt_hash", "comparison", ["prompt_hash"], unique=False)
    op.create_index("ix_comparison_content_hash", "comparison", ["campaign_id", "content_hash"], unique=False)
    op.create_table(
        "adjudication",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("answer", _json(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("adjudicator", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "cause IN ('error', 'underspecified', 'style', 'refusal', 'value_conflict')",
            name=op.f("ck_adjudication_cause"),
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_adjudication_batch_id")),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_adjudication_comparison_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_adjudication_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjudication")),
        sa.UniqueConstraint(
            "round_id", "comparison_id", "position", name=op.f("uq_adjudication_round_id_comparison_id_position")
        ),
    )
    op.create_index("ix_adjudication_comparison_id", "adjudication", ["comparison_id"], unique=False)
    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.Column("repeat_index", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("shown", _json(), nullable=True),
        sa.Column("criteria_shown", _json(), nullable=True),
        sa.Column("asks_overall", sa.Boolean(), nullable=False),
        sa.Column("takes_place", sa.Boolean(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("propensity", sa.Float(), nullable=True),
        sa.Column("leased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("skip_reason", sa.String(), nullable=True),
        sa.Column("draft", _json(), nullable=True),
        sa.Column("draft_saved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('work', 'gold', 'repeat', 'exam', 'audit')", name=op.f("ck_assignment_purpose")
        ),
        sa.CheckConstraint("state IN ('open', 'submitted', 'skipped', 'expired')", name=op.f("ck_assignment_state")),
        sa.CheckConstraint(
            "propensity IS NULL OR (propensity > 0 AND propensity <= 1)", name=op.f("ck_assignment_propensity")
        ),
        sa.CheckConstraint("repeat_index >= 0", name=op.f("ck_assignment_repeat_index")),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_assignment_batch_id")),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_assignment_comparison_id")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_assignment_rater_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_assignment_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
        sa.UniqueConstraint("round_id", "comparison_id", "rater_id", "repeat_index", name="uq_assignment_once"),
    )
    op.create_index("ix_assignment_batch_id", "assignment", ["batch_id"], unique=False)
    op.create_index("ix_assignment_comparison", "assignment", ["comparison_id"], unique=False)
    op.create_index(
        "ix_assignment_lease",
        "assignment",
        ["lease_expires_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_assignment_rater", "assignment", ["rater_id", "round_id", "state", "id"], unique=False)
    op.create_index(
        "uq_assignment_one_open",
        "assignment",
        ["round_id", "rater_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "completion",
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("text_hash", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("parameters", _json(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("licence", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_completion_comparison_id")),
        sa.ForeignKeyConstraint(["text_hash"], ["content.hash"], name=op.f("fk_completion_text_hash")),
        sa.PrimaryKeyConstraint("comparison_id", "slot", name=op.f("pk_completion")),
    )
    op.create_index("ix_completion_text_hash", "completion", ["text_hash"], unique=False)
    op.create_table(
        "gold_key",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("accepted", _json(), nullable=False),
        sa.Column("criteria", _json(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("distribution", _json(), nullable=True),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_gold_key_comparison_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gold_key")),
        sa.UniqueConstraint("comparison_id", name=op.f("uq_gold_key_comparison_id")),
    )
    op.create_table(
        "queue_item",
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("priority_reason", sa.String(), nullable=True),
        sa.Column("sort_key", sa.Float(), nullable=False),
        sa.Column("n_slots", sa.Integer(), nullable=False),
        sa.Column("n_taken", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.CheckConstraint("n_taken >= 0 AND n_taken <= n_slots OR NOT is_open", name=op.f("ck_queue_item_overlap")),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_queue_item_comparison_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_queue_item_round_id")),
        sa.PrimaryKeyConstraint("round_id", "comparison_id", name=op.f("pk_queue_item")),
    )
    op.create_index(
        "ix_queue_item_fresh",
        "queue_item",
        ["round_id", "priority", "sort_key"],
        unique=False,
        sqlite_where=sa.text("is_open = 1 AND n_taken = 0"),
        postgresql_where=sa.text("is_open AND n_taken = 0"),
    )
    op.create_index(
        "ix_queue_item_open",
        "queue_item",
        ["round_id", "priority", "n_taken", "sort_key"],
        unique=False,
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open"),
    )
    op.create_table(
        "judgment",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rubric_version", sa.String(), nullable=False),
        sa.Column("justification", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Integer(), nullable=True),
        sa.Column("active_seconds", sa.Float(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("confidence IS NULL OR confidence BETWEEN 1 AND 5", name=op.f("ck_judgment_confidence")),
        sa.CheckConstraint("revision >= 0", name=op.f("ck_judgment_revision")),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_judgment_assignment_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_judgment_batch_id")),
        sa.ForeignKeyConstraint(
            ["rubric_version"], ["rubric_version.version"], name=op.f("fk_judgment_rubric_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgment")),
        sa.UniqueConstraint("assignment_id", "revision", name=op.f("uq_judgment_assignment_id_revision")),
    )
    op.create_index("ix_judgment_batch_id", "judgment", ["batch_id"], unique=False)
    op.create_table(
        "declared_tension",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("judgment_id", sa.Integer(), nullable=False),
        sa.Column("first_criterion", sa.String(), nullable=False),
        sa.Column("second_criterion", sa.String(), nullable=False),
        sa.Column("prevailed", sa.String(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["judgment_id"], ["judgment.id"], name=op.f("fk_declared_tension_judgment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declared_tension")),
        sa.UniqueConstraint(
            "judgment_id",
            "first_criterion",
            "second_criterion",
            name=op.f("uq_declared_tension_judgment_id_first_criterion_second_criterion"),
        ),
    )
    op.create_table(
        "rater_report",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("judgment_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_rater_report_assignment_id")),
        sa.ForeignKeyConstraint(["judgment_id"], ["judgment.id"], name=op.f("fk_rater_report_judgment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rater_report")),
    )
    op.create_index("ix_rater_report_assignment_id", "rater_report", ["assignment_id"], unique=False)
    op.create_index("ix_rater_report_judgment_id", "rater_report", ["judgment_id"], unique=False)
    op.create_table(
        "verdict",
        sa.Column("judgment_id", sa.Integer(), nullable=False),
        sa.Column("criterion", sa.String(), nullable=False),
        sa.Column("preferred", sa.String(), nullable=True),
        sa.Column("strength", sa.Float(), nullable=True),
        sa.Column("scores", _json(), nullable=True),
        sa.Column("checks", _json(), nullable=True),
        sa.Column("ranking", _json(), nullable=True),
        sa.ForeignKeyConstraint(["judgment_id"], ["judgment.id"], name=op.f("fk_verdict_judgment_id")),
        sa.PrimaryKeyConstraint("judgment_id", "criterion", name=op.f("pk_verdict")),
    )


def downgrade() -> None:
    op.drop_table("verdict")
    op.drop_index("ix_rater_report_judgment_id", table_name="rater_report")
    op.drop_index("ix_rater_report_assignment_id", table_name="rater_report")
    op.drop_table("rater_report")
    op.drop_table("declared_tension")
    op.drop_index("ix_judgment_batch_id", table_name="judgment")
    op.drop_table("judgment")
    op.drop_index(
        "ix_queue_item_open",
        table_name="queue_item",
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open"),
    )
    op.drop_index(
        "ix_queue_item_fresh",
        table_name="queue_item",
        sqlite_where=sa.text("is_open = 1 AND n_taken = 0"),
        postgresql_where=sa.text("is_open AND n_taken = 0"),
    )
    op.drop_table("queue_item")
    op.drop_table("gold_key")
    op.drop_index("ix_completion_text_hash", table_name="completion")
    op.drop_table("completion")
    op.drop_index(
        "uq_assignment_one_open",
        table_name="assignment",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index("ix_assignment_rater", table_name="assignment")
    op.drop_index(
        "ix_assignment_lease",
        table_name="assignment",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index("ix_assignment_comparison", table_name="assignment")
    op.drop_index("ix_assignment_batch_id", table_name="assignment")
    op.drop_table("assignment")
    op.drop_index("ix_adjudication_comparison_id", table_name="adjudication")
    op.drop_table("adjudication")
    op.drop_index("ix_comparison_content_hash", table_name="comparison")
    op.drop_index("ix_comparison_prompt_hash", table_name="comparison")
    op.drop_index("ix_comparison_batch_id", table_name="comparison")
    op.drop_table("comparison")
    op.drop_table("snapshot")
    op.drop_table("round")
    op.drop_table("rater_skill")
    op.drop_table("rater_decision")
    op.drop_table("login_token")
    op.drop_table("job")
    op.drop_table("import_batch")
    op.drop_index("ix_event_campaign_id", table_name="event")
    op.drop_table("event")
    op.drop_table("campaign_member")
    op.drop_table("rubric_version")
    op.drop_table("rater")
    op.drop_table("content")
    op.drop_table("campaign")
