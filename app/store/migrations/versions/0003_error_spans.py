"""Error spans of a judgment, what a person prefers on the screen, and campaigns that set formulas."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
    op.add_column("rater", sa.Column("preferences", json, nullable=True))
    op.add_column("campaign", sa.Column("renders_math", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "error_span",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("judgment_id", sa.Integer(), nullable=False),
        sa.Column("completion", sa.String(), nullable=False),
        sa.Column("criterion", sa.String(), nullable=False),
        sa.Column("start_character", sa.Integer(), nullable=False),
        sa.Column("end_character", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "start_character >= 0 AND end_character > start_character", name=op.f("ck_error_span_extent")
        ),
        sa.ForeignKeyConstraint(["judgment_id"], ["judgment.id"], name=op.f("fk_error_span_judgment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_error_span")),
        sa.UniqueConstraint(
            "judgment_id",
            "completion",
            "criterion",
            "start_character",
            "end_character",
            name=op.f("uq_error_span_once"),
        ),
    )


def downgrade() -> None:
    op.drop_table("error_span")
    op.drop_column("campaign", "renders_math")
    op.drop_column("rater", "preferences")
