"""Where people overturn a model that judged before them: corrections by topic, criterion, tension and length.

A report for those who build the model. It rests on the pairs that a model pre-judged (`app.services.prejudging`), was
not trained on, and people have voted on; labels that stand have no votes of people and are not in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from app.domain import Campaign
from app.services.consensus import PairLabels, criterion_values, label_pairs, tension_shares
from app.services.lookup import find_campaign
from app.services.prejudging_audit import GOLD
from app.stats.intervals import wilson
from app.stats.overturned import Correction, Group, corrections
from app.stats.results import plain
from app.stats.words import counted
from app.store import tables
from app.store.engine import Store
from app.store.queries import comparison_facts, completions_frame, judgments_frame

MAX_VALUES = 40
"""A `meta` key with more values than this is no way to group."""
N_CASES = 25


def overturned(store: Store, campaign_name: str) -> dict[str, Any]:
    """The report, as plain JSON.

    Returns:
        `n` pairs with a model's preference and people's verdict, `n_overturned`, `rate` with Wilson's interval,
        `groups` (`by`, `name`, `n`, `n_overturned`, `rate`, `stands_out`, `excess`, largest excess first), `cases` (the
        25 of which the model was surest), `reading` in a sentence, `undefined_reason` where there is nothing to report.

    Raises:
        NotFound: no such campaign.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        pairs, labels = _pairs(connection, campaign)
        if pairs.empty:
            reason = "people have not voted on any pair that a model judged before them"
            return {"n": 0, "n_overturned": 0, "groups": [], "cases": [], "reading": "", "undefined_reason": reason}
        groups = [*_by_meta(connection, campaign, pairs), *_by_length(connection, campaign, pairs)]
    groups += [*_by_criterion(labels, pairs), *_by_tension(labels, pairs)]
    is_overturned = pairs["is_overturned"].to_numpy(bool)
    found = corrections(is_overturned, groups)
    return plain(
        {
            "n": len(pairs),
            "n_overturned": int(is_overturned.sum()),
            "rate": wilson(int(is_overturned.sum()), len(pairs)).to_json(),
            "groups": [{**asdict(one), "rate": one.rate.to_json()} for one in found],
            "cases": _cases(pairs),
            "reading": _reading(is_overturned, found),
            "undefined_reason": None,
        }
    )


def _pairs(connection: Connection, campaign: Campaign) -> tuple[pd.DataFrame, PairLabels]:
    """One row per pair with both verdicts: `place` (row of the labels' frame), `favours_first`, `is_overturned` ..."""
    kinds = [kind.value for kind in campaign.counted_kinds]
    labels = label_pairs(judgments_frame(connection, campaign.id, kinds=kinds, as_settled=True), kinds=kinds)
    frame = labels.frame.assign(place=np.arange(len(labels.frame)))
    frame["comparison_id"] = frame["comparison_id"].astype(str)
    said = frame[frame["decision"].isin(("first", "second", "tie", "both_bad"))]
    pairs = said.merge(_of_models(connection, campaign), on="comparison_id", how="inner").reset_index(drop=True)
    choice = np.where(pairs["preferred"] == pairs["first"].astype(str), "first", "second")
    pairs["favours_first"] = choice == "first"
    pairs["is_overturned"] = pairs["decision"].to_numpy(str) != choice
    return pairs, labels


def _of_models(connection: Connection, campaign: Campaign) -> pd.DataFrame:
    """The newest preference of a model on each comparison: `comparison_id`, `preferred`, `margin`, `model`."""
    batch, one, comparison = tables.prejudging, tables.prejudged, tables.comparison
    rows = connection.execute(
        select(comparison.c.external_id, one.c.preferred, one.c.margin, tables.rater.c.name)
        .join(one, one.c.comparison_id == comparison.c.id)
        .join(batch, batch.c.id == one.c.prejudging_id)
        .join(tables.rater, tables.rater.c.id == batch.c.rater_id)
        .where(comparison.c.campaign_id == campaign.id, one.c.outcome != GOLD, one.c.margin != 0)
        .order_by(batch.c.id)
    )
    frame = pd.DataFrame(rows.all(), columns=["comparison_id", "preferred", "margin", "model"])
    return frame.drop_duplicates("comparison_id", keep="last")


# --- ways of grouping --------------------------------------------------------------------------------------------


def _by_meta(connection: Connection, campaign: Campaign, pairs: pd.DataFrame) -> Iterator[Group]:
    """One group for each value of each `meta` key that has few."""
    meta = {fact.id: fact.meta for fact in comparison_facts(connection, campaign.id)}
    mine = [meta[name] for name in pairs["comparison_id"]]
    for key in sorted({key for one in mine for key in one}):
        values = np.array([str(one.get(key, "")) for one in mine])
        if 2 <= len(counts := Counter(values)) <= MAX_VALUES:
            yield from ((f"meta.{key}", value or "(none)", values == value) for value in counts)


def _by_length(connection: Connection, campaign: Campaign, pairs: pd.DataFrame) -> Iterator[Group]:
    completions = completions_frame(connection, campaign.id)
    length = {(row.comparison_id, row.slot): row.n_characters for row in completions.itertuples()}
    names = list(zip(pairs["comparison_id"], pairs["first"].astype(str), pairs["second"].astype(str), strict=True))
    lead = np.array([_lead(length, *name) for name in names])
    towards_model = np.where(pairs["favours_first"], lead, -lead)
    yield "length", "the model prefers the longer response", towards_model > 0
    yield "length", "the model prefers the shorter response", towards_model < 0


def _lead(length: dict[tuple[str, str], Any], comparison: str, first: str, second: str) -> int:
    a, b = length.get((comparison, first)), length.get((comparison, second))
    return 0 if pd.isna(a) or pd.isna(b) else int(a) - int(b)


def _by_criterion(labels: PairLabels, pairs: pd.DataFrame) -> Iterator[Group]:
    """Where people see the response that the model passes over ahead on a criterion."""
    for name, values in criterion_values(labels).items():
        towards_first = values[pairs["place"]]
        towards_model = np.where(pairs["favours_first"], towards_first, -towards_first)
        yield "criterion", f"{name} speaks against the model's choice", towards_model < 0
        yield "criterion", f"{name} speaks for the model's choice", towards_model > 0


def _by_tension(labels: PairLabels, pairs: pd.DataFrame) -> Iterator[Group]:
    shares = {name: values[pairs["place"]] for name, values in tension_shares(labels).items()}
    for name, values in shares.items():
        yield "tension", f"{name.replace('|', ' and ')} pull apart", np.nan_to_num(values) > 0
    if shares:
        table = np.array(list(shares.values()))
        yield "tension", "no tension", (~np.isnan(table)).any(axis=0) & ~(np.nan_to_num(table) > 0).any(axis=0)


# --- words -------------------------------------------------------------------------------------------------------


def _cases(pairs: pd.DataFrame) -> list[dict[str, Any]]:
    wrong = pairs[pairs["is_overturned"]]
    wrong = wrong.reindex(wrong["margin"].abs().sort_values(ascending=False, kind="stable").index).head(N_CASES)
    named = {"first": wrong["first"].astype(str), "second": wrong["second"].astype(str)}
    return [
        {
            "comparison_id": row.comparison_id,
            "model": row.model,
            "model_prefers": row.preferred,
            "people_say": named[row.decision][row.Index] if row.decision in named else row.decision,
            "margin": abs(row.margin),
            "n_votes": int(row.n_votes),
        }
        for row in wrong.itertuples()
    ]


def _reading(is_overturned: np.ndarray, found: list[Correction]) -> str:
    start = f"People overturn the model on {int(is_overturned.sum()):,} of {counted(len(is_overturned), 'pair')}"
    standing_out = [one for one in found if one.stands_out][:3]
    if not standing_out:
        return f"{start}; no group stands out beyond chance."
    listed = "; ".join(f"{one.by}: {one.name} ({one.n_overturned:,} of {one.n:,})" for one in standing_out)
    return f"{start}, clearly more often at {listed}."
