"""Who may do what, for use cases that know the person: the same predicates as everywhere, asked once at the top."""

from __future__ import annotations

from app.domain import Campaign, Role
from app.errors import NotAllowed
from app.policy import Action
from app.services.sessions import Person


def require_in(person: Person, action: Action, campaign_name: str) -> Campaign:
    """The campaign, where the person may do this in it.

    Raises:
        NotAllowed: they may not, or there is no such campaign: who has no role in it does not learn which.
    """
    for campaign in person.campaigns_for(action):
        if campaign.name == campaign_name:
            return campaign
    raise NotAllowed(f"{person.name} may not {action.value} in campaign {campaign_name!r}. Ask an admin for the role.")


def require_anywhere(person: Person, action: Action) -> None:
    """Check that the person may do this somewhere.

    Raises:
        NotAllowed: nowhere.
    """
    if not person.may(action):
        raise NotAllowed(f"{person.name} may not {action.value}. Ask an admin for the role.")


def require_admin(person: Person) -> None:
    """Check that the account itself is an admin's; a role in a campaign does not reach beyond it.

    Raises:
        NotAllowed: it is not.
    """
    if Role.ADMIN not in person.account.roles:
        raise NotAllowed(f"{person.name} is no admin. Ask one.")
