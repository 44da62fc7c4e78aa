"""A model judges first: labels that stand, lots for the audit, votes that bring the labels down."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from sqlalchemy import func, select

from app.domain import RaterKind, Role
from app.errors import Conflict, InvalidInput, NotFound
from app.services import assigning, judging, prejudging
from app.services.campaigns import add_member
from app.services.database import check as database_check
from app.services.people import add_account
from app.services.prejudging_sorting import read_scores
from app.services.prejudging_writing import AUDIT_REASON, POLICY
from app.services.snapshotting import build
from app.store import tables
from rubrics.answers import Answer
from tests.services.ledgers import line, make_campaign, vote

N_JUDGED, N_WAITING = 60, 40


def lines(n_wrong=0):
    """Pairs that three people have decided for a (the first `n_wrong` for b), and pairs that wait."""
    sides = ["b" if i < n_wrong else "a" for i in range(N_JUDGED)]
    judged = [line(f"j{i:03}", [vote(f"w{r}", side) for r in range(3)]) for i, side in enumerate(sides)]
    return [*judged, *(line(f"p{i:03}") for i in range(N_WAITING))]


def scores(folder, *, trained_on=(), sure=lambda name: True, model="0123456789ab"):
    """A file of scores that prefer a: surely by 5, else by .1."""
    names = [f"j{i:03}" for i in range(N_JUDGED)] + [f"p{i:03}" for i in range(N_WAITING)]
    path = folder / "scores.jsonl"
    with path.open("w") as file:
        for name in names:
            rewards = {"a": 5.0 if sure(name) else 0.1, "b": 0.0}
            line = {"id": name, "model": model, "scores": rewards, "trained_on": name in trained_on}
            file.write(json.dumps(line) + "\n")
    return path


def judges(store, *, n=3):
    for r in range(n):
        add_account(store, f"rater{r}")
        add_member(store, "c", f"rater{r}", roles=[Role.RATER])


def judge_all(store, name, preferred, *, limit=1000):
    """Let a rater judge what they are given; returns the comparisons in order."""
    seen = []
    while len(seen) < limit and (work := assigning.next_assignment(store, name, "c")) is not None:
        seen.append(work.comparison_id)
        judging.submit(store, name, work.id, judging.Submission({"overall": Answer(preferred=preferred)}, ""))
    return seen


def test_labels_stand_where_the_model_is_sure_and_people_are_not_asked(store, tmp_path):
    make_campaign(store, lines(), tmp_path)
    found = prejudging.start(store, "c", scores(tmp_path, sure=lambda name: name < "p030"), audit_rate=0.25, seed=1)
    assert found.threshold == pytest.approx(5.0)
    assert found.calibration["n"] == N_JUDGED
    assert sum(found.outcomes.values()) == N_JUDGED + N_WAITING
    assert found.outcomes["calibration"] == N_JUDGED
    assert found.outcomes["people"] == 10
    assert found.outcomes["accepted"] + found.outcomes["audit"] == 30
    judges(store, n=1)
    asked = judge_all(store, "rater0", "a")
    assert len(asked) == 10 + found.outcomes["audit"]  # and not one of the accepted ones
    with store.read() as connection:
        drawn = set(connection.scalars(
            select(tables.comparison.c.external_id).join(tables.prejudged)
            .where(tables.prejudged.c.outcome == "audit")))  # fmt: skip
        urgent = set(connection.scalars(
            select(tables.comparison.c.external_id).join(tables.queue_item)
            .where(tables.queue_item.c.priority == 1)
            .where(tables.queue_item.c.priority_reason == AUDIT_REASON)))  # fmt: skip
        kinds = Counter(connection.execute(
            select(tables.assignment.c.purpose, tables.assignment.c.propensity)
            .where(tables.assignment.c.policy == POLICY)).all())  # fmt: skip
    assert drawn <= set(asked)
    assert urgent == drawn, "until people have judged those, nothing is known of the labels that stand"
    assert kinds == {
        ("work", 0.75): found.outcomes["accepted"],
        ("audit", 0.25): len(drawn),
        ("audit", 1.0): 10 + N_JUDGED,
    }
    assert database_check(store) == []


def test_a_label_that_stands_counts_in_a_snapshot_of_models_and_in_no_other(store, tmp_path):
    make_campaign(store, lines(), tmp_path)
    found = prejudging.start(store, "c", scores(tmp_path), seed=1)
    people = build(store, "c", tmp_path / "people").content["counts"]
    both = build(store, "c", tmp_path / "both", kinds=[RaterKind.HUMAN, RaterKind.MODEL]).content["counts"]
    assert both["n_pairs"] - people["n_pairs"] == found.outcomes["accepted"]


def test_votes_on_audited_labels_bring_a_bad_model_down(store, tmp_path):
    """People prefer b on every audited pair: the second error refutes 10 %, and everything goes to people."""
    make_campaign(store, lines(), tmp_path)
    path = scores(tmp_path)
    found = prejudging.start(store, "c", path, audit_rate=0.5, seed=3)
    judges(store)
    with store.read() as connection:
        event_before = connection.scalar(select(func.max(tables.event.c.id)))
    for r in range(2):
        judge_all(store, f"rater{r}", "b")
    assert prejudging.list_batches(store, "c")[0].audit.n == 0  # two votes of three: not decided
    for _ in range(2):
        assert prejudging.list_batches(store, "c")[0].state == "standing"
        judge_all(store, "rater2", "b", limit=1)
    fallen = prejudging.list_batches(store, "c")[0]
    assert (fallen.state, fallen.audit.n) == ("withdrawn", 2)
    assert fallen.audit.n_errors == fallen.audit.n
    assert "do not confirm" in fallen.withdrawn_reason
    with store.read() as connection:
        events = connection.execute(
            select(tables.event).where(tables.event.c.action == "prejudging.withdrawn")).all()  # fmt: skip
        standing = connection.scalar(
            select(func.count()).select_from(tables.assignment)
            .where(tables.assignment.c.policy == POLICY, tables.assignment.c.purpose == "work"))  # fmt: skip
    assert [event.detail["n_labels"] for event in events] == [found.outcomes["accepted"]]
    assert events[0].id > event_before
    assert standing == 0
    asked = {*judge_all(store, "rater2", "b")}
    assert len(asked) >= found.outcomes["accepted"]  # the pairs wait for people again
    with pytest.raises(Conflict, match="train another"):
        prejudging.start(store, "c", path)
    other = prejudging.start(store, "c", scores(tmp_path, model="fedcba987654"), seed=0)
    assert other.threshold is None  # what people said since is part of the calibration now


def test_a_good_model_stays(store, tmp_path):
    make_campaign(store, lines(), tmp_path)
    prejudging.start(store, "c", scores(tmp_path), audit_rate=0.5, seed=3)
    judges(store)
    for r in range(3):
        judge_all(store, f"rater{r}", "a")
    found = prejudging.check(store, "c")[0]
    assert found.state == "standing"
    assert found.audit.n == found.outcomes["audit"]
    assert found.audit.n_errors == 0
    assert "0 of" in found.sentence()


def test_without_enough_decided_pairs_nothing_stands(store, tmp_path):
    make_campaign(store, lines(), tmp_path)
    trained_on = [f"j{i:03}" for i in range(40)]
    found = prejudging.start(store, "c", scores(tmp_path, trained_on=trained_on), seed=0)
    assert found.threshold is None
    assert found.outcomes == {"calibration": 20, "people": N_WAITING}
    assert found.skipped == {"the model was trained on it": 40}
    assert "20 calibration cases" in found.sentence()


def test_a_model_that_errs_gets_no_threshold(store, tmp_path):
    make_campaign(store, lines(n_wrong=30), tmp_path)
    assert prejudging.start(store, "c", scores(tmp_path), seed=0).threshold is None


def test_a_researcher_can_withdraw_with_a_reason(store, tmp_path):
    make_campaign(store, lines(), tmp_path)
    found = prejudging.start(store, "c", scores(tmp_path), seed=0)
    with pytest.raises(InvalidInput, match="Say why"):
        prejudging.withdraw(store, "c", found.id, reason=" ")
    with pytest.raises(NotFound):
        prejudging.withdraw(store, "c", 99, reason="x")
    assert prejudging.withdraw(store, "c", found.id, reason="prompts leaked") == found.outcomes["accepted"]
    with pytest.raises(Conflict, match="were withdrawn at"):
        prejudging.withdraw(store, "c", found.id, reason="again")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no model"),
        ('{"id": "x"}\n', "line 1"),
        ('{"id": "x", "model": "m", "scores": {"a": "high"}}\n', "line 1"),
        ('{"id": "x", "model": "m"}\n{"id": "y", "model": "n"}\n', "m, n"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path, text, message):
    path = tmp_path / "s.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        read_scores(path)


def test_where_models_count_like_people_nothing_is_prejudged(store, tmp_path):
    make_campaign(store, lines(), tmp_path, kinds=[RaterKind.HUMAN, RaterKind.MODEL])
    with pytest.raises(InvalidInput, match="counts the votes of models"):
        prejudging.start(store, "c", scores(tmp_path))
