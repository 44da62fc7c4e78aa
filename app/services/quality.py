"""What the quality pages read: reports kept until somebody votes again, so that a page opens at once.

A kept report is a JSON file that says up to which event it goes and which code computed it, so that an upgrade never
shows a stale shape; its name stands for database, campaign, kinds and slices. Small campaigns are
computed when a page asks; large ones in a job, and the page shows the kept report, saying as of when, until that is
done. The agreement report rests on counts (`counting`), into which new votes are patched at once.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from app.domain import Campaign, Job, JobState, RaterKind, RoundPurpose, utc_now
from app.errors import InvalidInput
from app.policy import Action
from app.services import adjudicating, bridging, counting, job_rows, overturned, reporting
from app.services.counting import NOT_EXAM
from app.services.lookup import find_account, find_campaign, require, rounds_of
from app.services.vote_events import last_vote_event
from app.stats.agreement_drift import agreement_drifts
from app.stats.camps import camps_document
from app.stats.reports import REPORTS
from app.stats.tension_examples import tension_examples
from app.store import tables
from app.store.engine import Store
from app.store.queries import adjudications, comparison_facts
from app.store.visibility import visible
from app.store.votes import judgments_frame

SMALL = 3_000
"""Up to so many judgments a report takes well under a second, and is computed when it is asked for."""

SLICED_AT_ONCE = ("bias", "models")
"""Reports without resampling: even their slices are quick."""

MAX_SLICES = 40
"""A `meta` key with more values than this is no slice but an identity."""

JOB_KIND = "report"

PATCHED = "agreement"
"""The report that rests on counts alone: new votes are patched in at once, however large the campaign."""


REPORTING_CODE = ("app.stats", "app.services", "app.store", "rubrics", "app.domain")
"""The packages and modules on which a report depends."""


@dataclass(frozen=True)
class KeptReport:
    """A report and what it rests on.

    Attributes:
        document: as `steelyard report NAME --json` prints it; with slices, value of the key -> document.
        as_of_event: the last event that it takes in.
        as_of: when that was.
        made_at: when it was computed.
        is_current: whether nothing happened since that would change it.
    """

    document: Mapping[str, Any]
    as_of_event: int
    as_of: datetime
    made_at: datetime
    is_current: bool


@dataclass(frozen=True)
class Wanted:
    """Which report: its name, of which kinds of rater, by which `meta` key and of which round (empty for all)."""

    name: str
    campaign: str
    kinds: tuple[str, ...]
    by: str = ""
    round: str = ""

    def arguments(self, event: int) -> dict[str, Any]:
        """The same as the arguments of a job; another version of the code makes another report."""
        what = {"name": self.name, "campaign": self.campaign, "kinds": list(self.kinds), "by": self.by}
        return {**what, "round": self.round, "event": event, "code": code()}

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Wanted:
        """The report that a job's arguments name."""
        kinds = tuple(arguments["kinds"])
        return cls(arguments["name"], arguments["campaign"], kinds, arguments["by"], arguments.get("round", ""))


def want(
    store: Store,
    name: str,
    campaign_name: str,
    *,
    kinds: Collection[RaterKind] | None = None,
    by: str = "",
    round_name: str = "",
) -> Wanted:
    """Name a report; the campaign's counted kinds by default.

    Raises:
        NotFound: no such campaign.
        InvalidInput: no such report.
    """
    if name not in MAKERS:
        raise InvalidInput(f"There is no report {name!r}; the reports are {', '.join(MAKERS)}.")
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
    counted = tuple(sorted(kind.value for kind in kinds or campaign.counted_kinds))
    return Wanted(name, campaign.name, counted, by, round_name)


def find(store: Store, actor_name: str, wanted: Wanted, *, folder: Path) -> KeptReport | None:
    """The report as of now where it is kept or quickly made; else the last one kept; None where there is none yet.

    Args:
        store: the database.
        actor_name: who looks.
        wanted: which report.
        folder: where reports are kept.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not see quality reports here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, wanted.campaign)
        require(connection, find_account(connection, actor_name), Action.SEE_QUALITY, campaign=campaign)
        event = last_vote_event(connection, campaign.id)
        kept = _kept(_file(folder, store, campaign, wanted), event=event)
        is_quick = not wanted.by or wanted.name in SLICED_AT_ONCE
        if kept is not None and kept.is_current:
            return kept
        if not (is_quick and _is_small(connection, campaign.id)):
            return _patched(connection, campaign, wanted, _file(folder, store, campaign, wanted)) or kept
    return make(store, wanted, folder=folder)


def make(store: Store, wanted: Wanted, *, folder: Path) -> KeptReport:
    """Compute a report and keep it.

    Raises:
        NotFound: no such campaign.
        InvalidInput: the slices' key is unknown.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, wanted.campaign)
        event = last_vote_event(connection, campaign.id)
        file = _file(folder, store, campaign, wanted)
        if wanted.name == PATCHED and not wanted.by:
            document = counting.make_agreement(connection, campaign.id, **_counts(wanted, file)).to_json()
            return _keep(connection, campaign, document, event=event, file=file)
    document = MAKERS[wanted.name](store, wanted)
    with store.read() as connection:
        return _keep(connection, campaign, document, event=event, file=file)


def find_job(store: Store, wanted: Wanted) -> Job | None:
    """The newest job for this report; None where there is none, or it is done and votes have come since.

    A job at work counts whatever event it was asked for: while people vote, one job runs at a time. A failed one counts
    until somebody asks again.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, wanted.campaign)
        event = last_vote_event(connection, campaign.id)
    for job in job_rows.list_jobs(store, campaign_id=campaign.id, kind=JOB_KIND):
        asked_for = job.arguments.get("event", 0)
        if all(job.arguments.get(key) == value for key, value in wanted.arguments(asked_for).items()):
            return None if job.state is JobState.DONE and asked_for != event else job
    return None


def job_arguments(store: Store, wanted: Wanted) -> tuple[dict[str, Any], int]:
    """What a job needs to make this report as of now, and the campaign's number."""
    with store.read() as connection:
        campaign = find_campaign(connection, wanted.campaign)
        return wanted.arguments(last_vote_event(connection, campaign.id)), campaign.id


def decided_comparisons(store: Store, campaign_name: str) -> set[tuple[str, str | None]]:
    """(comparison, round) of every decision, as of now: decisions change no report, so they are read apart."""
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        return {(one.comparison_id, one.adjudication.round) for one in adjudications(connection, campaign.id)}


def open_case(store: Store, actor_name: str, campaign_name: str, comparison_id: str) -> adjudicating.Case:
    """`adjudicating.open_case` for somebody who may see every vote on a comparison.

    Raises:
        NotFound: no such account, campaign or comparison.
        NotAllowed: the account may not see quality reports here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.SEE_QUALITY, campaign=campaign)
    return adjudicating.open_case(store, campaign_name, comparison_id)


@cache
def code() -> str:
    """A hash of the code that makes reports: what one version keeps, another does not show.

    Statistics count what the store reads and what services prepare, under rubrics that say what an answer is worth; a
    change in any of these may change a report, so all of them are hashed. (One pass over small files, once a process.)
    """
    digest = hashlib.sha256()
    for name in REPORTING_CODE:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        folders = [Path(place) for place in spec.submodule_search_locations or ()]
        files = [path for folder in folders for path in sorted(folder.glob("*.py"))] or [Path(str(spec.origin))]
        for path in files:
            digest.update(f"{name}/{path.name}".encode() + path.read_bytes())
    return digest.hexdigest()


# --- what can be made ----------------------------------------------------------------------------------------------


def _report(store: Store, wanted: Wanted) -> dict[str, Any]:
    """One of the reports of the command line, whole or in slices."""
    kinds = [RaterKind(kind) for kind in wanted.kinds]
    if not wanted.by:
        whole = reporting.campaign_report(
            store, wanted.name, wanted.campaign, kinds=kinds, round_name=wanted.round or None
        )
        return whole.to_json()
    slices = reporting.sliced_report(store, wanted.name, wanted.campaign, by=wanted.by, kinds=kinds)
    return {value: report.to_json() for value, report in slices.items()}


def _contested(store: Store, wanted: Wanted) -> dict[str, Any]:
    """The contested comparisons, most divided first, then those with a tension dispute or a report."""
    kinds = [RaterKind(kind) for kind in wanted.kinds]
    rows = adjudicating.contested(store, wanted.campaign, kinds=kinds)
    rows = sorted(rows, key=lambda row: (row.share, -row.n_votes, row.comparison_id))
    return {
        "contested": [
            {"comparison_id": r.comparison_id, "round": r.round, "votes": r.votes, "n_votes": r.n_votes} for r in rows
        ],
        "disputed": [
            {"comparison_id": r.comparison_id, "why": r.why}
            for r in adjudicating.disputed(store, wanted.campaign)
            if r.comparison_id not in {row.comparison_id for row in rows}
        ],
    }


def _examples(store: Store, wanted: Wanted) -> dict[str, Any]:
    """Comparisons on which each pair of criteria pulls apart."""
    with store.read() as connection:
        campaign = find_campaign(connection, wanted.campaign)
        votes = judgments_frame(connection, campaign.id, kinds=wanted.kinds, purposes=NOT_EXAM)
    return tension_examples(votes, kinds=wanted.kinds)


def _bridge(store: Store, wanted: Wanted) -> dict[str, Any]:
    """What moved between two rubric versions."""
    kinds = [RaterKind(kind) for kind in wanted.kinds]
    return bridging.report_bridge(store, wanted.campaign, round_name=wanted.round or None, kinds=kinds).to_json()


def _camps(store: Store, wanted: Wanted) -> dict[str, Any]:
    """How each rater resolves the tensions."""
    with store.read() as connection:
        campaign = find_campaign(connection, wanted.campaign)
        votes = judgments_frame(connection, campaign.id, kinds=wanted.kinds, purposes=NOT_EXAM)
    return camps_document(votes, kinds=wanted.kinds)


def _inbox(store: Store, wanted: Wanted) -> dict[str, Any]:
    """What the votes bring to the designer's inbox: criteria of the newest main round on which agreement drops."""
    with store.read() as connection:
        campaign = find_campaign(connection, wanted.campaign)
        votes = judgments_frame(connection, campaign.id, kinds=wanted.kinds, purposes=NOT_EXAM)
        mains = [one.name for one in rounds_of(connection, campaign.id) if one.purpose is RoundPurpose.MAIN]
    judged = [name for name in mains if (votes["round"] == name).any()]
    newest = votes[votes["round"] == judged[-1]] if judged else votes.iloc[:0]
    drifts = [one for one in agreement_drifts(newest, kinds=wanted.kinds) if one.has_dropped]
    return {"drift": [{**asdict(one), "change": one.change.to_json()} for one in drifts]}


def _slices(store: Store, wanted: Wanted) -> dict[str, Any]:
    """`meta` keys by which a report can be sliced: key -> number of its values."""
    values: dict[str, set[str]] = {}
    with store.read() as connection:
        for fact in comparison_facts(connection, find_campaign(connection, wanted.campaign).id):
            for key, value in fact.meta.items():
                found = values.setdefault(key, set())
                if len(found) <= MAX_SLICES:
                    found.add(str(value))
    return {"keys": {key: len(found) for key, found in sorted(values.items()) if 2 <= len(found) <= MAX_SLICES}}


def _overturned(store: Store, wanted: Wanted) -> dict[str, Any]:
    """Where people overturn models that judged before them."""
    return overturned.overturned(store, wanted.campaign)


MAKERS: Mapping[str, Callable[[Store, Wanted], dict[str, Any]]] = {
    **dict.fromkeys(REPORTS, _report),
    "bridge": _bridge,
    "camps": _camps,
    "contested": _contested,
    "examples": _examples,
    "inbox": _inbox,
    "overturned": _overturned,
    "slices": _slices,
}
"""Every report that is kept: those of the command line, and those that only pages need."""


# --- keeping -------------------------------------------------------------------------------------------------------


def _is_small(connection: Connection, campaign_id: int) -> bool:
    """Whether a campaign has at most `SMALL` judgments; counts no further."""
    judgment, assignment, round_ = tables.judgment, tables.assignment, tables.round_
    some = (
        select(judgment.c.id)
        .join(assignment, assignment.c.id == judgment.c.assignment_id)
        .join(round_, round_.c.id == assignment.c.round_id)
        .where(round_.c.campaign_id == campaign_id, visible(judgment.c.batch_id))
        .limit(SMALL + 1)
    )
    return (connection.scalar(select(func.count()).select_from(some.subquery())) or 0) <= SMALL


def _file(folder: Path, store: Store, campaign: Campaign, wanted: Wanted) -> Path:
    """Where a report is kept."""
    database = store.url.render_as_string(hide_password=True)
    identity = (database, campaign.name, campaign.created_at.isoformat(), wanted.kinds, wanted.by, wanted.round)
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:24]
    return folder / f"{wanted.name}-{digest}.json"


def _counts(wanted: Wanted, file: Path) -> dict[str, Any]:
    """The arguments of `counting` for a report that is kept in `file`."""
    return {"kinds": wanted.kinds, "file": file.with_suffix(".npz"), "code": code()}


def _patched(connection: Connection, campaign: Campaign, wanted: Wanted, file: Path) -> KeptReport | None:
    """The report with the votes since patched in; None where it takes a job."""
    if wanted.name != PATCHED or wanted.by:
        return None
    event = last_vote_event(connection, campaign.id)
    report = counting.patched_agreement(connection, campaign.id, **_counts(wanted, file))
    return None if report is None else _keep(connection, campaign, report.to_json(), event=event, file=file)


def _keep(
    connection: Connection, campaign: Campaign, document: Mapping[str, Any], *, event: int, file: Path
) -> KeptReport:
    """Keep a document that takes in all votes up to an event."""
    at = connection.scalar(select(tables.event.c.at).where(tables.event.c.id == event)) or campaign.created_at
    times = {"at": at.isoformat(), "made_at": utc_now().isoformat()}
    content = {"document": document, "event": event, "code": code(), **times}
    written = json.dumps(content, allow_nan=False).encode()
    counting.write_whole(file, lambda opened: opened.write(written))
    kept = _kept(file, event=event)
    assert kept is not None
    return kept


def _kept(file: Path, *, event: int) -> KeptReport | None:
    try:
        modified = file.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    content = _load(file, modified)
    if content["code"] != code():
        return None
    return KeptReport(
        document=content["document"],
        as_of_event=content["event"],
        as_of=datetime.fromisoformat(content["at"]),
        made_at=datetime.fromisoformat(content["made_at"]),
        is_current=content["event"] >= event,
    )


@lru_cache(maxsize=64)
def _load(file: Path, _modified: int) -> dict[str, Any]:
    """A kept file, read once per process and version; nobody changes what it gives."""
    return json.loads(file.read_text(encoding="utf-8"))
