"""What `manifest.json` says: counts, drops with reasons, agreement, ceiling, weights, splits, licences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from app.domain import OVERALL, RaterKind, ReviewVerdict
from app.services.consensus import COUNTED_PURPOSES, rater_against_rest
from app.services.snapshot_material import DROP_TEXTS, Material
from app.services.splitting import METHOD, SIMILARITY
from app.stats.frames import MISSING_OUTCOMES
from app.stats.report_agreement import agreement_report
from app.stats.revealed import revealed_weights
from app.store import queries
from app.store.queries import StoredComparison
from app.store.reviews import review_counts
from reward.contract import SCHEMA_VERSION, SPLITS

DIGITS = 6
"""Decimals of the numbers in a manifest: what differs beyond is rounding of the machine."""

UNSTATED = "not stated"


class SnapshotFacts:
    """What the texts of the written comparisons say of themselves, counted while they pass by."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in ("licence", "source", "model")}
        self.n_completions = 0
        self.n_blank = 0

    def note(self, stored: StoredComparison) -> None:
        """Count the completions of one comparison."""
        for completion in stored.comparison.completions:
            self.n_completions += 1
            self.n_blank += not completion.text.strip()
            for name, counter in self.counts.items():
                counter[getattr(completion, name) or UNSTATED] += 1

    def document(self) -> dict[str, Any]:
        """The counts, JSON-ready."""
        return {
            "n_completions": self.n_completions,
            "n_blank_completions": self.n_blank,
            "licences": dict(sorted(self.counts["licence"].items())),
            "sources": dict(sorted(self.counts["source"].items())),
            "models": dict(sorted(self.counts["model"].items())),
        }


def pseudonymised(connection: Connection, material: Material) -> pd.DataFrame:
    """The votes with numbers in place of raters' names: r and the rater's number in the ledger, the same for ever."""
    raters = queries.raters_frame(connection, material.campaign.id)
    names = dict(zip(raters["rater_id"], (f"r{number}" for number in raters["id"]), strict=True))
    return material.votes.assign(rater_id=material.votes["rater_id"].cat.rename_categories(names))


def manifest_content(
    connection: Connection,
    material: Material,
    *,
    facts: SnapshotFacts,
    row_counts: Mapping[str, Mapping[str, int]],
    n_pool: int,
) -> dict[str, Any]:
    """The content of the manifest but for `files`.

    Args:
        connection: the reading connection of the build.
        material: what went in.
        facts: what the texts say.
        row_counts: folder -> split -> rows written.
        n_pool: rows of the pool.
    """
    options = material.options
    return _rounded(
        {
            "schema_version": SCHEMA_VERSION,
            "campaign": material.campaign.name,
            "title": material.campaign.title,
            "event_number": queries.last_fact_event(connection, material.campaign.id),
            "counted_kinds": list(options.kinds),
            "counted_purposes": list(COUNTED_PURPOSES),
            "rounds": sorted(material.votes["round"].unique()),
            "rubric": _rubric(material),
            "aggregation": options.aggregation,
            "aggregation_parameters": dict(material.labels.parameters),
            "filters": {"min_judgments": options.min_judgments, "exclude_gold": options.exclude_gold},
            "counts": _counts(material, row_counts, n_pool),
            "drops": _drops(material),
            "votes_left_out": _votes_left_out(connection, material),
            "adjudications": _adjudications(connection, material),
            "reviews": _reviews(connection, material),
            "splits": _splits(material, row_counts),
            "agreement": _agreement(material),
            "human_ceiling": rater_against_rest(material.given).to_json() | {"kinds": list(options.kinds)},
            "revealed_weights": _revealed(material),
            "texts": facts.document(),
            "tombstones": _tombstones(connection, material),
            "machine_raters": _machine_raters(connection, material),
        }
    )


def _rubric(material: Material) -> dict[str, Any]:
    """The version of all judgments, or the newest of several and how the criteria of the others were mapped to it."""
    facts = {key: getattr(material.rubric, key) for key in ("key", "title", "version")}
    return facts if material.mapping is None else {**facts, "mapping": material.mapping.to_json()}


def _counts(material: Material, row_counts: Mapping[str, Mapping[str, int]], n_pool: int) -> dict[str, Any]:
    votes = material.votes
    raters = votes[["rater_id", "rater_kind"]].drop_duplicates()
    return {
        "n_pairs": sum(row_counts["data"].values()),
        "n_ties": sum(row_counts["ties"].values()),
        "n_comparisons": material.n_written,
        "n_comparisons_judged": int(votes["comparison_id"].nunique()),
        "n_comparisons_in_campaign": len(material.row_ids),
        "n_pool": n_pool,
        "n_judgments": int(votes["judgment_id"].nunique()),
        "n_judgment_rows": len(votes),
        "n_votes_in_pairs": int(material.pairs.loc[material.pairs["folder"] == "data", "n_votes"].sum()),
        "n_raters": {kind: int(n) for kind, n in sorted(raters["rater_kind"].value_counts().items()) if n},
    }


def _drops(material: Material) -> list[dict[str, Any]]:
    pairs = material.pairs
    dropped = pairs[pairs["drop"].notna()].groupby("drop")["comparison_id"].agg(["size", "nunique"])
    return [
        {
            "reason": reason,
            "n_pairs": int(dropped.loc[reason, "size"]),
            "n_comparisons": int(dropped.loc[reason, "nunique"]),
            "explanation": text,
        }
        for reason, text in DROP_TEXTS.items()
        if reason in dropped.index
    ]


def _votes_left_out(connection: Connection, material: Material) -> dict[str, Any]:
    """Judgments that are in the ledger and count for no label."""
    options, votes = material.options, material.votes
    judgments = votes.drop_duplicates("judgment_id")
    purposes = judgments.loc[~judgments["purpose"].isin(COUNTED_PURPOSES), "purpose"].value_counts()
    counted = material.labels.votes
    overall = counted[(counted["criterion"] == OVERALL) & ~counted["outcome"].isin(MISSING_OUTCOMES)]
    by_kind = queries.judgment_counts(connection, material.campaign.id, rounds=options.rounds)
    return {
        "judgments_of_other_kinds": {kind: n for kind, n in sorted(by_kind.items()) if kind not in options.kinds},
        "judgments_of_other_purposes": {str(name): int(n) for name, n in sorted(purposes.items()) if n},
        "votes_beyond_the_first_of_a_rater": len(overall) - len(material.labels.coded.of(OVERALL)),
    }


def _adjudications(connection: Connection, material: Material) -> dict[str, Any]:
    decisions = queries.adjudications(connection, material.campaign.id, rounds=material.options.rounds)
    causes = Counter(decision.adjudication.cause.value for decision in decisions if decision.holds)
    return {
        "n_holding_by_cause": dict(sorted(causes.items())),
        "n_pairs_settled": int(material.pairs["is_settled"].sum()),
    }


def _reviews(connection: Connection, material: Material) -> dict[str, Any]:
    """How many votes were reviewed, and those in whose place other answers count: with these, labels can be made anew.

    The votes themselves are in `judgments.parquet` as they were given.
    """
    comparison_of = material.votes.drop_duplicates("judgment_id").set_index("judgment_id")["comparison_id"]
    counted = review_counts(connection, material.campaign.id)
    words = [word for judgment_id, word in counted.items() if judgment_id in comparison_of.index]
    return {
        "n_reviewed": len(words),
        "n_edits": sum(verdict == ReviewVerdict.EDIT.value for verdict, _ in words),
        "n_settled": sum(settled is not None for _, settled in words),
        "n_changed": len(material.settled),
        "changed": [
            {"judgment_id": one, "comparison_id": str(comparison_of[one]), "answers": dict(answers)}
            for one, answers in sorted(material.settled.items())
        ],
    }


def _splits(material: Material, row_counts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    pairs, options, groups, split = material.pairs, material.options, material.groups, material.split
    group = pairs["comparison_id"].map(groups.group_of)
    used = pairs[pairs["folder"] != ""].assign(group=group)
    largest = used.groupby("group").size().max() / len(used)
    return {
        "by": options.split_by,
        "method": METHOD,
        "near_duplicate_similarity": SIMILARITY,
        "shares_wanted": dict(zip(SPLITS, options.split_shares, strict=True)),
        "n_pairs": {name: row_counts["data"].get(name, 0) for name in SPLITS},
        "n_ties": {name: row_counts["ties"].get(name, 0) for name in SPLITS},
        "n_groups": {name: int(used.loc[used["split"] == name, "group"].nunique()) for name in SPLITS},
        "omitted": list(split.omitted),
        "groups_moved_to_fill_a_split": list(split.moved),
        "largest_group_share": float(largest),
        "n_near_duplicate_prompts": groups.n_near_duplicates,
        "n_comparisons_without_key": groups.n_without_key,
    }


def _agreement(material: Material) -> dict[str, Any]:
    """Agreement of the counted raters, overall and by criterion: without the pairs of raters, which have names."""
    document = agreement_report(material.given.votes, kinds=material.options.kinds).to_json()
    names = ("n_comparisons", "n_raters", "n_judgments", "criteria")
    return {name: document[name] for name in names}


def _revealed(material: Material) -> dict[str, Any]:
    weights = revealed_weights(material.given.profiles)
    return {
        "shares": {name: estimate.to_json(n_name="n_judgments") for name, estimate in weights.shares.items()},
        "declared": material.rubric.declared_weights(),
        "undefined_reason": weights.undefined_reason,
    }


def _tombstones(connection: Connection, material: Material) -> list[dict[str, Any]]:
    return [
        {
            "hash": tombstone.hash,
            "erased_at": tombstone.erased_at.isoformat(),
            "reason": tombstone.reason,
            "places": [list(place) for place in tombstone.places],
        }
        for tombstone in queries.tombstones(connection, material.campaign.id)
    ]


def _machine_raters(connection: Connection, material: Material) -> dict[str, Any]:
    """Models and programs among the raters, by pseudonym: what judged is part of the data's description."""
    raters = queries.raters_frame(connection, material.campaign.id)
    kinds = (RaterKind.MODEL.value, RaterKind.PROGRAM.value)
    used = raters["rater_id"].isin(material.votes["rater_id"].unique()) & raters["kind"].isin(kinds)
    return {
        f"r{row.id}": {"name": row.rater_id, "kind": row.kind, "specification": row.specification}
        for row in raters[used].itertuples()
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
