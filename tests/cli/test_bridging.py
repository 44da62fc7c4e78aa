"""`steelyard rubric bridge` and `stale`: a version changes, a sample is judged again, the rest waits."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from app.services.campaigns import publish_rubric
from app.services.database import open_store
from app.settings import settings
from rubrics.loader import load_library
from rubrics.model import Rubric
from tests.cli.conftest import Steelyard, native, write_lines

KEY = "helpful_harmless"


def publish_changed() -> Rubric:
    """The library's rubric with another guidance."""
    changed = load_library(KEY).to_dict()
    changed["criteria"][0]["guidance"] = "Never count politeness; only what was asked for."
    made = Rubric.from_dict(changed)
    with closing(open_store(settings())) as store, store.write() as connection:
        publish_rubric(connection, made, actor="test")
    return made


def test_a_bridge_from_the_command_line(steelyard: Steelyard, tmp_path: Path) -> None:
    write_lines(tmp_path / "c.jsonl", *(native(f"x{i:02d}") for i in range(24)))
    steelyard("campaign", "create", "c", "--rubric", KEY, "--kinds", "simulated", "--overlap", "2", "--gold-rate", "0")
    steelyard("import", "c", "c.jsonl")
    steelyard("simulate", "c", "--raters", "4", "--judgments", "48", "--seed", "1")
    assert "has no bridge round" in steelyard("rubric", "bridge", "c", status=1).err
    assert "names no published version" in steelyard("rubric", "bridge", "c", "--open", "nope", status=1).err
    new = publish_changed()
    opened = steelyard("rubric", "bridge", "c", "--open", new.version[:10], "--sample", "22", "--overlap", "2")
    assert "Opened round bridge of c" in opened.err
    steelyard("simulate", "c", "--raters", "4", "--judgments", "44", "--seed", "1", "--round", "bridge")
    document = steelyard("rubric", "bridge", "c", "--json").json
    assert document["margin"] == 0.25
    assert {row["shift"]["n_comparisons"] for row in document["criteria"]} == {22}
    shown = steelyard("rubric", "bridge", "c", "--margin", "3").out
    assert "shift in points, margin 3" in shown
    assert "carry over" in shown
    rows = steelyard("rubric", "stale", "c", "--to", KEY, "--json").json
    assert rows[0]["priority"] >= rows[-1]["priority"] > 0
    assert "rests on helpfulness, whose meaning changed" in steelyard("rubric", "stale", "c", "--to", KEY).out
    steelyard("rubric", "stale", "c", "--to", KEY, "--output", "priorities.jsonl")
    lines = [json.loads(one) for one in (tmp_path / "priorities.jsonl").read_text().splitlines()]
    assert [one["comparison_id"] for one in lines] == [row["comparison_id"] for row in rows]
    assert (
        f"Comparisons with a new priority: {len(lines)} ("
        in steelyard("priorities", "import", "c", "priorities.jsonl").err
    )
    assert "exists already" in steelyard("rubric", "stale", "c", "--to", KEY, "--output", "c.jsonl", status=1).err
