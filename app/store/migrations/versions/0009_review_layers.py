"""Stopping posteriors, adjudicators' own views, audits by sample, reviews beside attempts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _json() -> sa.types.TypeEngine:
    return sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def _time(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "overlap_model",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("document", _json(), nullable=False),
        _time("fitted_at"),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_overlap_model_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overlap_model")),
    )
    op.create_index("ix_overlap_model_round", "overlap_model", ["round_id", "id"], unique=False)
    op.create_table(
        "adjudicator_view",
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("answer", _json(), nullable=False),
        _time("formed_at"),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_adjudicator_view_comparison_id")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_adjudicator_view_rater_id")),
        sa.PrimaryKeyConstraint("comparison_id", "rater_id", name=op.f("pk_adjudicator_view")),
    )
    _create_audits()
    op.create_table(
        "review",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("judgment_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("answers", _json(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        _time("reviewed_at"),
        sa.CheckConstraint("level IN ('review', 'senior')", name=op.f("ck_review_level")),
        sa.CheckConstraint("verdict IN ('approve', 'edit')", name=op.f("ck_review_verdict")),
        sa.CheckConstraint("(verdict = 'edit') = (answers IS NOT NULL)", name=op.f("ck_review_answers")),
        sa.ForeignKeyConstraint(["judgment_id"], ["judgment.id"], name=op.f("fk_review_judgment_id")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["rater.id"], name=op.f("fk_review_reviewer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("judgment_id", "level", name=op.f("uq_review_judgment_id_level")),
    )


def _create_audits() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("n_items", sa.Integer(), nullable=False),
        sa.Column("n_sampled", sa.Integer(), nullable=False),
        sa.Column("max_defects", sa.Integer(), nullable=False),
        sa.Column("plan", _json(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        _time("opened_at"),
        _time("closed_at", nullable=True),
        sa.CheckConstraint("state IN ('open', 'accepted', 'rejected')", name=op.f("ck_audit_state")),
        sa.CheckConstraint("n_sampled BETWEEN 1 AND n_items", name=op.f("ck_audit_n_sampled")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_audit_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sa.UniqueConstraint("round_id", "position", name=op.f("uq_audit_round_id_position")),
    )
    op.create_table(
        "audit_item",
        sa.Column("audit_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("is_sampled", sa.Boolean(), nullable=False),
        sa.Column("answer", _json(), nullable=True),
        sa.Column("is_defect", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("auditor", sa.String(), nullable=True),
        _time("inspected_at", nullable=True),
        sa.ForeignKeyConstraint(["audit_id"], ["audit.id"], name=op.f("fk_audit_item_audit_id")),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_audit_item_comparison_id")),
        sa.PrimaryKeyConstraint("audit_id", "comparison_id", name=op.f("pk_audit_item")),
    )
    op.create_index("ix_audit_item_comparison_id", "audit_item", ["comparison_id"], unique=False)


def downgrade() -> None:
    for name in ("review", "audit_item", "audit", "adjudicator_view", "overlap_model"):
        op.drop_table(name)
