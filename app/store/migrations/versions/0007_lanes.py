"""Lanes, scopes and overlap decisions: requirements on comparisons, parts of a queue, when a policy stopped."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _json() -> sa.types.TypeEngine:
    return sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.add_column("comparison", sa.Column("requires", _json(), nullable=True))
    op.add_column("assignment", sa.Column("scope", sa.String(), server_default=sa.text("''"), nullable=False))
    _create_lanes()
    _rebuild_queue()
    _create_decisions()


def _create_lanes() -> None:
    """The table, and one lane without requirements for every round that there is."""
    op.create_table(
        "lane",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("key", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("requires", _json(), nullable=True),
        sa.Column("for_contested", sa.Boolean(), nullable=False),
        sa.Column("n_items", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_lane_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lane")),
        sa.UniqueConstraint("round_id", "scope", "key", name=op.f("uq_lane_round_id_scope_key")),
    )
    op.execute(
        "INSERT INTO lane (round_id, scope, key, for_contested, n_items) SELECT id, '', '', false, "
        "(SELECT COUNT(*) FROM queue_item WHERE queue_item.round_id = round.id) FROM round"
    )


def _rebuild_queue() -> None:
    """A primary key with the scope: no database changes one in place alike, so the rows wait beside meanwhile."""
    op.execute("CREATE TABLE queue_item_kept AS SELECT * FROM queue_item")
    op.drop_table("queue_item")
    op.create_table(
        "queue_item",
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("lane_id", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("priority_reason", sa.String(), nullable=True),
        sa.Column("sort_key", sa.Float(), nullable=False),
        sa.Column("n_slots", sa.Integer(), nullable=False),
        sa.Column("n_taken", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("n_extra", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), server_default=sa.text("'collecting'"), nullable=False),
        sa.CheckConstraint("n_taken >= 0 AND n_taken <= n_slots OR NOT is_open", name=op.f("ck_queue_item_overlap")),
        sa.CheckConstraint(
            "state IN ('collecting', 'settled', 'contested', 'withdrawn')", name=op.f("ck_queue_item_state")
        ),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_queue_item_comparison_id")),
        sa.ForeignKeyConstraint(["lane_id"], ["lane.id"], name=op.f("fk_queue_item_lane_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_queue_item_round_id")),
        sa.PrimaryKeyConstraint("round_id", "comparison_id", "scope", name=op.f("pk_queue_item")),
    )
    op.execute(
        "INSERT INTO queue_item (round_id, comparison_id, lane_id, priority, priority_reason, sort_key, n_slots, "
        "n_taken, is_open) SELECT kept.round_id, kept.comparison_id, lane.id, kept.priority, kept.priority_reason, "
        "kept.sort_key, kept.n_slots, kept.n_taken, kept.is_open "
        "FROM queue_item_kept AS kept JOIN lane ON lane.round_id = kept.round_id"
    )
    op.drop_table("queue_item_kept")
    op.create_index(
        "ix_queue_item_fresh",
        "queue_item",
        ["lane_id", "priority", "sort_key"],
        unique=False,
        sqlite_where=sa.text("is_open = 1 AND n_taken = 0"),
        postgresql_where=sa.text("is_open AND n_taken = 0"),
    )
    op.create_index(
        "ix_queue_item_open",
        "queue_item",
        ["lane_id", "priority", "n_taken", "sort_key"],
        unique=False,
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open"),
    )


def _create_decisions() -> None:
    op.create_table(
        "overlap_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("n_votes", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("is_audited", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('settled', 'contested')", name=op.f("ck_overlap_decision_state")),
        sa.CheckConstraint("n_votes >= 0", name=op.f("ck_overlap_decision_n_votes")),
        sa.CheckConstraint(
            "probability IS NULL OR (probability >= 0 AND probability <= 1)",
            name=op.f("ck_overlap_decision_probability"),
        ),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_overlap_decision_comparison_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_overlap_decision_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overlap_decision")),
    )
    op.create_index("ix_overlap_decision_comparison", "overlap_decision", ["comparison_id", "round_id"], unique=False)
    op.create_index("ix_overlap_decision_round", "overlap_decision", ["round_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("overlap_decision")
    op.execute("CREATE TABLE queue_item_kept AS SELECT * FROM queue_item WHERE scope = ''")
    op.drop_table("queue_item")
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
    op.execute(
        "INSERT INTO queue_item SELECT round_id, comparison_id, priority, priority_reason, sort_key, n_slots, n_taken, "
        "is_open FROM queue_item_kept"
    )
    op.drop_table("queue_item_kept")
    for name, columns, condition in (
        ("ix_queue_item_fresh", ["round_id", "priority", "sort_key"], "is_open{} AND n_taken = 0"),
        ("ix_queue_item_open", ["round_id", "priority", "n_taken", "sort_key"], "is_open{}"),
    ):
        op.create_index(
            name,
            "queue_item",
            columns,
            unique=False,
            sqlite_where=sa.text(condition.format(" = 1")),
            postgresql_where=sa.text(condition.format("")),
        )
    op.drop_table("lane")
    op.drop_column("assignment", "scope")
    op.drop_column("comparison", "requires")
