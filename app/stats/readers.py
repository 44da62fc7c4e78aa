"""Vote frames from files, without any database: native JSONL lines and tables with one row per vote."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from app.stats.frames import (
    MISSING_OUTCOMES,
    OUTCOMES,
    OVERALL,
    VOTE_COLUMNS,
    VoteFrameError,
    check_votes,
    places_on_screen,
)

TABLE_COLUMNS = ("comparison_id", "rater_id", "criterion", "preferred", "strength", "shown", "at")
_WORDS = ("tie", "both_bad", "cannot_judge", "not_applicable")
_TEXT_COLUMNS = (
    "comparison_id",
    "first",
    "second",
    "rater_id",
    "rater_kind",
    "round",
    "purpose",
    "criterion",
    "outcome",
)
_SIGN = {"first": 1.0, "second": -1.0}


def votes_from_native(lines: Iterable[Mapping[str, Any]], *, scales: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Return the vote frame of native JSONL, one comparison a line.

    A vote without strength counts as its sign. A strength is divided by the largest possible one, taken from `scales`
    or, where a criterion has none there, from the largest strength or difference of scores seen for it. A ranking
    becomes all its pairs, each with weight 2/k.

    Args:
        lines: comparisons as dicts: id, completions, judgments (DESIGN, "Native JSONL"). A comparison without judgments
            gives no row; one without id gets its line number.
        scales: largest possible strength (or difference of scores) per criterion, "overall" among them.

    Raises:
        VoteFrameError: a judgment names an unknown completion, or a strength exceeds its scale.
    """
    rows: list[tuple] = []
    number = 0
    for line_number, line in enumerate(lines, start=1):
        comparison_id = str(line.get("id", f"line-{line_number}"))
        ids = sorted(str(completion["id"]) for completion in line["completions"])
        seen: dict[tuple, tuple] = {}
        for judgment in line.get("judgments") or ():
            key = (judgment["rater"], judgment.get("round", ""), judgment.get("repeat_index", 0))
            if key in seen and seen[key][0] > judgment.get("revision", 0):
                continue
            seen[key] = (judgment.get("revision", 0), judgment)
        for _, judgment in seen.values():
            number += 1
            rows.extend(_native_rows(comparison_id, ids, judgment, number))
    frame = pd.DataFrame(rows, columns=[*VOTE_COLUMNS, "place"])
    frame = _tidy(frame)
    return check_votes(
        frame.assign(value=_scaled(frame["value"].to_numpy(copy=True), frame["criterion"], scales or {}))
    )


def votes_from_table(table: pd.DataFrame, *, scales: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Return the vote frame of a table with one row per vote.

    Args:
        table: columns `comparison_id`, `rater_id`, `preferred` (a completion id, "tie", "both_bad", "cannot_judge" or
            "not_applicable") and, where known, `criterion` (default "overall"), `strength` (>= 0; missing counts as
            the sign), `shown` (the ids in the order on screen: "b,a", "b a" or a list), `at`, `rater_kind` (default
            human), `round`, `purpose`, `repeat_index`, `confidence`, `seconds`. Categorical text columns are fastest.
            Each comparison has two responses; without `shown` the whole table must use the same two ids.
        scales: largest possible strength per criterion; by default the largest strength seen.

    Raises:
        VoteFrameError: a needed column is missing or empty, or the responses of a comparison cannot be told.
    """
    absent = [column for column in ("comparison_id", "rater_id", "preferred") if column not in table.columns]
    if absent:
        raise VoteFrameError(f"The table of votes lacks the columns {absent}; it has {list(table.columns)}.")
    for column in ("comparison_id", "rater_id", "preferred"):
        if table[column].isna().any():
            position = int(np.flatnonzero(table[column].isna())[0])
            raise VoteFrameError(f"Row {position + 1} of the table of votes has no {column}.")
    n = len(table)
    columns: dict[str, Any] = {name: _categorical(table[name]) for name in ("comparison_id", "rater_id")}
    columns["criterion"] = _categorical(table["criterion"]) if "criterion" in table else _constant(OVERALL, n)
    for name, default in (("rater_kind", "human"), ("round", ""), ("purpose", "work")):
        columns[name] = _categorical(table[name]) if name in table else _constant(default, n)
    columns |= _outcomes(table)
    columns["repeat_index"] = table["repeat_index"].to_numpy() if "repeat_index" in table else np.zeros(n, np.int8)
    columns["judgment_id"] = _judgment_ids(columns)
    strength = (
        pd.to_numeric(table["strength"]).to_numpy(float, copy=True) if "strength" in table else np.full(n, np.nan)
    )
    columns["value"] = _scaled(_signed(columns["outcome"], strength), columns["criterion"], scales or {})
    columns["weight"] = np.ones(n, np.float32)
    for name in ("confidence", "seconds"):
        columns[name] = table[name].to_numpy(np.float32) if name in table else np.full(n, np.nan, np.float32)
    columns["at"] = _times(table.get("at"), n)
    return check_votes(pd.DataFrame({name: columns[name] for name in VOTE_COLUMNS}, copy=False))


def _native_rows(comparison_id: str, ids: list[str], judgment: Mapping[str, Any], number: int) -> Iterator[tuple]:
    """Yield one row per criterion and pair of one judgment."""
    shown = [str(item) for item in judgment.get("shown") or ()]
    verdicts = dict(judgment.get("criteria") or {})
    overall = {
        key: judgment[key] for key in ("preferred", "strength", "ranking", "scores") if judgment.get(key) is not None
    }
    if overall:
        verdicts[OVERALL] = overall
    order = places_on_screen(judgment.get("criteria_shown"), judgment.get("overall_first"))
    for criterion, verdict in verdicts.items():
        for first, second, outcome, value in _pair_verdicts(ids, verdict, comparison_id):
            yield (
                comparison_id,
                first,
                second,
                str(judgment["rater"]),
                judgment.get("rater_kind", "human"),
                str(judgment.get("round", "")),
                number,
                int(judgment.get("repeat_index", 0)),
                judgment.get("purpose", "work"),
                criterion,
                outcome,
                value,
                1.0 if len(ids) == 2 else 2 / len(ids),
                shown.index(first) < shown.index(second) if first in shown and second in shown else None,
                judgment.get("confidence"),
                judgment.get("seconds"),
                judgment.get("at"),
                order.get(criterion),
            )


def _pair_verdicts(ids: list[str], verdict: Mapping[str, Any], comparison_id: str) -> Iterator[tuple]:
    """Yield (first, second, outcome, signed strength before scaling) for every pair that the verdict speaks of."""
    place = _places(ids, verdict, comparison_id)
    if place is None:
        preferred, strength = verdict.get("preferred"), verdict.get("strength")
        if preferred in _WORDS:
            for first, second in combinations(ids, 2):
                yield first, second, preferred, np.nan if preferred in MISSING_OUTCOMES else 0.0
        elif preferred in ids and len(ids) == 2:
            outcome = "first" if preferred == ids[0] else "second"
            yield ids[0], ids[1], outcome, _SIGN[outcome] * (np.inf if strength is None else float(strength))
        else:
            raise VoteFrameError(f"Comparison {comparison_id!r} prefers {preferred!r}: none of {ids} nor {_WORDS}.")
        return
    is_ranking = "ranking" in verdict
    for first, second in combinations([name for name in ids if name in place], 2):
        difference = place[first] - place[second]
        outcome = "tie" if difference == 0 else "first" if difference > 0 else "second"
        yield (
            first,
            second,
            outcome,
            float(np.sign(difference)) * np.inf if is_ranking and difference else float(difference),
        )


def _places(ids: list[str], verdict: Mapping[str, Any], comparison_id: str) -> dict[str, float] | None:
    """Return a number per completion, higher is better, from scores, checks or a ranking; None for a preference."""
    ratings = verdict.get("scores") or verdict.get("checks")
    if ratings is not None:
        places = {str(name): float(rating) for name, rating in ratings.items()}
    elif verdict.get("ranking") is not None:
        groups = [group if isinstance(group, (list, tuple)) else [group] for group in verdict["ranking"]]
        places = {str(name): -float(place) for place, group in enumerate(groups) for name in group}
    else:
        return None
    unknown = sorted(set(places) - set(ids))
    if unknown:
        raise VoteFrameError(f"Comparison {comparison_id!r}: unknown completion {unknown[0]!r}; it has {ids}.")
    return places


def _signed(outcome: pd.Categorical, strength: np.ndarray) -> np.ndarray:
    """Return sign times strength, infinite where the strength is unknown, NaN where the outcome is missing.

    Overwrites `strength`.
    """
    sign = np.array([_SIGN.get(name, np.nan if name in MISSING_OUTCOMES else 0.0) for name in outcome.categories])
    sign = sign[outcome.codes]
    strength[np.isnan(strength)] = np.inf
    strength[sign == 0] = 1.0
    return np.multiply(sign, strength, out=strength)


def _scaled(value: np.ndarray, criterion: pd.Series, scales: Mapping[str, float]) -> np.ndarray:
    """Divide signed strengths by the largest possible one per criterion; infinite ones become their sign."""
    bare = np.isinf(value)
    if bare.all():
        return np.sign(value)
    for code, name in enumerate(criterion.cat.categories):
        mine = ~bare if len(criterion.cat.categories) == 1 else (criterion.cat.codes.to_numpy() == code) & ~bare
        largest = scales.get(str(name)) or np.nanmax(np.abs(value), where=mine & ~np.isnan(value), initial=0.0)
        if largest > 0:
            np.divide(value, largest, out=value, where=mine)
    return np.sign(value, out=value, where=bare)


def _outcomes(table: pd.DataFrame) -> dict[str, Any]:
    """Return `first`, `second`, `outcome` and `first_shown_first`; all worked out on categories, not on rows."""
    preferred = _categorical(table["preferred"])
    orders, order_code = _shown_orders(table)
    named = sorted({str(name) for name in preferred.cat.categories} - set(_WORDS))
    if not orders:
        if len(named) > 2:
            raise VoteFrameError(
                f"The votes name the responses {named[:4]} and have no `shown` column, so the two responses of each "
                "comparison cannot be told. Add `shown`, or use the same two ids throughout."
            )
        named = (named + [name for name in ("a", "b") if name not in named])[:2]
        orders, order_code = [tuple(sorted(named))], np.zeros(len(table), np.int8)
    pairs = [tuple(sorted(order)) for order in orders]
    outcome = np.array([[_outcome(str(name), pair) for pair in pairs] for name in preferred.cat.categories], np.int8)
    coded = outcome[preferred.cat.codes.to_numpy(), order_code] if len(table) else np.zeros(0, np.int8)
    if (coded < 0).any():
        position = int(np.flatnonzero(coded < 0)[0])
        raise VoteFrameError(
            f"Row {position + 1} prefers {table['preferred'].iloc[position]!r}, which is not among the responses shown "
            f"{orders[order_code[position]]} nor {_WORDS}."
        )
    columns: dict[str, Any] = {"outcome": pd.Categorical.from_codes(coded, categories=OUTCOMES, validate=False)}
    for place, column in enumerate(("first", "second")):
        names = sorted({pair[place] for pair in pairs})
        codes = np.array([names.index(pair[place]) for pair in pairs], np.int8 if len(names) < 128 else np.int32)
        columns[column] = pd.Categorical.from_codes(codes[order_code], categories=names, validate=False)
    if "shown" in table:
        in_order = np.array([order == pair for order, pair in zip(orders, pairs, strict=True)])
        columns["first_shown_first"] = in_order[order_code]
    else:
        columns["first_shown_first"] = pd.Categorical.from_codes(np.full(len(table), -1, np.int8), categories=[True])
    return columns


def _outcome(preferred: str, pair: tuple[str, ...]) -> int:
    """Return the code of the outcome when `preferred` is said of `pair`, -1 when it is not one of them."""
    if preferred in _WORDS:
        return OUTCOMES.index(preferred)
    return pair.index(preferred) if preferred in pair else -1


def _shown_orders(table: pd.DataFrame) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """Return the distinct orders on screen and each row's code; no orders when the column is absent or empty."""
    if "shown" not in table or table["shown"].isna().all():
        return [], np.zeros(len(table), np.int8)
    column = table["shown"]
    if column.isna().any():
        position = int(np.flatnonzero(column.isna())[0])
        raise VoteFrameError(f"Row {position + 1} has no `shown`; fill the column for all rows or for none.")
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = column.map(lambda item: item if isinstance(item, str) else json.dumps(list(item)))
    column = _categorical(column)
    return [_parse_shown(str(text)) for text in column.cat.categories], column.cat.codes.to_numpy()


def _parse_shown(text: str) -> tuple[str, ...]:
    names = json.loads(text) if text.startswith("[") else text.replace(",", " ").split()
    if len(names) != 2 or names[0] == names[1]:
        raise VoteFrameError(f"`shown` is {text!r}; it must name the two responses in the order on screen, like 'b,a'.")
    return tuple(str(name) for name in names)


def _judgment_ids(columns: Mapping[str, Any]) -> np.ndarray:
    """Return one number per judgment: rows of one comparison, rater, round and repeat share it."""
    if len(columns["criterion"].cat.categories) == 1:
        return np.arange(len(columns["criterion"]), dtype=np.int32)
    keys = pd.DataFrame({name: columns[name] for name in ("comparison_id", "rater_id", "round", "repeat_index")})
    return keys.groupby(list(keys), observed=True, sort=False).ngroup().to_numpy()


def _times(column: pd.Series | None, n: int) -> pd.Series:
    """Return times as datetime64[ns, UTC]; a time without zone is UTC."""
    if column is None:
        return pd.Series(np.full(n, np.datetime64("NaT", "ns"))).dt.tz_localize("UTC")
    return pd.to_datetime(column, utc=True).dt.as_unit("ns").reset_index(drop=True)


def _categorical(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.reset_index(drop=True)
    return column.reset_index(drop=True).astype(str).astype("category")


def _constant(text: str, n: int) -> pd.Series:
    return pd.Series(pd.Categorical.from_codes(np.zeros(n, np.int8), categories=[text]))


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Give a frame built from tuples its dtypes."""
    for name in _TEXT_COLUMNS:
        frame[name] = frame[name].astype("category")
    for name in ("confidence", "seconds", "value", "weight", "place"):
        frame[name] = pd.to_numeric(frame[name]).astype(float)
    frame["at"] = pd.to_datetime(frame["at"], utc=True, format="ISO8601")
    return frame
