"""A language model behind an OpenAI-compatible endpoint: one question, one answer. The server asks; no browser does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from app.errors import AssistantFailed
from app.settings import Assistant

TIMEOUT_SECONDS = 300
MAX_BYTES = 4_000_000


def ask(assistant: Assistant, messages: Sequence[Mapping[str, str]]) -> str:
    """The model's answer to a conversation (`POST {url}/chat/completions`).

    Args:
        assistant: where it is.
        messages: turns with `role` and `content`.

    Raises:
        AssistantFailed: it cannot be reached, refuses, or answers in another form; the message says which.
    """
    body = json.dumps({"model": assistant.model, "messages": list(messages), "temperature": 0.2})
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if assistant.key:
        headers["Authorization"] = f"Bearer {assistant.key}"
    request = Request(f"{assistant.url}/chat/completions", data=body.encode(), headers=headers, method="POST")
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            answer = response.read(MAX_BYTES + 1)
    except HTTPError as error:
        said = error.read(300).decode("utf-8", "replace").strip()
        raise AssistantFailed(
            f"The assistant at {assistant.url} answered {error.code} {error.reason}: {said}"
        ) from error
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise AssistantFailed(
            f"The assistant at {assistant.url} cannot be reached: {reason}. Check STEELYARD_ASSISTANT_URL."
        ) from error
    if len(answer) > MAX_BYTES:
        raise AssistantFailed(f"The assistant at {assistant.url} answered with more than {MAX_BYTES:,} bytes.")
    return _content(assistant, answer)


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
