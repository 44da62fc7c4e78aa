"""Campaigns of one comparison each, so that a test knows what is on the screen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.domain import RankingMode, RaterKind, Role, RoundRules
from app.services import sessions
from app.services.campaigns import add_member, create_campaign, open_round
from app.services.importing import import_file
from app.services.people import add_account
from rubrics.loader import load_library
from rubrics.model import Rubric
from tests.ui.places import PASSWORD, Place

HEAP = """### Short answer

Use a **heap**. It is fast, and memory stays small.

```python
def largest(xs, k):
    return heapq.nlargest(k, xs)
```

| way | time |
|---|---|
| sort | n log n |

- first
- second
"""
SORT = "Sort the list, and slice it. It is fast, and memory stays small. A heap is fancy."


def make_desk(
    place: Place,
    name: str,
    line: dict[str, Any],
    *,
    folder: Path,
    rater: str | None = None,
    rubric: Rubric | None = None,
    is_math: bool = False,
    designers: Sequence[str] = (),
    rules: RoundRules = RoundRules(gold_rate=0),
) -> str:
    """A campaign with one comparison and a rater of its own; returns the rater's name, `name` unless given."""
    kway = len(line["completions"]) > 2
    chosen = rubric or load_library("instruction_factuality" if kway else "helpful_harmless")
    create_campaign(place.store, name, rubric=chosen, counted_kinds=[RaterKind.HUMAN], rules=rules)
    if kway:
        open_round(place.store, name, name="ranking", rubric=chosen, mode=RankingMode.KWAY)
    file = folder / f"{name}.jsonl"
    file.write_text(json.dumps({"id": "x", **line}), encoding="utf-8")
    summary = import_file(place.store, name, file, format_name="native")
    assert summary.n_comparisons == 1, summary
    if is_math:
        from app.store import tables

        with place.store.write() as connection:
            here = tables.campaign.c.name == name
            connection.execute(tables.campaign.update().where(here).values(renders_math=True))
    if rater is None:
        add_account(place.store, name, roles=[Role.RATER])
        sessions.set_password(place.store, name, PASSWORD)
    add_member(place.store, name, rater or name, roles=[Role.RATER])
    for designer in designers:
        add_member(place.store, name, designer, roles=[Role.DESIGNER])
    return rater or name


def pair(a: str = HEAP, b: str = SORT, *, prompt: Any = "The k largest?", **meta: Any) -> dict[str, Any]:
    """A line with two responses, the models named, which no rater may learn."""
    completions = [{"id": "a", "text": a, "model": "secret-one"}, {"id": "b", "text": b, "model": "secret-two"}]
    return {"prompt": prompt, "completions": completions, "meta": meta}
