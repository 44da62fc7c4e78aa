"""Routing: requirements, scopes, the cap on a rater's share, urgency that starves nobody, the first vote by lot."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from app.domain import OVERALL, Scope
from app.errors import InvalidInput
from app.requirements import NOTHING, RequirementError, from_dict, from_list
from app.services.assigning import next_assignment
from app.services.campaigns import open_round
from app.services.exporting import export_campaign
from app.services.judging import Submission, skip, submit
from app.services.lookup import THE_HOUSE
from app.services.queueing import set_priorities
from app.services.waiting import report_waiting
from app.store import tables
from app.store.engine import Store
from rubrics.answers import Answer
from tests.services.house import CRITERIA, bring, gold, grant, line, make_campaign, prefers, rows, wrong_counters

MEDICAL = {"all": [{"skill": "medicine", "level": 2}], "any": [{"language": "de"}, {"language": "fr"}]}


def take(store: Store, rater: str, chance: random.Random | None = None) -> str | None:
    """Let a rater judge the next comparison; its name, or None."""
    given = next_assignment(store, rater, "c", chance=chance or random.Random(0))
    if given is None:
        return None
    submit(store, rater, given.id, prefers())
    return given.comparison_id


# --- requirements -----------------------------------------------------------------------------------------------


def test_requirements_are_met_by_all_and_one_of_any() -> None:
    wanted = from_dict(MEDICAL)
    assert not wanted.met_by({"medicine": 2})
    assert not wanted.met_by({"medicine": 1, "language:de": 1})
    assert wanted.met_by({"medicine": 3, "language:fr": 1})
    assert NOTHING.met_by({})
    assert (wanted & wanted) == wanted == from_list(wanted.to_list()) == from_dict(wanted.to_dict())
    both = wanted & from_dict({"all": [{"credential": "md"}]})
    assert not both.met_by({"medicine": 2, "language:de": 1})
    assert both.met_by({"medicine": 2, "language:de": 1, "credential:md": 1})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "must be an object"),
        ({"some": []}, "unknown field"),
        ({"all": []}, "is empty"),
        ({"all": [{"skil": "x"}]}, "exactly one of"),
        ({"all": [{"skill": "x", "language": "de"}]}, "exactly one of"),
        ({"any": [{"skill": "x", "level": 0}]}, r"any\[0\].level: must be a whole number"),
        ({"any": [{"skill": " "}]}, r"any\[0\].skill: must be a name"),
        ({"all": [{"residency": "eu", "level": 2}]}, "has no levels"),
    ],
)
def test_requirements_that_are_none_are_refused_by_field(document: object, message: str) -> None:
    with pytest.raises(RequirementError, match=message):
        from_dict(document)


def test_only_who_meets_the_requirements_gets_a_comparison(store: Store, tmp_path: Path) -> None:
    lines = [line("x1", requires=MEDICAL), line("x2"), line("x3", requires={"all": [{"residency": "eu"}]})]
    make_campaign(store, tmp_path, lines, raters=["ann", "bob", "cid"])
    grant(store, "bob", "medicine", level=2)
    grant(store, "bob", "language:de")
    grant(store, "cid", "residency:eu")
    seen = {name: {take(store, name) for _ in range(3)} - {None} for name in ("ann", "bob", "cid")}
    assert seen == {"ann": {"x2"}, "bob": {"x1", "x2"}, "cid": {"x2", "x3"}}
    assert wrong_counters(store) == []


def test_who_may_do_what_few_may_does_that_first(store: Store, tmp_path: Path) -> None:
    lines = [*(line(f"w{n}") for n in range(40)), *(line(f"m{n}", requires=MEDICAL) for n in range(4))]
    make_campaign(store, tmp_path, lines)
    grant(store, "ann", "medicine", level=2)
    grant(store, "ann", "language:de")
    first = [take(store, "ann", random.Random(n)) for n in range(4)]
    assert all(one is not None for one in first)
    assert sum(str(one).startswith("m") for one in first) >= 1
    drawn = {row.comparison_id: row.propensity for row in rows(store, tables.assignment)}
    assert max(drawn.values()) <= 1 / 29  # uniform over the window, restricted ones always in it


def test_gold_asks_for_what_it_requires_too(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [{**gold("g1"), "requires": MEDICAL}], gold_rate=0.5)
    assert all(take(store, "ann", random.Random(seed)) is None for seed in range(15))
    grant(store, "ann", "medicine", level=2)
    grant(store, "ann", "language:de")
    assert "g1" in {take(store, "ann", random.Random(seed)) for seed in range(15)}


def test_requirements_go_out_and_come_back(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1", requires=MEDICAL), line("x2")])
    out = tmp_path / "out.jsonl"
    export_campaign(store, "c", out)
    exported = [json.loads(one) for one in out.read_text().splitlines()]
    assert [one.get("requires") for one in exported] == [MEDICAL, None]
    assert bring(store, tmp_path, exported).n_comparisons_known == 2
    other = {**exported[0], "requires": {"all": [{"skill": "law"}]}}
    summary = bring(store, tmp_path, [other, {**line("x3"), "requires": {"all": [{"skill": 3}]}}])
    assert sorted((one.field, one.line) for one in summary.refused) == [("id", 1), ("requires.all[0].skill", 2)]


def test_a_comparison_that_nobody_may_judge_waits_and_is_reported(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1", requires=MEDICAL), line("x3")], raters=["ann", "bob"], overlap=2)
    assert [take(store, name) for name in ("ann", "bob", "ann")] == ["x3", "x3", None]
    (stuck,) = report_waiting(store, THE_HOUSE, "c")
    assert (stuck.n_comparisons, stuck.n_eligible, stuck.round) == (1, 0, "main")
    assert stuck.requires == "language de or language fr; skill medicine at level 2"
    assert stuck.examples == ("x1",)
    for name in ("ann", "bob"):
        grant(store, name, "medicine", level=2)
        grant(store, name, "language:de")
    assert report_waiting(store, THE_HOUSE, "c") == []
    for name in ("ann", "bob"):
        assert report_waiting(store, THE_HOUSE, "c") == []
        given = next_assignment(store, name, "c")
        assert given is not None
        skip(store, name, given.id, reason="not mine")
    (stuck,) = report_waiting(store, THE_HOUSE, "c")
    assert (stuck.n_comparisons, stuck.n_eligible, stuck.examples) == (1, 2, ("x1",))


# --- scopes -----------------------------------------------------------------------------------------------------

SCOPES = (
    Scope("general", ("clarity",), asks_overall=True),
    Scope("safety", ("helpfulness",), requires=from_dict({"all": [{"skill": "safety"}]})),
)


def answer_all(store: Store, rater: str, given) -> None:
    answers = {"clarity": Answer(scores={"a": 4, "b": 2}), "helpfulness": Answer(preferred="a", strength=1)}
    answers[OVERALL] = Answer(preferred="a", strength=1)
    asked = {*given.criteria_shown, *([OVERALL] if given.asks_overall else [])}
    only = {key: one for key, one in answers.items() if key in asked}
    submit(store, rater, given.id, Submission(only, justification="two words here"))


def test_specialists_judge_their_criteria_and_others_the_rest(store: Store, tmp_path: Path) -> None:
    raters = ["ann", "bob", "sue", "tom"]
    make_campaign(store, tmp_path, [line("x1"), line("x2")], raters=raters, rubric=CRITERIA, overlap=2, scopes=SCOPES)
    grant(store, "sue", "safety")
    grant(store, "tom", "safety")
    asked: dict[str, set] = {}
    for _ in range(3):
        for name in raters:
            given = next_assignment(store, name, "c", chance=random.Random(2))
            if given is not None:
                answer_all(store, name, given)
                asked.setdefault(name, set()).add((given.criteria_shown, given.asks_overall))
    assert asked["ann"] == asked["bob"] == {(("clarity",), True)}
    assert asked["sue"] == asked["tom"] == {(("helpfulness",), False)}
    votes = Counter((row.comparison_id, row.scope) for row in rows(store, tables.assignment))
    assert set(votes.values()) == {2}
    assert len(votes) == 4
    decided = {(row.comparison_id, row.scope): row.state for row in rows(store, tables.overlap_decision)}
    assert decided == dict.fromkeys(votes, "settled")
    assert wrong_counters(store) == []


def test_nobody_meets_a_comparison_in_two_scopes(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], raters=["sue"], rubric=CRITERIA, scopes=SCOPES)
    grant(store, "sue", "safety")
    given = next_assignment(store, "sue", "c")
    assert given is not None
    assert given.criteria_shown == ("helpfulness",)  # few others may do it
    answer_all(store, "sue", given)
    assert next_assignment(store, "sue", "c") is None


@pytest.mark.parametrize(
    ("scopes", "message"),
    [
        ((Scope("one", ("clarity",), asks_overall=True),), "nobody for helpfulness"),
        ((Scope("one", ("clarity", "helpfulness")),), "nobody for the overall verdict"),
        ((Scope("one", ("clarty",), asks_overall=True),), "'clarty' is no criterion"),
        ((Scope("one", ("clarity", "helpfulness"), asks_overall=True), Scope("one", ("clarity",))), "name of its own"),
        ((Scope("all", ("clarity", "helpfulness"), asks_overall=True), Scope("none")), "asks nothing"),
    ],
)
def test_scopes_cover_the_rubric(sqlite_store: Store, tmp_path: Path, scopes: tuple[Scope, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make_campaign(sqlite_store, tmp_path, rubric=CRITERIA, scopes=scopes)


# --- fairness ---------------------------------------------------------------------------------------------------


def test_urgent_work_comes_first_and_starves_nothing(store: Store, tmp_path: Path) -> None:
    """More urgent work than can be done: the four that are not urgent are done all the same."""
    names = [f"u{n}" for n in range(200)]
    make_campaign(store, tmp_path, [*map(line, names), *(line(f"w{n}") for n in range(4))], raters=["ann", "bob"])
    set_priorities(store, "c", [(name, 1.0, "uncertain") for name in names])
    chance = random.Random(2)
    given = [take(store, ("ann", "bob")[n % 2], chance) for n in range(120)]
    assert sum(str(one).startswith("u") for one in given) >= 100
    assert {one for one in given if str(one).startswith("w")} == {"w0", "w1", "w2", "w3"}
    drawn = {row.propensity for row in rows(store, tables.assignment)}
    assert min(drawn) > 0
    assert max(drawn) <= 0.1  # of four patient ones at most .1 / 1


def test_without_urgency_nobody_is_patient(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line(f"x{n}") for n in range(10)])
    assert take(store, "ann") is not None
    assert [row.propensity for row in rows(store, tables.assignment)] == [pytest.approx(0.1)]


def test_nobody_gives_more_than_their_share(store: Store, tmp_path: Path) -> None:
    lines = [line(f"x{n}") for n in range(20)]
    make_campaign(store, tmp_path, lines, raters=["ann", "bob"], overlap=2, max_share=0.2)
    given = [take(store, "ann", random.Random(n)) for n in range(20)]
    assert sum(one is not None for one in given) == 8  # a fifth of 40
    assert take(store, "bob") is not None


def test_the_first_vote_is_anybodys(sqlite_store: Store, tmp_path: Path) -> None:
    """Who begins a comparison is a matter of who asks: the same share for an expert and a novice."""
    store = sqlite_store
    raters = ["expert", "novice"]
    make_campaign(store, tmp_path, [line(f"x{n}") for n in range(60)], raters=raters, overlap=1)
    grant(store, "expert", "medicine", level=3)
    chance = random.Random(9)
    first = Counter()
    for _ in range(40):
        name = chance.choice(raters)
        first[name] += take(store, name, chance) is not None
    assert 8 <= first["expert"] <= 32  # binomial, 3.8 standard deviations


def test_a_round_opened_later_has_lanes_of_its_own(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1", requires=MEDICAL), line("x2")], rubric=CRITERIA)
    open_round(store, "c", name="bridge", rubric=CRITERIA)
    lanes = Counter(row.round_id for row in rows(store, tables.lane))
    assert set(lanes.values()) == {2}
    assert sum(row.n_items for row in rows(store, tables.lane)) == 4
