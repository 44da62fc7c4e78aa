"""Who may do what."""

from __future__ import annotations

import pytest

from app.domain import RaterState, Role
from app.policy import ALLOWED, Action, may, may_work

ROLES_OF = {
    Action.JUDGE: {Role.RATER},
    Action.SEE_OWN_WORK: {Role.RATER, Role.ADMIN},
    Action.PUBLISH_RUBRIC: {Role.DESIGNER, Role.ADMIN},
    Action.REVIEW: {Role.REVIEWER, Role.DESIGNER, Role.ADMIN},
    Action.ADJUDICATE: {Role.DESIGNER, Role.ADMIN},
    Action.MANAGE_RATERS: {Role.DESIGNER, Role.ADMIN},
    Action.SEE_QUALITY: {Role.DESIGNER, Role.RESEARCHER, Role.ADMIN},
    Action.MANAGE_CAMPAIGN: {Role.RESEARCHER, Role.ADMIN},
    Action.IMPORT: {Role.RESEARCHER, Role.ADMIN},
    Action.BUILD_SNAPSHOT: {Role.RESEARCHER, Role.ADMIN},
    Action.TRAIN: {Role.RESEARCHER, Role.ADMIN},
    Action.MANAGE_PEOPLE: {Role.ADMIN},
    Action.SEE_EVENTS: {Role.ADMIN},
}


def test_every_action_is_decided() -> None:
    assert ALLOWED.keys() == ROLES_OF.keys() == set(Action)


@pytest.mark.parametrize("action", Action)
def test_each_role_alone(action: Action) -> None:
    assert {role for role in Role if may([role], action)} == ROLES_OF[action]


def test_roles_add_up_and_no_role_permits_nothing() -> None:
    assert not any(may([], action) for action in Action)
    assert may([Role.ADMIN, Role.RATER], Action.JUDGE)
    assert not may([Role.ADMIN, Role.RESEARCHER], Action.JUDGE)


def test_who_gets_work() -> None:
    assert {state for state in RaterState if may_work(state)} == {RaterState.QUALIFIED, RaterState.WARNED}
