"""People: add, one-time links shown once, roles, states, web sessions."""

from __future__ import annotations

import re

import pytest

from app.domain import RaterState, Role
from app.errors import Conflict, InvalidInput, NotAllowed
from app.services import administration, sessions
from app.services.campaigns import add_member
from tests.ui.speaking import button, field, person, words


def link_token(at) -> str | None:
    """The token of the link on the page."""
    found = [re.search(r"/password/(\S+)", str(code.value)) for code in at.code]
    return next((match[1] for match in found if match), None)


def test_a_person_is_added_and_the_link_is_shown_once(seeded, open_page):
    at = open_page("people", login=seeded.log_in("admin"))
    field(at, "text_input", "Name").set_value("nora")
    field(at, "multiselect", "Member of these campaigns, with the same roles").set_value(["sample"])
    button(at, "Add person").click().run()
    token = link_token(at)
    assert token is not None
    assert sessions.link_owner(seeded.store, token) == "nora"
    at.run()
    assert link_token(at) is None
    sessions.use_link(seeded.store, token, "correct horse battery")
    nora = person(seeded, "nora")
    assert [one.campaign.name for one in nora.memberships] == ["sample"]
    assert nora.roles == {Role.RATER}


def test_a_new_link_for_a_forgotten_password(seeded, open_page):
    at = open_page("people", login=seeded.log_in("admin"))
    at.selectbox(key="person-choice").set_value("rater").run()
    button(at, "Make a one-time link").click().run()
    assert sessions.link_owner(seeded.store, link_token(at)) == "rater"


def test_roles_and_state_change_and_web_sessions_end(seeded, open_page):
    login = seeded.log_in("rater")
    at = open_page("people", login=seeded.log_in("admin"))
    at.selectbox(key="person-choice").set_value("rater").run()
    at.multiselect(key="roles-rater").set_value([Role.RATER, Role.DESIGNER]).run()
    button(at, "Save roles").click().run()
    assert Role.DESIGNER in person(seeded, "rater").account.roles
    button(at, "End 1 web session").click().run()
    assert sessions.person_of(seeded.store, login) is None
    at.selectbox(key="state-rater").set_value(RaterState.RETIRED).run()
    button(at, "Save state").click().run()
    assert sessions.log_in(seeded.store, "rater", "correct horse battery") is None


def test_the_last_admin_stays(empty):
    admin = person(empty, "admin")
    with pytest.raises(Conflict, match="the only admin"):
        administration.set_roles(empty.store, admin, "admin", roles=[Role.RATER])
    with pytest.raises(Conflict, match="the only admin"):
        administration.set_state(empty.store, admin, "admin", state=RaterState.RETIRED)
    administration.set_roles(empty.store, admin, "researcher", roles=[Role.ADMIN])
    administration.set_roles(empty.store, admin, "admin", roles=[Role.RATER])
    with pytest.raises(NotAllowed):
        administration.list_people(empty.store, person(empty, "admin"))


def test_an_admin_keeps_the_web_session_from_which_they_end_their_others(seeded):
    own, other = seeded.log_in("admin"), seeded.log_in("admin")
    admin = sessions.person_of(seeded.store, own)
    assert administration.end_logins(seeded.store, admin, "admin") == 1
    assert sessions.person_of(seeded.store, own) is not None
    assert sessions.person_of(seeded.store, other) is None


def test_machines_get_no_link(seeded):
    names = [row.account.name for row in administration.list_people(seeded.store, person(seeded, "admin"))]
    machine = next(name for name in names if name.startswith("sim-"))
    with pytest.raises(InvalidInput, match="only people log in"):
        administration.reset_link(seeded.store, person(seeded, "admin"), machine)


@pytest.mark.parametrize("name", ["rater", "designer", "researcher"])
def test_services_refuse_everybody_else(seeded, name):
    add_member(seeded.store, "small", name, roles=[Role.ADMIN])  # a role in a campaign makes no admin of the house
    other = person(seeded, name)
    for refused in (
        lambda: administration.list_people(seeded.store, other),
        lambda: administration.add_person(seeded.store, other, "x", roles=[Role.ADMIN]),
        lambda: administration.reset_link(seeded.store, other, "admin"),
        lambda: administration.set_roles(seeded.store, other, name, roles=[Role.ADMIN]),
        lambda: administration.set_state(seeded.store, other, "admin", state=RaterState.RETIRED),
        lambda: administration.end_logins(seeded.store, other, "admin"),
        lambda: administration.logins_of(seeded.store, other, "admin"),
        lambda: administration.list_events(seeded.store, other),
        lambda: administration.event_words(seeded.store, other),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_a_hostile_name_is_refused_in_place(seeded, open_page):
    at = open_page("people", login=seeded.log_in("admin"))
    field(at, "text_input", "Name").set_value("<b>x</b>")
    button(at, "Add person").click().run()
    assert "use letters" in words(at)
    assert link_token(at) is None
    assert field(at, "text_input", "Name").value == "<b>x</b>"  # to be put right, not typed again


def test_the_form_is_empty_again_once_somebody_was_added(seeded, open_page):
    at = open_page("people", login=seeded.log_in("admin"))
    field(at, "text_input", "Name").set_value("nora")
    button(at, "Add person").click().run()
    assert link_token(at) is not None
    assert not field(at, "text_input", "Name").value


def test_an_admin_attaches_a_credential_and_ends_it(seeded, open_page):
    at = open_page("people", login=seeded.log_in("admin"))
    at.selectbox(key="person-choice").set_value("rater").run()
    assert "None. What comparisons require" in words(at)
    [one for one in at.text_input if one.label == "Name"][-1].set_value("physician")
    button(at, "Attach").click().run()
    assert "Say what was seen" in words(at)
    [one for one in at.text_input if one.label == "Name"][-1].set_value("physician")
    field(at, "text_input", "What was seen").set_value("licence 12")
    button(at, "Attach").click().run()
    assert "credential physician: licence 12" in words(at)
    field(at, "text_input", "Why it holds no more").set_value("withdrawn")
    button(at, "End it").click().run()
    assert "credential physician" not in words(at)
