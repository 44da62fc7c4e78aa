"""Decisions about items of the designer's inbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbox_decision",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("comparison", sa.String(), nullable=True),
        sa.Column(
            "figures",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rubric_version", sa.String(), nullable=True),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('value_conflict', 'underspecified', 'question', 'report', 'gold', 'drift')",
            name=op.f("ck_inbox_decision_kind"),
        ),
        sa.CheckConstraint(
            "outcome IN ('change', 'explain', 'fix_key', 'leave')", name=op.f("ck_inbox_decision_outcome")
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_inbox_decision_campaign_id")),
        sa.ForeignKeyConstraint(
            ["rubric_version"], ["rubric_version.version"], name=op.f("fk_inbox_decision_rubric_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_decision")),
    )
    op.create_index("ix_inbox_decision_campaign_id", "inbox_decision", ["campaign_id", "subject"])
    op.create_index("ix_inbox_decision_rubric_version", "inbox_decision", ["rubric_version"])


def downgrade() -> None:
    op.drop_table("inbox_decision")
