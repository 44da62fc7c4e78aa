"""A small campaign for the tests of the services: rubrics, native lines, raters."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, insert, select, text

from app.domain import OVERALL, Campaign, OverlapPolicy, RaterKind, Role, RoundRules, utc_now
from app.services.campaigns import add_member, create_campaign
from app.services.importing import ImportSummary, import_file
from app.services.judging import Submission
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from rubrics.answers import Answer
from rubrics.model import Rubric

MINIMAL = Rubric(key="minimal", title="Overall preference")

CRITERIA = Rubric.from_dict(
    {
        "key": "two_sided",
        "title": "Two criteria",
        "criteria": [
            {"key": "helpfulness", "name": "Helpfulness", "question": "More help?", "type": "preference_scale"},
            {"key": "clarity", "name": "Clarity", "question": "How clear?", "type": "scores"},
        ],
        "justification": {"min_words": 2},
    }
)
"""A preference scale of 7 points, scores from 1 to 5, two words of justification."""

SCORED = Rubric.from_dict(
    {
        "key": "scored",
        "title": "Scores",
        "criteria": [{"key": "clarity", "name": "Clarity", "question": "How clear?", "type": "scores"}],
    }
)
"""A rubric for pairs and for rankings."""


def line(name: str, **fields: Any) -> dict[str, Any]:
    """A native line: a pair with texts of its own, and whatever fields are given."""
    completions = [{"id": slot, "text": f"response {slot} to {name}", "model": f"model-{slot}"} for slot in "ab"]
    return {"id": name, "prompt": f"question {name}", "completions": completions, **fields}


def four(name: str, **fields: Any) -> dict[str, Any]:
    """A native line with four completions."""
    return line(name, completions=[{"id": slot, "text": f"{slot} of {name}"} for slot in "abcd"], **fields)


def gold(name: str, accepted: str = "a") -> dict[str, Any]:
    """A native line with a gold key."""
    return line(name, gold={"accepted": [accepted], "explanation": "because"})


def vote(rater: str, preferred: str = "a", **fields: Any) -> dict[str, Any]:
    """A judgment of a native line."""
    return {"rater": rater, "preferred": preferred, **fields}


def write_lines(path: Path, lines: Iterable[Mapping[str, Any] | str]) -> Path:
    """A native file; a line given as text is written as it stands."""
    with path.open("w") as file:
        for one in lines:
            file.write((one if isinstance(one, str) else json.dumps(one)) + "\n")
    return path


def bring(store: Store, tmp_path: Path, lines: Iterable[Mapping[str, Any] | str], **options: Any) -> ImportSummary:
    """Import lines into campaign `c`."""
    return import_file(store, "c", write_lines(tmp_path / "lines.jsonl", lines), **options)


def make_campaign(
    store: Store,
    tmp_path: Path,
    lines: Sequence[Mapping[str, Any]] = (),
    *,
    raters: Iterable[str] = ("ann",),
    rubric: Rubric = MINIMAL,
    counted_kinds: Sequence[RaterKind] = (RaterKind.HUMAN,),
    **rules: Any,
) -> Campaign:
    """Campaign `c` with these lines and qualified raters; no gold, no repeats, a fixed overlap unless asked for."""
    chosen = RoundRules(**{"gold_rate": 0.0, "policy": OverlapPolicy.FIXED, **rules})
    campaign = create_campaign(store, "c", rubric=rubric, rules=chosen, counted_kinds=counted_kinds)
    if lines:
        bring(store, tmp_path, lines)
    for name in raters:
        make_rater(store, name)
    return campaign


def make_rater(store: Store, name: str, kind: RaterKind = RaterKind.HUMAN) -> None:
    """A qualified member of campaign `c`."""
    add_account(store, name, kind=kind)
    add_member(store, "c", name, roles=[Role.RATER])


def many_raters(store: Store, campaign: Campaign, names: Sequence[str]) -> None:
    """Qualified members, in two statements."""
    now = utc_now()
    person = {"namespace": "", "kind": "human", "state": "qualified", "roles": ["rater"], "created_at": now}
    with store.write() as connection:
        ids = connection.scalars(
            insert(tables.rater).returning(tables.rater.c.id), [{**person, "name": name} for name in names]
        ).all()
        member = {"campaign_id": campaign.id, "roles": ["rater"], "joined_at": now}
        connection.execute(insert(tables.campaign_member), [{**member, "rater_id": one} for one in ids])


def prefers(preferred: str = "a", **fields: Any) -> Submission:
    """A submission under the minimal rubric."""
    return Submission({OVERALL: Answer(preferred=preferred)}, **fields)


def count(store: Store, table: Table, *conditions: Any) -> int:
    """How many rows a table has."""
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


def rows(store: Store, table: Table, *conditions: Any) -> list[Any]:
    """The rows of a table, in the order of its key."""
    with store.read() as connection:
        return list(connection.execute(select(table).where(*conditions).order_by(*table.primary_key)))


def contents(store: Store) -> dict[str, int]:
    """How many rows each table has, without the record of what was tried (events) and what texts were seen."""
    return {name: count(store, table) for name, table in tables.metadata.tables.items() if name not in ("event",)}


def wrong_counters(store: Store) -> list[tuple[Any, ...]]:
    """Queue items whose counter is not the number of leased and submitted assignments that take a place."""
    item, assignment = tables.queue_item, tables.assignment
    facts = (
        select(func.count())
        .where(
            assignment.c.round_id == item.c.round_id,
            assignment.c.comparison_id == item.c.comparison_id,
            assignment.c.scope == item.c.scope,
            assignment.c.takes_place,
            assignment.c.state.in_(["open", "submitted"]),
        )
        .scalar_subquery()
    )
    wrong = (item.c.n_taken != facts) | (item.c.is_open != (item.c.n_taken < item.c.n_slots))
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(select(item, facts).where(wrong))]


def grant(store: Store, name: str, skill: str, *, level: int = 1) -> None:
    """Let a rater hold something everywhere: a skill, or `language:de`, `credential:md`, `residency:eu`."""
    row = {"skill": skill, "level": level, "granted_at": utc_now()}
    with store.write() as connection:
        rater_id = connection.scalar(select(tables.rater.c.id).where(tables.rater.c.name == name))
        connection.execute(insert(tables.rater_skill), {**row, "rater_id": rater_id})


def wait_until_waiting(store: Store, n: int) -> None:
    """Until so many transactions of this database wait for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(600):
        with store.read() as connection:
            if connection.scalar(waiting) == n:
                return
        time.sleep(0.05)
    raise AssertionError(f"never {n} waiting transactions")
