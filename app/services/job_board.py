"""Long work as people see and ask for it: what may be asked, by whom, and how far it is."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.domain import Campaign, Job, JobState, Role
from app.errors import Conflict, InvalidInput, NotAllowed
from app.policy import Action, may
from app.services import job_rows
from app.services.permission import require_admin, require_anywhere, require_in
from app.services.sessions import Person
from app.store.engine import Store

ACTIONS: Mapping[str, Action] = {
    "import": Action.IMPORT,
    "export": Action.MANAGE_CAMPAIGN,
    "report": Action.SEE_QUALITY,
    "simulate": Action.PUBLISH_RUBRIC,
    "snapshot": Action.BUILD_SNAPSHOT,
    "train": Action.TRAIN,
    "prejudge": Action.TRAIN,
    "rubric_draft": Action.PUBLISH_RUBRIC,
}
"""What one must be allowed to do to ask for a kind of job, follow it and stop it: in its campaign, where it has one."""


@dataclass(frozen=True)
class JobRequest:
    """Long work that somebody may ask for: `app.jobs.submit` puts it into the queue."""

    kind: str
    actor: str
    campaign: Campaign | None
    arguments: Mapping[str, Any] = field(default_factory=dict)


def request_import(
    person: Person, campaign_name: str, *, path: Path, format_name: str = "auto", n_lines: int = 0
) -> JobRequest:
    """Import a file that was uploaded.

    Raises:
        NotAllowed: the person may not import into the campaign.
    """
    campaign = require_in(person, Action.IMPORT, campaign_name)
    arguments = {"campaign": campaign.name, "path": str(path), "format": format_name, "n_lines": n_lines}
    return JobRequest("import", person.name, campaign, arguments)


def request_export(person: Person, campaign_name: str, *, data_directory: Path) -> JobRequest:
    """Write the whole campaign as native JSONL, to download.

    Raises:
        NotAllowed: the person may not manage the campaign.
    """
    campaign = require_in(person, Action.MANAGE_CAMPAIGN, campaign_name)
    output = data_directory / "exports" / secrets.token_hex(8) / f"{campaign.name}.jsonl"
    return JobRequest("export", person.name, campaign, {"campaign": campaign.name, "output": str(output)})


def request_simulation(
    person: Person, campaign_name: str, *, round_name: str, n_raters: int, n_judgments: int, data_directory: Path
) -> JobRequest:
    """Let simulated raters judge in a round; their votes say what they are, and count only where the kind does.

    Raises:
        NotAllowed: the person may not publish rubrics in the campaign.
        InvalidInput: a number is out of range.
    """
    campaign = require_in(person, Action.PUBLISH_RUBRIC, campaign_name)
    if not (1 <= n_raters <= 50 and 1 <= n_judgments <= 5_000):
        raise InvalidInput(f"{n_raters} raters and {n_judgments} judgments: use 1 to 50 and 1 to 5,000.")
    log = data_directory / "simulations" / f"{secrets.token_hex(8)}.log"
    numbers = {"raters": n_raters, "judgments": n_judgments, "seed": secrets.randbelow(1_000_000)}
    arguments = {"campaign": campaign.name, "round": round_name, **numbers, "log": str(log)}
    return JobRequest("simulate", person.name, campaign, arguments)


def own_jobs(store: Store, person: Person, kind: str, *, limit: int = 20) -> list[Job]:
    """The latest jobs of one kind that the person asked for and that belong to no campaign, newest first.

    Raises:
        NotAllowed: the person may not ask for such jobs anywhere.
    """
    require_anywhere(person, ACTIONS[kind])
    found = job_rows.list_jobs(store, kind=kind, limit=200)
    return [job for job in found if job.actor == person.name and job.campaign_id is None][:limit]


def jobs_of(store: Store, person: Person, campaign_name: str, kind: str, *, limit: int = 20) -> list[Job]:
    """The latest jobs of one kind in a campaign, newest first.

    Raises:
        NotAllowed: the person may not ask for such jobs there.
    """
    campaign = require_in(person, ACTIONS[kind], campaign_name)
    return job_rows.list_jobs(store, campaign_id=campaign.id, kind=kind, limit=limit)


def all_jobs(
    store: Store, person: Person, *, kind: str | None = None, state: JobState | None = None, limit: int = 200
) -> list[Job]:
    """The latest jobs of all campaigns, newest first.

    Raises:
        NotAllowed: the person is no admin.
    """
    require_admin(person)
    return job_rows.list_jobs(store, kind=kind, state=state, limit=limit)


def find_job(store: Store, person: Person, job_id: int) -> Job:
    """One job that the person may follow.

    Raises:
        NotFound: there is none with this number.
        NotAllowed: it is none of theirs.
    """
    job = job_rows.find(store, job_id)
    _require(person, job)
    return job


def cancel(store: Store, person: Person, job_id: int) -> Job:
    """Ask a job to stop.

    Raises:
        NotFound: there is none with this number.
        NotAllowed: the person may not ask for such jobs in its campaign.
        Conflict: it has ended.
    """
    _require(person, job_rows.find(store, job_id))
    return job_rows.request_cancel(store, job_id, actor=person.name)


def request_again(store: Store, person: Person, job_id: int) -> JobRequest:
    """The same work once more: training goes on from its last checkpoint, an import finds what it knows already.

    Raises:
        NotFound: there is none with this number.
        NotAllowed: the person may not ask for such jobs in its campaign.
        Conflict: it has not ended.
        InvalidInput: its upload is gone, so the file must be uploaded again.
    """
    job = job_rows.find(store, job_id)
    campaign = _require(person, job)
    if not job.has_ended:
        raise Conflict(f"Job {job_id} is {job.state.value}: wait for its end, or cancel it first.")
    if job.kind == "import" and not Path(str(job.arguments["path"])).exists():
        raise InvalidInput(f"The file of job {job_id} is not kept any more: upload it again under Campaigns.")
    arguments = {key: value for key, value in job.arguments.items() if key != "actor"}
    return JobRequest(job.kind, person.name, campaign, arguments)


def _require(person: Person, job: Job) -> Campaign | None:
    """The job's campaign, where the person may ask for such jobs in it; an admin may for every job.

    A job without a campaign is that of whoever asked for it.
    """
    is_admin = Role.ADMIN in person.account.roles
    action = ACTIONS.get(job.kind)
    for membership in person.memberships:
        is_allowed = is_admin or (action is not None and may(membership.roles, action))
        if is_allowed and membership.campaign.id == job.campaign_id:
            return membership.campaign
    is_own = job.campaign_id is None and job.actor == person.name and action is not None and person.may(action)
    if is_admin or is_own:
        return None
    raise NotAllowed(f"Job {job.id} belongs to work that {person.name} has no part in.")
