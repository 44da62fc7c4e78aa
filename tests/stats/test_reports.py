"""Every report: JSON without NaN, the shapes of the contract, and degenerate frames."""

import json

import numpy as np
import pandas as pd
import pytest

from app.stats.coding import CLASSES
from app.stats.reports import REPORTS, agreement_report, completions_from_native, votes_from_native
from tests.stats.build import KINDS, native_lines, random_votes, votes


def frames():
    empty = votes([("x", "ann", "first")]).iloc[:0]
    return {
        "empty": empty,
        "one vote": votes([("x", "ann", "first")]),
        "one rater": votes([(f"c{k}", "ann", ("first", "tie")[k % 2]) for k in range(30)]),
        "no variation": votes([(f"c{k}", f"r{r}", "first") for k in range(30) for r in range(3)]),
        "all missing": votes([("x", "ann", "cannot_judge"), ("x", "bob", "not_applicable")]),
        "only criteria": votes([(f"c{k}", f"r{r}", (k + r) % 3 - 1, "clarity") for k in range(30) for r in range(3)]),
        "random": random_votes(1)[0],
    }


@pytest.mark.parametrize("frame", list(frames()))
@pytest.mark.parametrize("name", list(REPORTS))
def test_every_report_takes_every_frame(name, frame):
    report = REPORTS[name](frames()[frame], kinds=KINDS, as_of_event=7)
    document = report.to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    for key in ("kinds", "as_of_event", "n_comparisons", "n_raters", "n_judgments"):
        assert key in document, key
    assert all(part["reading"] for part in document.get("criteria", {"": document}).values())
    assert document["as_of_event"] == 7
    text = report.to_text()
    assert "nan" not in text.split()
    assert "as of event 7" in text


@pytest.mark.parametrize("name", list(REPORTS))
def test_reports_do_not_depend_on_row_order(name):
    frame, _ = random_votes(2, units=60)
    shuffled = frame.sample(frac=1, random_state=2).reset_index(drop=True)
    one, other = (REPORTS[name](f, kinds=KINDS).to_json() for f in (frame, shuffled))
    assert_alike(one, other)


@pytest.mark.parametrize("name", list(REPORTS))
def test_reports_do_not_depend_on_the_order_of_categories(name):
    frame, _ = random_votes(4, units=60)
    mixed = frame.copy()
    for column in ("comparison_id", "rater_id", "outcome", "criterion"):
        labels = frame[column].unique()[::-1]
        mixed[column] = pd.Categorical(frame[column], categories=labels)
    one, other = (REPORTS[name](f, kinds=KINDS).to_json() for f in (frame, mixed))
    assert_alike(one, other)


def assert_alike(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_alike(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_alike(a, b)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=1e-6)
    else:
        assert one == other


def test_the_shape_of_the_agreement_report():
    document = agreement_report(random_votes(3)[0], kinds=KINDS).to_json()
    assert document["kinds"] == ["human"]
    overall = document["criteria"]["overall"]
    for key in ("percent_agreement", "percent_agreement_without_ties"):
        assert {"value", "low", "high", "n_pairs"} <= overall[key].keys()
    assert {"level", "value", "low", "high", "undefined_reason"} <= overall["krippendorff_alpha"].keys()
    assert {"fleiss_kappa", "gwet_ac1"} <= overall.keys()
    assert isinstance(document["rater_pairs_omitted"], int)
    for pair in document["rater_pairs"]:
        assert {"raters", "n", "percent_agreement", "cohen_kappa"} <= pair.keys()
        assert pair["n"] >= 20


def test_undefined_numbers_carry_a_reason():
    overall = agreement_report(frames()["no variation"], kinds=KINDS).to_json()["criteria"]["overall"]
    assert overall["percent_agreement"]["value"] == 1.0
    for key in ("krippendorff_alpha", "fleiss_kappa"):
        assert overall[key]["value"] is None
        assert "no variation" in overall[key]["undefined_reason"]


def test_suspicious_alphas_are_flagged():
    perfect = votes([(f"c{k}", f"r{r}", CLASSES[k % 3]) for k in range(60) for r in range(3)])
    assert "above .99" in agreement_report(perfect, kinds=KINDS).to_json()["criteria"]["overall"]["flags"][0]
    rng = np.random.default_rng(1)
    noise = votes([(f"c{k}", f"r{r}", CLASSES[rng.integers(3)]) for k in range(100) for r in range(3)])
    assert "not distinguishable" in agreement_report(noise, kinds=KINDS).to_json()["criteria"]["overall"]["flags"][0]


def test_the_models_of_llmfao_are_ranked():
    lines = native_lines("llmfao")
    report = REPORTS["models"](votes_from_native(lines), kinds=KINDS, completions=completions_from_native(lines))
    document = report.to_json()
    assert len(document["models"]) == 59
    assert document["models"][0]["model"] == "GPT 4"
    assert document["connected"]
    assert document["fit"]["converged"]


def kway_lines(n=200):
    """Rankings of four responses by four models whose strength and length fall from m0 to m3."""
    rng = np.random.default_rng(12)
    lines = []
    for number in range(n):
        order = rng.permutation(4)
        ids = [f"{chr(97 + slot)}" for slot in range(4)]
        completions = [
            {"id": name, "text": "word " * int(40 - 8 * m + rng.integers(0, 20)), "model": f"m{m}"}
            for name, m in zip(ids, order, strict=True)
        ]
        judgments = []
        for rater in range(2):
            merit = -0.8 * order + rng.gumbel(size=4)
            ranked = [[ids[k]] for k in np.argsort(-merit)]
            judgments.append({"rater": f"r{(number + rater) % 15:02d}", "ranking": ranked})
        lines.append({"id": f"c{number:03d}", "completions": completions, "judgments": judgments})
    return lines


def test_rankings_give_strengths_in_both_ways():
    lines = kway_lines()
    votes_frame, completions = votes_from_native(lines), completions_from_native(lines)
    document = REPORTS["models"](votes_frame, kinds=KINDS, completions=completions).to_json()
    assert [model["model"] for model in document["models"]] == ["m0", "m1", "m2", "m3"]
    assert document["plackett_luce_fit"]["n_rankings"] == 400
    best, worst = document["models"][0]["plackett_luce"], document["models"][-1]["plackett_luce"]
    assert best["value"] - worst["value"] == pytest.approx(2.4, abs=0.35)
    assert document["length_effect"]["low"] < 0 < document["length_effect"]["high"]
    agreement = agreement_report(votes_frame, kinds=KINDS).to_json()["criteria"]["overall"]
    assert agreement["kendall_w"]["n_comparisons"] == 200
    assert agreement["kendall_tau_b"]["value"] > 0.1


def test_the_consensus_report_measures_itself_on_gold():
    frame, truth = random_votes(8, units=240)
    gold = pd.DataFrame(
        {
            "comparison_id": [f"c{k:04d}" for k in range(150)],
            "first": "a",
            "second": "b",
            "criterion": "overall",
            "outcome": truth[:150],
        }
    )
    overall = REPORTS["consensus"](frame, kinds=KINDS, gold=gold).to_json()["criteria"]["overall"]
    assert overall["chosen_method"] == "one_coin_anchored"
    for name in ("majority", "one_coin", "dawid_skene", "one_coin_anchored"):
        method = overall["methods"][name]
        assert method["accuracy_on_gold"]["n_gold"] == 150
        assert method["calibration"]["temperature"]["value"] is not None
        raw, after = method["calibration"]["raw"], method["calibration"]["after_temperature"]
        realised = raw["realised"]["value"]
        assert abs(after["stated"] - realised) < abs(raw["stated"] - realised) + 0.03
    assert overall["methods"]["one_coin"]["converged"]
