"""Ledgers for the tests: campaigns made from native lines through the importer, and direct changes to their rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from app.domain import OverlapPolicy, RaterKind, RoundRules, utc_now
from app.services.campaigns import create_campaign
from app.services.importing import ImportSummary, import_file
from app.store import tables
from app.store.engine import Store
from rubrics.model import Rubric

PLAIN = Rubric.from_dict({"key": "plain", "title": "Plain"})
"""Only the overall verdict, on a scale of 7 points."""

TWO_CRITERIA = Rubric.from_dict(
    {
        "key": "two",
        "title": "Two criteria",
        "criteria": [
            {"key": "help", "name": "Help", "question": "Which helps more?", "type": "preference_scale", "points": 7},
            {"key": "clear", "name": "Clear", "question": "How clear?", "type": "scores", "minimum": 1, "maximum": 5},
            {"key": "polite", "name": "Polite", "question": "Is it polite?", "type": "check"},
        ],
    }
)


def vote(rater: str, preferred: str, strength: float | None = None, **fields: Any) -> dict[str, Any]:
    """One judgment of a native line."""
    return {"rater": rater, "preferred": preferred, **({} if strength is None else {"strength": strength}), **fields}


def line(name: str, judgments: Iterable[Mapping[str, Any]] = (), **fields: Any) -> dict[str, Any]:
    """One native line with two responses; the texts follow from the name."""
    return {
        "id": name,
        "prompt": f"Question {name}: what is {' '.join(f'{name}{i}' for i in range(8))}?",
        "completions": [{"id": key, "text": f"answer {key} to {name}"} for key in "ab"],
        "judgments": list(judgments),
        **fields,
    }


def ranked(name: str, ranking: Sequence[Sequence[str]], *, rater: str = "w1", ids: str = "abc") -> dict[str, Any]:
    """One native line with a ranking of several responses."""
    completions = [{"id": key, "text": f"answer {key} to {name}"} for key in ids]
    judgments = [{"rater": rater, "ranking": [list(group) for group in ranking]}]
    return line(name, judgments, completions=completions)


def import_lines(store: Store, campaign: str, lines: Iterable[Mapping[str, Any]], folder: Path) -> ImportSummary:
    """Import native lines and insist that none is refused."""
    path = folder / f"{campaign}.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    summary = import_file(store, campaign, path, format_name="native")
    assert summary.refused == []
    return summary


def make_campaign(
    store: Store,
    lines: Iterable[Mapping[str, Any]],
    folder: Path,
    *,
    name: str = "c",
    rubric: Rubric = PLAIN,
    kinds: Sequence[RaterKind] = (RaterKind.HUMAN,),
) -> int:
    """A campaign with these lines that collects a fixed overlap; returns its number."""
    rules = RoundRules(policy=OverlapPolicy.FIXED)
    campaign = create_campaign(store, name, rubric=rubric, counted_kinds=kinds, rules=rules)
    import_lines(store, name, lines, folder)
    return campaign.id


def erase_completion(store: Store, comparison: str, slot: str) -> None:
    """Leave a tombstone in place of a response's text."""
    completion, content = tables.completion, tables.content
    named = select(completion.c.text_hash).join(tables.comparison, tables.comparison.c.id == completion.c.comparison_id)
    with store.write() as connection:
        text_hash = connection.scalar(
            named.where(tables.comparison.c.external_id == comparison, completion.c.slot == slot)
        )
        connection.execute(
            update(content)
            .where(content.c.hash == text_hash)
            .values(body=None, erased_at=utc_now(), erased_reason="withdrawn by its author")
        )
