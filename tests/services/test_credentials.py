"""What an admin attaches to an account, and that routing reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.domain import Role
from app.errors import InvalidInput, NotAllowed, NotFound
from app.requirements import Requirement
from app.services import credentials, raters
from app.services.assigning import next_assignment
from app.services.campaigns import add_member
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from tests.services.house import line, make_campaign, rows

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
NEEDS = {"all": [{"credential": "physician"}, {"language": "de", "level": 2}]}


@pytest.fixture
def hospital(store: Store, tmp_path: Path) -> Store:
    """One comparison for German-speaking physicians, a rater, a designer and an admin."""
    make_campaign(store, tmp_path, [line("x", requires=NEEDS)])
    for name, role in (("des", Role.DESIGNER), ("root", Role.ADMIN)):
        add_account(store, name, roles=[role])
        add_member(store, "c", name, roles=[role])
    return store


def test_routing_reads_what_an_admin_attached_until_it_ends(hospital: Store) -> None:
    assert next_assignment(hospital, "ann", "c", now=NOW) is None
    credentials.attach(
        hospital, "root", "ann", "physician", evidence="licence 12", expires_at=NOW + timedelta(days=9), now=NOW
    )
    credentials.attach(hospital, "root", "ann", "de", kind="language", level=1, evidence="says so", now=NOW)
    assert next_assignment(hospital, "ann", "c", now=NOW) is None, "the level does not reach"
    credentials.attach(hospital, "root", "ann", "de", kind="language", level=3, evidence="mother tongue", now=NOW)
    held = credentials.held_by(hospital, "root", "ann", now=NOW + timedelta(seconds=1))
    assert [one.what for one in held] == [Requirement("credential", "physician"), Requirement("language", "de", 3)]
    assert held[0].evidence == {"seen": "licence 12", "by": "root"}
    assert next_assignment(hospital, "ann", "c", now=NOW + timedelta(days=10)) is None, "the licence has expired"
    seen = {one.skill for one in raters.own_skills(hospital, "ann", "c", now=NOW + timedelta(seconds=1))}
    assert seen == {"credential:physician", "language:de"}
    assert next_assignment(hospital, "ann", "c", now=NOW + timedelta(seconds=1)) is not None
    credentials.end(
        hospital, "root", "ann", "physician", reason="withdrawn by the chamber", now=NOW + timedelta(days=1)
    )
    with pytest.raises(NotFound, match="holds no credential"):
        credentials.end(hospital, "root", "ann", "physician", reason="again", now=NOW + timedelta(days=1))
    actions = [row.action for row in rows(hospital, tables.event) if row.action.startswith("credential.")]
    assert actions == ["credential.attached"] * 3 + ["credential.ended"]
    assert len(rows(hospital, tables.rater_skill)) == 3, "what was held stays on record"


def test_only_an_admin_and_only_what_can_be(hospital: Store) -> None:
    with pytest.raises(NotAllowed):
        credentials.attach(hospital, "des", "ann", "physician", evidence="seen")
    with pytest.raises(NotAllowed):
        credentials.held_by(hospital, "ann", "ann")
    for wrong in (
        {"name": " "},
        {"name": "a:b"},
        {"name": "a\x00"},
        {"kind": "degree"},
        {"level": 2},
        {"kind": "language", "level": 4},
        {"evidence": ""},
        {"evidence": "x" * 4_001},
        {"expires_at": NOW},
    ):
        given = {"name": "physician", "evidence": "seen", "now": NOW, **wrong}
        with pytest.raises(InvalidInput):
            credentials.attach(hospital, "root", "ann", given.pop("name"), **given)
    assert rows(hospital, tables.rater_skill) == []
