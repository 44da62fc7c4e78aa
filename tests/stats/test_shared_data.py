"""The known answers of the real data beside the project, to four digits."""

import numpy as np
import pytest

from app.stats.reports import agreement_report, tension_report, votes_from_native
from tests.stats.build import KINDS, native_lines


def overall(name):
    return agreement_report(votes_from_native(native_lines(name)), kinds=KINDS).to_json()


@pytest.mark.parametrize(
    ("name", "alpha", "agreement", "n_pairs"),
    [("llmfao", 0.2906, 0.5322, 15_112), ("ukp_arguments", 0.3668, 0.5993, 37_590), ("pandalm", 0.8642, 0.9199, 2_997)],
)
def test_alpha_and_percent_agreement(name, alpha, agreement, n_pairs):
    result = overall(name)["criteria"]["overall"]
    assert round(result["krippendorff_alpha"]["value"], 4) == alpha
    assert round(result["percent_agreement"]["value"], 4) == agreement
    assert result["percent_agreement"]["n_pairs"] == n_pairs
    assert result["krippendorff_alpha"]["low"] < alpha < result["krippendorff_alpha"]["high"]


def test_llmfao_without_ties():
    result = overall("llmfao")["criteria"]["overall"]["percent_agreement_without_ties"]
    assert round(result["value"], 4) == 0.7013
    assert result["n_pairs"] == 6_755


def test_ukp_interval():
    alpha = overall("ukp_arguments")["criteria"]["overall"]["krippendorff_alpha"]
    assert (alpha["low"], alpha["high"]) == (pytest.approx(0.353, abs=2e-3), pytest.approx(0.380, abs=2e-3))


def test_pandalm_kappas_and_fleiss():
    report = overall("pandalm")
    pairs = {tuple(pair["raters"]): pair["cohen_kappa"] for pair in report["rater_pairs"]}
    names = "annotator1", "annotator2", "annotator3"
    kappas = [pairs[names[0], names[1]], pairs[names[0], names[2]], pairs[names[1], names[2]]]
    assert np.round(kappas, 3).tolist() == [0.852, 0.879, 0.862]
    assert round(report["criteria"]["overall"]["fleiss_kappa"]["value"], 4) == 0.8642
    assert report["rater_pairs_omitted"] == 0


def test_nlg_opposite_signs():
    report = tension_report(votes_from_native(native_lines("nlg_criteria")), kinds=KINDS).to_json()
    conflicts = {frozenset(pair["between"]): pair["n_conflicts"] for pair in report["pairs"]}
    assert conflicts == {
        frozenset({"quality", "informativeness"}): 126,
        frozenset({"quality", "naturalness"}): 119,
        frozenset({"naturalness", "informativeness"}): 116,
    }


def test_rankings_imply_their_pairs():
    frame = votes_from_native(native_lines("qa_ranking_k4"))
    assert len(frame) == 3_000
    assert (frame["outcome"] == "tie").sum() == 330
    assert np.allclose(frame["weight"], 0.5)
