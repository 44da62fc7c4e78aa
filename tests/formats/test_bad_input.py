"""A table of bad lines: each is refused with its line, the field and a reason, and its neighbours are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.domain import ImportedComparison, RefusedLine
from app.formats.registry import FORMATS

A, B = {"id": "a", "text": "So."}, {"id": "b", "text": "No."}
GOOD: dict[str, Any] = {"id": "x1", "prompt": "Why?", "completions": [A, B]}
THREE = [A, B, {"id": "c", "text": "Perhaps."}]
VOTE = {"rater": "w1", "preferred": "a"}


def judged(**fields: Any) -> dict[str, Any]:
    """The good line with one judgment that has other fields."""
    return GOOD | {"judgments": [VOTE | fields]}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


def nested(levels: int) -> dict[str, Any]:
    """Objects in one another."""
    return {} if levels == 1 else {"x": nested(levels - 1)}


NATIVE: dict[str, tuple[Any, str, str]] = {
    "not JSON": (b'{"id": "x", ', "", "not JSON"),
    "not an object": ([1, 2], "", "each line must be an object, this one is a list"),
    "nested too deeply": (b"[" * 100_000, "", "nested too deeply"),
    "nested deeper than any database takes": (GOOD | {"meta": nested(100)}, "", "nested more than 100 levels deep"),
    "latin-1": (json.dumps(GOOD).encode().replace(b"Why", b"Wh\xe9"), "", "byte 0xe9 at offset"),
    "not a number": (b'{"id": "x", "meta": {"x": NaN}}', "", "NaN is not JSON"),
    "infinite": (b'{"id": "x", "meta": {"x": 1e999}}', "", "too large"),
    "field twice": (b'{"id": "x", "id": "y"}', "id", "stands twice"),
    "NUL": (GOOD | {"meta": {"k": ["\0"]}}, "meta.k[0]", "NUL character"),
    "half a surrogate pair": (GOOD | {"prompt": "\ud800"}, "prompt", "surrogate"),
    "unknown field": (GOOD | {"judgements": []}, "judgements", "did you mean 'judgments'?"),
    "id is a number": (GOOD | {"id": 7}, "id", "must be text, is a number: 7"),
    "id is blank": (GOOD | {"id": "  "}, "id", "is empty"),
    "id is too long": (GOOD | {"id": "x" * 600}, "id", "at most 512"),
    "no prompt": (without("prompt"), "prompt", "is missing"),
    "prompt of no messages": (GOOD | {"prompt": []}, "prompt", "no messages"),
    "prompt is a number": (GOOD | {"prompt": 3}, "prompt", "must be text or a list"),
    "role unknown": (GOOD | {"prompt": [{"role": "usr", "content": ""}]}, "prompt[0].role", "did you mean 'user'?"),
    "message without content": (GOOD | {"prompt": [{"role": "user"}]}, "prompt[0].content", "must be text, is null"),
    "message field unknown": (
        GOOD | {"prompt": [{"role": "user", "content": "", "contnt": ""}]},
        "prompt[0].contnt",
        "unknown field",
    ),
    "no completions": (without("completions"), "completions", "is missing"),
    "single completion": (GOOD | {"completions": [A]}, "completions", "has 1"),
    "27 completions": (GOOD | {"completions": [{"text": str(i)} for i in range(27)]}, "completions", "at most 26"),
    "completion is text": (GOOD | {"completions": ["So.", "No."]}, "completions[0]", "must be an object, is text"),
    "ids alike": (GOOD | {"completions": [A, A]}, "completions[1].id", "'a' is also the id of completions[0]"),
    "one id only": (GOOD | {"completions": [A, {"text": "No."}]}, "completions[1].id", "name all or none"),
    "id reserved": (GOOD | {"completions": [A, {"id": "tie", "text": ""}]}, "completions[1].id", "is reserved"),
    "id with blanks": (GOOD | {"completions": [A, {"id": "b b", "text": ""}]}, "completions[1].id", "cannot be the id"),
    "no text": (GOOD | {"completions": [A, {"id": "b"}]}, "completions[1].text", "is missing"),
    "text is a list": (GOOD | {"completions": [A, {"id": "b", "text": []}]}, "completions[1].text", "is a list"),
    "5 MB response": (
        GOOD | {"completions": [A, {"id": "b", "text": "x" * 5_000_000}]},
        "completions[1].text",
        "5000000 bytes long; at most 2097152",
    ),
    "completion field unknown": (GOOD | {"completions": [A, B | {"modle": "m"}]}, "completions[1].modle", "'model'"),
    "judgments is an object": (GOOD | {"judgments": {}}, "judgments", "must be a list"),
    "no rater": (GOOD | {"judgments": [{"preferred": "a"}]}, "judgments[0].rater", "say who judged"),
    "no answer": (GOOD | {"judgments": [{"rater": "w"}]}, "judgments[0]", "has no answer"),
    "unknown completion": (judged(preferred="c"), "judgments[0].preferred", "'c' is no completion"),
    "two forms": (judged(ranking=[["a"], ["b"]]), "judgments[0].ranking", "stands beside preferred"),
    "same rater twice": (GOOD | {"judgments": [VOTE, VOTE]}, "judgments[1]", "already judges in judgments[0]"),
    "kind unknown": (judged(rater_kind="hmuan"), "judgments[0].rater_kind", "did you mean 'human'?"),
    "purpose unknown": (judged(purpose="fun"), "judgments[0].purpose", "known here"),
    "judgment field unknown": (judged(prefered="a"), "judgments[0].prefered", "did you mean 'preferred'?"),
    "strength negative": (judged(strength=-2), "judgments[0].strength", "is negative"),
    "strength is text": (judged(strength="2"), "judgments[0].strength", "must be a number, is text"),
    "strength is a boolean": (judged(strength=True), "judgments[0].strength", "is a boolean"),
    "confidence 7": (judged(confidence=7), "judgments[0].confidence", "1 to 5"),
    "seconds negative": (judged(seconds=-1), "judgments[0].seconds", "is negative"),
    "revision 1.5": (judged(revision=1.5), "judgments[0].revision", "whole number"),
    "date bad": (judged(at="yesterday"), "judgments[0].at", "is no time"),
    "date of no day": (judged(at="2026-02-30T10:00:00Z"), "judgments[0].at", "is no time"),
    "date without zone": (judged(at="2026-01-31T10:00:00"), "judgments[0].at", "has no zone"),
    "date outside the years": (judged(at="0001-01-01T00:00:00+10:00"), "judgments[0].at", "outside the years"),
    "shown once only": (judged(shown=["a"]), "judgments[0].shown", "each of a, b once"),
    "criterion unanswered": (judged(criteria={"x": {}}), "judgments[0].criteria.x", "has no answer"),
    "criterion reserved": (judged(criteria={"overall": VOTE}), "judgments[0].criteria.overall", "reserved key"),
    "criterion misspelt": (judged(criteria={"x": {"score": {}}}), "judgments[0].criteria.x.score", "did you mean"),
    "criterion of another": (
        judged(criteria={"x": {"preferred": "z"}}),
        "judgments[0].criteria.x.preferred",
        "no completion",
    ),
    "scores leave one out": (
        judged(criteria={"x": {"scores": {"a": 1}}}),
        "judgments[0].criteria.x.scores",
        "leaves out b",
    ),
    "score is null": (
        judged(criteria={"x": {"scores": {"a": 1, "b": None}}}),
        "judgments[0].criteria.x.scores.b",
        "is null",
    ),
    "check is a number": (
        judged(criteria={"x": {"checks": {"a": 1, "b": True}}}),
        "judgments[0].criteria.x.checks.a",
        "true or false",
    ),
    "tension of one": (judged(tensions=[{"between": ["x"]}]), "judgments[0].tensions[0].between", "between two"),
    "tension prevailed by a third": (
        judged(tensions=[{"between": ["x", "y"], "prevailed": "z"}]),
        "judgments[0].tensions[0].prevailed",
        "neither 'x' nor 'y'",
    ),
    "report without kind": (judged(reports=[{"text": "?"}]), "judgments[0].reports[0].kind", "must be text"),
    "k-way preferred": (judged() | {"completions": THREE}, "judgments[0].preferred", "give a ranking"),
    "ranking twice": (
        GOOD | {"completions": THREE, "judgments": [{"rater": "w", "ranking": [["a", "b"], ["b", "c"]]}]},
        "judgments[0].ranking[1]",
        "ranks 'b' twice",
    ),
    "ranking leaves one out": (
        GOOD | {"completions": THREE, "judgments": [{"rater": "w", "ranking": [["a"], ["b"]]}]},
        "judgments[0].ranking",
        "leaves out c",
    ),
    "ranking flat": (
        GOOD | {"judgments": [{"rater": "w", "ranking": ["a", "b"]}]},
        "judgments[0].ranking[0]",
        "a list",
    ),
    "gold of nothing": (GOOD | {"gold": {}}, "gold.accepted", "is missing"),
    "gold unknown": (GOOD | {"gold": {"accepted": ["z"]}}, "gold.accepted", "'z' is no completion"),
    "gold direction": (
        GOOD | {"gold": {"accepted": ["a"], "criteria": {"x": "z"}}},
        "gold.criteria.x",
        "'z' is no completion",
    ),
    "gold suspended since never": (
        GOOD | {"gold": {"accepted": ["a"], "suspended_for": {"reason": "r"}}},
        "gold.suspended_for",
        "say with suspended_at",
    ),
    "gold kept at no time": (GOOD | {"gold": {"accepted": ["a"], "kept_at": "soon"}}, "gold.kept_at", "soon"),
    "gold distribution": (GOOD | {"gold": {"distribution": {"a": 0.5}}}, "gold.distribution", "sum to 1"),
    "reference unknown": (GOOD | {"reference": {"preferred": "z"}}, "reference.preferred", "'z' is no completion"),
    "meta is a list": (GOOD | {"meta": []}, "meta", "must be an object"),
    "adjudication without cause": (
        GOOD | {"adjudications": [{"preferred": "a", "reason": "r", "by": "c"}]},
        "adjudications[0].cause",
        "is no cause",
    ),
    "adjudication without answer": (
        GOOD | {"adjudications": [{"cause": "error", "reason": "r", "by": "c"}]},
        "adjudications[0]",
        "has no answer",
    ),
}

TURN = "\n\nHuman: hi\n\nAssistant: "
OTHERS: dict[str, tuple[str, Any, str, str]] = {
    "trl: no rejected": ("trl", {"prompt": "q", "chosen": "x"}, "rejected", "is missing"),
    "trl: two forms": ("trl", {"chosen": "x", "rejected": []}, "rejected", "is a list while chosen is text"),
    "trl: same text": ("trl", {"chosen": "x", "rejected": "x"}, "prompt", "the same text"),
    "trl: margin is text": (
        "trl",
        {"prompt": "q", "chosen": "x", "rejected": "y", "margin": "1"},
        "margin",
        "a number",
    ),
    "trl: pictures": ("trl", {"prompt": "q", "chosen": "x", "rejected": "y", "images": ["i"]}, "images", "only texts"),
    "trl: ends with the user": (
        "trl",
        {"prompt": "q", "chosen": [{"role": "user", "content": "x"}], "rejected": [{"role": "user", "content": "y"}]},
        "chosen[0].role",
        "must be the assistant's",
    ),
    "trl: no shared message": (
        "trl",
        {"chosen": [{"role": "assistant", "content": "x"}], "rejected": [{"role": "assistant", "content": "y"}]},
        "prompt",
        "share no message",
    ),
    "hh: parts early": (
        "hh",
        {"chosen": f"{TURN}x\n\nHuman: y\n\nAssistant: z", "rejected": f"{TURN}v\n\nHuman: y\n\nAssistant: z"},
        "rejected",
        "parts from chosen at turn 2; chosen has 4 turns",
    ),
    "hh: other length": (
        "hh",
        {"chosen": f"{TURN}x\n\nHuman: y\n\nAssistant: z", "rejected": f"{TURN}x"},
        "rejected",
        "rejected 2",
    ),
    "hh: ends with Human": ("hh", {"chosen": "\n\nHuman: hi", "rejected": "\n\nHuman: ho"}, "chosen", "last turn"),
    "hh: no turns": ("hh", {"chosen": "hello", "rejected": TURN}, "chosen", "not with a turn"),
    "hh: no prompt": ("hh", {"chosen": "\n\nAssistant: a", "rejected": "\n\nAssistant: b"}, "chosen", "no prompt"),
}


def assert_only_the_middle_is_refused(tmp_path: Path, name: str, good: Any, bad: Any, field: str, reason: str) -> None:
    """Read good, bad, good: two comparisons and one refusal on line 2."""
    raw = bad if isinstance(bad, bytes) else json.dumps(bad).encode()
    plain = json.dumps(good).encode()
    path = tmp_path / "file.jsonl"
    path.write_bytes(b"\n".join((plain, raw, plain)))
    first, refused, third = FORMATS[name].read(path)
    assert isinstance(first, ImportedComparison)
    assert isinstance(third, ImportedComparison)
    assert isinstance(refused, RefusedLine)
    assert (refused.line, refused.field) == (2, field)
    assert reason in refused.reason
    assert len(refused.reason) < 400


@pytest.mark.parametrize(("bad", "field", "reason"), NATIVE.values(), ids=NATIVE.keys())
def test_native_refuses(tmp_path: Path, bad: Any, field: str, reason: str) -> None:
    assert_only_the_middle_is_refused(tmp_path, "native", GOOD, bad, field, reason)


@pytest.mark.parametrize(("name", "bad", "field", "reason"), OTHERS.values(), ids=OTHERS.keys())
def test_pairs_refuse(tmp_path: Path, name: str, bad: Any, field: str, reason: str) -> None:
    good = {"chosen": f"{TURN}x", "rejected": f"{TURN}y"}
    assert_only_the_middle_is_refused(tmp_path, name, good, bad, field, reason)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["native", "trl", "hh", "csv"])
def test_two_byte_encodings_are_refused_once(tmp_path: Path, name: str, encoding: str) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes((json.dumps(GOOD) + "\n").encode(encoding) * 3)
    (refused,) = FORMATS[name].read(path)
    assert isinstance(refused, RefusedLine)
    assert refused.line == 1
    assert f"{encoding[:6].upper()} from byte 0 on, not UTF-8; save it as UTF-8" in refused.reason


def test_the_offset_of_a_bad_byte_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    raw = b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\n" + b'{"id": "\xe9"}\n'
    path.write_bytes(raw)
    _, refused = FORMATS["native"].read(path)
    assert f"offset {raw.index(0xE9)} " in str(refused)


def test_a_line_without_end_is_refused_and_passed(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(b'"' + b"x" * (33 * 1024 * 1024) + b'"\n' + json.dumps(GOOD).encode())
    refused, good = FORMATS["native"].read(path)
    assert isinstance(refused, RefusedLine)
    assert "bytes long" in refused.reason
    assert good.line == 2
