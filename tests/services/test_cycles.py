"""Cycles: how each comparison was chosen, the votes that went there, and the arm beside the pair in a snapshot."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from app.domain import Role
from app.errors import Conflict, InvalidInput
from app.services import assigning, judging
from app.services.campaigns import add_member
from app.services.cycles import import_priorities, list_cycles, read_priorities
from app.services.people import add_account
from app.services.snapshotting import build
from rubrics.answers import Answer
from tests.services.ledgers import import_lines, line, make_campaign, vote


def priorities(folder, arms):
    path = folder / "p.jsonl"
    rows = [
        {
            "comparison_id": name,
            "priority": 1 - i / 10,
            "reason": "r",
            "arm": arm,
            "propensity": 0.5,
            "model": "m1",
            "snapshot": "s1",
        }
        for i, (name, arm) in enumerate(arms.items())
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_priorities(path)


def test_a_cycle_counts_the_votes_of_each_arm(store, tmp_path):
    lines = [line("old", [vote("w", "a")], meta={"topic": "t"}), *(line(f"x{i}") for i in range(6))]
    make_campaign(store, lines, tmp_path)
    arms = {"x1": "d_optimal", "x2": "random", "x3": "d_optimal"}
    cycle, n_changed = import_priorities(store, "c", priorities(tmp_path, arms), source="p.jsonl", actor="ann")
    assert (cycle.number, cycle.model, cycle.snapshot, n_changed) == (1, "m1", "s1", 3)
    add_account(store, "bo")
    add_member(store, "c", "bo", roles=[Role.RATER])
    while (work := assigning.next_assignment(store, "bo", "c")) is not None:
        judging.submit(store, "bo", work.id, judging.Submission({"overall": Answer(preferred="a")}, ""))
    with_model = [line("x1", [vote("judge", "b", rater_kind="model", at="2036-01-01T00:00:00Z")])]
    import_lines(store, "c", with_model, tmp_path)  # a vote of a kind that this campaign does not count
    again = import_priorities(store, "c", priorities(tmp_path, {"x2": "d_optimal", "x5": ""}), source="q.jsonl")[0]
    assert again.number == 2
    first, second = list_cycles(store, "c")
    assert first.n == {"d_optimal": 2, "random": 1}
    assert first.n_votes == {"d_optimal": 2, "random": 1}
    assert (second.n, second.n_votes) == ({"d_optimal": 1, "": 1}, {})
    build(store, "c", tmp_path / "s", split_shares=(1.0, 0.0, 0.0))
    rows = pq.read_table(next((tmp_path / "s" / "data").glob("*.parquet"))).to_pylist()
    assert {row["comparison_id"]: row["arm"] for row in rows} == {
        **dict.fromkeys(("old", "x0", "x4", "x5")),
        **{"x1": "d_optimal", "x2": "d_optimal", "x3": "d_optimal"},
    }
    assert {row["rater_kinds"] for row in rows} == {"human"}
    assert json.loads(next(row["meta"] for row in rows if row["comparison_id"] == "old")) == {"topic": "t"}


def test_what_is_wrong_with_a_file_leaves_everything_as_it_was(store, tmp_path):
    make_campaign(store, [line("x1")], tmp_path)
    with pytest.raises(Conflict, match="nope"):
        import_priorities(store, "c", priorities(tmp_path, {"x1": "random", "nope": "random"}), source="p")
    with pytest.raises(InvalidInput, match="names no comparison"):
        import_priorities(store, "c", [], source="p")
    (tmp_path / "bad.jsonl").write_text('{"comparison_id": "x1", "priority": 1, "propensity": 0}\n')
    with pytest.raises(InvalidInput, match="line 1: propensity is 0"):
        read_priorities(tmp_path / "bad.jsonl")
    assert list_cycles(store, "c") == []
