"""The gate before Streamlit: who comes in, as whom, and with which security headers."""

from __future__ import annotations

from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.policy import Action
from app.services.database import Store
from app.services.sessions import person_of, who
from app.settings import Settings
from app.web.shell import inline_script_hashes, page_shell
from app.web.warmup import Warmup

COOKIE = "steelyard_login"
"""Holds the token; HttpOnly, SameSite=Lax, Secure on https."""

LOGIN_HEADER = "X-Steelyard-Login"
"""Carries the log-in's number from the gate to `st.user`; whatever a client sends under this name is dropped."""

PROVIDER_COOKIE = "_streamlit_user"
"""Streamlit's own signed cookie, where people log in with an identity provider."""

Headers = list[tuple[bytes, bytes]]

_HEADER = LOGIN_HEADER.lower().encode()
_UPLOADS = "/_stcore/upload_file"
_UPLOADING = (Action.IMPORT, Action.PUBLISH_RUBRIC)
_PRIVATE = (_UPLOADS, "/media/")
_OPEN = ("/login", "/logout", "/password/", "/static/", "/_stcore/", "/auth/", "/oauth2callback")


class Gate:
    """Pure ASGI, because it must see websockets.

    Pages are sent to the log-in when nobody is logged in; uploads and media are refused; a websocket is let through
    with or without a log-in, because the page behind it says what to do, once every page is imported.
    """

    def __init__(self, app: ASGIApp, *, store: Store, chosen: Settings, pages: Warmup) -> None:
        self.app, self.store, self.chosen, self.pages = app, store, chosen, pages
        self.headers = security_headers(is_https=chosen.is_https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers: Headers = [(name, value) for name, value in scope["headers"] if name.lower() != _HEADER]
        if scope["type"] == "websocket":
            await self.pages.finish()
            login = await run_in_threadpool(who, self.store, cookie(headers))
            if login is not None:
                headers.append((_HEADER, str(login).encode()))
            await self.app({**scope, "headers": headers}, receive, send)
            return
        is_page = _is_page(scope["path"])
        response = await self._refusal(scope, headers, is_page=is_page)
        if response is None and is_page and scope["method"] in ("GET", "HEAD"):
            response = HTMLResponse(page_shell(), headers={"cache-control": "no-cache"})
        await (response or self.app)({**scope, "headers": headers}, receive, self._with_headers(send))

    async def _refusal(self, scope: Scope, headers: Headers, *, is_page: bool) -> ASGIApp | None:
        """What an anonymous visitor gets instead of what they asked for; None where it is open to them."""
        path = scope["path"]
        is_private = path.startswith(_PRIVATE)
        if not (is_private or is_page):
            return None
        login = await run_in_threadpool(who, self.store, cookie(headers))
        if login is not None:
            is_upload = path.startswith(_UPLOADS) and scope["method"] == "PUT"
            may_pass = not is_upload or await run_in_threadpool(self._may_upload, login)
            return None if may_pass else PlainTextResponse("Your roles upload nothing here.\n", 403)
        if self.chosen.oidc and (cookie(headers, PROVIDER_COOKIE) or scope["query_string"] == b"sso=1"):
            return None
        if is_private:
            return PlainTextResponse("Log in first.\n", 401)
        query = scope["query_string"].decode("latin-1")
        wanted = path + (f"?{query}" if query else "")
        return RedirectResponse("/login" if wanted == "/" else f"/login?next={quote(wanted, safe='')}", 303)

    def _may_upload(self, login: int) -> bool:
        """Uploaded files wait in memory, so only those whose work needs them may send any."""
        person = person_of(self.store, login)
        return person is not None and any(person.may(action) for action in _UPLOADING)

    def _with_headers(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(h for h in self.headers if h[0] not in given)]
            await send(message)

        return sending


def _is_page(path: str) -> bool:
    """Whether a path is one of the application's pages: whatever is not a file, a door or Streamlit's own."""
    return not path.startswith(_OPEN + _PRIVATE) and "." not in path.rsplit("/", 1)[-1]


def cookie(headers: Iterable[tuple[bytes, bytes]], name: str = COOKIE) -> str | None:
    """The value of one cookie, None where it is absent or the header is malformed."""
    for key, value in headers:
        if key.lower() != b"cookie":
            continue
        for part in value.decode("latin-1").split(";"):
            try:
                found = SimpleCookie(part.strip()).get(name)
            except CookieError:
                continue
            if found is not None:
                return found.value
    return None


def security_headers(*, is_https: bool) -> Headers:
    """Headers of every response; a route may set its own in their place."""
    policy = (
        "default-src 'self'",
        f"script-src 'self' 'wasm-unsafe-eval' blob: {' '.join(inline_script_hashes())}".rstrip(),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-ancestors 'none'",
        "base-uri 'self'",
        "object-src 'none'",
        "form-action 'self'",
    )
    headers = {
        "content-security-policy": "; ".join(policy),
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
    if is_https:
        headers["strict-transport-security"] = "max-age=31536000"
    return [(name.encode(), value.encode()) for name, value in headers.items()]
