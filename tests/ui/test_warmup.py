"""While pages are imported the log-in answers; a page waits, and is not left waiting when an import fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.web.gate import Gate
from app.web.warmup import Warmup
from tests.ui.places import Place

Scope = dict[str, Any]


def connect(gate: Gate, kind: str, path: str) -> Any:
    """One connection to the gate, by somebody without a cookie."""

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(_message: Any) -> None: ...

    return gate({"type": kind, "path": path, "headers": [], "method": "GET", "query_string": b""}, receive, send)


def in_own_thread(work: Coroutine[Any, Any, None]) -> None:
    """Run in a loop of its own: a browser's may be running in this thread."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def test_the_door_answers_and_a_page_waits(seeded: Place):
    may_end, seen = threading.Event(), []

    async def behind(scope: Scope, _receive: Any, _send: Any) -> None:
        seen.append(scope["path"])

    async def visit() -> None:
        pages = Warmup(lambda: may_end.wait(60))
        gate = Gate(behind, store=seeded.store, chosen=seeded.chosen, pages=pages)
        pages.begin()
        page = asyncio.create_task(connect(gate, "websocket", "/_stcore/stream"))
        await connect(gate, "http", "/login")
        assert seen == ["/login"]
        may_end.set()
        await page
        assert seen == ["/login", "/_stcore/stream"]

    in_own_thread(visit())


def test_a_failed_import_is_told_to_everybody(seeded: Place):
    def fail() -> None:
        raise ImportError("no such page")

    async def behind(_scope: Scope, _receive: Any, _send: Any) -> None:
        pytest.fail("nothing may be served")

    async def visit() -> None:
        pages = Warmup(fail)
        gate = Gate(behind, store=seeded.store, chosen=seeded.chosen, pages=pages)
        pages.begin()
        for _ in range(2):
            with pytest.raises(ImportError, match="no such page"):
                await connect(gate, "websocket", "/_stcore/stream")

    in_own_thread(visit())
