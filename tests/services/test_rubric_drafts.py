"""Drafts of rubrics: two people writing at once lose nothing, and what is published is what was read."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.domain import Role
from app.errors import Conflict, DraftMoved, InvalidInput, NotAllowed, NotFound
from app.services import rubric_drafts as drafts
from app.services import rubric_versions, sessions
from app.services.people import add_account
from app.services.sessions import Person
from app.store import tables
from rubrics.errors import RubricError
from tests.services.house import count, rows

TEXT = "key: mine\ntitle: Mine\n"


@pytest.fixture
def ada(store) -> Person:
    """A designer."""
    return designer(store, "ada")


def designer(store, name: str, role: Role = Role.DESIGNER) -> Person:
    """Somebody with this role."""
    add_account(store, name, roles=[role])
    return sessions.person_named(store, name)


def test_the_second_of_two_is_told_and_nothing_is_overwritten(store, ada):
    bob = designer(store, "bob")
    draft = drafts.create_draft(store, ada, TEXT)
    assert (draft.title, draft.revision, draft.saved_by) == ("Mine", 1, "ada")
    saved = drafts.save_draft(store, ada, draft.id, TEXT + "# ada\n", revision=1)
    assert saved.revision == 2
    with pytest.raises(DraftMoved, match=r"ada saved this draft meanwhile .revision 2.") as told:
        drafts.save_draft(store, bob, draft.id, TEXT + "# bob\n", revision=1)
    assert (told.value.text, told.value.revision) == (TEXT + "# ada\n", 2)
    assert drafts.read_draft(store, bob, draft.id) == saved
    with pytest.raises(DraftMoved):
        drafts.publish_draft(store, bob, draft.id, revision=1)
    assert count(store, tables.rubric_version) == 0
    assert drafts.save_draft(store, bob, draft.id, TEXT + "# both\n", revision=2).saved_by == "bob"


def test_of_many_saves_of_one_revision_exactly_one_holds(store, ada):
    draft = drafts.create_draft(store, ada, TEXT)
    gate = threading.Barrier(6)

    def save(number: int) -> bool:
        gate.wait()
        try:
            drafts.save_draft(store, ada, draft.id, f"{TEXT}# {number}\n", revision=1)
        except DraftMoved:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(save, range(6))) == 1
    assert drafts.read_draft(store, ada, draft.id).revision == 2


def test_every_text_that_was_replaced_is_kept_up_to_a_limit(store, ada, monkeypatch):
    draft = drafts.create_draft(store, ada, "key: one\n")
    assert drafts.earlier_texts(store, ada, draft.id) == []
    for revision, text in enumerate(("key: two\n", "", "key: four\n"), start=1):
        drafts.save_draft(store, ada, draft.id, text, revision=revision)
    with pytest.raises(DraftMoved):
        drafts.save_draft(store, ada, draft.id, "key: late\n", revision=1)
    kept = drafts.earlier_texts(store, ada, draft.id)
    assert [(one.revision, one.text, one.saved_by) for one in kept] == [
        (3, "", "ada"),
        (2, "key: two\n", "ada"),
        (1, "key: one\n", "ada"),
    ]
    monkeypatch.setattr(drafts, "KEPT_TEXTS", 2)
    drafts.save_draft(store, ada, draft.id, kept[2].text, revision=4)
    assert [one.revision for one in drafts.earlier_texts(store, ada, draft.id)] == [4, 3]


def test_the_same_text_again_is_no_revision(store, ada):
    draft = drafts.create_draft(store, ada, TEXT)
    assert drafts.save_draft(store, ada, draft.id, TEXT, revision=1).revision == 1
    assert drafts.save_draft(store, ada, draft.id, TEXT, revision=99).revision == 1


def test_a_draft_may_be_no_rubric_but_is_not_published_then(store, ada):
    draft = drafts.create_draft(store, ada, TEXT)
    broken = drafts.save_draft(store, ada, draft.id, "title: [", revision=1)
    assert broken.title == "Mine"
    with pytest.raises(RubricError):
        drafts.publish_draft(store, ada, draft.id, revision=2)
    drafts.save_draft(store, ada, draft.id, TEXT + "# ready\n", revision=2)
    rubric, is_new = drafts.publish_draft(store, ada, draft.id, revision=3)
    assert is_new
    (version,) = rubric_versions.list_versions(store)["mine"]
    assert (version.version, version.yaml) == (rubric.version, TEXT + "# ready\n")
    assert drafts.list_drafts(store, ada) == []
    ended = drafts.read_draft(store, ada, draft.id)
    assert ended.published_version == rubric.version
    with pytest.raises(Conflict, match=f"published as {rubric.version[:12]}"):
        drafts.save_draft(store, ada, draft.id, "other", revision=3)
    again = drafts.create_draft(store, ada, TEXT)
    assert drafts.publish_draft(store, ada, again.id, revision=1) == (rubric, False)


def test_dismissed_advice_is_kept_and_can_be_taken_up_again(store, ada):
    draft = drafts.create_draft(store, ada, TEXT)
    put_aside = drafts.dismiss_advice(store, ada, draft.id, "abc")
    assert (put_aside.dismissed, put_aside.revision) == (frozenset({"abc"}), 1)
    assert not drafts.dismiss_advice(store, ada, draft.id, "abc", is_dismissed=False).dismissed


def test_a_discarded_draft_is_off_the_list_and_events_say_who(store, ada):
    kept, gone = (drafts.create_draft(store, ada, TEXT) for _ in range(2))
    drafts.discard_draft(store, ada, gone.id)
    assert [draft.id for draft in drafts.list_drafts(store, ada)] == [kept.id]
    with pytest.raises(Conflict, match="discarded"):
        drafts.discard_draft(store, ada, gone.id)
    actions = [event.action for event in rows(store, tables.event) if event.subject == f"rubric draft {gone.id}"]
    assert actions == ["rubric_draft.created", "rubric_draft.discarded"]


@pytest.mark.parametrize("role", [Role.RATER, Role.RESEARCHER])
def test_only_designers_have_drafts(store, ada, role):
    other = designer(store, "other", role)
    draft = drafts.create_draft(store, ada, TEXT)
    for attempt in (
        lambda: drafts.create_draft(store, other, TEXT),
        lambda: drafts.list_drafts(store, other),
        lambda: drafts.read_draft(store, other, draft.id),
        lambda: drafts.save_draft(store, other, draft.id, "x", revision=1),
        lambda: drafts.publish_draft(store, other, draft.id, revision=1),
        lambda: drafts.dismiss_advice(store, other, draft.id, "x"),
        lambda: drafts.discard_draft(store, other, draft.id),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_what_no_database_stores_and_what_is_not_there_is_refused(store, ada):
    with pytest.raises(InvalidInput, match="NUL"):
        drafts.create_draft(store, ada, "a\x00b")
    with pytest.raises(InvalidInput, match="1,000,000 bytes"):
        drafts.create_draft(store, ada, "x" * 1_000_001)
    with pytest.raises(NotFound, match="draft 7"):
        drafts.read_draft(store, ada, 7)
