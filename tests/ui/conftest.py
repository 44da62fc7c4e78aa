"""Fixtures for pages: prepared data once per run, a copy of it for every test, and a way to open a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app.services.database import open_store
from app.settings import settings
from app.ui import session
from tests.ui.places import ROOT, Place, copy_place, make_empty, make_seeded, settings_for

OpenPage = Callable[..., AppTest]

manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
"""Which of the installed packages bring components: a server looks once, every `AppTest` would look again."""


@pytest.fixture(scope="session")
def prepared_places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Data directories to copy: `empty` has accounts only, `seeded` has campaigns and judgments."""
    folder = tmp_path_factory.mktemp("places")
    made = {"empty": folder / "empty", "seeded": folder / "seeded"}
    make_empty(made["empty"])
    make_seeded(made["seeded"])
    return made


@pytest.fixture
def make_place(
    prepared_places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Place]]:
    """Go to a copy of a prepared place: the process' settings name it until the test ends."""
    opened: list[Place] = []

    def make(kind: str) -> Place:
        directory = tmp_path / f"data-{len(opened)}"
        copy_place(prepared_places[kind], directory)
        monkeypatch.setenv("STEELYARD_DATA_DIRECTORY", str(directory))
        settings.cache_clear()
        place = Place(settings_for(directory), open_store(settings_for(directory)))
        opened.append(place)
        return place

    yield make
    for place in opened:
        place.store.close()
    if opened:
        session.get_store().close()
    session._opened.cache_clear()
    settings.cache_clear()


@pytest.fixture
def seeded(make_place: Callable[[str], Place]) -> Place:
    """Campaigns and judgments."""
    return make_place("seeded")


@pytest.fixture
def empty(make_place: Callable[[str], Place]) -> Place:
    """Accounts only."""
    return make_place("empty")


@pytest.fixture
def open_page() -> OpenPage:
    """Open a page as a browser would: through `app/main.py`, at an address, with a log-in."""

    def opening(url_path: str, *, login: int | None, **query: str) -> AppTest:
        at = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
        at.user = {} if login is None else {"login": str(login)}
        at._page_hash = calc_hash(url_path)
        for name, value in query.items():
            at.query_params[name] = value
        return at.run()

    return opening
