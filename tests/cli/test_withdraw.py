"""`steelyard campaign withdraw` at the console."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Steelyard


def test_withdrawn_words_do_not_come_back(steelyard: Steelyard, tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    completions = [{"id": "a", "text": "keep"}, {"id": "b", "text": "take this back"}]
    file.write_text(json.dumps({"id": "x", "prompt": "?", "completions": completions}) + "\n")
    steelyard("campaign", "create", "c", "--rubric", "minimal")
    steelyard("import", "c", file)
    done = steelyard("campaign", "withdraw", "c", "x", "--part", "b", "--reason", "asked by its author")
    assert "Erased 1 texts" in done.err
    assert "withdrawn" in steelyard("import", "c", file, status=1).err
    assert "no part 'z'" in steelyard("campaign", "withdraw", "c", "x", "--part", "z", "--reason", "?", status=1).err
