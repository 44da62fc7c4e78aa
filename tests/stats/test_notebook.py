"""The notebook runs from top to bottom on small data, and is stored without outputs."""

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.stats.test_reports import kway_lines

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "agreement_and_tension.ipynb"


def run(monkeypatch, **environment):
    """Return the notebook's printed text after a run in the repository root."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


def test_no_output_is_stored():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_it_tells_the_story_of_its_own_sample(monkeypatch):
    monkeypatch.delenv("STEELYARD_VOTES", raising=False)
    text = run(monkeypatch)
    assert "Agreement between raters" in text
    assert "honesty over warmth" in text
    assert "Bias of the set" in text


@pytest.mark.parametrize("n", [12])
def test_it_reads_a_file_of_votes(monkeypatch, tmp_path, n):
    file = tmp_path / "votes.jsonl"
    file.write_text("\n".join(json.dumps({"prompt": "?", **line}) for line in kway_lines(n)), encoding="utf-8")
    text = run(monkeypatch, STEELYARD_VOTES=str(file))
    assert f"{n} comparisons" in text
    assert "No criteria besides the overall verdict." in text
