"""A language model behind an OpenAI-compatible endpoint: one question, one answer. The server asks; no browser does.

The key goes to the endpoint that the settings name and nowhere else: no redirect is followed, and what the endpoint
says of a failure is told without the key.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from app.errors import AssistantFailed
from app.settings import Assistant

SILENCE_SECONDS = 120
"""How long an endpoint may say nothing."""

TIMEOUT_SECONDS = 300
"""How long one answer may take in all."""

MAX_BYTES = 4_000_000
CHUNK = 65_536


class _NoRedirect(HTTPRedirectHandler):
    """A redirect is an answer like any other: urllib would send the key along to wherever it leads."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing."""
        return None


_open = build_opener(_NoRedirect).open


def ask(assistant: Assistant, messages: Sequence[Mapping[str, str]]) -> str:
    """The model's answer to a conversation (`POST {url}/chat/completions`).

    Args:
        assistant: where it is.
        messages: turns with `role` and `content`.

    Raises:
        AssistantFailed: it cannot be reached, refuses, takes too long, or answers in another form; the message says
            which, and never the key.
    """
    body = json.dumps({"model": assistant.model, "messages": list(messages), "temperature": 0.2})
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if assistant.key:
        headers["Authorization"] = f"Bearer {assistant.key}"
    request = Request(f"{assistant.url}/chat/completions", data=body.encode(), headers=headers, method="POST")
    try:
        with _open(request, timeout=SILENCE_SECONDS) as response:
            answer = _read(assistant, response)
    except HTTPError as error:
        raise AssistantFailed(
            f"The assistant at {assistant.url} answered {error.code} {error.reason}{_said(assistant, error)}"
        ) from None
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise AssistantFailed(
            f"The assistant at {assistant.url} cannot be reached: {reason}. Check STEELYARD_ASSISTANT_URL."
        ) from None
    return _content(assistant, answer)


def _read(assistant: Assistant, response: HTTPResponse) -> bytes:
    """The whole answer, unless it is too long or comes too slowly."""
    began, answer = time.monotonic(), b""
    while chunk := response.read1(CHUNK):
        answer += chunk
        if len(answer) > MAX_BYTES:
            raise AssistantFailed(f"The assistant at {assistant.url} answered with more than {MAX_BYTES:,} bytes.")
        if time.monotonic() - began > TIMEOUT_SECONDS:
            raise AssistantFailed(f"The assistant at {assistant.url} took longer than {TIMEOUT_SECONDS} s to answer.")
    return answer


def _said(assistant: Assistant, error: HTTPError) -> str:
    """What an endpoint says of its refusal, where it says something; some quote the key that they were given."""
    try:
        said = error.read(300).decode("utf-8", "replace").strip()
    except (HTTPException, OSError):
        return "."
    if assistant.key:
        said = said.replace(assistant.key, "[key]")
    return f": {said}" if said else "."


def _content(assistant: Assistant, answer: bytes) -> str:
    try:
        document: Any = json.loads(answer)
        content = document["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError) as error:
        raise AssistantFailed(
            f"The assistant at {assistant.url} does not answer like an OpenAI-compatible endpoint: {error!r}."
        ) from error
    if not isinstance(content, str) or not content.strip():
        raise AssistantFailed(f"The assistant at {assistant.url} answered with nothing.")
    return content
