"""Contested comparisons, cases and decisions, on both databases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.domain import Cause, Role
from app.errors import InvalidInput, NotAllowed, NotFound
from app.services import adjudicating
from app.services.adjudicating import contested, decide, open_case
from app.services.campaigns import add_member, create_campaign
from app.services.importing import import_file
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from rubrics.answers import Answer
from rubrics.loader import load_library
from tests.services.house import CRITERIA, line, make_campaign, vote

VOTES = {
    "agreed": ["a", "a", "a"],
    "split": ["a", "b", "tie"],
    "even": ["a", "b"],
    "single": ["a"],
}


@pytest.fixture
def campaign(store: Store, tmp_path: Path) -> str:
    """A campaign with agreed, divided and single votes, a designer and a rater."""
    file = tmp_path / "votes.jsonl"
    lines = []
    for name, votes in VOTES.items():
        judgments = [
            {"rater": f"r{i}", "preferred": vote, "justification": f"{name} {i}"} for i, vote in enumerate(votes)
        ]
        completions = [{"id": "a", "text": f"{name} one"}, {"id": "b", "text": f"{name} two"}]
        lines.append({"id": name, "prompt": f"{name}?", "completions": completions, "judgments": judgments})
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    create_campaign(store, "votes", rubric=load_library("minimal"))
    import_file(store, "votes", file)
    for name, role in (("dora", Role.DESIGNER), ("rolf", Role.RATER)):
        add_account(store, name, roles=[role])
        add_member(store, "votes", name, roles=[role])
    return "votes"


def test_the_most_divided_come_first_and_agreement_is_not_contested(store: Store, campaign: str) -> None:
    rows = contested(store, campaign)
    assert [(row.comparison_id, row.n_votes, row.votes) for row in rows] == [
        ("split", 3, {"a": 1, "b": 1, "tie": 1}),
        ("even", 2, {"a": 1, "b": 1}),
    ]


def test_a_case_shows_every_vote_with_its_words(store: Store, campaign: str) -> None:
    case = open_case(store, campaign, "split")
    assert [(j.rater, j.answers["overall"].preferred, j.justification) for j in case.judgments] == [
        ("r0", "a", "split 0"),
        ("r1", "b", "split 1"),
        ("r2", "tie", "split 2"),
    ]
    assert case.decisions == ()


def test_a_decision_stands_beside_the_votes_and_the_last_one_holds(store: Store, campaign: str) -> None:
    for preferred in ("a", "b"):
        decide(
            store,
            "dora",
            campaign,
            "split",
            answer=Answer(preferred=preferred),
            cause=Cause.ERROR,
            reason="Read again.",
        )
    case = open_case(store, campaign, "split")
    assert [one.answer.preferred for one in case.decisions] == ["a", "b"]
    assert len(case.judgments) == 3
    rows = contested(store, campaign)
    assert [(row.comparison_id, row.is_decided) for row in rows] == [("even", False), ("split", True)]


def test_raters_may_not_decide_and_a_reason_is_required(store: Store, campaign: str) -> None:
    answer = Answer(preferred="a")
    with pytest.raises(NotAllowed, match="rolf may not adjudicate"):
        decide(store, "rolf", campaign, "split", answer=answer, cause=Cause.STYLE, reason="So there.")
    with pytest.raises(InvalidInput, match="needs a reason"):
        decide(store, "dora", campaign, "split", answer=answer, cause=Cause.STYLE, reason=" ")
    with pytest.raises(InvalidInput, match="overall"):
        decide(store, "dora", campaign, "split", answer=Answer(preferred="z"), cause=Cause.STYLE, reason="Why not.")
    with pytest.raises(NotFound, match="'nope'"):
        decide(store, "dora", campaign, "nope", answer=answer, cause=Cause.STYLE, reason="Why not.")
    assert open_case(store, campaign, "split").decisions == ()


def test_tension_disputes_and_reports_wait_for_somebody_senior(store: Store, tmp_path: Path) -> None:
    def torn(rater: str, prevailed: str) -> dict:
        tension = {"between": ["clarity", "helpfulness"], "prevailed": prevailed, "why": ""}
        return vote(rater, tensions=[tension])

    lines = [
        line("agreed", judgments=[torn("w1", "clarity"), torn("w2", "clarity")]),
        line("torn", judgments=[torn("w1", "clarity"), torn("w2", "helpfulness")]),
        line("flagged", judgments=[vote("w1", reports=[{"kind": "broken_text", "text": "cut off"}]), vote("w2")]),
        line("asked", judgments=[vote("w1", reports=[{"kind": "question", "text": "why?"}]), vote("w2")]),
    ]
    make_campaign(store, tmp_path, lines, rubric=CRITERIA)
    found = {one.comparison_id: one.why for one in adjudicating.disputed(store, "c")}
    assert found == {"torn": "tension", "flagged": "report"}


def test_the_first_view_of_an_adjudicator_is_kept(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1", judgments=[vote("w1"), vote("w2", "b")])], raters=())
    add_account(store, "dora")
    add_member(store, "c", "dora", roles=[Role.DESIGNER])
    for preferred in ("a", "b"):
        adjudicating.form_view(store, "dora", "c", "x1", answer=Answer(preferred=preferred))
    with store.read() as connection:
        (row,) = connection.execute(tables.adjudicator_view.select()).all()
    assert row.answer == {"preferred": "a"}
    add_account(store, "ann")
    add_member(store, "c", "ann", roles=[Role.RATER])
    with pytest.raises(NotAllowed):
        adjudicating.form_view(store, "ann", "c", "x1", answer=Answer(preferred="a"))
