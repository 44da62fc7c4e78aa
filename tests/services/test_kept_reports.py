"""Kept reports fall with the code that made them: whatever a report rests on is part of the version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.services import quality

NO_PART = ("app", "app.errors", "app.formats", "app.policy", "app.requirements", "app.settings")
"""What says who may see a report, how files are read and how errors read; no figure of kept votes rests on it."""


def test_every_module_that_makes_reports_is_part_of_the_version() -> None:
    script = (
        "import sys, app.services.quality; print(*(m for m in sys.modules if m.split('.')[0] in ('app', 'rubrics')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = {name for name in done.stdout.split() if name not in NO_PART and not name.startswith("app.formats.")}
    assert "app.services.reporting" in modules
    assert "app.store.votes" in modules
    parts = [(*name.split("."),) for name in quality.REPORTING_CODE]
    left = [one for one in sorted(modules) if not any((*one.split("."),)[: len(part)] == part for part in parts)]
    assert left == []


def test_another_line_in_any_file_is_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept_example").mkdir()
    (tmp_path / "kept_example" / "__init__.py").write_text("")
    (tmp_path / "kept_example_alone.py").write_text("a = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(quality, "REPORTING_CODE", ("kept_example", "kept_example_alone"))
    versions = {quality.code.__wrapped__()}
    for file in ("kept_example/__init__.py", "kept_example/more.py", "kept_example_alone.py"):
        (tmp_path / file).write_text(f"b = {len(versions)}\n")
        versions.add(quality.code.__wrapped__())
    assert len(versions) == 4
