"""Role x action x route, by direct requests with good, forged, expired, ended and other people's cookies."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from app.domain import Role, utc_now
from app.services import sessions
from app.services.people import issue_link
from app.ui.navigation import import_pages
from app.web.door import Door
from app.web.gate import COOKIE, Gate
from app.web.shell import page_shell
from app.web.warmup import Warmup
from tests.ui.places import PASSWORD, Place

SITE = "http://testserver"
OWN = {"origin": SITE}


async def behind(request):
    """What stands behind the gate: says which identity arrived."""
    return PlainTextResponse(f"behind {request.headers.get('x-steelyard-login', 'nobody')}")


async def stream(websocket: WebSocket):
    """A websocket behind the gate."""
    await websocket.accept()
    await websocket.send_json(websocket.headers.getlist("x-steelyard-login"))
    await websocket.close()


@pytest.fixture
def make_client(seeded: Place) -> Callable[..., TestClient]:
    """A browser without redirects, at our door and gate, with something harmless behind."""

    def make(cookie: str | None = None) -> TestClient:
        door = Door(seeded.store, seeded.chosen)
        site = Starlette(
            routes=[
                Route("/login", door.log_in, methods=["GET", "POST"]),
                Route("/logout", door.log_out, methods=["POST"]),
                Route("/password/{token}", door.set_password, methods=["GET", "POST"]),
                WebSocketRoute("/_stcore/stream", stream),
                Route("/{path:path}", behind, methods=["GET", "POST", "PUT", "DELETE"]),
            ],
            middleware=[Middleware(Gate, store=seeded.store, chosen=seeded.chosen, pages=Warmup(import_pages))],
        )
        client = TestClient(site, base_url=SITE, follow_redirects=False)
        if cookie is not None:
            client.cookies.set(COOKIE, cookie)
        return client

    return make


def cookie_of(place: Place, kind: str) -> str | None:
    """A cookie of each kind."""
    if kind == "none":
        return None
    if kind == "forged":
        return "A" * 43
    if kind == "hash":  # what a thief of the database would have
        token = sessions.log_in(place.store, "rater", PASSWORD)
        return sessions.token_hash(token)
    if kind == "link":
        return issue_link(place.store, "rater")
    if kind == "expired":
        return sessions.log_in(place.store, "rater", PASSWORD, now=utc_now() - timedelta(days=30))
    token = sessions.log_in(place.store, "rater" if kind == "ended" else kind, PASSWORD)
    if kind == "ended":
        sessions.log_out(place.store, token)
    return token


BAD = ("none", "forged", "hash", "link", "expired", "ended")
PAGES = ("/", "/rate", "/people", "/rate?campaign=x")
PRIVATE = (("PUT", "/_stcore/upload_file/s/f"), ("DELETE", "/_stcore/upload_file/s/f"), ("GET", "/media/x.csv"))


@pytest.mark.parametrize("kind", BAD)
def test_without_a_good_cookie_there_is_only_the_door(seeded, make_client, kind):
    client = make_client(cookie_of(seeded, kind))
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/login")
    for method, path in PRIVATE:
        assert client.request(method, path).status_code == 401, path
    assert client.get("/login").status_code == 200
    assert client.get("/static/x.js").status_code == 200
    with client.websocket_connect("/_stcore/stream", headers={"x-steelyard-login": "1"}) as socket:
        assert socket.receive_json() == []


@pytest.mark.parametrize("role", Role)
def test_with_a_good_cookie_one_is_oneself_whatever_header_one_sends(seeded, make_client, role):
    token = cookie_of(seeded, role.value)
    client = make_client(token)
    assert client.get("/static/x.js", headers={"x-steelyard-login": "1"}).text == "behind nobody"
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.text == page_shell()
        assert "<title>Steelyard</title>" in answer.text
        scripts = re.findall(r"<script>(.*?)</script>", answer.text, flags=re.DOTALL)
        assert any("BACKEND_BASE_URL" in script for script in scripts)
        for script in scripts:
            digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]
    for method, path in PRIVATE:
        is_refused = method == "PUT" and role in (Role.RATER, Role.REVIEWER)
        assert client.request(method, path).status_code == (403 if is_refused else 200)
    with client.websocket_connect("/_stcore/stream", headers={"X-Steelyard-Login": "1"}) as socket:
        assert socket.receive_json() == [str(sessions.who(seeded.store, token))]


def test_log_in_sets_a_strict_cookie_and_goes_on_to_the_page(make_client, seeded):
    answer = make_client().post(
        "/login?next=/rate%3Fcampaign%3Dsample", data={"name": "rater", "password": PASSWORD}, headers=OWN
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "/rate?campaign=sample"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie


@pytest.mark.parametrize(
    ("accepted", "language", "words"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de", "Anmelden"),
        ("fr, en;q=0.3, de;q=0.7", "de", "Anmelden"),
        ("fr;q=x, tlh, de;q=nan, de; q=7", "en", "Log in"),
        ("de;q=0, fr", "en", "Log in"),
        ("en; q=0.1, de-AT; q=0.2", "de", "Anmelden"),
        ("," * 5000 + "de", "en", "Log in"),
        ("", "en", "Log in"),
    ],
)
def test_the_door_speaks_the_browsers_language(make_client, accepted, language, words):
    client = make_client()
    shown = client.get("/login", headers={"accept-language": accepted}).text
    assert f'<html lang="{language}">' in shown
    assert f"<h1>{words}</h1>" in shown
    refused = client.post("/login", data={"name": "x"}, headers={**OWN, "accept-language": accepted}).text
    assert ("passen nicht zusammen" in refused) is (language == "de")
    spent = client.get("/password/none", headers={"accept-language": accepted})
    assert (spent.status_code, ">melden Sie sich an</a>" in spent.text) == (404, language == "de")


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_log_in_never_leads_to_another_site(make_client, wanted):
    data = {"name": "rater", "password": PASSWORD}
    assert make_client().post("/login", params={"next": wanted}, data=data, headers=OWN).headers["location"] == "/"


@pytest.mark.parametrize(("name", "password"), [("rater", "wrong"), ("nobody", PASSWORD), ("", ""), ("rater", "")])
def test_wrong_log_ins_are_told_the_same(make_client, name, password):
    answer = make_client().post("/login", data={"name": name, "password": password}, headers=OWN)
    assert answer.status_code == 401
    assert "Name and password do not match." in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "http://evil.example"}, {"origin": "null"}, {"referer": "http://e.x/"}]
)
@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_forms_of_other_sites_do_nothing(seeded, make_client, path, headers):
    token = cookie_of(seeded, "rater")
    answer = make_client(token).post(path, data={"name": "rater", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert sessions.who(seeded.store, token) is not None


def test_guessing_is_slowed_down(make_client):
    client = make_client()
    codes = [client.post("/login", data={"name": "rater", "password": "x"}, headers=OWN).status_code for _ in range(9)]
    assert codes == [401] * 8 + [429]
    assert client.post("/login", data={"name": "rater", "password": PASSWORD}, headers=OWN).status_code == 429


def test_log_out_is_a_post_that_ends_the_log_in_and_the_cookie(seeded, make_client):
    token = cookie_of(seeded, "rater")
    client = make_client(token)
    client.get("/logout")
    assert sessions.who(seeded.store, token) is not None
    answer = client.post("/logout", headers=OWN)
    assert answer.headers["location"] == "/login"
    assert 'steelyard_login=""' in answer.headers["set-cookie"]
    assert sessions.who(seeded.store, token) is None


def test_a_link_sets_a_password_once(seeded, make_client):
    link, client = issue_link(seeded.store, "rater"), make_client()
    assert "You are <strong>rater</strong>" in client.get(f"/password/{link}").text
    send = {"password": "a brand new password", "again": "a brand new password"}
    assert client.post(f"/password/{link}", data={**send, "again": "another"}, headers=OWN).status_code == 422
    weak = {"data": {"password": "x", "again": "x"}, "headers": {**OWN, "accept-language": "de"}}
    refused = client.post(f"/password/{link}", **weak)
    assert (refused.status_code, "Das Passwort hat 1 Zeichen: nehmen Sie mindestens 10." in refused.text) == (422, True)
    assert client.post(f"/password/{link}", data=send).status_code == 403
    assert client.post(f"/password/{link}", data=send, headers=OWN).headers["location"] == "/"
    assert client.get(f"/password/{link}").status_code == 404
    assert client.post(f"/password/{link}", data=send, headers=OWN).status_code == 404


@pytest.mark.parametrize("path", ["/", "/login", "/static/x.js", "/password/none"])
def test_every_answer_carries_the_headers(make_client, path):
    headers = make_client().get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert "unsafe-eval'" not in policy.replace("'wasm-unsafe-eval'", "")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_names_are_shown_literally_at_the_door(make_client):
    answer = make_client().post("/login", data={"name": '"><script>x</script>', "password": "x"}, headers=OWN)
    assert "<script>" not in answer.text


def test_a_body_that_is_too_long_is_not_read(make_client):
    assert make_client().post("/login", content=b"name=" + b"x" * 100_000, headers=OWN).status_code == 401


@pytest.mark.parametrize("header", ["steelyard_login", "=;;=", "steelyard_login=\x00", "a=b; steelyard_login=;"])
def test_a_malformed_cookie_is_no_cookie(make_client, header):
    assert make_client().get("/", headers={"cookie": header.replace("\x00", "%00")}).status_code == 303
