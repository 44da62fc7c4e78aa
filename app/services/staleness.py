"""Which comparisons to judge again after a rubric has changed, as priorities that a campaign imports."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.domain import RaterKind
from app.policy import Action
from app.services.bridging import round_before
from app.services.lookup import find_account, find_campaign, require, rubric_of
from app.services.trying_out import Material, read_material, weighing_of
from app.services.vote_events import last_vote_event
from app.stats.intervals import wilson
from app.stats.results import Estimate
from app.stats.stale import Stale, stale_units
from app.store.engine import Store
from app.store.queries import gold_ids
from rubrics.difference import changes_meaning
from rubrics.model import Rubric


@dataclass(frozen=True)
class StaleComparison:
    """A comparison that is worth judging again.

    Attributes:
        priority: exposure times nearness, 0 to 1; where the implied label flips, the exposure.
        exposure: how much of its label rests on what changed, 0 to 1.
        nearness: how near its votes are to another label, 0 to 1.
        flips: whether the label that the rubric implies changes already.
        n_judgments: judgments of it that were counted.
        reason: in words.
    """

    comparison_id: str
    priority: float
    exposure: float
    nearness: float
    flips: bool
    n_judgments: int
    reason: str


@dataclass(frozen=True)
class StaleList:
    """What a change of the rubric makes worth judging again.

    Attributes:
        rows: the most valuable first.
        share: of the judged comparisons (n) that rest on what changed; gold is left out.
        flips: share whose implied label changes already.
    """

    rows: tuple[StaleComparison, ...]
    share: Estimate
    flips: Estimate


def list_stale(
    store: Store,
    actor_name: str,
    campaign_name: str,
    *,
    version: str,
    kinds: Collection[RaterKind] | None = None,
) -> StaleList:
    """`stale_in` for somebody who may publish rubrics in the campaign; raises the same.

    Raises:
        NotAllowed: the account may not publish rubrics here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.PUBLISH_RUBRIC, campaign=campaign)
    return stale_in(store, campaign_name, version=version, kinds=kinds)


def stale_in(
    store: Store,
    campaign_name: str,
    *,
    version: str,
    from_round: str | None = None,
    kinds: Collection[RaterKind] | None = None,
) -> StaleList:
    """The comparisons whose label may differ under another version, the most valuable to judge again first.

    Asks for no permission: for whoever holds the machine, as the command line does.

    Args:
        store: the database.
        campaign_name: the campaign.
        version: the hash of the new version.
        from_round: the round that was judged by the old one; by default the newest under another version.
        kinds: kinds of rater; the campaign's counted kinds by default.

    Raises:
        NotFound: no such campaign, version or round.
        InvalidInput: nothing was judged under another version.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        new = rubric_of(connection, version)
        before = round_before(connection, campaign, version, None, from_round)
        old = rubric_of(connection, before.rubric_version)
        event = last_vote_event(connection, campaign.id)
        keyed = gold_ids(connection, campaign.id)
    counted = tuple(sorted(kind.value for kind in kinds or campaign.counted_kinds))
    material = read_material(store, before, counted, event)
    found = stale_units(
        material.profiles,
        before=weighing_of(old),
        after=weighing_of(new),
        changed=changed_criteria(old, new),
        added=added_criteria(old, new),
        rules=changed_rules(old, new),
    )
    best: dict[str, StaleComparison] = {}
    for one in _rows(found, material, old, new):
        if one.comparison_id in keyed:  # gold waits in no queue, so nobody can be asked to judge it again
            continue
        if one.comparison_id not in best or one.priority > best[one.comparison_id].priority:
            best[one.comparison_id] = one
    rows = tuple(sorted(best.values(), key=lambda one: (-one.priority, one.comparison_id)))
    judged = set(material.names["comparison_id"].iloc[found.labels.row]) - keyed
    flips = wilson(sum(one.flips for one in rows), len(judged))
    return StaleList(rows, wilson(len(rows), len(judged)), flips)


def priority_lines(rows: Sequence[StaleComparison]) -> str:
    """The list as JSON Lines: comparison_id, priority, reason."""
    return "".join(
        json.dumps(
            {"comparison_id": one.comparison_id, "priority": round(one.priority, 6), "reason": one.reason},
            ensure_ascii=False,
        )
        + "\n"
        for one in rows
    )


def changed_criteria(old: Rubric, new: Rubric) -> set[str]:
    """Keys of the criteria that were removed, and of those that mean something else now."""
    removed = set(old.criterion_keys) - set(new.criterion_keys)
    stayed = set(old.criterion_keys) & set(new.criterion_keys)
    return removed | {key for key in stayed if changes_meaning(old, new, key)}


def added_criteria(old: Rubric, new: Rubric) -> dict[str, float]:
    """Key -> declared share of the criteria that are new; an equal share where no weights are declared."""
    shares = new.declared_weights() or dict.fromkeys(new.criterion_keys, 1 / max(1, len(new.criteria)))
    return {key: shares[key] for key in new.criterion_keys if key not in old.criterion_keys}


def changed_rules(old: Rubric, new: Rubric) -> list[tuple[str, str]]:
    """Pairs of criteria of which something else should prevail now; a rule that came or went counts."""
    pairs = dict.fromkeys(frozenset(rule.between) for rule in (*old.tensions, *new.tensions))
    found = []
    for pair in pairs:
        rules = old.tension_rule(*pair), new.tension_rule(*pair)
        if len({rule and rule.precedence for rule in rules}) > 1:
            found.append(next(rule.between for rule in rules if rule is not None))
    return found


def _rows(found: Stale, material: Material, old: Rubric, new: Rubric) -> Iterator[StaleComparison]:
    names = material.names["comparison_id"].to_numpy()
    for place in np.flatnonzero(found.value > 0):
        yield StaleComparison(
            comparison_id=str(names[found.labels.row[place]]),
            priority=float(found.value[place]),
            exposure=float(found.exposure[place]),
            nearness=float(found.nearness[place]),
            flips=bool(found.flips[place]),
            n_judgments=int(found.labels.n[place]),
            reason=_reason(found, int(place), old, new),
        )


def _reason(found: Stale, place: int, old: Rubric, new: Rubric) -> str:
    labels, change = found.labels, str(found.main_change[place])
    n_ties = int(labels.n[place] - labels.n_first[place] - labels.n_second[place])
    votes = f"{labels.n_first[place]} to {labels.n_second[place]}" + (f", {n_ties} for neither" if n_ties else "")
    if "|" in change:
        what = f"{' and '.join(change.split('|'))} pull apart here, and their rule changed"
    elif change in old.criterion_keys and change in new.criterion_keys:
        what = f"rests on {change}, whose meaning changed"
    elif change in new.criterion_keys:
        what = f"nobody has judged {change} yet"
    else:
        what = f"rests on {change}, which was removed"
    turned = "; the label that the rubric implies flips" if found.flips[place] else ""
    return f"{what}; votes {votes}{turned}"
