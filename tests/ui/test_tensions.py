"""Tensions: what is said, what is not claimed, and comparisons to read."""

from __future__ import annotations

import copy

import pytest

from app.services import quality
from app.services.quality import Wanted
from app.services.reporting import campaign_report
from app.stats.tension_examples import tension_examples
from app.store.votes import judgments_frame
from app.ui.components.tensions.words import findings, too_few
from tests.ui.designing import N_COMPARISONS, NAME, bring_torn, words


@pytest.fixture
def torn(seeded, tmp_path):
    """The seeded place with the campaign of two people who weigh differently."""
    bring_torn(seeded.store, tmp_path)
    return seeded


@pytest.fixture
def document(torn):
    """Its tension report."""
    return campaign_report(torn.store, "tensions", NAME).to_json()


def test_without_votes_the_page_says_what_brings_tension(seeded, open_page):
    at = open_page("tensions", login=seeded.log_in("designer"), campaign="small")
    assert "Nobody has judged yet" in words(at)


def test_the_page_tells_the_inversion_the_rule_and_what_it_cannot_tell(torn, open_page):
    at = open_page("tensions", login=torn.log_in("designer"), campaign=NAME)
    said = words(at)
    assert "Counted kinds: human" in said
    assert "as of event" in said
    assert "Inversion: the rubric gives clear more weight than help" in said
    assert "Rule defied: clear should prevail over help" in said
    assert "Fewer than 30 conflicts, so nothing is claimed of: " in said
    for title in ("Tension map", "Who prevails", "Declared and revealed weights", "Shares", "Comparisons to read"):
        assert title in [subheader.value for subheader in at.subheader]
    assert len(at.get("vega_lite_chart")) == 4
    assert len(at.get("popover")) == 4


def test_other_kinds_have_no_votes_here(torn, open_page):
    at = open_page("tensions", login=torn.log_in("designer"), campaign=NAME)
    at.get("pills")[0].set_value(["model"]).run()
    assert "Nobody has judged yet" in words(at)


def test_an_example_is_opened_and_read(torn, open_page):
    at = open_page("tensions", login=torn.log_in("designer"), campaign=NAME)
    example = at.selectbox(key="example-torn-clear and help")
    assert len(example.options) == 12
    first = example.options[0]
    assert "2 of 2 judgments torn" in first
    example.select_index(0).run()
    said = words(at)
    assert f"Text {int(first[5:7])}a" in said
    assert "ann" in said
    assert "bob" in said


def test_researchers_and_raters_are_not_offered_the_page(torn, open_page):
    for role in ("researcher", "rater"):
        at = open_page("tensions", login=torn.log_in(role), campaign=NAME)
        assert at.header[0].value.startswith("Hello")


def test_nothing_is_claimed_of_few_conflicts(document):
    few = copy.deepcopy(document)
    for pair in few["pairs"]:
        pair["enough_to_show"] = False
    assert findings(few) == []
    assert "clear and help" in too_few(few)
    assert too_few({"pairs": [pair for pair in document["pairs"] if pair["enough_to_show"]]}) == ""


def test_findings_name_what_the_rubric_lacks_and_what_is_the_same_twice(document):
    changed = copy.deepcopy(document)
    changed["unexplained_share"] |= {"value": 0.4, "low": 0.3, "high": 0.5}
    changed["between_raters"] |= {"value": 0.3, "low": 0.2, "high": 0.4}
    pair = next(pair for pair in changed["pairs"] if pair["enough_to_show"])
    pair |= {"is_inversion": False, "against_rule": None, "n_active": 200}
    pair["tension_rate"] |= {"value": 0.02, "low": 0.01, "high": 0.04}
    pair["unresolved"] |= {"value": 0.5, "low": 0.4, "high": 0.6}
    said = " ".join(findings(changed))
    for part in ("lacks a criterion", "A difference of values", "Perhaps the same thing twice", "Left open"):
        assert part in said
    assert "Inversion" not in said


def test_examples_count_what_the_votes_say(torn):
    """Both raters gave the same scores, so that every torn comparison is torn twice."""
    with torn.store.read() as connection:
        votes = judgments_frame(connection, _campaign_id(torn))
    found = tension_examples(votes, kinds=["human"])["pairs"]
    assert [pair["n_conflicts"] for pair in found] == sorted((pair["n_conflicts"] for pair in found), reverse=True)
    pairs = {tuple(pair["between"]): pair["examples"] for pair in found}
    for example in pairs["clear", "help"]:
        assert (example["n_judgments"], example["n_conflicts"]) == (2, 2)
        assert sum(example["prevails"].values()) + example["n_unresolved"] == 2
    strengths = [example["strength"] for example in pairs["clear", "help"]]
    assert strengths == sorted(strengths, reverse=True)
    assert tension_examples(votes, kinds=["model"]) == {"pairs": []}
    most = tension_examples(votes, kinds=["human"], n_examples=1000)["pairs"][0]
    assert most["between"] == ["clear", "help"]
    n_torn = len(most["examples"])
    report = campaign_report(torn.store, "tensions", NAME).to_json()
    conflicts = {tuple(pair["between"]): pair["n_conflicts"] for pair in report["pairs"]}
    assert n_torn * 2 == most["n_conflicts"] == conflicts["clear", "help"] <= 2 * N_COMPARISONS


def _campaign_id(place) -> int:
    return quality.job_arguments(place.store, Wanted("tensions", NAME, ("human",)))[1]
