"""The texts that a draft of a rubric had, so that one can go back to them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rubric_draft_text",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("saved_by", sa.String(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["rubric_draft.id"], name=op.f("fk_rubric_draft_text_draft_id")),
        sa.PrimaryKeyConstraint("draft_id", "revision", name=op.f("pk_rubric_draft_text")),
    )


def downgrade() -> None:
    op.drop_table("rubric_draft_text")
