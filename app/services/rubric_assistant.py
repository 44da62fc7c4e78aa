"""A rubric from a plain-language brief: drafted by a language model where there is one, and the nearest templates.

What the model writes is a draft like any other: it is checked, what is wrong is given back to it, and a person reads
it in the Studio. Nothing is published here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from app.errors import AssistantFailed, InvalidInput, JobCancelled, NotFound
from app.policy import Action
from app.services import chat, rubric_drafts
from app.services.job_board import JobRequest
from app.services.permission import require_anywhere
from app.services.rubric_drafts import Draft
from app.services.sessions import Person, person_named
from app.settings import Assistant
from app.store.engine import Store
from rubrics.advice import advise
from rubrics.criterion_types import CRITERION_TYPES
from rubrics.errors import RubricError
from rubrics.loader import library, load_library, parse_rubric
from rubrics.words import overlap, telling

ATTEMPTS = 3
"""How often a model may mend what is wrong with its draft."""

MAX_BRIEF = 8_000
EXAMPLE = "code_review"
"""The rubric of the library that shows a model what a good one looks like."""

Ask = Callable[[Assistant, Sequence[Mapping[str, str]]], str]


def request_draft(person: Person, brief: str, *, assistant: Assistant | None) -> JobRequest:
    """Ask the assistant for a draft: long work, because a model takes its time.

    Raises:
        NotAllowed: the person designs nowhere.
        InvalidInput: there is no assistant, or the brief says nothing or too much.
    """
    require_anywhere(person, Action.PUBLISH_RUBRIC)
    if assistant is None:
        raise InvalidInput("No assistant is configured: set STEELYARD_ASSISTANT_URL and _MODEL, or take a template.")
    if not brief.strip():
        raise InvalidInput("The brief is empty: say what is judged, by whom, and what matters.")
    if len(brief) > MAX_BRIEF:
        raise InvalidInput(f"The brief has {len(brief):,} characters; {MAX_BRIEF:,} are read. Shorten it.")
    return JobRequest("rubric_draft", person.name, None, {"brief": brief})


def draft_from_brief(
    store: Store,
    actor_name: str,
    brief: str,
    *,
    assistant: Assistant,
    ask: Ask = chat.ask,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Draft, int]:
    """Have a draft written, and keep it; returns it with the number of things that are still wrong with it.

    Raises:
        JobCancelled: `is_cancelled` said so between two answers; nothing is kept.
        NotFound: no such account.
        NotAllowed: the account designs nowhere.
        AssistantFailed: the model cannot be reached or says nothing of use.
    """
    person = person_named(store, actor_name)
    if person is None:
        raise NotFound(f"There is no account {actor_name!r}.")
    text, n_problems = written(brief, assistant=assistant, ask=ask, is_cancelled=is_cancelled)
    head = f"# Drafted by {assistant.model} from a brief; read every word before you publish it.\n"
    told = "".join(f"#   {line}\n" for line in brief.strip().splitlines())
    return rubric_drafts.create_draft(store, person, f"{head}# The brief:\n{told}{text}"), n_problems


def written(
    brief: str, *, assistant: Assistant, ask: Ask = chat.ask, is_cancelled: Callable[[], bool] = lambda: False
) -> tuple[str, int]:
    """The document that a model writes for a brief, and how many things are wrong with it after `ATTEMPTS`.

    Where a later answer cannot be had, the one before it is kept with what is wrong with it.

    Raises:
        JobCancelled: `is_cancelled` said so between two answers.
        AssistantFailed: see `app.services.chat.ask`.
    """
    messages = [{"role": "system", "content": _instructions()}, {"role": "user", "content": f"The brief:\n{brief}"}]
    text, problems = "", ""
    for attempt in range(ATTEMPTS):
        if is_cancelled():
            raise JobCancelled("The draft was cancelled; nothing was kept.")
        try:
            said = ask(assistant, messages)
        except AssistantFailed:
            if attempt == 0:
                raise
            break
        text = yaml_in(said)
        problems = _problems(text)
        if not problems:
            return text, 0
        messages += [
            {"role": "assistant", "content": said},
            {"role": "user", "content": f"Mend this and give the whole document again:\n{problems}"},
        ]
    return text, len(problems.splitlines())


def nearest_templates(brief: str, *, n: int = 3) -> list[str]:
    """Keys of the library's rubrics that share words with a brief, nearest first."""
    wanted = telling(brief)
    nearness = {}
    for key in library():
        rubric = load_library(key)
        words = [key.replace("_", " "), rubric.title, rubric.instructions]
        words += [part for one in rubric.criteria for part in (one.name, one.question, one.guidance)]
        nearness[key] = overlap(wanted, telling(" ".join(words)))
    ranked = sorted(nearness, key=lambda key: -nearness[key])
    return [key for key in ranked if nearness[key] > 0][:n]


def yaml_in(said: str) -> str:
    """The document in an answer: without thoughts, talk around it, and fences."""
    said = re.sub(r"<think>.*?</think>", "", said, flags=re.DOTALL)
    fenced = re.search(r"```(?:ya?ml)?[^\S\n]*\n(.*?)(?:\n```|\Z)", said, flags=re.DOTALL)
    return (fenced[1] if fenced else said).strip() + "\n"


def _problems(text: str) -> str:
    """What is wrong with a document, a line each; advice where nothing is wrong is left to the person."""
    try:
        parse_rubric(text)
    except RubricError as error:
        return str(error)
    return ""


def _instructions() -> str:
    example = library()[EXAMPLE].read_text(encoding="utf-8")
    assert not advise(load_library(EXAMPLE)), "the example is one that nothing has to be said about"
    return (
        "You write rubrics by which people compare two responses of a language model. Answer with one YAML document "
        "and nothing else. Three to five criteria, each about one aspect that can be seen in the responses, with "
        "question, guidance, type, anchors and one worked example. No vague words (good, appropriate), no question "
        "about two things. Weights that sum to 1. A tension rule for every pair that will pull apart. At least three "
        f"tests. Types are {', '.join(CRITERION_TYPES)}; only a check may have veto: true. Fields and form as in this "
        f"example, which is about something else:\n\n{example}"
    )
