"""Where people overturn a model: planted topics, criteria and tensions are found, and chance is not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.services import prejudging
from app.services.overturned import overturned
from app.stats.overturned import corrections
from tests.services.ledgers import TWO_CRITERIA, line, make_campaign, vote


@pytest.fixture
def planted(store, tmp_path):
    """120 pairs that the model decides for a; in medicine people say b, for the sake of what helps."""
    rng = np.random.default_rng(0)
    lines = []
    for i in range(120):
        is_medical = i % 4 == 0
        side = "b" if is_medical or rng.random() < 0.05 else "a"
        criteria = {
            "help": {"preferred": side, "strength": 2},
            "clear": {"scores": {"a": 4, "b": 2}},
        }
        votes = [vote(f"w{r}", side, 2, criteria=criteria) for r in range(3)]
        texts = {"a": "an answer " * (3 if is_medical else 1), "b": "an answer " * 2}  # too much said of medicine
        completions = [{"id": key, "text": text + f"to {i}"} for key, text in texts.items()]
        meta = {"topic": "medicine" if is_medical else "code"}
        lines.append(line(f"x{i:03}", votes, meta=meta, completions=completions))
    make_campaign(store, lines, tmp_path, rubric=TWO_CRITERIA)
    path = tmp_path / "scores.jsonl"
    rows = [{"id": f"x{i:03}", "model": "m", "scores": {"a": 1 + i / 100, "b": 0}} for i in range(120)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    prejudging.start(store, "c", path, seed=0)
    return store


def test_topics_criteria_and_tensions_of_the_corrections(planted):
    report = overturned(planted, "c")
    assert report["n"] == 120
    assert 30 <= report["n_overturned"] <= 40
    found = {(one["by"], one["name"]): one for one in report["groups"]}
    medicine = found["meta.topic", "medicine"]
    assert (medicine["n"], medicine["n_overturned"], medicine["stands_out"]) == (30, 30, True)
    assert not found["meta.topic", "code"]["stands_out"]
    assert found["criterion", "help speaks against the model's choice"]["stands_out"]
    assert found["criterion", "help speaks for the model's choice"]["n_overturned"] == 0
    assert found["tension", "clear and help pull apart"]["n_overturned"] == report["n_overturned"]
    assert found["tension", "no tension"]["n_overturned"] == 0
    longer, shorter = (found["length", f"the model prefers the {which} response"] for which in ("longer", "shorter"))
    assert (longer["n"], longer["n_overturned"], longer["stands_out"]) == (30, 30, True)
    assert (shorter["n"], shorter["stands_out"]) == (90, False)
    assert "the model prefers the longer response (30 of 30)" in report["reading"]
    assert report["cases"][0]["people_say"] == "b"
    margins = [case["margin"] for case in report["cases"]]
    assert margins == sorted(margins, reverse=True)


def test_without_a_model_the_report_says_so(store, tmp_path):
    make_campaign(store, [line("x", [vote("w", "a")])], tmp_path)
    assert "not voted" in overturned(store, "c")["undefined_reason"]


def test_groups_without_a_difference_rarely_stand_out():
    """20 groups of 50 at one rate of .2: in at most 5 % of the draws does any stand out."""
    rng = np.random.default_rng(1)
    n_found = 0
    for _ in range(200):
        is_overturned = rng.random(1000) < 0.2
        groups = [("g", str(i), np.arange(1000) // 50 == i) for i in range(20)]
        n_found += any(one.stands_out for one in corrections(is_overturned, groups))
    assert n_found / 200 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)
