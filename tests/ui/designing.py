"""A campaign for the designer's pages: two people who weigh two criteria differently, and disagree on some."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from app.domain import Role
from app.services.campaigns import add_member, create_campaign
from app.services.importing import import_file
from app.store.engine import Store
from rubrics.model import Rubric
from tests.ui.places import HOSTILE

NAME = "torn"
N_COMPARISONS = 60

RUBRIC = Rubric.from_dict(
    {
        "key": "torn",
        "title": "Help *or* clarity",
        "criteria": [
            {"key": "help", "name": "Help", "question": "How helpful?", "type": "scores", "weight": 0.2},
            {"key": "clear", "name": "Clear", "question": "How clear?", "type": "scores", "weight": 0.8},
            {"key": "polite", "name": "Polite", "question": "Polite?", "type": "check", "weight": 0},
        ],
        "tensions": [{"between": ["help", "clear"], "precedence": "clear", "guidance": "A muddle helps nobody."}],
    }
)
"""Verdicts follow help, whatever the rubric says: an inversion, and a rule defied."""


def bring_torn(store: Store, folder: Path, *, name: str = NAME) -> None:
    """The campaign, with the designer, the researcher and the rater as members."""
    create_campaign(store, name, rubric=RUBRIC, title="Torn")
    file = folder / "torn.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in torn_lines()), encoding="utf-8")
    summary = import_file(store, name, file, format_name="native")
    assert not summary.refused, summary.refused[0]
    for role in (Role.DESIGNER, Role.RESEARCHER, Role.RATER):
        add_member(store, name, role.value, roles=[role])


def torn_lines() -> Iterator[dict[str, Any]]:
    """Pairs with two votes each, three of them contested, and one contested ranking."""
    draw = random.Random(4)
    for number in range(N_COMPARISONS):
        vote = _vote(draw, number)
        votes = [{**vote, "rater": rater} for rater in ("ann", "bob")]
        if number < 3:
            votes[0]["preferred"], votes[1]["preferred"] = "a", "b"
        if number == 0:
            wrong = {"completion": "b", "criterion": "clear", "start": 0, "end": 4, "note": "<b>no</b> text"}
            votes[1] |= {"error_spans": [wrong], "reports": [{"kind": "not_rankable", "text": "a file is missing"}]}
        yield {
            "id": f"pair-{number:02}",
            "prompt": f"Question {number}? {HOSTILE if number == 0 else ''}",
            "completions": [
                {
                    "id": slot,
                    "text": f"Text {number}{slot}" + " more" * draw.randint(0, 3),
                    "model": f"secret-model-{slot}",
                }
                for slot in "ab"
            ],
            "judgments": votes,
            "meta": {"topic": "art" if number % 2 else "law", "serial": number},
        }
    yield {
        "id": "ranking-1",
        "prompt": "Rank these.",
        "completions": [{"id": slot, "text": f"Text {slot}" + " etc." * (slot == "b")} for slot in "abc"],
        "judgments": [
            {"rater": "ann", "ranking": [["a"], ["b"], ["c"]]},
            {"rater": "bob", "ranking": [["c"], ["b"], ["a"]]},
        ],
        "meta": {"topic": "art", "serial": 99},
    }


def _completion(text: str, slot: str, draw: random.Random) -> dict[str, Any]:
    """A response of a model that no rater may know; lengths differ by chance."""
    return {"id": slot, "text": text + " more" * draw.randint(0, 3), "model": f"secret-model-{slot}"}


def _vote(draw: random.Random, number: int) -> dict[str, Any]:
    """A vote that follows help with some noise; politeness hardly ever differs."""
    help_a, help_b, clear_a, clear_b = (draw.randint(1, 5) for _ in range(4))
    pull = 1.5 * (help_a - help_b) + 0.3 * (clear_a - clear_b) + draw.gauss(0, 2.5)
    return {
        "preferred": "a" if pull > 0 else "b",
        "criteria": {
            "help": {"scores": {"a": help_a, "b": help_b}},
            "clear": {"scores": {"a": clear_a, "b": clear_b}},
            "polite": {"checks": {"a": True, "b": number % 12 != 0}},
        },
        "justification": f"[response:{'a' if pull > 0 else 'b'}] decided. {HOSTILE if number == 0 else ''}",
        "tensions": [{"between": ["help", "clear"], "prevailed": "help", "why": "it matters"}] if number == 0 else [],
    }


def words(at: AppTest) -> str:
    """All that a page says, without the backslashes that keep Markdown literal."""
    kinds = ("header", "subheader", "markdown", "caption", "text", "html", "error", "warning", "info", "success")
    return " ".join(str(element.value).replace("\\", "") for kind in kinds for element in at.get(kind))


def button(at: AppTest, label: str) -> Any:
    """The button with this label."""
    return next(one for one in at.button if one.label == label)
