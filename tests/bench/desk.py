"""The rater's desk: checking a justification, the next comparison beside a bare page, a hundred raters at once.

Everything runs on loopback, client and server on one machine: the load average stands beside the figures.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from sqlalchemy import insert

from app.domain import OVERALL, utc_now
from app.services import desk as desks
from app.services.database import open_store
from app.services.judging import Submission
from app.stats.near_copies import sketch
from app.store import tables
from app.store.engine import Store
from app.store.migrate import upgrade
from app.web.gate import COOKIE
from rubrics.answers import Answer
from rubrics.model import Rubric
from tests.bench.timing import clock, line
from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.conftest import Server, free_port
from tests.load.crowd import lost_and_doubled, make_load_campaign, work
from tests.load.readable import bare_page, times
from tests.services.house import line as native_line
from tests.services.house import make_campaign
from tests.ui.places import settings_for

N_EARLIER = 10_000
WORDS = "the answer leaves out what user asked for clear wrong helpful safe tone long short step source".split()  # noqa: SIM905
RULES = {"min_words": 8, "quotes_must_exist": True, "must_not_repeat": True, "must_match_choice": True}


N_ITEMS = 50
N_RATERS, PERIOD, SECONDS = 100, 30.0, 120.0
CROWDS = (100, 150, 200, 300, 400, 500)
"""Raters at one judgment a minute, until a change of a rating takes too long."""

TOO_LONG = 0.5


def measurements() -> Iterator[dict[str, Any]]:
    """The three parts, one after the other."""
    yield from _checking()
    yield from _next_readable()
    yield from _crowds()


def _next_readable() -> Iterator[dict[str, Any]]:
    """From Submit to both texts of the next comparison painted, ours and a bare page by turns."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, bare_page() as bare_url:
        [token] = make_load_campaign(Path(folder), 1, N_ITEMS + 10)
        server = Server(Path(folder), free_port())
        server.start()
        browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=list(FLAGS))
        try:
            ours, bare = browser.new_page(), browser.new_page()
            ours.context.add_cookies([{"name": COOKIE, "value": token, "url": server.url}])
            ours.goto(f"{server.url}/rate?campaign=c")
            bare.goto(bare_url)
            found: dict[str, list[float]] = {"ours": [], "bare": []}
            for _ in range(N_ITEMS // 5):
                found["bare"] += times(bare, 5)
                found["ours"] += times(ours, 5)
        finally:
            browser.close()
            server.stop()
    plain = line("next comparison readable after Submit: a bare page with as many widgets", found["bare"])
    ours_line = line("next comparison readable after Submit: the rating screen", found["ours"])
    yield {**plain, "load_average": _load()}
    yield {**ours_line, "ratio": round(ours_line["median"] / plain["median"], 2), "load_average": _load()}


def _crowds() -> Iterator[dict[str, Any]]:
    """A hundred raters at one judgment in 30 s, then more and more of them at one a minute."""
    yield _crowd(N_RATERS, period=PERIOD, seconds=SECONDS)
    best = 0
    for n_raters in CROWDS:
        told = _crowd(n_raters, period=60.0, seconds=100.0)
        yield told
        if told["p95"] > TOO_LONG * 1000 or told["errors"]:
            break
        best = n_raters
    yield {"name": "saturation: raters a process at one judgment a minute", "n": best, "load_average": _load()}


def _crowd(n_raters: int, *, period: float, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        tokens = make_load_campaign(Path(folder), n_raters, n_raters * 6)
        server = Server(Path(folder), free_port())
        server.start()
        try:
            seen = asyncio.run(work(server.url, tokens, period=period, seconds=seconds))
        finally:
            server.stop()
        store = open_store(settings_for(Path(folder)))
        lost, doubled = lost_and_doubled(store, seen)
        store.close()
    name = f"{n_raters} raters, a judgment each {period:g} s: a change of a rating"
    slow = sorted(seen.submits)[int(len(seen.submits) * 0.95)] * 1000 if seen.submits else None
    return {
        **line(name, seen.changes),
        "judgments": len(seen.chosen),
        "submit_p95": None if slow is None else round(slow, 1),
        "errors": len(seen.errors),
        "first_error": seen.errors[0] if seen.errors else None,
        "lost": lost,
        "doubled": doubled,
        "load_average": _load(),
    }


def _load() -> float:
    return round(os.getloadavg()[0], 1)


def _checking() -> Iterator[dict[str, Any]]:
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

        told = line(f"check a justification, {N_EARLIER:,} earlier ones, SQLite", clock(check, repeat=200))
        yield {**told, "load_average": _load()}
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
