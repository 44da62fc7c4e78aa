"""Counts of a large campaign: votes since are patched in, and the report is the one of all votes."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from app.domain import OVERALL, RaterKind, Role
from app.services import counting, events, quality
from app.services.assigning import next_assignment
from app.services.campaigns import add_member
from app.services.judging import Submission, revise, submit
from app.services.people import add_account
from app.services.reporting import campaign_report
from app.services.vote_events import Mark, changed_comparisons, last_vote_event, mark
from app.store import tables
from app.store.engine import Store
from app.store.queries import last_event
from rubrics.answers import Answer
from tests.services.ledgers import PLAIN, import_lines, line, make_campaign, ranked, vote
from tests.stats.test_agreement_counts import assert_close

RATERS = ("ann", "bob", "cy")


@pytest.fixture
def campaign(store: Store, tmp_path: Path) -> Store:
    lines = [
        line(f"x{i:02d}", [vote(name, "ab"[(i + k) % 3 % 2], 1 + i % 3) for k, name in enumerate("uvw"[: 1 + i % 3])])
        for i in range(40)
    ]
    make_campaign(store, lines, tmp_path, rubric=PLAIN)
    add_account(store, "dee", roles=[Role.DESIGNER])
    add_member(store, "c", "dee", roles=[Role.DESIGNER])
    for name in RATERS:
        add_account(store, name)
        add_member(store, "c", name, roles=[Role.RATER])
    return store


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "SMALL", 0)


def _vote(store: Store, name: str, preferred: str) -> int:
    assignment = next_assignment(store, name, "c")
    assert assignment is not None
    submit(
        store,
        name,
        assignment.id,
        Submission({OVERALL: Answer(preferred=preferred, strength=None if preferred == "tie" else 2)}),
    )
    return assignment.id


def _find(store: Store, folder: Path) -> quality.KeptReport | None:
    return quality.find(store, "dee", quality.want(store, "agreement", "c"), folder=folder)


def _is_up_to_date(store: Store, kept: quality.KeptReport | None) -> None:
    assert kept is not None
    assert kept.is_current
    fresh = campaign_report(store, "agreement", "c").to_json()
    assert_close({**kept.document, "as_of_event": 0}, {**fresh, "as_of_event": 0})


@pytest.mark.usefixtures("large")
def test_votes_revisions_and_imports_are_patched_in(campaign: Store, tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "kept"
    with campaign.write() as connection:
        connection.execute(update(tables.assignment).where(tables.assignment.c.id < 4).values(purpose="exam"))
    assert _find(campaign, folder) is None, "the first count of a large campaign is a job's"
    quality.make(campaign, quality.want(campaign, "agreement", "c"), folder=folder)
    monkeypatch.setattr(counting, "count_agreement", _only_small(counting.count_agreement))
    done = [_vote(campaign, name, preferred) for name in RATERS for preferred in ("a", "b", "tie")]
    _is_up_to_date(campaign, _find(campaign, folder))
    revise(campaign, "ann", done[0], Submission({OVERALL: Answer(preferred="b", strength=3)}))
    import_lines(
        campaign, "c", [line("new", [vote("u", "a", 3), vote("z", "b")]), line("x01", [vote("y", "a")])], tmp_path
    )
    _is_up_to_date(campaign, _find(campaign, folder))
    kept = _find(campaign, folder)
    assert kept.document["n_raters"] == len("uvwyz") + len(RATERS)


def _only_small(count):
    """Count as before, but refuse whole campaigns: only what changed may be counted again."""

    def counted(coded, votes):
        assert votes["comparison_id"].nunique() < 20, "counted again from all votes"
        return count(coded, votes)

    return counted


@pytest.mark.usefixtures("large")
def test_what_cannot_be_patched_is_left_to_a_job(campaign: Store, tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "kept"
    wanted = quality.want(campaign, "agreement", "c")
    quality.make(campaign, wanted, folder=folder)
    _vote(campaign, "ann", "a")
    monkeypatch.setattr(counting, "MOST", 0)
    assert not _find(campaign, folder).is_current
    _is_up_to_date(campaign, quality.make(campaign, wanted, folder=folder))
    import_lines(campaign, "c", [ranked("k", [["a"], ["b", "c"]])], tmp_path)
    monkeypatch.setattr(counting, "MOST", 5_000)
    assert not _find(campaign, folder).is_current
    _is_up_to_date(campaign, quality.make(campaign, wanted, folder=folder))


def test_kinds_are_counted_apart(campaign: Store, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    for kinds in ([RaterKind.HUMAN], [RaterKind.MODEL]):
        quality.make(campaign, quality.want(campaign, "agreement", "c", kinds=kinds), folder=folder)
    assert len(list(folder.glob("agreement-*.npz"))) == 2


def test_an_event_that_turns_up_late_or_is_unknown_makes_a_fresh_count(campaign: Store) -> None:
    _vote(campaign, "ann", "a")
    then = _mark(campaign)
    assert _changed(campaign, then) == []
    _vote(campaign, "bob", "a")
    assert len(_changed(campaign, then) or ()) == 1
    assert _changed(campaign, then, most=0) is None
    _rewrite_event(campaign, _mark(campaign).event, action="judgment.undone")
    assert _changed(campaign, then) is None, "nobody knows what this does to votes"
    _rewrite_event(campaign, then.event, campaign_id=None)
    before = _mark(campaign)
    _rewrite_event(campaign, then.event, campaign_id=1)
    assert _changed(campaign, before) is None, "another transaction finished late"


def _mark(store: Store) -> Mark:
    with store.read() as connection:
        return mark(connection, 1, last_event(connection))


@pytest.mark.parametrize(
    ("action", "is_neutral"),
    [
        ("audit.opened", True),
        ("audit.rejected", False),
        ("exam.begun", True),
        ("lesson.answered", True),
        ("lessons.finished", True),
        ("overlap_model.fitted", True),
        ("gold.suspended", False),
        ("rater.paused", False),
    ],
)
def test_only_what_can_change_a_report_makes_it_stale(campaign: Store, action: str, is_neutral: bool) -> None:
    with campaign.write() as connection:
        before = last_vote_event(connection, 1)
        number = events.record(connection, actor="system", action=action, subject="x", campaign_id=1, detail={})
        assert last_vote_event(connection, 1) == (before if is_neutral else number)


def _changed(store: Store, then: Mark, *, most: int = 5) -> list[int] | None:
    with store.read() as connection:
        return changed_comparisons(connection, 1, then, most=most)


def _rewrite_event(store: Store, number: int, **values) -> None:
    with store.write() as connection:
        connection.execute(update(tables.event).where(tables.event.c.id == number).values(**values))
