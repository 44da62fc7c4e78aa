"""The door: log in, set a password with a one-time link, log out. Plain forms that work without any script."""

from __future__ import annotations

import html
import logging
from functools import lru_cache, partial
from importlib.resources import files
from operator import itemgetter
from string import Template
from urllib.parse import parse_qs, urlparse

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.catalogue import say_in, spoken
from app.errors import NotFound, UnfitPassword
from app.services import sessions
from app.services.database import Store
from app.settings import Settings
from app.web.attempts import Attempts
from app.web.gate import COOKIE

MAX_FORM_BYTES = 16_384
MAX_NAME = 200
MAX_LANGUAGES = 500
"""Characters of a header that are read."""

log = logging.getLogger(__name__)


class Door:
    """The routes that a person without a log-in meets."""

    def __init__(self, store: Store, chosen: Settings) -> None:
        self.store, self.chosen = store, chosen
        self.attempts = Attempts()
        self._page = Template((files("app.ui") / "assets" / "door.html").read_text(encoding="utf-8"))

    async def log_in(self, request: Request) -> Response:
        """GET shows the form; POST checks name and password."""
        wanted = _local(request.query_params.get("next", ""))
        if request.method == "GET":
            return self._login_page(request, wanted)
        if not is_same_origin(request):
            return self._login_page(request, wanted, problem=_say(request, "door-other-site"), status=403)
        fields = await _fields(request)
        name, address = fields.get("name", "").strip()[:MAX_NAME], request.client.host if request.client else ""
        wait = self.attempts.seconds_to_wait(name, address)
        if wait:
            problem = _say(request, "door-wait", minutes=max(1, round(wait / 60)))
            return self._login_page(request, wanted, name=name, problem=problem, status=429, retry_after=wait)
        token = await run_in_threadpool(sessions.log_in, self.store, name, fields.get("password", ""))
        if token is None:
            self.attempts.failed(name, address)
            log.warning("failed log-in from %s", address)
            return self._login_page(request, wanted, name=name, problem=_say(request, "door-no-match"), status=401)
        self.attempts.succeeded(name, address)
        return self._welcome(request, token, wanted)

    async def set_password(self, request: Request) -> Response:
        """GET shows the form of a one-time link; POST sets the password and logs in."""
        token = request.path_params["token"]
        owner = await run_in_threadpool(sessions.link_owner, self.store, token)
        if owner is None:
            return self._spent_page(request)
        if request.method == "GET":
            return self._password_page(request, owner)
        if not is_same_origin(request):
            return self._password_page(request, owner, problem=_say(request, "door-other-site"), status=403)
        fields = await _fields(request)
        if fields.get("password", "") != fields.get("again", ""):
            return self._password_page(request, owner, problem=_say(request, "door-differ"), status=422)
        try:
            login = await run_in_threadpool(sessions.use_link, self.store, token, fields.get("password", ""))
        except UnfitPassword as error:
            problem = _say(request, f"password-{error.fault}", n=error.n, limit=error.limit)
            return self._password_page(request, owner, problem=problem, status=422)
        except NotFound:
            return self._spent_page(request)
        return self._welcome(request, login, "/")

    async def log_out(self, request: Request) -> Response:
        """POST ends the log-in."""
        if not is_same_origin(request):
            return Response("That request came from another site.\n", 403, media_type="text/plain")
        token = request.cookies.get(COOKIE)
        if token:
            await run_in_threadpool(sessions.log_out, self.store, token)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, path="/")
        return response

    def _welcome(self, request: Request, token: str, wanted: str) -> Response:
        response = RedirectResponse(wanted or "/", 303)
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(sessions.LOGIN_LIFETIME.total_seconds()),
            path="/",
            httponly=True,
            samesite="lax",
            secure=self.chosen.is_https or request.url.scheme == "https",
        )
        return response

    def _login_page(
        self,
        request: Request,
        wanted: str,
        *,
        name: str = "",
        problem: str = "",
        status: int = 200,
        retry_after: float = 0.0,
    ) -> Response:
        say = partial(_say, request)
        sso = f'<p class="other"><a href="/?sso=1">{say("door-sso")}</a></p>' if self.chosen.oidc else ""
        form = f"""
<form method="post">
  <label for="name">{say("door-name")}</label>
  <input id="name" name="name" value="{html.escape(name)}" autocomplete="username" autocapitalize="none"
    spellcheck="false" required {"" if name else "autofocus"}>
  <label for="password">{say("door-password")}</label>
  <input id="password" name="password" type="password" autocomplete="current-password" required
    {"autofocus" if name else ""}>
  <button>{say("door-log-in")}</button>
</form>
{sso}<p class="hint">{say("door-new-here")}</p>"""
        response = self._render(request, say("door-log-in"), form, problem=problem, status=status)
        if retry_after:
            response.headers["retry-after"] = str(int(retry_after) + 1)
        return response

    def _password_page(self, request: Request, owner: str, *, problem: str = "", status: int = 200) -> Response:
        say, shortest = partial(_say, request), sessions.MIN_PASSWORD_LENGTH
        form = f"""
<p class="hint">{say("door-you-are", name=f"<strong>{html.escape(owner)}</strong>")}</p>
<form method="post">
  <input type="hidden" name="name" value="{html.escape(owner)}" autocomplete="username">
  <label for="password">{say("door-new-password")}</label>
  <input id="password" name="password" type="password" autocomplete="new-password" minlength="{shortest}"
    required autofocus aria-describedby="rule">
  <label for="again">{say("door-again")}</label>
  <input id="again" name="again" type="password" autocomplete="new-password" minlength="{shortest}" required>
  <button>{say("door-set")}</button>
</form>
<p class="hint" id="rule">{say("door-rule", n=shortest)}</p>"""
        return self._render(request, say("door-set-title"), form, problem=problem, status=status)

    def _spent_page(self, request: Request) -> Response:
        say = partial(_say, request)
        link = f'<a href="/login">{say("door-spent-log-in")}</a>'
        body = f'<p class="hint">{say("door-spent-next", log_in=link)}</p>'
        return self._render(request, say("door-spent"), body, status=404)

    def _render(self, request: Request, title: str, body: str, *, problem: str = "", status: int = 200) -> Response:
        alert = f'<p class="problem" role="alert">{html.escape(problem)}</p>' if problem else ""
        page = self._page.substitute(lang=_language(request), title=html.escape(title), alert=alert, body=body)
        headers = {"cache-control": "no-store", "referrer-policy": "same-origin", "vary": "accept-language"}
        return HTMLResponse(page, status, headers=headers)


def _say(request: Request, key: str, **values: object) -> str:
    """A text of the catalogue in the browser's language: nobody is known here."""
    return say_in(_language(request), key, **values)


def _language(request: Request) -> str:
    return _preferred(request.headers.get("accept-language", "")[:MAX_LANGUAGES])


@lru_cache(maxsize=64)
def _preferred(accepted: str) -> str:
    """The language that a header asks for: by weight, then by place; weight 0 means never."""
    wanted = []
    for one in accepted.split(","):
        code, _, parameter = one.partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if 0 < weight <= 1:
            wanted.append((-weight, code))
    return spoken(code for _, code in sorted(wanted, key=itemgetter(0)))


def is_same_origin(request: Request) -> bool:
    """Whether a form was sent by a page of this site: browsers always say where a POST comes from."""
    source = request.headers.get("origin") or request.headers.get("referer") or ""
    return bool(source) and urlparse(source).netloc == request.headers.get("host")


def _local(path: str) -> str:
    """A path of this site to go on to; anything else becomes empty."""
    is_local = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_local else ""


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a small form; a body that is too long counts as empty."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return {}
    pairs = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    return {name: values[0] for name, values in pairs.items()}
