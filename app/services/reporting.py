"""Quality reports: of a campaign from the ledger, or of a file of votes without any database."""

from __future__ import annotations

import codecs
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from app.domain import Campaign, RaterKind, RefusedLine, Round, RoundPurpose
from app.errors import InvalidInput
from app.formats.registry import format_named
from app.formats.vote_tables import read_vote_table
from app.services.counting import NOT_EXAM
from app.services.lookup import find_campaign, find_round, rounds_of, rubric_of
from app.stats.completions import completions_from_native, gold_from_native
from app.stats.frames import VoteFrameError
from app.stats.readers import votes_from_native, votes_from_table
from app.stats.report import Report
from app.stats.reports import REPORTS
from app.store.engine import Store
from app.store.queries import comparison_facts, comparison_ids, last_event, read_comparisons, suspended_keys
from app.store.votes import judgments_frame
from rubrics.model import Criterion

TABLE_COLUMNS = frozenset(
    {
        *("comparison_id", "rater_id", "preferred", "criterion", "strength", "shown", "at", "rater_kind"),
        *("round", "purpose", "repeat_index", "confidence", "seconds"),
    }
)
"""What is read of a table of votes; `at` costs much and only the raters' report uses it."""

TABLE_SUFFIXES = (".parquet", ".csv")


def campaign_report(
    store: Store,
    name: str,
    campaign_name: str,
    *,
    kinds: Collection[RaterKind] | None = None,
    round_name: str | None = None,
) -> Report:
    """One report on a campaign as of now.

    Args:
        store: the database.
        name: a key of `REPORTS`.
        campaign_name: the campaign.
        kinds: kinds of rater; the campaign's counted kinds by default.
        round_name: only the votes of this round; all rounds by default, for `pilot` the newest pilot if there is one.

    Raises:
        NotFound: no such campaign or round.
        InvalidInput: no such report.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        chosen = _round(connection, campaign, name, round_name)
        return _report(connection, name, campaign, kinds=kinds, round_=chosen)


def sliced_report(
    store: Store, name: str, campaign_name: str, *, by: str, kinds: Collection[RaterKind] | None = None
) -> dict[str, Report]:
    """The same report for each value of a `meta` key, sorted by value; comparisons without the key are `(none)`.

    Raises:
        NotFound: no such campaign.
        InvalidInput: no such report, `by` is not `meta.KEY`, or no comparison has the key.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        facts = comparison_facts(connection, campaign.id)
        groups = _groups(((fact.id, fact.meta) for fact in facts), by=by, of=f"{campaign_name!r}")
        return {value: _report(connection, name, campaign, kinds=kinds, only=ids) for value, ids in groups.items()}


def _groups(facts: Iterable[tuple[str, Mapping[str, Any]]], *, by: str, of: str) -> dict[str, set[str]]:
    """Ids of comparisons by the value of a `meta` key, sorted by value; `(none)` for those without it."""
    if not by.startswith("meta."):
        raise InvalidInput(f"--by {by!r}: name a key of the comparisons' meta, e.g. meta.domain.")
    key, known = by.removeprefix("meta."), set()
    groups: dict[str, set[str]] = {}
    for comparison_id, meta in facts:
        known |= meta.keys()
        groups.setdefault(str(meta.get(key, "(none)")), set()).add(comparison_id)
    if key not in known:
        raise InvalidInput(f"No comparison of {of} has meta.{key}; the keys are {', '.join(sorted(known))}.")
    return dict(sorted(groups.items()))


def file_report(name: str, path: Path, *, kinds: Collection[RaterKind] | None = None) -> Report:
    """One report on a file of votes: native JSONL, or a Parquet or CSV table with one row per vote.

    Args:
        name: a key of `REPORTS`.
        path: the file.
        kinds: kinds of rater; all kinds in the file by default.

    Raises:
        InvalidInput: no such report or file, or a file that holds no votes.
    """
    votes, extra, _ = _file_frames(name, path)
    return REPORTS[name](votes, kinds=_kinds(votes, kinds), **extra)


def sliced_file_report(
    name: str, path: Path, *, by: str, kinds: Collection[RaterKind] | None = None
) -> dict[str, Report]:
    """The same report for each value of a `meta` key of a native file; see `sliced_report`.

    Raises:
        InvalidInput: as `file_report`; a table, which has no meta; `by` is not `meta.KEY`, or no line has the key.
    """
    votes, extra, lines = _file_frames(name, path)
    if not lines:
        raise InvalidInput(f"{path}: a table of votes has no meta to slice by; native JSONL has.")
    meta = ((str(line.get("id", f"line-{number}")), line.get("meta") or {}) for number, line in enumerate(lines, 1))
    counted, ids = _kinds(votes, kinds), votes["comparison_id"].astype(str)
    return {
        value: REPORTS[name](votes[ids.isin(group)], kinds=counted, **extra)
        for value, group in _groups(meta, by=by, of=str(path)).items()
    }


def _kinds(votes: pd.DataFrame, kinds: Collection[RaterKind] | None) -> list[str]:
    """The kinds named, or all that a file has."""
    return sorted(votes["rater_kind"].unique()) if kinds is None else [kind.value for kind in kinds]


def _file_frames(name: str, path: Path) -> tuple[pd.DataFrame, dict[str, Any], list[dict[str, Any]]]:
    """The votes of a file, the further frames of a report, and the lines of a native file (none of a table)."""
    _check_name(name)
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.")
    extra: dict[str, Any] = {}
    lines: list[dict[str, Any]] = []
    try:
        if path.suffix in TABLE_SUFFIXES:
            votes = _table_votes(path, with_times=name == "raters")
        else:
            lines = _native_rows(path)
            votes = votes_from_native(lines)
            extra = _extra_frames(
                name, completions=lambda: completions_from_native(lines), gold=lambda: gold_from_native(lines)
            )
    except VoteFrameError as error:
        raise InvalidInput(f"{path}: {error}") from error
    if votes.empty:
        raise InvalidInput(f"{path} holds no votes.")
    return votes, extra, lines


def _table_votes(path: Path, *, with_times: bool) -> pd.DataFrame:
    """The votes of a Parquet or CSV file; pandas and pyarrow say what is wrong with a value as a ValueError."""
    columns = TABLE_COLUMNS if with_times else TABLE_COLUMNS - {"at"}
    try:
        table = read_vote_table(path, columns) if path.suffix == ".parquet" else pd.read_csv(path)
        return votes_from_table(table)
    except ValueError as error:
        raise InvalidInput(f"{path}: {error}") from error


def _report(
    connection: Connection,
    name: str,
    campaign: Campaign,
    *,
    kinds: Collection[RaterKind] | None,
    only: Collection[str] | None = None,
    round_: Round | None = None,
) -> Report:
    _check_name(name)
    event = last_event(connection)
    rounds = None if round_ is None else [round_.name]
    is_raters, is_labels = name == "raters", name == "consensus"
    purposes = None if is_raters else NOT_EXAM
    votes = judgments_frame(
        connection,
        campaign.id,
        as_of_event=event,
        rounds=rounds,
        purposes=purposes,
        with_text=is_raters,
        as_settled=is_labels,
    )
    if only is not None:
        votes = votes[votes["comparison_id"].isin(only)]

    def lines() -> Iterator[dict[str, Any]]:
        return native_lines(connection, list(comparison_ids(connection, campaign.id).values()))

    extra = _extra_frames(
        name, completions=lambda: completions_from_native(lines()), gold=lambda: gold_from_native(lines())
    )
    if name == "tensions":
        extra |= _rubric_facts(connection, _rounds(connection, campaign, round_))
    if name == "pilot":
        extra |= _pilot_facts(connection, _rounds(connection, campaign, round_))
    counted = [kind.value for kind in (kinds or campaign.counted_kinds)]
    return REPORTS[name](votes, kinds=counted, as_of_event=event, **extra)


def _round(connection: Connection, campaign: Campaign, name: str, round_name: str | None) -> Round | None:
    """The round that a report is about; None for all of them."""
    if round_name is not None:
        return find_round(connection, campaign, round_name)
    if name != "pilot":
        return None
    pilots = [one for one in rounds_of(connection, campaign.id) if one.purpose is RoundPurpose.PILOT]
    return pilots[-1] if pilots else None


def _rounds(connection: Connection, campaign: Campaign, chosen: Round | None) -> list[Round]:
    return rounds_of(connection, campaign.id) if chosen is None else [chosen]


def _check_name(name: str) -> None:
    if name not in REPORTS:
        raise InvalidInput(f"There is no report {name!r}; the reports are {', '.join(REPORTS)}.")


def _extra_frames(name: str, *, completions: Any, gold: Any) -> dict[str, Any]:
    """The further frames that a report reads, made only where it does."""
    frames = {}
    if name in ("bias", "models", "raters"):
        frames["completions"] = completions()
    if name in ("consensus", "raters"):
        frames["gold"] = gold()
    return frames


def native_lines(connection: Connection, row_ids: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Comparisons with what statistics need of them, in the native shape."""
    suspended = suspended_keys(connection)
    for stored in read_comparisons(connection, row_ids):
        comparison = stored.comparison
        gold = None if stored.row_id in suspended else comparison.gold
        yield {
            "id": comparison.id,
            "completions": [{"id": c.id, "text": c.text, "model": c.model} for c in comparison.completions],
            "gold": gold and {"accepted": list(gold.accepted), "criteria": dict(gold.criteria)},
        }


def _rubric_facts(connection: Connection, rounds: Sequence[Round]) -> dict[str, Any]:
    """Declared weights, precedence rules and vetoes of the rubrics of these rounds; the first round's word holds."""
    weights: dict[str, float] = {}
    rules: list[Sequence[str]] = []
    vetoes: list[str] = []
    for round_ in rounds:
        rubric = rubric_of(connection, round_.rubric_version)
        weights = {**rubric.declared_weights(), **weights}
        rules += [(*rule.between, rule.prevailing) for rule in rubric.tensions if rule.prevailing is not None]
        vetoes += rubric.vetoes
    precedence = list(dict.fromkeys(map(tuple, rules)))
    return {"declared_weights": weights, "precedence": precedence, "vetoes": list(dict.fromkeys(vetoes))}


def _pilot_facts(connection: Connection, rounds: Sequence[Round]) -> dict[str, Any]:
    """Which criteria share a scale, and which pairs have a rule; the last round's word holds."""
    rubrics = [rubric_of(connection, round_.rubric_version) for round_ in rounds]
    rules = [(*rule.between, rule.prevailing) for rubric in rubrics for rule in rubric.tensions]
    return {"scales": {one.key: _scale(one) for rubric in rubrics for one in rubric.criteria}, "precedence": rules}


def _scale(criterion: Criterion) -> str:
    return f"{criterion.type} {criterion.points} {criterion.minimum} {criterion.maximum}"


def _native_rows(path: Path) -> list[dict[str, Any]]:
    """The lines of a native file as they stand, once the strict reader has found nothing to refuse."""
    for line in format_named("native").read(path):
        if isinstance(line, RefusedLine):
            raise InvalidInput(f"{path}: {line}")
    lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")
    return [json.loads(line) for line in lines if line.strip()]
