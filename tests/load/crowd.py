"""A campaign for many raters, and the raters: each opens the page once and judges at a steady, human pace."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import websockets
from sqlalchemy import insert, select

from app.domain import utc_now
from app.services.database import open_store
from app.services.people import token_hash
from app.store import tables
from app.store.engine import Store
from rubrics.loader import load_library
from tests.load.protocol import PageFailed, Tab
from tests.services.house import line, make_campaign, many_raters
from tests.ui.places import settings_for

N_POINTS = 7
"""From A3 to B3; what stands beside the scale is left alone."""

CRITERIA = ("helpfulness", "harmlessness", "honesty", "clarity", "overall")
WORDS = "the answer leaves out what was asked for and says in plain words how to do it safely step by step".split()  # noqa: SIM905


@dataclass
class Seen:
    """What the raters saw.

    Attributes:
        changes: seconds of every change of a rating, from sending to the end of the run.
        submits: seconds of every submission, until the next comparison was there.
        chosen: assignment -> criterion -> the letter and strength that were clicked.
        errors: what went wrong, in words.
    """

    changes: list[float] = field(default_factory=list)
    submits: list[float] = field(default_factory=list)
    chosen: dict[int, dict[str, str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def make_load_campaign(directory: Path, n_raters: int, n_comparisons: int) -> list[str]:
    """Campaign `c` with pairs of about 1,200 characters, and raters who are logged in: their tokens."""
    store = open_store(settings_for(directory))
    chance = random.Random(1)
    lines = [line(f"x{number}", completions=_responses(chance)) for number in range(n_comparisons)]
    campaign = make_campaign(store, directory, lines, raters=(), rubric=load_library("helpful_harmless"), overlap=3)
    names = [f"rater{number:04}" for number in range(n_raters)]
    many_raters(store, campaign, names)
    tokens = {name: secrets.token_urlsafe(32) for name in names}
    now = utc_now()
    with store.write() as connection:
        rater = tables.rater
        ids = connection.execute(select(rater.c.id, rater.c.name).where(rater.c.name.in_(names))).all()
        common = {"purpose": "session", "created_at": now, "expires_at": now + timedelta(hours=12)}
        connection.execute(
            insert(tables.login_token),
            [{**common, "rater_id": row.id, "token_hash": token_hash(tokens[row.name])} for row in ids],
        )
    store.close()
    return [tokens[name] for name in names]


async def work(url: str, tokens: Sequence[str], *, period: float, seconds: float) -> Seen:
    """All raters at once: one judgment each per period, begun at a random moment of it."""
    seen = Seen()
    end = time.monotonic() + seconds
    await asyncio.gather(
        *(_work_one(url, token, seen, period=period, end=end, seed=seed) for seed, token in enumerate(tokens))
    )
    return seen


async def _work_one(url: str, token: str, seen: Seen, *, period: float, end: float, seed: int) -> None:
    chance = random.Random(seed)
    try:
        await asyncio.sleep(chance.uniform(0, min(period, end - time.monotonic()) * 0.8))
        tab = await Tab.open(url, token, page_name="rate", query="campaign=c")
        is_over = False
        while not is_over:  # one judgment each at least, however slow the machine
            await _judge(tab, seen, chance, period=period)
            is_over = time.monotonic() >= end
        await tab.close()
    except (PageFailed, OSError, TimeoutError, KeyError, websockets.WebSocketException) as error:
        seen.errors.append(f"{type(error).__name__}: {error}")


async def _judge(tab: Tab, seen: Seen, chance: random.Random, *, period: float) -> None:
    """One comparison: read, answer five questions, write two sentences, hand in."""
    form = tab.key_like("-why")
    if form is None:
        raise PageFailed(f"no form on the page: {sorted(tab.widgets)[:8]}")
    begin, assignment_id = form.removesuffix("-why"), int(form.split("-")[1])
    due = time.monotonic() + period
    pause = period / (len(CRITERIA) + 3)
    answers: dict[str, str] = {}
    for key in CRITERIA:
        await asyncio.sleep(pause * chance.uniform(0.6, 1.1))
        options = tab.widgets[f"{begin}-{key}"].options
        place = chance.randrange(N_POINTS)
        seen.changes.append(await tab.choose(f"{begin}-{key}", place))
        answers[key] = options[place].content
    why = "Helpfulness decided: "
    for _ in range(2):
        await asyncio.sleep(pause * chance.uniform(0.6, 1.0))
        why += " ".join(chance.choices(WORDS, k=12)) + ". "
        seen.changes.append(await tab.write(form, why))
    await asyncio.sleep(max(0.0, due - time.monotonic()))
    seen.submits.append(await tab.press(f"{begin}-submit"))
    if tab.key_like("-why") == form:
        raise PageFailed(f"assignment {assignment_id} was not taken")
    seen.chosen[assignment_id] = answers


def lost_and_doubled(store: Store, seen: Seen) -> tuple[int, int]:
    """How many judgments that raters handed in are not stored as they clicked them, and how many are stored twice."""
    assignment, judgment, verdict = tables.assignment, tables.judgment, tables.verdict
    with store.read() as connection:
        stored = connection.execute(
            select(judgment.c.assignment_id, assignment.c.shown, verdict)
            .join(assignment, assignment.c.id == judgment.c.assignment_id)
            .join(verdict, verdict.c.judgment_id == judgment.c.id)
        ).all()
        n_judgments = connection.scalars(select(judgment.c.assignment_id)).all()
    said: dict[int, dict[str, str]] = {}
    for row in stored:
        said.setdefault(row.assignment_id, {})[row.criterion] = _letter(row.preferred, row.strength, row.shown)
    lost = sum(said.get(assignment_id) != answers for assignment_id, answers in seen.chosen.items())
    return lost, len(n_judgments) - len(set(n_judgments))


def _letter(preferred: str, strength: float | None, shown: Sequence[str]) -> str:
    """An answer as the button that gives it."""
    return "=" if preferred == "tie" else f"{'AB'[shown.index(preferred)]}{strength:g}"


def _responses(chance: random.Random) -> list[dict[str, str]]:
    return [{"id": slot, "text": " ".join(chance.choices(WORDS, k=240))} for slot in "ab"]
