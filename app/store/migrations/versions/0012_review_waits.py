"""Which attempts wait for a word, and at which level, so that finding one does not walk all judgments."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

FILL = """
INSERT INTO review_wait (judgment_id, round_id, comparison_id, rater_id, level)
SELECT j.id, a.round_id, a.comparison_id, a.rater_id, CASE WHEN w.id IS NULL THEN 'review' ELSE 'senior' END
FROM judgment j
JOIN assignment a ON a.id = j.assignment_id
JOIN rater r ON r.id = a.rater_id
LEFT JOIN review w ON w.judgment_id = j.id AND w.level = 'review'
LEFT JOIN review s ON s.judgment_id = j.id AND s.level = 'senior'
WHERE a.round_id = :round_id AND (CAST(a.id AS BIGINT) * 6184) % 10007 < :share * 10007
  AND a.state = 'submitted' AND a.purpose IN ('work', 'gold', 'repeat') AND a.shown IS NOT NULL
  AND j.batch_id IS NULL AND r.kind IN :kinds AND s.id IS NULL AND (w.id IS NULL OR w.verdict = 'edit')
  AND NOT EXISTS (SELECT 1 FROM judgment l WHERE l.assignment_id = j.assignment_id AND l.revision > j.revision)
"""


def upgrade() -> None:
    op.create_table(
        "review_wait",
        sa.Column("judgment_id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.CheckConstraint("level IN ('review', 'senior')", name=op.f("ck_review_wait_level")),
        sa.ForeignKeyConstraint(["judgment_id"], ["judgment.id"], name=op.f("fk_review_wait_judgment_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_review_wait_round_id")),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_review_wait_comparison_id")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_review_wait_rater_id")),
        sa.PrimaryKeyConstraint("judgment_id", name=op.f("pk_review_wait")),
    )
    op.create_index("ix_review_wait_round", "review_wait", ["round_id", "level", "judgment_id"], unique=False)
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    """What waits in the rounds that let a share of their judgments be reviewed."""
    campaign = sa.table("campaign", sa.column("id"), sa.column("counted_kinds", sa.JSON))
    round_ = sa.table("round", sa.column("id"), sa.column("campaign_id"), sa.column("rules", sa.JSON))
    rows = connection.execute(
        sa.select(round_.c.id, round_.c.rules, campaign.c.counted_kinds).join_from(
            round_, campaign, campaign.c.id == round_.c.campaign_id
        )
    ).all()
    fill = sa.text(FILL).bindparams(sa.bindparam("kinds", expanding=True))
    for row in rows:
        share = row.rules.get("review_share") or 0.0
        if share > 0:
            connection.execute(fill, {"round_id": row.id, "share": share, "kinds": row.counted_kinds})


def downgrade() -> None:
    op.drop_table("review_wait")
