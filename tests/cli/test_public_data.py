"""The facts of public judgments, reproduced from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Steelyard


def test_llmfao_from_the_file_to_a_loaded_dataset(steelyard: Steelyard, tmp_path: Path, shared_data: Path) -> None:
    import datasets

    rubric = ROOT / "rubrics" / "library" / "minimal.yaml"
    steelyard("campaign", "create", "llmfao", "--rubric", rubric)
    steelyard("import", "llmfao", shared_data / "llmfao.jsonl")
    steelyard("snapshot", "llmfao", "--output", "out/llmfao")
    document = steelyard("report", "agreement", "llmfao", "--json").json
    overall = document["criteria"]["overall"]
    assert (document["n_comparisons"], document["n_raters"], document["n_judgments"]) == (2139, 124, 8931)
    assert round(overall["krippendorff_alpha"]["value"], 4) == 0.2906
    assert round(overall["percent_agreement"]["value"], 4) == 0.5322
    assert round(overall["percent_agreement_without_ties"]["value"], 4) == 0.7013
    loaded = datasets.load_dataset(str(tmp_path / "out" / "llmfao"), cache_dir=str(tmp_path / "cache"))
    content = json.loads((tmp_path / "out" / "llmfao" / "manifest.json").read_text())["content"]
    counts = content["counts"]
    assert sum(len(split) for split in loaded.values()) == counts["n_pairs"]
    assert counts["n_pairs"] + counts["n_ties"] == 2139
    assert counts["n_judgments"] == 8931
    assert round(content["agreement"]["criteria"]["overall"]["krippendorff_alpha"]["value"], 4) == 0.2906
    assert content["splits"]["omitted"] == []


def test_the_kappas_of_pandalm(steelyard: Steelyard, shared_data: Path) -> None:
    steelyard("campaign", "create", "pandalm", "--rubric", "minimal")
    steelyard("import", "pandalm", shared_data / "pandalm.jsonl")
    document = steelyard("report", "agreement", "pandalm", "--json").json
    kappas = {tuple(name[-1] for name in pair["raters"]): pair["cohen_kappa"] for pair in document["rater_pairs"]}
    rounded = {pair: round(kappa, 3) for pair, kappa in kappas.items()}
    assert rounded == {("1", "2"): 0.852, ("1", "3"): 0.879, ("2", "3"): 0.862}
    assert steelyard("report", "agreement", "--votes", shared_data / "pandalm.jsonl", "--json").json["rater_pairs"]


def test_rankings_give_their_implied_pairs(steelyard: Steelyard, shared_data: Path) -> None:
    steelyard("campaign", "create", "qa", "--rubric", "minimal")
    steelyard("import", "qa", shared_data / "qa_ranking_k4.jsonl")
    counts = steelyard("snapshot", "qa", "--output", "out/qa", "--json").json["manifest"]["counts"]
    assert counts["n_pairs"] + counts["n_ties"] == 3000
    assert counts["n_ties"] == 330


def test_arguments_split_by_topic(steelyard: Steelyard, tmp_path: Path, shared_data: Path) -> None:
    import pyarrow.parquet as pq

    lines = (shared_data / "ukp_arguments.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "ukp.jsonl").write_text("".join(lines[::5]), encoding="utf-8")  # of every topic: all are lines alike
    steelyard("campaign", "create", "ukp", "--rubric", "minimal")
    steelyard("import", "ukp", "ukp.jsonl")
    made = steelyard("snapshot", "ukp", "--output", "out/ukp", "--split-by", "meta.topic", "--json").json
    assert made["manifest"]["splits"]["n_groups"] == {"train": 6, "validation": 1, "test": 1}
    prompts = {
        split: set(map(str, pq.read_table(next((tmp_path / "out/ukp/data").glob(f"{split}-*")))["prompt"].to_pylist()))
        for split in ("train", "validation", "test")
    }
    assert not prompts["train"] & prompts["test"]
    assert not prompts["train"] & prompts["validation"]


@pytest.mark.parametrize("name", ["llmfao", "nlg_criteria", "qa_ranking_k4"])
def test_every_report_reads_every_file(steelyard: Steelyard, shared_data: Path, name: str) -> None:
    report = {"llmfao": "models", "nlg_criteria": "tensions", "qa_ranking_k4": "consensus"}[name]
    document = steelyard("report", report, "--votes", shared_data / f"{name}.jsonl", "--json").json
    assert document["n_comparisons"] > 0
