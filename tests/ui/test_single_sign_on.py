"""Log-in with an identity provider: who it vouches for, and who stays outside."""

from __future__ import annotations

import importlib.util

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.domain import Role
from app.errors import InvalidInput, MissingExtra
from app.server import create_app
from app.services.people import add_account
from app.settings import read_settings, settings
from app.ui.navigation import import_pages
from app.web.door import Door
from app.web.gate import PROVIDER_COOKIE, Gate
from app.web.shell import page_shell
from app.web.warmup import Warmup
from tests.ui.places import Place

PROVIDER = {
    "STEELYARD_PUBLIC_URL": "https://rate.example.org",
    "STEELYARD_OIDC_CLIENT_ID": "steelyard",
    "STEELYARD_OIDC_CLIENT_SECRET": "s",
    "STEELYARD_OIDC_METADATA_URL": "https://id.example.org/.well-known/openid-configuration",
    "STEELYARD_OIDC_COOKIE_SECRET": "c" * 32,
}


@pytest.fixture
def provided(seeded: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place where an identity provider is configured."""
    for name, value in PROVIDER.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    add_account(seeded.store, "ana@example.org", roles=[Role.RESEARCHER])
    return Place(settings(), seeded.store)


def test_a_vouched_address_is_the_account_of_that_name(provided, open_page):
    at = open_page("", login=None)
    at.user = {"is_logged_in": True, "email": "ana@example.org", "email_verified": True}
    at.run()
    assert at.header[0].value == escaped("Hello, ana@example.org")


@pytest.mark.parametrize(
    "user",
    [
        {"is_logged_in": True, "email": "ana@example.org", "email_verified": False},
        {"is_logged_in": False, "email": "ana@example.org"},
        {"is_logged_in": True, "email": "stranger@example.org"},
        {"is_logged_in": True},
    ],
)
def test_others_stay_outside(provided, open_page, user):
    at = open_page("", login=None)
    at.user = user
    at.run()
    assert "Hello" not in at.header[0].value


def test_without_a_provider_its_claims_mean_nothing(seeded, open_page):
    at = open_page("", login=None)
    at.user = {"is_logged_in": True, "email": "rater"}
    at.run()
    assert at.header[0].value == "You are logged out"


def test_the_gate_lets_the_way_to_the_provider_through_and_nothing_else(provided):
    door = Door(provided.store, provided.chosen)
    site = Starlette(
        routes=[
            Route("/login", door.log_in, methods=["GET", "POST"]),
            Route("/{path:path}", lambda request: PlainTextResponse("behind")),
        ],
        middleware=[Middleware(Gate, store=provided.store, chosen=provided.chosen, pages=Warmup(import_pages))],
    )
    client = TestClient(site, base_url="https://rate.example.org", follow_redirects=False)
    assert "/?sso=1" in client.get("/login").text
    assert client.get("/").status_code == 303
    assert client.get("/?sso=1").text == page_shell()
    assert "max-age" in client.get("/login").headers["strict-transport-security"]
    client.cookies.set(PROVIDER_COOKIE, "x")
    assert client.get("/").text == page_shell()


def test_half_a_provider_is_refused_with_what_is_missing():
    half = {name: value for name, value in PROVIDER.items() if name != "STEELYARD_PUBLIC_URL"}
    with pytest.raises(InvalidInput, match="STEELYARD_PUBLIC_URL"):
        read_settings(half)


@pytest.mark.skipif(importlib.util.find_spec("authlib") is not None, reason="Authlib is installed")
def test_a_provider_without_its_package_says_what_to_install(provided):
    with pytest.raises(MissingExtra, match="pip install"):
        create_app(provided.chosen)


def escaped(text: str) -> str:
    from app.ui.components.text import escape

    return escape(text)
