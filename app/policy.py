"""Who may do what: pure predicates over roles. The page, the command line and any API ask the same ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from app.domain import RaterState, Role


class Action(StrEnum):
    """What can be done on the platform, as far as permission is concerned."""

    JUDGE = "judge comparisons"
    SEE_OWN_WORK = "see one's own work"
    PUBLISH_RUBRIC = "publish rubrics"
    REVIEW = "review attempts"
    ADJUDICATE = "adjudicate"
    MANAGE_RATERS = "manage raters and gold"
    SEE_QUALITY = "see quality reports"
    MANAGE_CAMPAIGN = "manage campaigns"
    IMPORT = "import comparisons"
    BUILD_SNAPSHOT = "build snapshots"
    TRAIN = "train reward models"
    MANAGE_PEOPLE = "manage people"
    SEE_EVENTS = "see jobs and events"


ALLOWED: Mapping[Action, frozenset[Role]] = {
    Action.JUDGE: frozenset({Role.RATER}),
    Action.SEE_OWN_WORK: frozenset({Role.RATER}),
    Action.PUBLISH_RUBRIC: frozenset({Role.DESIGNER}),
    Action.REVIEW: frozenset({Role.REVIEWER, Role.DESIGNER}),
    Action.ADJUDICATE: frozenset({Role.DESIGNER}),
    Action.MANAGE_RATERS: frozenset({Role.DESIGNER}),
    Action.SEE_QUALITY: frozenset({Role.DESIGNER, Role.RESEARCHER}),
    Action.MANAGE_CAMPAIGN: frozenset({Role.RESEARCHER}),
    Action.IMPORT: frozenset({Role.RESEARCHER}),
    Action.BUILD_SNAPSHOT: frozenset({Role.RESEARCHER}),
    Action.TRAIN: frozenset({Role.RESEARCHER}),
    Action.MANAGE_PEOPLE: frozenset(),
    Action.SEE_EVENTS: frozenset(),
}
"""Roles that permit an action; an admin may do everything but judge."""

MAY_WORK = frozenset({RaterState.QUALIFIED, RaterState.WARNED})
"""States in which a rater gets work; the others wait for training, an exam or a person."""


def may(roles: Collection[Role], action: Action) -> bool:
    """Whether someone with these roles may do this. An admin may do everything but judge, unless also a rater."""
    if action is not Action.JUDGE and Role.ADMIN in roles:
        return True
    return not ALLOWED[action].isdisjoint(roles)


def may_work(state: RaterState) -> bool:
    """Whether a rater in this state is given comparisons."""
    return state in MAY_WORK
