"""Exams, lessons, appeals, and why a gold key was suspended."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _json() -> sa.types.TypeEngine:
    return sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def _time(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("gold_key", sa.Column("suspended_for", _json(), nullable=True))
    op.add_column("gold_key", _time("kept_at"))
    for name in ("appealed_at", "answered_at", "withdrawn_at", "distrusts_from"):
        op.add_column("rater_decision", _time(name))
    op.add_column("rater_decision", sa.Column("answered_by", sa.String(), nullable=True))
    op.create_index("ix_rater_decision_rater_id", "rater_decision", ["rater_id", "campaign_id"])
    _create_exams()
    op.create_table(
        "lesson_answer",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("lesson", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("is_right", sa.Boolean(), nullable=False),
        _time("answered_at", nullable=False),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_lesson_answer_rater_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_lesson_answer_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson_answer")),
    )
    op.create_index("ix_lesson_answer_rater_id", "lesson_answer", ["rater_id", "campaign_id"])


def downgrade() -> None:
    for name in ("lesson_answer", "exam_item", "exam"):
        op.drop_table(name)
    op.drop_index("ix_rater_decision_rater_id", table_name="rater_decision")
    for name in ("appealed_at", "answered_at", "withdrawn_at", "distrusts_from", "answered_by"):
        op.drop_column("rater_decision", name)
    for name in ("suspended_for", "kept_at"):
        op.drop_column("gold_key", name)


def _create_exams() -> None:
    op.create_table(
        "exam",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("plan", _json(), nullable=False),
        sa.Column("classes", _json(), nullable=False),
        _time("started_at", nullable=False),
        _time("closed_at"),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("result", _json(), nullable=True),
        sa.CheckConstraint("verdict IS NULL OR verdict IN ('pass', 'fail')", name=op.f("ck_exam_verdict")),
        sa.CheckConstraint("(verdict IS NULL) = (closed_at IS NULL)", name=op.f("ck_exam_closed")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_exam_round_id")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_exam_rater_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam")),
        sa.UniqueConstraint("round_id", "rater_id", "attempt", name=op.f("uq_exam_round_id_rater_id_attempt")),
    )
    op.create_table(
        "exam_item",
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("answer_class", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_exam_item_exam_id")),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_exam_item_assignment_id")),
        sa.PrimaryKeyConstraint("exam_id", "position", name=op.f("pk_exam_item")),
        sa.UniqueConstraint("assignment_id", name=op.f("uq_exam_item_assignment_id")),
    )
