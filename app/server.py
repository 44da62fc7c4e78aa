"""The ASGI application: Streamlit's pages behind our own door.

`create_app(settings)` gives `st.App(main.py)` with log-in, one-time links, log-out, security headers and a gate. The
cookie holds a random token; the gate turns it into a header that Streamlit puts into `st.user`, and removes that header
from whatever a client sends. A page looks the log-in up again on every run, so what an admin ends is over at once.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import logging
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from app.errors import MissingExtra
from app.services.database import Store, open_store
from app.settings import Settings
from app.web.door import Door
from app.web.gate import LOGIN_HEADER, Gate
from app.web.warmup import Warmup
from app.web.worker import WorkerProcess

MAIN = Path(__file__).with_name("main.py")
APPEARANCE = Path(__file__).parent / "ui" / "assets" / "streamlit.toml"

OPTIONS: Mapping[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "global.developmentMode": False,
    "logger.hideWelcomeMessage": True,
    "runner.fastReruns": False,  # or two threads of one session run at once, and undo what a callback did
    "runner.magicEnabled": False,
    "runner.postScriptGC": False,  # a full collection after every run costs half of the latency; see `_lifespan`
    "server.enableAgentApi": False,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 100,
    "server.trustedUserHeaders": f'{{"{LOGIN_HEADER}": "login"}}',
}
"""What Streamlit is told; an installed command finds no `.streamlit/config.toml`, so nothing is left to one."""

log = logging.getLogger(__name__)


def create_app(chosen: Settings, *, with_worker: bool = False) -> st.App:
    """The application for these settings.

    Args:
        chosen: where the database is, how people log in.
        with_worker: whether a process for long work starts and ends with the application.

    Raises:
        StoreError: the database is unreachable or of another schema version.
        MissingExtra: an identity provider is named and the package for it is not installed.
    """
    store = open_store(chosen)
    door = Door(store, chosen)
    pages = Warmup(_import_pages)
    return st.App(
        MAIN,
        lifespan=_lifespan(store, pages, with_worker=with_worker),
        routes=[
            Route("/login", door.log_in, methods=["GET", "POST"]),
            Route("/logout", door.log_out, methods=["POST"]),
            Route("/password/{token}", door.set_password, methods=["GET", "POST"]),
        ],
        middleware=[Middleware(Gate, store=store, chosen=chosen, pages=pages)],
        on_script_error=_on_script_error,
        secrets=_secrets(chosen),
    )


def serve(chosen: Settings, *, host: str, port: int) -> None:
    """Serve until interrupted."""
    app = create_app(chosen, with_worker=True)
    options = {**OPTIONS, **appearance(), "server.address": host, "server.port": port}
    if chosen.public_host:
        options["server.allowedHosts"] = [chosen.public_host, "localhost", "127.0.0.1"]
    app.run(config=options)


def appearance() -> dict[str, Any]:
    """Theme and type, from one file, as dotted options."""
    with APPEARANCE.open("rb") as file:
        return dict(_flat(tomllib.load(file)))


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in table.items():
        pairs += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return pairs


def _import_pages() -> None:
    """Import what pages need, then let the collector forget about it."""
    importlib.import_module("app.ui.navigation").import_pages()
    gc.collect()
    gc.freeze()


def _lifespan(
    store: Store, pages: Warmup, *, with_worker: bool
) -> Callable[[st.App], AbstractAsyncContextManager[dict[str, Any] | None]]:
    """Import the pages while the log-in answers already; have a worker for as long as the application serves."""

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        pages.begin()
        worker = WorkerProcess()
        if with_worker:
            worker.start()
        try:
            yield
        finally:
            worker.stop()
            store.close()

    return lifespan


def _on_script_error(error: Exception) -> bool:
    return bool(importlib.import_module("app.ui.components.page").show_failure(error))


def _secrets(chosen: Settings) -> dict[str, Any]:
    """What Streamlit's own log-in reads where an identity provider is named.

    Never nothing: without secrets Streamlit looks for its two files, under a lock, each time somebody asks who is here.
    """
    oidc = chosen.oidc
    if oidc is None:
        return {"steelyard": {}}
    if importlib.util.find_spec("authlib") is None:
        raise MissingExtra("Single sign-on needs Authlib: pip install 'streamlit[auth]', or unset STEELYARD_OIDC_*.")
    return {
        "auth": {
            "redirect_uri": f"{chosen.public_url}/oauth2callback",
            "cookie_secret": oidc.cookie_secret,
            "client_id": oidc.client_id,
            "client_secret": oidc.client_secret,
            "server_metadata_url": oidc.metadata_url,
        }
    }
