"""Lints: each finds its case, says where, and is silent on what is merely unusual."""

from __future__ import annotations

from typing import Any

import pytest

from app.formats import native, trl
from app.formats.lints import LINTS

TEXTS = [{"id": "a", "text": "So."}, {"id": "b", "text": "No."}]


def warnings(*votes: dict[str, Any], **fields: Any) -> tuple[str, ...]:
    """The findings on a line with judgments of rater w1, w2 ... and other fields."""
    judgments = [{"rater": f"w{number}"} | vote for number, vote in enumerate(votes, 1)]
    return native.read_row(1, {"prompt": "q", "completions": TEXTS, "judgments": judgments} | fields).warnings


def scored(a: float, b: float) -> dict[str, Any]:
    return {"scores": {"a": a, "b": b}}


FOUND: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sentinel score, kept": (
        warnings({"preferred": "a", "criteria": {"x": scored(4, -100)}}),
        ("judgment of w1: x score -100 of b looks like a mark for missing",),
    ),
    "sentinel strength": (
        warnings({"preferred": "a", "strength": -100}),
        ("judgment of w1: strength -100 looks like a mark for a missing value; read as missing",),
    ),
    "large sentinel strength": (
        warnings({"criteria": {"x": {"preferred": "a", "strength": 999}}}),
        ("judgment of w1: x strength 999 looks like a mark for missing",),
    ),
    "sentinel strength of a criterion": (
        warnings({"criteria": {"x": {"preferred": "a", "strength": -99}}}),
        ("judgment of w1: criteria.x: strength -99 looks like a mark for a missing value; read as missing",),
    ),
    "sentinel confidence": (
        warnings({"preferred": "a", "confidence": -100}),
        ("judgment of w1: confidence -100 looks like a mark for a missing value; read as missing",),
    ),
    "tie with strength": (
        warnings({"preferred": "tie", "strength": 2}),
        ("judgment of w1: overall is tie with strength 2",),
    ),
    "preference of strength 0": (
        warnings({"criteria": {"x": {"preferred": "b", "strength": 0}}}),
        ("judgment of w1: x prefers b with strength 0",),
    ),
    "rank against the score of the same name": (
        warnings({"ranking": [["a"], ["b"]], "criteria": {"overall_quality": scored(1, 5)}}),
        ("judgment of w1: overall favours a, overall_quality favours b",),
    ),
    "rank against all scores": (
        warnings({"preferred": "a", "criteria": {"x": scored(1, 5), "y": scored(2, 3), "z": scored(1, 1)}}),
        ("judgment of w1: overall favours a, all 2 criteria favour b",),
    ),
    "identical": (
        warnings(completions=[{"id": "a", "text": "So."}, {"id": "b", "text": "So."}]),
        ("completions a and b are identical",),
    ),
    "blank": (
        warnings(prompt=" ", completions=[{"id": "a", "text": ""}, {"id": "b", "text": "\n"}]),
        ("completion a is empty", "completion b is only white space", "the prompt is empty"),
    ),
    "chosen under rejected": (
        warnings(reference={"preferred": "a", "scores": {"a": 2, "b": 3.5}}),
        ("reference prefers a (score 2) over b (score 3.5)",),
    ),
    "negative margin": (
        warnings(reference={"preferred": "a", "margin": -1}),
        ("reference margin -1 is negative: the rejected response would be the better one",),
    ),
}

SILENT: dict[str, tuple[str, ...]] = {
    "one criterion pulls apart": warnings({"preferred": "a", "criteria": {"brevity": scored(1, 5)}}),
    "criteria disagree": warnings({"preferred": "a", "criteria": {"x": scored(1, 5), "y": scored(5, 1)}}),
    "tie without strength": warnings({"preferred": "tie"}, {"preferred": "tie", "strength": 0}),
    "cannot judge": warnings({"preferred": "cannot_judge", "criteria": {"x": scored(1, 5), "y": scored(1, 5)}}),
    "zero and negative scores": warnings({"criteria": {"x": scored(0, -1)}}),
    "reference of the better score": warnings(reference={"preferred": "b", "margin": 0, "scores": {"a": 2, "b": 3}}),
}


@pytest.mark.parametrize(("found", "expected"), FOUND.values(), ids=FOUND.keys())
def test_a_finding_is_told(found: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert found == expected


@pytest.mark.parametrize("found", SILENT.values(), ids=SILENT.keys())
def test_nothing_is_told(found: tuple[str, ...]) -> None:
    assert found == ()


@pytest.mark.parametrize(
    ("model", "text", "found"),
    [
        ("claude-3-opus", "As Claude, I cannot.", "As Claude"),
        ("meta/Llama-2-7b", "Hello, I'm an llama.", "I'm an llama"),
        ("Alpaca (7B)", "My name is Alpaca.", "My name is Alpaca"),
        ("gpt-4", "I, gpt-4, think so.", "gpt-4"),
        ("gpt-4", "I, gpt-42, think so.", None),
        ("human", "Every human is mortal.", None),
        ("Alpaca (7B)", "Alpacas eat grass, as alpacas do.", None),
        ("m1", "m1", None),
        ("(?", "(?", None),
    ],
)
def test_a_response_that_names_its_model(model: str, text: str, found: str | None) -> None:
    told = warnings(completions=[{"id": "a", "text": text, "model": model}, {"id": "b", "text": "No."}])
    assert told == (() if found is None else (f"completion a names its own model: {found!r}",))


def test_strengths_read_as_missing_count_as_given_none() -> None:
    row = {"prompt": "q", "completions": TEXTS, "judgments": [{"rater": "w", "preferred": "a", "strength": -100}]}
    assert native.read_row(1, row).judgments[0].answers["overall"].strength is None


def test_trl_scores_against_the_label_are_told() -> None:
    row = {"prompt": "q", "chosen": "x", "rejected": "y", "score_chosen": -100, "score_rejected": 3}
    told = trl.read_row(1, row).warnings
    assert len(told) == 2
    assert "looks like a mark for missing" in told[0]
    assert "over" in told[1]


def test_every_lint_says_what_it_looks_for() -> None:
    assert all(check.__doc__ for check in LINTS)
