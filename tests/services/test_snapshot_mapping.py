"""Snapshots of several rubric versions: refused until somebody says which criterion is which."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from app.domain import utc_now
from app.errors import Conflict, InvalidInput
from app.services import snapshotting
from app.services.campaigns import create_campaign
from app.services.database import Store
from app.services.snapshot_mapping import unnamed
from app.store import tables
from rubrics.model import Rubric
from tests.services.ledgers import TWO_CRITERIA, line, make_campaign, vote
from tests.services.test_snapshotting import rows_of

HELP = {"key": "help", "name": "Help", "question": "Which helps more?", "type": "preference_scale", "points": 7}
NEWER = Rubric.from_dict(
    {
        "key": "two",
        "title": "Two criteria, again",
        "criteria": [
            {**HELP, "name": "Helpfulness"},
            {"key": "plain", "name": "Plain", "question": "How plain is it?", "type": "scores"},
        ],
    }
)
"""help is only called something else; clear has become plain; polite is gone."""


@pytest.fixture
def mixed(store: Store, tmp_path: Path) -> Store:
    """Campaign `c`: one judgment under the older version, one under the newer."""
    create_campaign(store, "newer", rubric=NEWER)
    old = {"help": {"preferred": "a", "strength": 3}, "clear": {"scores": {"a": 1, "b": 5}}}
    new = {"help": {"preferred": "a", "strength": 3}, "plain": {"scores": {"a": 2, "b": 4}}}
    votes = [
        vote("w1", "a", criteria={**old, "polite": {"checks": {"a": True, "b": False}}}),
        vote("w2", "a", round="second", rubric_version=NEWER.version, criteria=new),
    ]
    make_campaign(store, [line("x1", votes)], tmp_path, rubric=TWO_CRITERIA)
    older = tables.rubric_version.c.version == TWO_CRITERIA.version
    with store.write() as connection:
        long_ago = utc_now() - timedelta(days=30)
        connection.execute(update(tables.rubric_version).where(older).values(published_at=long_ago))
    return store


def criteria_of(folder: Path) -> dict[str, float]:
    """Criterion -> mean value of the one pair, relative to chosen."""
    (row,) = rows_of(folder)
    return {entry["key"]: entry["value"] for entry in row["criteria"]}


def test_without_a_mapping_the_refusal_says_what_has_to_be_named(mixed: Store, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=r"--map clear=NEW --map polite=NEW"):
        snapshotting.build(mixed, "c", tmp_path / "s")
    with pytest.raises(Conflict, match=r"Nothing says what becomes of polite .*criteria there are help, plain"):
        snapshotting.build(mixed, "c", tmp_path / "s", mapping={"clear": "plain"})
    assert not (tmp_path / "s").exists()


def test_mapped_votes_stand_under_the_newest_criteria(mixed: Store, tmp_path: Path) -> None:
    manifest = snapshotting.build(mixed, "c", tmp_path / "s", mapping={"clear": "plain", "polite": ""})
    said = manifest.content["rubric"]
    assert said["version"] == NEWER.version
    assert said["mapping"]["named"] == {"clear": "plain", "polite": ""}
    assert said["mapping"]["versions"][TWO_CRITERIA.version] == {"clear": "plain", "help": "help", "polite": ""}
    assert said["mapping"]["n_votes_left_out"] == 1
    # clear: (1 - 5) / 4 = -1, plain: (2 - 4) / 4 = -.5, their mean -.75; help is 1 in both
    assert criteria_of(tmp_path / "s") == {"help": 1.0, "plain": -0.75}
    card = (tmp_path / "s" / "README.md").read_text(encoding="utf-8")
    assert "`clear` as `plain`, `polite` left out" in card
    again = snapshotting.build(mixed, "c", tmp_path / "again", mapping={"polite": "", "clear": "plain"})
    assert again.hash == manifest.hash
    other = snapshotting.build(mixed, "c", tmp_path / "other", mapping={"polite": "", "clear": ""})
    assert other.hash != manifest.hash


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"clear": "plian", "polite": ""}, "did you mean plain"),
        ({"cleer": "plain", "polite": ""}, "did you mean clear"),
        ({"clear": "plain", "polite": "plain"}, "would both become plain"),
    ],
)
def test_a_mapping_that_names_nothing_is_refused(mixed: Store, tmp_path: Path, mapping, words) -> None:
    with pytest.raises(InvalidInput, match=words):
        snapshotting.build(mixed, "c", tmp_path / "s", mapping=mapping)


def test_a_snapshot_of_one_version_takes_no_notice_of_a_mapping(mixed: Store, tmp_path: Path) -> None:
    plain = snapshotting.build(mixed, "c", tmp_path / "plain", round="second")
    named = snapshotting.build(mixed, "c", tmp_path / "named", round="second", mapping={})
    assert plain.hash == named.hash
    assert "mapping" not in plain.content["rubric"]


def test_wording_alone_needs_no_name(tmp_path: Path) -> None:
    reworded = Rubric.from_dict({**TWO_CRITERIA.to_dict(), "title": "Another title"})
    assert unnamed({TWO_CRITERIA.version: TWO_CRITERIA}, reworded, {}) == []
    assert unnamed({TWO_CRITERIA.version: TWO_CRITERIA}, NEWER, {"clear": "plain"}) == ["polite"]
