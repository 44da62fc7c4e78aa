"""Log-ins, links and passwords, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import Type, extract_parameters
from sqlalchemy import select, update

from app.catalogue import say_in
from app.domain import RaterKind, RaterState, Role
from app.errors import InvalidInput, NotAllowed, NotFound, UnfitPassword
from app.services import sessions
from app.services.people import add_account, issue_link
from app.services.sessions import LOGIN_LIFETIME
from app.store import tables
from app.store.engine import Store
from app.web.attempts import Attempts
from tests.conftest import PRODUCT_HASHER

PASSWORD = "correct horse battery"
NOW = datetime(2026, 1, 31, 10, tzinfo=UTC)


@pytest.fixture
def ana(store: Store) -> str:
    add_account(store, "ana", roles=[Role.RATER])
    sessions.set_password(store, "ana", PASSWORD, now=NOW)
    return "ana"


def test_the_right_password_gives_a_token_of_which_only_the_hash_is_kept(store, ana):
    token = sessions.log_in(store, ana, PASSWORD, now=NOW)
    assert sessions.who(store, token, now=NOW) is not None
    with store.read() as connection:
        kept = connection.scalars(select(tables.login_token.c.token_hash)).all()
    assert token not in kept


def test_passwords_are_costly_to_guess_and_a_cheap_hash_is_made_anew(store, ana, monkeypatch):
    """Argon2id, 64 MiB, three passes: what RFC 9106, section 4, recommends where memory is short."""

    def cost() -> tuple[Type, int, int]:
        with store.read() as connection:
            stored = connection.scalar(select(tables.rater.c.password_hash).where(tables.rater.c.name == ana))
        found = extract_parameters(stored)
        return found.type, found.memory_cost, found.time_cost

    assert cost() == (Type.ID, 8, 1), "the tests hash cheaply"
    monkeypatch.setattr(sessions, "_hasher", PRODUCT_HASHER)
    assert sessions.log_in(store, ana, "wrong horse battery") is None
    assert cost() == (Type.ID, 8, 1)
    assert sessions.log_in(store, ana, PASSWORD)
    assert cost() == (Type.ID, 64 * 1024, 3)
    assert sessions.log_in(store, ana, PASSWORD)
    assert sessions.log_in(store, ana, "wrong horse battery") is None


def test_every_log_in_gets_its_own_token(store, ana):
    assert sessions.log_in(store, ana, PASSWORD) != sessions.log_in(store, ana, PASSWORD)


@pytest.mark.parametrize("password", ["", "wrong horse battery", PASSWORD + "x" * 2000])
def test_a_wrong_password_gives_nothing(store, ana, password):
    assert sessions.log_in(store, ana, password) is None


def test_an_unknown_name_and_one_without_password_do_the_same_work(store, monkeypatch):
    add_account(store, "fresh")
    n_verified = []
    monkeypatch.setattr(sessions, "_verify", lambda stored, password: n_verified.append(stored) or False)
    assert sessions.log_in(store, "nobody", PASSWORD) is None
    assert sessions.log_in(store, "fresh", PASSWORD) is None
    assert len(n_verified) == 2


@pytest.mark.parametrize("token", [None, "", "x", "x" * 5000, "💥"])
def test_a_forged_token_is_nobody(store, ana, token):
    assert sessions.who(store, token) is None


def test_a_log_in_expires(store, ana):
    token = sessions.log_in(store, ana, PASSWORD, now=NOW)
    login = sessions.who(store, token, now=NOW)
    later = NOW + LOGIN_LIFETIME
    assert sessions.who(store, token, now=later) is None
    assert sessions.person_of(store, login, now=NOW).name == "ana"
    assert sessions.person_of(store, login, now=later) is None


def test_log_out_ends_this_log_in_and_no_other(store, ana):
    one, other = sessions.log_in(store, ana, PASSWORD), sessions.log_in(store, ana, PASSWORD)
    assert sessions.log_out(store, one)
    assert not sessions.log_out(store, one)
    assert sessions.who(store, one) is None
    assert sessions.who(store, other) is not None


def test_ending_log_ins_keeps_the_one_that_asked(store, ana):
    tokens = [sessions.log_in(store, ana, PASSWORD) for _ in range(3)]
    keep = sessions.who(store, tokens[0])
    assert sessions.end_logins(store, ana, actor="admin", keep=keep) == 2
    assert [login.id for login in sessions.list_logins(store, ana)] == [keep]


def test_a_link_sets_the_password_once_and_ends_earlier_log_ins(store, ana):
    earlier = sessions.log_in(store, ana, PASSWORD)
    link = issue_link(store, ana)
    assert sessions.link_owner(store, link) == "ana"
    token = sessions.use_link(store, link, "a brand new password")
    assert sessions.who(store, token) is not None
    assert sessions.who(store, earlier) is None
    assert sessions.link_owner(store, link) is None
    with pytest.raises(NotFound, match="used or has expired"):
        sessions.use_link(store, link, "yet another password")
    assert sessions.log_in(store, ana, PASSWORD) is None


def test_a_link_expires_and_a_session_token_is_no_link(store, ana):
    link = issue_link(store, ana, now=NOW)
    assert sessions.link_owner(store, link, now=NOW + timedelta(days=8)) is None
    assert sessions.link_owner(store, sessions.log_in(store, ana, PASSWORD)) is None
    assert sessions.who(store, link) is None


@pytest.mark.parametrize(
    ("password", "fault"), [("short", "short"), ("aaaaaaaaaaaaaaa", "easy"), ("x" * 2000, "long"), ("", "short")]
)
def test_poor_passwords_are_refused_and_the_link_stays_good(store, ana, password, fault):
    link = issue_link(store, ana)
    with pytest.raises(UnfitPassword) as refused:
        sessions.use_link(store, link, password)
    found = refused.value
    assert str(found) == say_in("en", f"password-{fault}", n=len(password), limit=found.limit)
    assert sessions.link_owner(store, link) == "ana"


def test_ones_own_password_changes_with_the_old_one_only(store, ana):
    person = sessions.person_of(store, sessions.who(store, sessions.log_in(store, ana, PASSWORD)))
    with pytest.raises(NotAllowed):
        sessions.change_password(store, person, old="wrong", new="a brand new password")
    sessions.change_password(store, person, old=PASSWORD, new="a brand new password")
    assert sessions.person_of(store, person.login_id) is not None


def test_the_retired_and_the_machines_stay_outside(store, ana):
    token = sessions.log_in(store, ana, PASSWORD)
    login = sessions.who(store, token)
    with store.write() as connection:
        connection.execute(update(tables.rater).values(state=RaterState.RETIRED.value))
    assert sessions.log_in(store, ana, PASSWORD) is None
    assert sessions.person_of(store, login) is None
    add_account(store, "judge", kind=RaterKind.MODEL)
    with pytest.raises(InvalidInput, match="only people log in"):
        sessions.set_password(store, "judge", PASSWORD)


def test_many_failures_make_one_wait_and_a_person_is_not_shut_out_from_elsewhere():
    now = [0.0]
    attempts = Attempts(window_seconds=100, clock=lambda: now[0], limits={"pair": 3, "address": 5, "name": 9})
    for _ in range(3):
        assert attempts.seconds_to_wait("ana", "here") == 0
        attempts.failed("ana", "here")
    assert attempts.seconds_to_wait("ana", "here") == 100
    assert attempts.seconds_to_wait("ana", "elsewhere") == 0
    assert attempts.seconds_to_wait("bob", "here") == 0
    for _ in range(2):
        attempts.failed("bob", "here")
    assert attempts.seconds_to_wait("eve", "here") > 0
    now[0] = 100.0
    assert attempts.seconds_to_wait("ana", "here") == 0
