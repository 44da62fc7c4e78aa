"""Snapshots: frozen, documented datasets of a campaign."""

from __future__ import annotations

from functools import partial

from app.policy import Action
from app.services import snapshot_shelf
from app.ui.components.page import campaign_header
from app.ui.components.parts import show_parts
from app.ui.components.snapshots.build import show_build
from app.ui.components.snapshots.compare import show_compare
from app.ui.components.snapshots.shelf import show_shelf
from app.ui.session import get_person, get_store

LEAD = "Frozen, documented datasets: immutable, hashed, ready to train on."


def page() -> None:
    """The page."""
    person = get_person()
    campaign = campaign_header("Snapshots", person, Action.BUILD_SNAPSHOT, lead=LEAD)
    if campaign is None:
        return
    snapshots = snapshot_shelf.list_snapshots(get_store(), person, campaign.name)
    show_parts(
        {
            "Shelf": partial(show_shelf, snapshots),
            "Build": partial(show_build, campaign),
            "Compare": partial(show_compare, snapshots),
        },
        key="snapshots",
    )
