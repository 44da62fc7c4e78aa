"""Gold keys: set, check by what strong raters answer, suspend, keep; who was measured by a bad key is scored again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, insert, select, update

from app.domain import Campaign, GoldKey, RefusedLine, utc_now
from app.errors import NotFound
from app.formats.base import Refusal
from app.formats.lines import json_lines
from app.formats.native_judgments import read_gold
from app.policy import Action
from app.services import events, gold_scoring, probing
from app.services.exam_closing import rescore_exams
from app.services.gold_scoring import answer_class, key_of
from app.services.lookup import find_account, find_campaign, require
from app.services.wording import said
from app.stats.gold_items import ItemCheck, check_items
from app.stats.intervals import wilson
from app.stats.results import Estimate
from app.store import tables
from app.store.engine import Store
from app.store.visibility import visible

_key = tables.gold_key
_comparison = tables.comparison


@dataclass(frozen=True)
class GoldItem:
    """A gold comparison as a designer sees it.

    Attributes:
        comparison_id: its external id.
        accuracy: share of right answers.
        check: what strong raters answer; None before anybody answered.
        suspended_for: why it is suspended; None while it measures.
        teaches: whether it is kept for lessons.
        n_exposed: raters who have seen it.
    """

    comparison_id: str
    key: GoldKey
    answer_class: str
    accuracy: Estimate
    check: ItemCheck | None
    suspended_at: datetime | None
    suspended_for: Mapping[str, Any] | None
    teaches: bool
    n_exposed: int


@dataclass
class GoldImport:
    """What `import_keys` did: keys set, keys known already, and refused lines."""

    n_set: int
    n_known: int
    refused: list[RefusedLine]


def list_gold(store: Store, actor_name: str, campaign_name: str) -> list[GoldItem]:
    """The gold of a campaign: suspect keys first, then suspended ones, then by how often it was answered.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not manage gold here.
    """
    with store.read() as connection:
        campaign = _managed(connection, actor_name, campaign_name)
        items = gold_items(connection, campaign)
    return sorted(
        items,
        key=lambda one: (
            not (one.check and one.check.is_suspect and one.suspended_at is None),
            one.suspended_at is None,
            -(one.check.n if one.check else 0),
            one.comparison_id,
        ),
    )


def check_gold(store: Store, actor_name: str, campaign_name: str, *, suspends: bool) -> tuple[list[str], list[str]]:
    """Look at every key; returns the suspect comparisons, and the raters who pass their exam after suspending them.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not manage gold here.
    """
    with store.write() as connection:
        campaign = _managed(connection, actor_name, campaign_name)
        if suspends:
            return suspend_suspects(connection, campaign, actor=actor_name, now=utc_now())
        found = [one.comparison_id for one in gold_items(connection, campaign) if one.check and one.check.is_suspect]
        return found, []


def suspend_suspects(
    connection: Connection, campaign: Campaign, *, actor: str, now: datetime
) -> tuple[list[str], list[str]]:
    """Suspend the keys that strong raters "fail", and score everybody again, inside the caller's transaction."""
    suspects = [one for one in gold_items(connection, campaign) if one.check and one.check.is_suspect]
    for one in suspects:
        assert one.check is not None
        reason = f"{one.check.n_strong_wrong} of {one.check.n_strong} strong raters answer otherwise"
        figures = {"reason": reason, "p_value": one.check.p_value, "n": one.check.n, "n_right": one.check.n_right}
        _suspend(connection, campaign, one.comparison_id, figures, actor=actor, now=now)
    passed = rescore_exams(connection, campaign, actor="system", now=now) if suspects else []
    return [one.comparison_id for one in suspects], passed


def suspend_key(
    store: Store, actor_name: str, campaign_name: str, comparison_id: str, *, reason: str, now: datetime | None = None
) -> list[str]:
    """Suspend one key by hand; returns the raters who pass their exam now that it does not count.

    Raises:
        NotFound: no such account, campaign or gold comparison.
        NotAllowed: the account may not manage gold here.
        InvalidInput: no reason is given.
    """
    reason = said(reason, "reason", remedy="Say what is wrong with the key.")
    now = now or utc_now()
    with store.write() as connection:
        campaign = _managed(connection, actor_name, campaign_name)
        _suspend(connection, campaign, comparison_id, {"reason": reason}, actor=actor_name, now=now)
        return rescore_exams(connection, campaign, actor="system", now=now)


def keep_key(
    store: Store, actor_name: str, campaign_name: str, comparison_id: str, *, now: datetime | None = None
) -> None:
    """Say that a key is right after all: it measures again, and no answer before now counts against it.

    Raises:
        NotFound: no such account, campaign or gold comparison.
        NotAllowed: the account may not manage gold here.
    """
    with store.write() as connection:
        campaign = _managed(connection, actor_name, campaign_name)
        row_id = _row_id(connection, campaign, comparison_id)
        values = {"suspended_at": None, "suspended_for": None, "kept_at": now or utc_now()}
        connection.execute(update(_key).where(_key.c.comparison_id == row_id).values(**values))
        _record(connection, campaign, comparison_id, "gold.kept", {}, actor=actor_name)


def import_keys(store: Store, actor_name: str, campaign_name: str, file: Path) -> GoldImport:
    """Set gold keys on comparisons that the campaign has: lines `{"id": ..., "gold": {...}}`.

    A key that is there with the same content changes nothing; another one is refused, because raters were measured by
    the first. Whole comparisons with a key come in by the import of the campaign.

    Raises:
        NotFound: no such account, campaign or file.
        NotAllowed: the account may not manage gold here.
    """
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    result = GoldImport(0, 0, [])
    with store.write() as connection:
        campaign = _managed(connection, actor_name, campaign_name)
        for number, row in json_lines(file):
            if isinstance(row, RefusedLine):
                result.refused.append(row)
                continue
            try:
                is_new = _set_key(connection, campaign, row)
            except Refusal as refusal:
                result.refused.append(RefusedLine(number, refusal.field, refusal.reason))
            else:
                result.n_set, result.n_known = result.n_set + is_new, result.n_known + (not is_new)
        detail = {"n_set": result.n_set, "n_known": result.n_known, "n_refused": len(result.refused)}
        _record(connection, campaign, "", "gold.imported", detail, actor=actor_name)
    return result


def _set_key(connection: Connection, campaign: Campaign, row: Mapping[str, Any]) -> bool:
    """Set the key of one line; False where it is there already.

    Raises:
        Refusal: the line, its comparison or its key is wrong.
    """
    name = row.get("id")
    if not isinstance(name, str) or "gold" not in row:
        raise Refusal("id" if not isinstance(name, str) else "gold", "is missing: write id and gold")
    here = (_comparison.c.campaign_id == campaign.id) & (_comparison.c.external_id == name)
    row_id = connection.scalar(select(_comparison.c.id).where(here, visible(_comparison.c.batch_id)))
    if row_id is None:
        raise Refusal("id", f"{name!r} is no comparison of the campaign: import it first")
    slot = tables.completion.c.slot
    slots = connection.scalars(select(slot).where(tables.completion.c.comparison_id == row_id).order_by(slot))
    key = read_gold(row["gold"], tuple(slots))
    known = connection.execute(select(_key).where(_key.c.comparison_id == row_id)).first()
    if known is not None:
        if key_of(known) != key:
            raise Refusal("gold", f"{name!r} has another key: suspend it, and give the new one to another comparison")
        return False
    values = {
        "comparison_id": row_id,
        "accepted": list(key.accepted),
        "criteria": dict(key.criteria),
        "explanation": key.explanation,
        "distribution": None if key.distribution is None else dict(key.distribution),
    }
    connection.execute(insert(_key), values)
    return True


def gold_items(connection: Connection, campaign: Campaign) -> list[GoldItem]:
    """Every gold comparison of a campaign with what its answers say, inside a transaction of the caller."""
    checks, counts = _checks(connection, campaign)
    exposure = {row.id: row.n_raters for row in probing.exposures(connection, campaign.id)}
    rows = connection.execute(
        select(_key, _comparison.c.external_id)
        .join(_comparison, _comparison.c.id == _key.c.comparison_id)
        .where(_comparison.c.campaign_id == campaign.id, visible(_comparison.c.batch_id))
    )
    return [
        GoldItem(
            comparison_id=row.external_id,
            key=key_of(row),
            answer_class=answer_class(key_of(row)),
            accuracy=wilson(*counts.get(row.comparison_id, (0, 0))),
            check=checks.get(row.comparison_id),
            suspended_at=row.suspended_at,
            suspended_for=row.suspended_for,
            teaches=probing.teaches(row.external_id, bool(row.explanation)),
            n_exposed=exposure.get(row.comparison_id, 0),
        )
        for row in rows
    ]


def _checks(connection: Connection, campaign: Campaign) -> tuple[dict[int, ItemCheck], dict[int, tuple[int, int]]]:
    """Comparison -> check by the answers since its key was kept, and (right, answers) of all of them."""
    rows = list(connection.execute(gold_scoring.answers_query(), {"campaign_id": campaign.id}))
    kept = dict(
        connection.execute(select(_key.c.comparison_id, _key.c.kept_at).where(_key.c.kept_at.is_not(None))).all()
    )
    first: dict[tuple[int, int], Any] = {}
    for row, one in zip(rows, gold_scoring.scored(connection, rows), strict=True):
        first.setdefault((row.rater_id, row.comparison_id), one)
    counts: dict[int, tuple[int, int]] = {}
    for (_, comparison_id), one in first.items():
        right, n = counts.get(comparison_id, (0, 0))
        counts[comparison_id] = (right + one.score.is_right, n + 1)
    used = [(key, one) for key, one in first.items() if key[1] not in kept or (one.at and one.at > kept[key[1]])]
    if not used:
        return {}, counts
    _, rater = np.unique([key[0] for key, _ in used], return_inverse=True)
    items, item = np.unique([key[1] for key, _ in used], return_inverse=True)
    right = np.array([one.score.is_right for _, one in used], bool)
    return {int(items[one.item]): one for one in check_items(rater, item, right)}, counts


def _suspend(
    connection: Connection,
    campaign: Campaign,
    comparison_id: str,
    figures: Mapping[str, Any],
    *,
    actor: str,
    now: datetime,
) -> None:
    row_id = _row_id(connection, campaign, comparison_id)
    values = {"suspended_at": func.coalesce(_key.c.suspended_at, now), "suspended_for": dict(figures)}
    connection.execute(update(_key).where(_key.c.comparison_id == row_id).values(**values))
    _record(connection, campaign, comparison_id, "gold.suspended", figures, actor=actor)


def _row_id(connection: Connection, campaign: Campaign, comparison_id: str) -> int:
    here = (_comparison.c.campaign_id == campaign.id) & (_comparison.c.external_id == comparison_id)
    found = connection.scalar(select(_comparison.c.id).join(_key).where(here))
    if found is None:
        raise NotFound(f"Campaign {campaign.name!r} has no gold comparison {comparison_id!r}.")
    return found


def _managed(connection: Connection, actor_name: str, campaign_name: str) -> Campaign:
    campaign = find_campaign(connection, campaign_name)
    require(connection, find_account(connection, actor_name), Action.MANAGE_RATERS, campaign=campaign)
    return campaign


def _record(
    connection: Connection,
    campaign: Campaign,
    comparison_id: str,
    action: str,
    detail: Mapping[str, Any],
    *,
    actor: str,
) -> None:
    subject = f"comparison {comparison_id}" if comparison_id else f"campaign {campaign.name}"
    document = json.loads(json.dumps(dict(detail)))
    events.record(connection, actor=actor, action=action, subject=subject, campaign_id=campaign.id, detail=document)
