"""The desk of a rater: kinds of content, answers, working time, sketches of justifications, where overall stands."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("assignment", sa.Column("overall_first", sa.Boolean(), nullable=True))
    op.add_column("rater_report", sa.Column("answered_by", sa.String(), nullable=True))
    op.add_column("rater_report", sa.Column("read_at", TIME, nullable=True))
    _content()
    _time()
    op.create_table(
        "justification_sketch",
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("judgment_id", sa.Integer(), nullable=False),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_justification_sketch_rater_id")),
        sa.ForeignKeyConstraint(["judgment_id"], ["judgment.id"], name=op.f("fk_justification_sketch_judgment_id")),
        sa.PrimaryKeyConstraint("rater_id", "judgment_id", name=op.f("pk_justification_sketch")),
        sqlite_with_rowid=False,
    )


def _content() -> None:
    op.create_table(
        "content_opt_out",
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_content_opt_out_rater_id")),
        sa.PrimaryKeyConstraint("rater_id", "kind", name=op.f("pk_content_opt_out")),
    )
    made = op.create_table(
        "comparison_content",
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_comparison_content_comparison_id")),
        sa.PrimaryKeyConstraint("comparison_id", "kind", name=op.f("pk_comparison_content")),
    )
    named = []
    for row in op.get_bind().execute(sa.text("SELECT id, meta FROM comparison")):
        meta = json.loads(row.meta) if isinstance(row.meta, str) else row.meta
        kinds = (meta or {}).get("content_kinds", ())
        listed = kinds if isinstance(kinds, list) else [kinds]
        texts = {kind.strip().casefold() for kind in listed if isinstance(kind, str)}
        named += [{"comparison_id": row.id, "kind": kind} for kind in sorted(texts) if kind]
    if named:
        op.bulk_insert(made, named)


def _time() -> None:
    op.create_table(
        "working_time",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("ended_by", sa.String(), nullable=False),
        sa.CheckConstraint(
            "ended_by IN ('submitted', 'skipped', 'paused', 'stopped')", name=op.f("ck_working_time_ended_by")
        ),
        sa.CheckConstraint("seconds >= 0 AND ended_at >= started_at", name=op.f("ck_working_time_seconds")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_working_time_rater_id")),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_working_time_assignment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_working_time")),
    )
    op.create_index("ix_working_time_rater_id", "working_time", ["rater_id", "started_at"])
    op.create_index("ix_working_time_assignment_id", "working_time", ["assignment_id"])
    op.create_table(
        "working_clock",
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=True),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("unbroken_seconds", sa.Float(), nullable=False),
        sa.Column("paused_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_working_clock_rater_id")),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_working_clock_assignment_id")),
        sa.PrimaryKeyConstraint("rater_id", name=op.f("pk_working_clock")),
    )


def downgrade() -> None:
    for table in ("working_clock", "working_time", "comparison_content", "content_opt_out", "justification_sketch"):
        op.drop_table(table)
    op.drop_column("rater_report", "read_at")
    op.drop_column("rater_report", "answered_by")
    op.drop_column("assignment", "overall_first")
