"""The pilot report: planted faults come first, gates hold, agreement and correlation are what they should be."""

import numpy as np
import pytest

from app.stats.agreement import krippendorff_alpha
from app.stats.coding import code_votes
from app.stats.counts import criterion_counts
from app.stats.pilot import rank_ambiguity, rank_likeness
from app.stats.reports import pilot_report
from tests.stats.build import KINDS, votes
from tests.stats.piloting import COPY, CRITERIA, VAGUE, judged, pilot_votes

N_PILOTS = 12
"""Pilots simulated here; `make bench ARGS=rubrics` runs 100."""


def test_planted_faults_stand_first():
    for seed in range(N_PILOTS):
        document = pilot_report(pilot_votes(seed), kinds=KINDS).to_json()
        assert document["ambiguity"][0]["criterion"] == VAGUE, seed
        assert set(document["redundancy"][0]["between"]) == {CRITERIA[0], COPY}, seed


def test_the_advice_says_what_to_rewrite_and_what_to_merge():
    report = pilot_report(pilot_votes(4), kinds=KINDS)
    document = report.to_json()
    kinds = {one["kind"]: one for one in document["advice"]}
    assert kinds["vague"]["criteria"] == [VAGUE]
    assert set(kinds["redundant"]["criteria"]) == {CRITERIA[0], COPY}
    assert f"Rewrite {VAGUE}" in kinds["vague"]["sentence"]
    assert set(document["ambiguity"][0]["disputed"]) <= {f"c{u:03d}" for u in range(30)}
    assert document["ambiguity"][0]["vaguest_share"] > 0.5
    assert "what to change" in report.to_text()


def test_alone_on_its_scale_agreement_is_krippendorffs_alpha():
    coded = code_votes(pilot_votes(1), kinds=KINDS)
    scales = {name: name for name in (*CRITERIA, VAGUE, COPY)}
    for one in rank_ambiguity(coded, (*CRITERIA, VAGUE), scales=scales):
        counts = criterion_counts(coded.of(one.criterion))
        alpha = krippendorff_alpha(counts.ordered, level="interval", values=counts.values)
        assert one.agreement.value == pytest.approx(alpha.estimate.value)
        assert one.agreement.low < one.agreement.value < one.agreement.high


def test_agreement_and_correlation_by_hand():
    frame = votes(
        [
            ("x", "ann", 1.0, "p"), ("x", "bob", 0.0, "p"), ("x", "ann", 0.5, "q"), ("x", "bob", 0.5, "q"),
            ("y", "ann", -1.0, "p"), ("y", "bob", -1.0, "p"), ("y", "ann", -0.5, "q"), ("y", "bob", -0.5, "q"),
            ("z", "ann", 0.0, "p"), ("z", "bob", 0.0, "p"), ("z", "ann", 0.5, "q"), ("z", "bob", -0.5, "q"),
        ]
    )  # fmt: skip
    coded = code_votes(frame, kinds=KINDS)
    # p: D = 2 * 1 / 6; any two of 1, 0, -1, -1, 0, 0 differ by 2 (6 * 3 - 1) / 30 = 17 / 15.
    # q: D = 2 * 1 / 6; any two of 1/2 three times and -1/2 three times by 2 (6 * 1.5 - 0) / 30 = 3 / 5.
    (first, second) = rank_ambiguity(coded, ("p", "q"))
    shared = (17 / 15 + 3 / 5) / 2
    assert first.agreement.value == pytest.approx(1 - (1 / 3) / shared)
    assert second.agreement.value == pytest.approx(first.agreement.value)
    (pair,) = rank_likeness(coded, ("p", "q"))
    assert pair.correlation.value == pytest.approx(np.corrcoef([0.5, -1, 0], [0.5, -0.5, 0])[0, 1])
    assert pair.correlation.n == 3


def test_nothing_is_claimed_below_the_gates():
    few = pilot_report(pilot_votes(5, n_comparisons=9), kinds=KINDS)
    document = few.to_json()
    assert not any(row["enough_to_show"] for row in document["ambiguity"] + document["redundancy"])
    assert document["advice"] == []
    assert "let the pilot go on" in document["reading"]
    assert "too few" in few.to_text()


def test_not_applicable_and_missing_criteria_are_told():
    rng = np.random.default_rng(0)
    said = rng.choice([-1.0, 0.0, 1.0], size=(40, 3, 2)) * (rng.random((40, 1, 1)) < 0.4)
    frame = judged(said, rng.choice([-1.0, 1.0], size=(40, 3)), ("clear", "cited"))
    some = (frame["criterion"] == "cited") & frame["comparison_id"].isin([f"c{u:03d}" for u in range(0, 40, 2)])
    frame.loc[some, "outcome"] = "not_applicable"
    frame.loc[some, "value"] = np.nan
    document = pilot_report(frame, kinds=KINDS).to_json()
    (cited, clear) = document["not_applicable"]
    assert (cited["criterion"], cited["not_applicable"]["value"], cited["not_applicable"]["n"]) == ("cited", 0.5, 120)
    assert clear["not_applicable"]["value"] == 0
    said = {one["kind"] for one in document["advice"]}
    assert {"not_applicable", "missing"} <= said


def test_a_rule_silences_the_advice_to_write_one():
    rng = np.random.default_rng(2)
    side = rng.choice([-1.0, 1.0], size=(40, 1))
    said = np.stack([side, -side], axis=2).repeat(3, axis=1)
    frame = judged(said, np.broadcast_to(side, (40, 3)), ("kind", "true"))
    without = pilot_report(frame, kinds=KINDS).to_json()["advice"]
    told = pilot_report(frame, kinds=KINDS, precedence=[("kind", "true", None)]).to_json()["advice"]
    (rule,) = [one for one in without if one["kind"] == "tension"]
    assert "So far kind prevails in 100" in rule["sentence"]
    assert not [one for one in told if one["kind"] == "tension"]


def test_neither_the_order_of_raters_nor_of_sides_matters():
    frame = pilot_votes(8)
    swapped = frame.assign(
        outcome=frame["outcome"].replace({"first": "second", "second": "first"}), value=-frame["value"]
    )
    renamed = frame.assign(rater_id="q" + frame["rater_id"])
    one = pilot_report(frame, kinds=KINDS).to_json()
    for other in (pilot_report(f, kinds=KINDS).to_json() for f in (swapped, renamed)):
        for here, there in zip(one["ambiguity"], other["ambiguity"], strict=True):
            assert here["criterion"] == there["criterion"]
            assert here["agreement"]["value"] == pytest.approx(there["agreement"]["value"])
        for here, there in zip(one["redundancy"], other["redundancy"], strict=True):
            assert here["correlation"]["value"] == pytest.approx(there["correlation"]["value"])
