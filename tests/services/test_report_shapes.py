"""The documented keys of the reports are those that are printed: in `--help`, in the README and in the reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.services.report_shapes import SHAPES, describe
from app.stats.completions import completions_from_native, gold_from_native
from app.stats.readers import votes_from_native
from app.stats.reports import REPORTS
from tests.readme import README
from tests.stats.build import KINDS
from tests.stats.test_reports import kway_lines

_TOKEN = re.compile(r"\w+\??|[{}\[\]();,]")
Shape = Any


def parse(text: str) -> dict[str, Shape]:
    """A shape as nested dicts; a list is [dict], an estimate a dict of its keys, a leaf None."""
    tokens = _TOKEN.findall(text)
    shape, rest = _items(tokens, end="")
    assert not rest
    return shape


def _items(tokens: list[str], *, end: str) -> tuple[dict[str, Shape], list[str]]:
    found: dict[str, Shape] = {}
    while tokens and tokens[0] != end:
        name, tokens = tokens[0], tokens[1:]
        inner: Shape = None
        if tokens and tokens[0] in "{[(":
            opening, tokens = tokens[0], tokens[1:]
            if opening == "(":
                inner, tokens = _estimate(tokens)
            else:
                inner, tokens = _items(tokens, end="}" if opening == "{" else "]")
                inner = inner if opening == "{" else [inner]
            tokens = tokens[1:]
        found[name] = inner
        if tokens and tokens[0] == ",":
            tokens = tokens[1:]
    return found, tokens


def _estimate(tokens: list[str]) -> tuple[Shape, list[str]]:
    close = tokens.index(")")
    extra = [token for token in tokens[1:close] if token not in ";,"]
    names = ["value", "low", "high", tokens[0], "method", "undefined_reason", "standard_error?", *extra]
    return dict.fromkeys(names), tokens[close:]


def mismatch(shape: Shape, document: Any, where: str = "") -> str | None:
    """What differs between a shape and a document, or None."""
    if document is None:
        return None
    if shape is None:
        return f"{where} is an object" if isinstance(document, dict) else None
    if isinstance(shape, list):
        found = (mismatch(shape[0], item, f"{where}[{at}]") for at, item in enumerate(document))
        return next((one for one in found if one), None)
    if not isinstance(document, dict):
        return f"{where} is no object"
    (first, inner), *more = shape.items()
    if first.isupper() and not more:
        shape = dict.fromkeys(document, inner)
    known = {name.rstrip("?"): part for name, part in shape.items()}
    absent = [name for name in shape if not name.endswith("?") and name not in document]
    unknown = [name for name in document if name not in known]
    if absent or unknown:
        return f"{where}: absent {absent}, not documented {unknown}"
    found = (mismatch(known[name], part, f"{where}.{name}") for name, part in document.items())
    return next((one for one in found if one), None)


def lines() -> list[dict[str, Any]]:
    """Comparisons of two models with criteria, gold, times, confidence and words of different number."""
    found = []
    for k in range(80):
        judgments = [
            {
                "rater": f"r{r}",
                "preferred": "ab"[(k + r) % 3 == 0],
                "strength": 1 + k % 2,
                "shown": ["a", "b"] if (k + r) % 2 else ["b", "a"],
                "confidence": 1 + (k + r) % 5,
                "seconds": 5.0 + k % 7,
                "at": f"2026-01-{1 + k % 20:02d}T10:{(k * 7 + r) % 60:02d}:00Z",
                "criteria": {
                    "help": {"preferred": "ab"[(k + r) % 4 == 0], "strength": 1},
                    "clear": {"preferred": "ba"[(k * r) % 3 == 0], "strength": 1},
                },
            }
            for r in range(4)
        ]
        texts = {"a": "word " * (3 + k % 5), "b": "word " * (2 + k % 9)}
        completions = [{"id": i, "text": texts[i], "model": f"m{(k + (i == 'b')) % 3}"} for i in "ab"]
        one = {"id": f"x{k}", "prompt": "?", "completions": completions, "judgments": judgments}
        found.append(one | ({"gold": {"accepted": ["a"]}} if k % 2 else {}))
    return found


def documents(name: str) -> list[dict[str, Any]]:
    """The report of pairs, of rankings, and of nothing."""
    reports = []
    for material in (lines(), kway_lines(60), lines()[:1]):
        extra = {}
        if name in ("bias", "models", "raters"):
            extra["completions"] = completions_from_native(material)
        if name in ("consensus", "raters"):
            extra["gold"] = gold_from_native(material)
        if name == "tensions":
            extra |= {"declared_weights": {"help": 0.6, "clear": 0.4}, "precedence": [("clear", "help", "help")]}
        votes = votes_from_native(material)
        reports.append(REPORTS[name](votes, kinds=KINDS, **extra).to_json())
    return reports


@pytest.mark.parametrize("name", list(SHAPES))
def test_the_documented_keys_are_those_that_are_printed(name: str) -> None:
    shape = parse(SHAPES[name])
    assert [mismatch(shape, document, name) for document in documents(name)] == [None] * 3


def test_a_difference_is_noticed() -> None:
    shape = parse("a, b?{C(n_x; extra)}, d[e, f?]")
    estimate = dict.fromkeys(("value", "low", "high", "n_x", "method", "undefined_reason", "extra"), 1)
    assert mismatch(shape, {"a": 1, "b": {"any": estimate}, "d": [{"e": 1}]}) is None
    assert "not documented ['z']" in str(mismatch(shape, {"a": 1, "d": [], "z": 2}))
    assert "absent ['e']" in str(mismatch(shape, {"a": 1, "d": [{"f": 2}]}))
    del estimate["extra"]
    assert "absent ['extra']" in str(mismatch(shape, {"a": 1, "b": {"any": estimate}, "d": []}))


def test_help_and_readme_say_the_same() -> None:
    helped = CliRunner().invoke(app, ["report", "--help"], env={"COLUMNS": "200"}, terminal_width=200).stdout
    readme = Path(README).read_text(encoding="utf-8")
    for paragraph in describe():
        assert paragraph in readme
        for text_line in paragraph.splitlines():
            assert text_line in helped
