"""Ready accounts for each role, so that somebody who tries Steelyard can be each of them."""

from __future__ import annotations

import secrets

from app.demo.sample import NAME
from app.domain import Role
from app.errors import AlreadyExists
from app.services.campaigns import add_member
from app.services.database import Store
from app.services.people import add_account
from app.services.sessions import set_password


def demo_logins(store: Store) -> dict[str, str]:
    """One account per role, named after it and a member of the sample campaign, each with a fresh password.

    Returns:
        name -> password; only their hashes are stored.
    """
    logins = {}
    for role in Role:
        try:
            add_account(store, role.value, roles=[role], actor="demo")
        except AlreadyExists:
            pass
        else:
            add_member(store, NAME, role.value, roles=[role], actor="demo")
        logins[role.value] = secrets.token_urlsafe(9)
        set_password(store, role.value, logins[role.value], actor="demo")
    return logins
