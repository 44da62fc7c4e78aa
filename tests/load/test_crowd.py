"""Five raters at once over real websockets: nothing fails, nothing is lost, nothing is stored twice."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.services.database import open_store
from tests.browser.conftest import Server, free_port
from tests.load.crowd import CRITERIA, lost_and_doubled, make_load_campaign, work
from tests.ui.places import settings_for


def test_five_raters_at_once_lose_nothing(tmp_path: Path) -> None:
    tokens = make_load_campaign(tmp_path, n_raters=5, n_comparisons=30)
    server = Server(tmp_path, free_port())
    server.start()
    try:
        with ThreadPoolExecutor(1) as pool:  # playwright's own loop may be running in this thread
            seen = pool.submit(asyncio.run, work(server.url, tokens, period=3.0, seconds=9.0)).result()
    finally:
        server.stop()
    assert seen.errors == []
    assert len(seen.chosen) == len(seen.submits) >= 5
    assert len(seen.changes) == len(seen.chosen) * (len(CRITERIA) + 2)
    store = open_store(settings_for(tmp_path))
    assert lost_and_doubled(store, seen) == (0, 0)
    store.close()
    assert "Traceback" not in server.log
