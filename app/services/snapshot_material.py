"""What goes into a snapshot: votes, labels, splits and the pool, and why each pair that stays out does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from app.domain import Campaign, Message
from app.errors import Conflict, InvalidInput
from app.services.consensus import PairLabels, label_pairs
from app.services.lookup import rubric_of
from app.services.snapshot_mapping import CriterionMapping, map_votes, unnamed
from app.services.splitting import Groups, Split, assign_splits, form_groups
from app.store import queries
from app.store.queries import PROMPT
from app.store.reviews import settled_answers
from rubrics.model import Rubric

DROP_TEXTS: Mapping[str, str] = {
    "gold": "the comparison has a gold key and gold was left out",
    "erased_text": "the prompt or a response was withdrawn",
    "no_overall_verdict": "only criteria were judged, not which response is better overall",
    "cannot_judge": "every counted vote, or the adjudicator, says that it cannot be judged",
    "too_few_judgments": "fewer votes than min_judgments",
    "both_bad": "at least half of the votes, or the adjudicator, reject both responses",
    "tie": "no response is preferred; in the configuration `all` with soft label .5",
}
"""Why a judged pair is no training pair; of several reasons the first counts."""


@dataclass(frozen=True)
class Options:
    """What a snapshot is to hold; see `build`."""

    kinds: tuple[str, ...]
    rounds: tuple[str, ...] | None
    min_judgments: int
    split_by: str
    split_shares: tuple[float, ...]
    exclude_gold: bool
    aggregation: str
    mapping: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Material:
    """All that a snapshot is made of, but for the texts.

    Attributes:
        votes: as they were given.
        labels: what the votes say, as seniors settled them.
        pairs: the labels' frame with `drop` (reason or None), `folder` and `split`.
        given: what the votes say as they were given: by this the raters are measured.
        settled: judgment -> the answers that a senior let stand in its place.
    """

    campaign: Campaign
    options: Options
    rubric: Rubric
    votes: pd.DataFrame
    labels: PairLabels
    pairs: pd.DataFrame
    row_ids: Mapping[str, int]
    pool: Mapping[str, int]
    groups: Groups
    split: Split
    given: PairLabels
    settled: Mapping[int, Mapping[str, Any]]
    mapping: CriterionMapping | None = None

    @property
    def n_written(self) -> int:
        """Comparisons that have rows in data or ties."""
        return self.pairs.loc[self.pairs["folder"] != "", "comparison_id"].nunique()


def gather(connection: Connection, campaign: Campaign, options: Options) -> Material:
    """Read a campaign's votes and decide what becomes of each pair.

    Raises:
        InvalidInput: no judgments, no training pair, or an option out of range.
        Conflict: judgments under several rubric versions.
    """
    which: dict[str, Any] = {"kinds": options.kinds, "rounds": options.rounds, "with_text": True}
    votes = queries.judgments_frame(connection, campaign.id, **which)
    rubric, votes, mapping = _under_one_rubric(connection, campaign, options, votes)
    gold = queries.gold_ids(connection, campaign.id) if options.exclude_gold else set()
    erased = {place for tombstone in queries.tombstones(connection, campaign.id) for place in tombstone.places}
    decisions = queries.adjudications(connection, campaign.id, rounds=options.rounds)
    how: dict[str, Any] = {"kinds": options.kinds, "method": options.aggregation, "decisions": decisions}
    given = labels = label_pairs(votes, **how)
    settled = _settled(connection, campaign, votes)
    if settled:
        stands = queries.judgments_frame(connection, campaign.id, as_settled=True, **which)
        labels = label_pairs(_under_one_rubric(connection, campaign, options, stands)[1], **how)
    pairs = labels.frame.copy()
    pairs["drop"] = _drop_reasons(pairs, options, gold=gold, erased=erased)
    pairs["folder"] = np.where(pairs["drop"].isna(), "data", np.where(pairs["drop"] == "tie", "ties", ""))
    if not (pairs["folder"] == "data").any():
        raise InvalidInput(f"Campaign {campaign.name!r} gives no training pair: {_reasons(pairs)}.")
    groups, split = _split(connection, campaign, options, pairs)
    votes = _without_erased(votes[~votes["comparison_id"].isin(list(gold))], {place[0] for place in erased})
    unjudged = queries.pool_ids(connection, campaign.id, kinds=options.kinds)
    closed = {comparison_id for comparison_id, _ in erased} | gold
    pool = {name: row_id for name, row_id in unjudged.items() if name not in closed}
    row_ids = queries.comparison_ids(connection, campaign.id)
    parts = (rubric, votes, labels, pairs, row_ids, pool, groups, split, given, settled, mapping)
    return Material(campaign, options, *parts)


def _settled(connection: Connection, campaign: Campaign, votes: pd.DataFrame) -> dict[int, Mapping[str, Any]]:
    """What seniors settled otherwise, of these votes."""
    found = settled_answers(connection, campaign.id)
    here = set(votes["judgment_id"].unique()) if found else set()
    return {judgment_id: answers for judgment_id, answers in found.items() if judgment_id in here}


def _under_one_rubric(
    connection: Connection, campaign: Campaign, options: Options, votes: pd.DataFrame
) -> tuple[Rubric, pd.DataFrame, CriterionMapping | None]:
    """The rubric version of all judgments; of several the newest, where a mapping says what its criteria were.

    Raises:
        InvalidInput: there are no judgments, or the mapping names what is not there.
        Conflict: there are several versions, and no mapping or an incomplete one.
    """
    where = f"campaign {campaign.name!r}" if options.rounds is None else f"round {options.rounds[0]!r}"
    if votes.empty:
        found = queries.judgment_counts(connection, campaign.id)
        there = ", ".join(f"{n} of kind {kind}" for kind, n in sorted(found.items())) or "none at all"
        raise InvalidInput(
            f"There are no judgments by raters of kind {' or '.join(options.kinds)} in {where} (the campaign has "
            f"{there}): import or collect some, or count other kinds with --kinds."
        )
    used = votes.drop_duplicates("judgment_id").groupby(["round", "rubric_version"]).size()
    versions = sorted(used.index.get_level_values(1).unique())
    if len(versions) == 1:
        return rubric_of(connection, versions[0]), votes, None
    rubrics = {version: rubric_of(connection, version) for version in versions}
    target = rubrics[queries.newest_version(connection, versions)]
    if options.mapping is None:
        open_ = unnamed(rubrics, target, {})
        names = " ".join(f"--map {key}=NEW" for key in open_) or "--map same"
        listed = "; ".join(f"{version[:12]}: {n} judgments in round {name!r}" for (name, version), n in used.items())
        raise Conflict(
            f"The judgments of {where} were made under {len(versions)} rubric versions ({listed}). A snapshot holds "
            f"one: choose a round with --round, or say what the criteria of the older ones are in version "
            f"{target.version[:12]}: {names}."
        )
    mapped, mapping = map_votes(votes, rubrics, target, options.mapping)
    return target, mapped, mapping


def _drop_reasons(
    pairs: pd.DataFrame, options: Options, *, gold: Collection[str], erased: Collection[tuple[str, str]]
) -> np.ndarray:
    """The first reason in `DROP_TEXTS` for which a pair is no training pair, or None."""
    ids = pairs["comparison_id"]
    withdrawn = set(erased)
    is_erased = [
        not withdrawn.isdisjoint(((comparison_id, first), (comparison_id, second), (comparison_id, PROMPT)))
        for comparison_id, first, second in zip(
            ids.tolist(), pairs["first"].tolist(), pairs["second"].tolist(), strict=True
        )
    ]
    decision, open_ = pairs["decision"], ~pairs["is_settled"]
    applies = {
        "gold": ids.isin(list(gold)),
        "erased_text": np.array(is_erased, bool),
        "no_overall_verdict": decision == "no_overall",
        "cannot_judge": decision.isin(("cannot_judge", "not_applicable")),
        "too_few_judgments": (pairs["n_votes"] < options.min_judgments) & open_,
        "both_bad": decision == "both_bad",
        "tie": decision == "tie",
    }
    return np.select([applies[name] for name in DROP_TEXTS], list(DROP_TEXTS), default=None).astype(object)


def _reasons(pairs: pd.DataFrame) -> str:
    counts = Counter(pairs["drop"])
    return ", ".join(f"{counts[name]} pairs: {text}" for name, text in DROP_TEXTS.items() if counts[name])


def _split(connection: Connection, campaign: Campaign, options: Options, pairs: pd.DataFrame) -> tuple[Groups, Split]:
    """Group the campaign's comparisons, assign the groups that have pairs, and set `pairs["split"]`."""
    facts = queries.comparison_facts(connection, campaign.id)
    hashes = list(dict.fromkeys(fact.prompt_hash for fact in facts))
    prompts: Iterator[tuple[str, tuple[Message, ...]]] = (
        (text_hash, queries.messages_of(body)) for text_hash, body in queries.read_texts(connection, hashes)
    )
    groups = form_groups(facts, prompts, split_by=options.split_by)
    group = pairs["comparison_id"].map(groups.group_of)
    split = assign_splits(group[pairs["folder"] == "data"], options.split_shares, also=group[pairs["folder"] == "ties"])
    pairs["split"] = group.map(split.split_of).where(pairs["folder"] != "", "")
    return groups, split


def _without_erased(votes: pd.DataFrame, erased: Collection[str]) -> pd.DataFrame:
    """Votes without the words that were written about withdrawn texts: they may quote them."""
    quoted = votes["comparison_id"].isin(list(erased))
    return votes.assign(justification=votes["justification"].where(~quoted, "")) if quoted.any() else votes
