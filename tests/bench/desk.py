"""The rater's desk: the check of a justification among ten thousand earlier ones."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from app.domain import OVERALL, utc_now
from app.services import desk as desks
from app.services.judging import Submission
from app.stats.near_copies import sketch
from app.store import tables
from app.store.engine import Store
from app.store.migrate import upgrade
from rubrics.answers import Answer
from rubrics.model import Rubric
from tests.bench.timing import clock, line
from tests.services.house import line as native_line
from tests.services.house import make_campaign

N_EARLIER = 10_000
WORDS = "the answer leaves out what user asked for clear wrong helpful safe tone long short step source".split()  # noqa: SIM905
RULES = {"min_words": 8, "quotes_must_exist": True, "must_not_repeat": True, "must_match_choice": True}


def measurements() -> Iterator[dict[str, Any]]:
    """The check of one justification, on SQLite, with all of the rater's earlier ones."""
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'desk.db'}")
        upgrade(store)
        rubric = Rubric.from_dict({"key": "k", "title": "T", "justification": RULES})
        make_campaign(store, Path(folder), [native_line(f"x{n}") for n in range(N_EARLIER + 1)], rubric=rubric)
        _write_earlier(store, rubric, chance)
        desk = desks.open_desk(store, "ann", "c")
        assert desk is not None
        choice = {OVERALL: Answer(preferred=desk.assignment.shown[0])}

        def check() -> None:
            said = f"{_words(chance)} [response:a]: “response a to {desk.assignment.comparison_id}”"
            desks.find_problems(store, "ann", desk, Submission(choice, said))

        yield line(f"check a justification, {N_EARLIER:,} earlier ones, SQLite", clock(check, repeat=200))
        store.close()


def _words(chance: random.Random, n: int = 30) -> str:
    return " ".join(chance.choices(WORDS, k=n))


def _write_earlier(store: Store, rubric: Rubric, chance: random.Random) -> None:
    """Submitted judgments with justifications of thirty words, in bulk."""
    now = utc_now() - timedelta(days=1)
    texts = [_words(chance) for _ in range(N_EARLIER)]
    with store.write() as connection:
        ids = connection.scalars(
            insert(tables.assignment).returning(tables.assignment.c.id),
            [
                {
                    "round_id": 1, "comparison_id": n + 1, "rater_id": 1, "purpose": "work", "state": "submitted",
                    "shown": ["a", "b"], "criteria_shown": [], "asks_overall": True, "takes_place": False,
                    "policy": "bench", "leased_at": now, "closed_at": now,
                }
                for n in range(N_EARLIER)
            ],
        ).all()  # fmt: skip
        made = connection.scalars(
            insert(tables.judgment).returning(tables.judgment.c.id),
            [
                {"assignment_id": one, "rubric_version": rubric.version, "justification": text, "submitted_at": now}
                for one, text in zip(ids, texts, strict=True)
            ],
        ).all()
        sketches = [
            {"rater_id": 1, "judgment_id": one, "sketch": sketch(text)} for one, text in zip(made, texts, strict=True)
        ]
        connection.execute(insert(tables.justification_sketch), sketches)
