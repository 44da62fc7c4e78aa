"""Who was shown which attempt, so that nobody reviews it twice at once, or judges what they have reviewed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "review_claim",
        sa.Column("judgment_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("level IN ('review', 'senior')", name=op.f("ck_review_claim_level")),
        sa.ForeignKeyConstraint(["judgment_id"], ["judgment.id"], name=op.f("fk_review_claim_judgment_id")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["rater.id"], name=op.f("fk_review_claim_reviewer_id")),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_review_claim_comparison_id")),
        sa.PrimaryKeyConstraint("judgment_id", "level", "reviewer_id", name=op.f("pk_review_claim")),
    )
    op.create_index("ix_review_claim_reviewer", "review_claim", ["reviewer_id", "comparison_id"], unique=False)


def downgrade() -> None:
    op.drop_table("review_claim")
