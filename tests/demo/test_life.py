"""The scripted life of a rater comes to its end, and its trail says so."""

from __future__ import annotations

from pathlib import Path

from app.demo.life import play
from app.store.engine import Store


def test_the_life_of_a_rater(sqlite_store: Store, tmp_path: Path) -> None:
    said = list(play(sqlite_store, tmp_path))
    print("\n".join(said))
    at = said.index("the trail:")
    assert said[0] == "ann is applicant; the exam is ready"
    assert said[1].endswith("ann is qualified; the exam is certified")
    assert [line for line in said if line.startswith("the certificate")] == [
        "the certificate holds",
        "the certificate does not hold",
    ]
    actions = [line.split()[2] for line in said[at + 1 :]]
    steps = ["account.added", "member.added", "exam.begun", "rater.passed", "rater.warned", "rater.paused",
             "exam.begun", "rater.passed"]  # fmt: skip
    assert [action for action in actions if action in steps] == steps
