"""Models that judge before people do, and the cycles of choosing what to judge next."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.create_table(
        "prejudging",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=True),
        sa.Column("max_error", sa.Float(), nullable=False),
        sa.Column("audit_rate", sa.Float(), nullable=False),
        sa.Column("calibration", JSON, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('standing', 'withdrawn')", name=op.f("ck_prejudging_state")),
        sa.CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name=op.f("ck_prejudging_withdrawn")),
        sa.CheckConstraint(
            "max_error > 0 AND max_error < 1 AND audit_rate > 0 AND audit_rate <= 1",
            name=op.f("ck_prejudging_shares"),
        ),
        _key("prejudging", "round_id", "round"),
        _key("prejudging", "rater_id", "rater"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prejudging")),
    )
    op.create_index("ix_prejudging_round_id", "prejudging", ["round_id"])
    op.create_table(
        "prejudged",
        sa.Column("prejudging_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("preferred", sa.String(), nullable=False),
        sa.Column("margin", sa.Float(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'audit', 'people', 'calibration', 'gold')", name=op.f("ck_prejudged_outcome")
        ),
        _key("prejudged", "prejudging_id", "prejudging"),
        _key("prejudged", "comparison_id", "comparison"),
        _key("prejudged", "assignment_id", "assignment"),
        sa.PrimaryKeyConstraint("prejudging_id", "comparison_id", name=op.f("pk_prejudged")),
    )
    op.create_index("ix_prejudged_comparison_id", "prejudged", ["comparison_id"])
    _cycles()


def _cycles() -> None:
    op.create_table(
        "cycle",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("snapshot", sa.String(), nullable=True),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        _key("cycle", "campaign_id", "campaign"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycle")),
        sa.UniqueConstraint("campaign_id", "number", name=op.f("uq_cycle_campaign_id_number")),
    )
    op.create_table(
        "cycle_item",
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("arm", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("propensity", sa.Float(), nullable=True),
        sa.Column("priority", sa.Float(), nullable=False),
        sa.CheckConstraint(
            "propensity IS NULL OR (propensity > 0 AND propensity <= 1)", name=op.f("ck_cycle_item_propensity")
        ),
        _key("cycle_item", "cycle_id", "cycle"),
        _key("cycle_item", "comparison_id", "comparison"),
        sa.PrimaryKeyConstraint("cycle_id", "comparison_id", name=op.f("pk_cycle_item")),
    )
    op.create_index("ix_cycle_item_comparison_id", "cycle_item", ["comparison_id"])


def downgrade() -> None:
    for table in ("cycle_item", "cycle", "prejudged", "prejudging"):
        op.drop_table(table)
