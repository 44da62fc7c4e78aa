"""The README's map of the repository, from the first sentence of each module: `python -m tests.readme` rewrites it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PACKAGES = ("app", "reward", "rubrics")
BEGIN, END = "<!-- tree: begin -->", "<!-- tree: end -->"
TOP = {
    "pyproject.toml": "one distribution, three import packages; extras reward, demo, postgres, dev",
    "constraints.txt": "the exact versions that make installs",
    "Makefile": "make demo | test | bench | lint | clean",
}
BELOW = {
    "tests/": "mirrors the packages; tests/browser drives a real Chromium; tests/bench is make bench",
    "notebooks/": "thin, executed by the tests",
}
WIDTH = 30


def tree() -> str:
    """The annotated tree as a Markdown block."""
    lines = [_line(0, name, comment) for name, comment in TOP.items()]
    for package in PACKAGES:
        lines += _package(ROOT / package, depth=0)
    lines += [_line(0, name, comment) for name, comment in BELOW.items()]
    return "\n".join([BEGIN, "```", *lines, "```", END])


def _package(folder: Path, *, depth: int) -> Iterator[str]:
    yield _line(depth, f"{folder.name}/", _sentence(folder / "__init__.py"))
    entries = sorted(folder.iterdir(), key=lambda entry: (entry.is_dir(), entry.name))
    for entry in entries:
        if entry.is_file() and entry.suffix == ".py" and entry.name != "__init__.py":
            yield _line(depth + 1, entry.name, _sentence(entry))
        elif entry.is_dir() and (entry / "__init__.py").is_file():
            yield from _package(entry, depth=depth + 1)
        elif entry.is_dir() and entry.name in RESOURCES:
            yield _line(depth + 1, f"{entry.name}/", RESOURCES[entry.name])


RESOURCES = {
    "sample": "the comparisons of the sample campaign, written for this project",
    "library": "ready rubrics",
    "migrations": "the schema's history (Alembic)",
    "assets": "style and scripts of the pages",
}


def _line(depth: int, name: str, comment: str) -> str:
    indented = "  " * depth + name
    return f"{indented:<{WIDTH}} {comment}".rstrip()


def _sentence(module: Path) -> str:
    """The first sentence of a module's docstring, without its full stop and without Markdown's backticks."""
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    first = docstring.split("\n\n")[0].replace("\n", " ")
    sentence = re.split(r"(?<=[.!])\s", first)[0]
    return sentence.rstrip(".").replace("`", "")


def main() -> None:
    """Rewrite the map in the README."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    README.write_text(before + tree() + rest.split(END, 1)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
