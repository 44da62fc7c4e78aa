"""The assistant against a stub of an OpenAI-compatible endpoint on the loopback."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.domain import Role
from app.errors import AssistantFailed, InvalidInput, JobCancelled, NotAllowed
from app.services import chat, rubric_assistant, sessions
from app.services.people import add_account
from app.settings import Assistant, read_settings

GOOD = "key: drafted\ntitle: Drafted\n"


class Stub(HTTPServer):
    """Answers with what it was told to, one after the other, and remembers what it was asked."""

    answers: list[tuple[int, str]]
    asked: list[tuple[str, dict, dict]]
    pause: float = 0.0


class Handler(BaseHTTPRequestHandler):
    """One question."""

    def do_POST(self) -> None:
        """Note it and answer."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        status, text = self.server.answers.pop(0)
        time.sleep(self.server.pause)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", text)
        self.end_headers()
        with suppress(BrokenPipeError):  # who asked has gone
            self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A server of our own."""
    made = Stub(("127.0.0.1", 0), Handler)
    made.answers, made.asked = [], []
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def assistant(stub: Stub) -> Assistant:
    """The settings that name the stub."""
    return Assistant(f"http://127.0.0.1:{stub.server_port}/v1", "small", "s3cret")


def answer(text: str) -> tuple[int, str]:
    """What an endpoint sends."""
    return 200, json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]})


def test_a_brief_becomes_a_draft_and_what_is_wrong_is_given_back(store, stub):
    add_account(store, "ada", roles=[Role.DESIGNER])
    stub.answers = [answer("<think>hm</think>Here:\n```yaml\nkey: drafted\n```"), answer(f"```yaml\n{GOOD}```")]
    draft, n_problems = rubric_assistant.draft_from_brief(
        store, "ada", "Short answers\nonly", assistant=assistant(stub)
    )
    assert (n_problems, draft.title, draft.created_by) == (0, "Drafted", "ada")
    assert draft.text.startswith("# Drafted by small from a brief")
    assert "#   Short answers\n#   only\n" in draft.text
    path, headers, first = stub.asked[0]
    assert (path, headers["Authorization"], first["model"]) == ("/v1/chat/completions", "Bearer s3cret", "small")
    assert "title: is missing" in stub.asked[1][2]["messages"][-1]["content"]


def test_a_draft_that_stays_wrong_is_kept_with_its_problems(store, stub):
    add_account(store, "ada", roles=[Role.DESIGNER])
    stub.answers = [answer("key: drafted")] * 3
    draft, n_problems = rubric_assistant.draft_from_brief(store, "ada", "x", assistant=assistant(stub))
    assert n_problems == 1
    assert "key: drafted" in draft.text


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ((500, "busy"), "answered 500"),
        ((200, "<html>"), "does not answer like"),
        (answer(" "), "answered with nothing"),
    ],
)
def test_failures_are_said_in_words_without_the_key(stub, said, words):
    stub.answers = [said]
    with pytest.raises(AssistantFailed, match=words) as caught:
        chat.ask(assistant(stub), [{"role": "user", "content": "x"}])
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(assistant(stub))


def test_the_key_goes_nowhere_else_and_is_never_told(stub, monkeypatch):
    other = Assistant(f"http://127.0.0.1:{stub.server_port}/elsewhere", "small")
    stub.answers = [(302, other.url), (401, "Incorrect API key provided: s3cret.")]
    with pytest.raises(AssistantFailed, match="answered 302") as caught:
        chat.ask(assistant(stub), [])
    assert len(stub.asked) == 1, "the key is not sent where a redirect leads"
    with pytest.raises(AssistantFailed, match=r"provided: \[key\]") as caught:
        chat.ask(assistant(stub), [])
    shown = "".join(traceback.format_exception(caught.value))
    assert "s3cret" not in shown, "the log has the traceback"
    for wrong in ("s3cret\nX: y", "s3cr\u00e9t"):
        given = {"STEELYARD_ASSISTANT_URL": "http://h/v1", "STEELYARD_ASSISTANT_MODEL": "m"}
        with pytest.raises(InvalidInput) as refused:
            read_settings({**given, "STEELYARD_ASSISTANT_KEY": wrong})
        assert "s3cr" not in str(refused.value)
        kept = read_settings({**given, "STEELYARD_ASSISTANT_KEY": "s3cret\n"}).assistant
        assert kept.key == "s3cret"
        with pytest.raises(InvalidInput, match="STEELYARD_ASSISTANT_KEY"):
            read_settings({**given, "STEELYARD_ASSISTANT_URL": "http://ada:pw@h/v1"})


def test_an_endpoint_that_is_endless_slow_or_silent_ends(stub, monkeypatch):
    for name, value, words in (
        ("MAX_BYTES", 10, "more than 10 bytes"),
        ("TIMEOUT_SECONDS", -1, "took longer"),
        ("SILENCE_SECONDS", 0.2, "timed out"),
    ):
        stub.pause = 1.0 if name == "SILENCE_SECONDS" else 0.0
        stub.answers = [answer("x" * 100)]
        with monkeypatch.context() as changed:
            changed.setattr(chat, name, value)
            with pytest.raises(AssistantFailed, match=words):
                chat.ask(assistant(stub), [])


def test_what_was_written_is_kept_where_mending_fails_and_nothing_where_it_is_cancelled(store, stub):
    add_account(store, "ada", roles=[Role.DESIGNER])
    stub.answers = [answer("key: drafted"), (503, "busy")]
    draft, n_problems = rubric_assistant.draft_from_brief(store, "ada", "x", assistant=assistant(stub))
    assert (n_problems, "key: drafted" in draft.text) == (1, True)
    stub.answers = [answer("key: drafted"), answer(GOOD)]
    looks = iter([False, True])
    with pytest.raises(JobCancelled):
        rubric_assistant.written("x", assistant=assistant(stub), is_cancelled=lambda: next(looks))
    assert len(stub.answers) == 1


def test_nobody_there_is_said(stub):
    with pytest.raises(AssistantFailed, match="cannot be reached"):
        chat.ask(Assistant("http://127.0.0.1:1/v1", "m"), [])


def test_asking_needs_a_designer_an_assistant_and_a_brief(store, stub):
    for name, role in (("ada", Role.DESIGNER), ("rob", Role.RATER)):
        add_account(store, name, roles=[role])
    ada, rob = (sessions.person_named(store, name) for name in ("ada", "rob"))
    request = rubric_assistant.request_draft(ada, "x", assistant=assistant(stub))
    assert (request.kind, dict(request.arguments)) == ("rubric_draft", {"brief": "x"})
    with pytest.raises(NotAllowed):
        rubric_assistant.request_draft(rob, "x", assistant=assistant(stub))
    for brief, one in (("x", None), (" ", assistant(stub)), ("x" * 8001, assistant(stub))):
        with pytest.raises(InvalidInput):
            rubric_assistant.request_draft(ada, brief, assistant=one)


def test_templates_come_near_the_brief():
    near = rubric_assistant.nearest_templates
    assert near("Summaries of news articles, faithful to the source")[0] == "summarisation"
    assert near("Review of code changes: bugs and defects found")[0] == "code_review"
    assert near("") == []


def test_settings_of_the_assistant():
    known = read_settings({"STEELYARD_ASSISTANT_URL": "http://localhost:1/v1/", "STEELYARD_ASSISTANT_MODEL": "m"})
    assert known.assistant == Assistant("http://localhost:1/v1", "m")
    assert read_settings({}).assistant is None
    for wrong in ({"STEELYARD_ASSISTANT_KEY": "k"}, {"STEELYARD_ASSISTANT_URL": "x", "STEELYARD_ASSISTANT_MODEL": "m"}):
        with pytest.raises(InvalidInput, match="STEELYARD_ASSISTANT_URL"):
            read_settings(wrong)
