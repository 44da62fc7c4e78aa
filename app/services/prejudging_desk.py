"""Pre-judging as a researcher asks for it: a job that scores the campaign, what became of it, labels taken back."""

from __future__ import annotations

from pathlib import Path

from app.errors import InvalidInput
from app.policy import Action
from app.services import prejudging
from app.services.cycles import Cycle, list_cycles
from app.services.job_board import JobRequest
from app.services.model_shelf import TrainedModel, missing_packages
from app.services.permission import require_in
from app.services.prejudging import Prejudging
from app.services.sessions import Person
from app.store.engine import Store


def request_prejudging(
    person: Person,
    campaign_name: str,
    model: TrainedModel,
    *,
    max_error: float,
    audit_rate: float,
    data_directory: Path,
) -> JobRequest:
    """Score every comparison of the campaign with a model, then let its sure labels stand.

    Raises:
        NotAllowed: the person may not train models on the campaign.
        InvalidInput: a share out of range, or a package is missing.
    """
    campaign = require_in(person, Action.TRAIN, campaign_name)
    for name, share in (("max_error", max_error), ("audit_rate", audit_rate)):
        if not 0 < share < 1:
            raise InvalidInput(f"{name} is {share:g}: use a share above 0 and below 1.")
    missing = missing_packages(model.run["base"]["name"])
    if missing:
        raise InvalidInput(missing)
    folder = data_directory / "prejudging" / campaign.name / str(model.run["run_id"])
    arguments = {
        "campaign": campaign.name,
        "model": str(model.directory),
        "folder": str(folder),
        "max_error": max_error,
        "audit_rate": audit_rate,
    }
    return JobRequest("prejudge", person.name, campaign, arguments)


def batches_for(store: Store, person: Person, campaign_name: str) -> list[Prejudging]:
    """Every batch of a campaign, newest first.

    Raises:
        NotAllowed: the person may not train models on the campaign.
    """
    campaign = require_in(person, Action.TRAIN, campaign_name)
    return prejudging.list_batches(store, campaign.name)


def withdraw_for(store: Store, person: Person, campaign_name: str, batch_id: int, *, reason: str) -> int:
    """Let no label of a batch stand any more.

    Raises:
        NotAllowed: the person may not train models on the campaign.
        NotFound, InvalidInput, Conflict: as `prejudging.withdraw`.
    """
    campaign = require_in(person, Action.TRAIN, campaign_name)
    return prejudging.withdraw(store, campaign.name, batch_id, reason=reason, actor=person.name)


def cycles_for(store: Store, person: Person, campaign_name: str) -> list[Cycle]:
    """The cycles of a campaign, oldest first.

    Raises:
        NotAllowed: the person may not train models on the campaign.
    """
    campaign = require_in(person, Action.TRAIN, campaign_name)
    return list_cycles(store, campaign.name)
