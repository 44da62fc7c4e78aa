"""From votes to one soft label per pair of responses: the consensus, with its votes counted beside it.

The statistics are those of `app.stats`; here they meet the decisions of adjudicators. A decision with cause `error`
(the votes were mistaken) settles a label; one with any other cause explains a disagreement and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from app.domain import OVERALL, Cause, Purpose
from app.errors import InvalidInput
from app.stats.coding import CLASSES, CodedVotes, code_votes
from app.stats.consensus import Consensus, majority, one_coin
from app.stats.intervals import wilson_clustered
from app.stats.results import Estimate, undefined
from app.stats.tension import Profiles, build_profiles
from app.store.queries import Decision
from rubrics.answers import BOTH_BAD, CANNOT_JUDGE, TIE, Answer, AnswerError, outcome

COUNTED_PURPOSES = (Purpose.WORK.value, Purpose.GOLD.value)
"""Judgments that count as votes on a label. Repeats, exams and audits measure raters."""

FIRST, SECOND = CLASSES.index("first"), CLASSES.index("second")

METHODS: Mapping[str, Callable[..., Consensus]] = {
    "vote_share": majority,
    "majority": majority,
    "one_coin": one_coin,
}
"""How votes become a label: the share of the votes, the winner of the plurality, or the one-coin rater model."""

METHOD_TEXTS: Mapping[str, str] = {
    "vote_share": "the share of the votes for a response, a vote for neither counting half",
    "majority": "1 for the response that most votes prefer",
    "one_coin": "the posterior probability under the one-coin model of rater accuracy, a tie counting half",
}


@dataclass(frozen=True)
class PairLabels:
    """The consensus of a campaign.

    Attributes:
        frame: one row per (comparison, first, second) that anybody judged, sorted by these names:
            `comparison_id`, `first`, `second`, `weight` (1, or 2/k), `n_votes` (counted, not missing, one a rater),
            `p_first` (soft label: probability that `first` wins; NaN without votes), `decision` (first, second, tie,
            both_bad; cannot_judge without votes; no_overall where only criteria were judged), `is_settled` (by an
            adjudication), `strength` (mean absolute strength of the votes for either response; NaN where none has one).
        votes: the votes that count, as a vote frame: of the counted kinds and of purpose work or gold.
        coded: the same, one a rater and unit, all criteria.
        profiles: the same by judgment, for criteria and tensions.
        unit_rows: for each unit of `coded`, its row in `frame`.
        parameters: what the method was and how its fit went.
    """

    frame: pd.DataFrame
    votes: pd.DataFrame
    coded: CodedVotes
    profiles: Profiles
    unit_rows: np.ndarray
    parameters: Mapping[str, Any]


def label_pairs(
    votes: pd.DataFrame, *, kinds: Collection[str], method: str = "vote_share", decisions: Sequence[Decision] = ()
) -> PairLabels:
    """Aggregate the votes of a campaign to one label per pair of responses.

    `both_bad` counts as a vote for neither; a pair of which at least half of the votes (or of the posterior) say
    both_bad is `both_bad`. A pair is a `tie` when its soft label is exactly .5, or when more than half say tie.

    Args:
        votes: the frame of `app.store.queries.judgments_frame`.
        kinds: kinds of rater that count.
        method: a key of METHODS.
        decisions: adjudications; those that hold and have cause `error` settle their pairs.

    Raises:
        InvalidInput: an unknown method.
    """
    if method not in METHODS:
        raise InvalidInput(f"There is no aggregation {method!r}; there are {', '.join(METHODS)}.")
    counted = votes[votes["purpose"].isin(COUNTED_PURPOSES) & votes["rater_kind"].isin(list(kinds))]
    counted = counted.reset_index(drop=True)
    coded = code_votes(counted, kinds=kinds)
    frame, unit_rows = _pair_frame(counted, coded)
    overall = coded.of(OVERALL)
    trust = counted["trust"].to_numpy(float)[overall.row] if "trust" in counted else np.ones(len(overall))
    doubted = {} if method == "one_coin" or (trust == 1).all() else {"weight": trust}  # one_coin weighs raters itself
    consensus = METHODS[method](overall, **doubted)
    _fill_labels(frame, unit_rows, consensus, is_hard=method == "majority")
    frame["strength"] = _mean_strength(counted, overall, unit_rows, len(frame))
    _settle(frame, decisions)
    parameters: dict[str, Any] = {"method": method, "meaning": METHOD_TEXTS[method]}
    if doubted:
        parameters["n_doubted_votes"] = int((trust < 1).sum())
    if consensus.rater_accuracy is not None:
        parameters |= {"n_iterations": consensus.n_iterations, "converged": consensus.converged}
    return PairLabels(frame, counted, coded, build_profiles(coded, counted), unit_rows, parameters)


def criterion_values(labels: PairLabels) -> dict[str, np.ndarray]:
    """Criterion -> mean signed value of each row of the labels' frame, positive for `first`; NaN where nobody said."""
    profiles = labels.profiles
    rows = labels.unit_rows[profiles.unit]
    return {
        name: _mean_by(rows, profiles.values[:, c], ~np.isnan(profiles.values[:, c]), len(labels.frame))
        for c, name in enumerate(profiles.criteria)
    }


def tension_shares(labels: PairLabels) -> dict[str, np.ndarray]:
    """ "i|j" -> share of the judgments of each row in which the criteria i and j favour different responses.

    Of the judgments that say something of both criteria; NaN where there is none. Names i < j.
    """
    profiles = labels.profiles
    rows = labels.unit_rows[profiles.unit]
    shares = {}
    for i, first in enumerate(profiles.criteria):
        for j, second in enumerate(profiles.criteria):
            if first < second:
                product = profiles.values[:, i] * profiles.values[:, j]
                shares[f"{first}|{second}"] = _mean_by(rows, product < 0, ~np.isnan(product), len(labels.frame))
    return shares


def rater_against_rest(labels: PairLabels) -> Estimate:
    """How often a rater's vote agrees with the majority of the other raters: what a perfect model could reach.

    Over votes that prefer a response, on pairs where the other raters' votes have a strict majority for one response
    (their ties count for neither). Wilson's interval on clusters of raters and comparisons. Undefined without overlap.
    """
    votes = labels.coded.of(OVERALL)
    n_units = votes.n_units
    prefers_first = (votes.outcome == FIRST).astype(np.int64)
    prefers_second = (votes.outcome == SECOND).astype(np.int64)
    lead = np.bincount(votes.unit, weights=prefers_first - prefers_second, minlength=n_units)
    own = prefers_first - prefers_second
    lead_of_others = lead[votes.unit] - own
    usable = (own != 0) & (lead_of_others != 0)
    agrees = (own * lead_of_others > 0)[usable]
    if not usable.any():
        return undefined("no vote can be compared with a majority of other raters on the same pair")
    comparison = np.asarray(votes.unit_comparison)[votes.unit][usable]
    return wilson_clustered(agrees, [votes.rater[usable], comparison])


def _pair_frame(votes: pd.DataFrame, coded: CodedVotes) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows of the result without labels, and the row of each unit of the coded votes."""
    names = ["comparison_id", "first", "second"]
    is_overall = votes["criterion"] == OVERALL
    pairs = votes[[*names, "weight"]].assign(has_overall=is_overall).astype(dict.fromkeys(names, object))
    frame = pairs.groupby(names, sort=True, as_index=False).agg({"weight": "first", "has_overall": "any"})
    row_of = {key: row for row, key in enumerate(zip(*(frame[name].tolist() for name in names), strict=True))}
    unit_rows = np.full(coded.n_units, -1, np.int64)
    units, examples = np.unique(coded.unit, return_index=True)
    keys = pairs[names].iloc[coded.row[examples]]
    unit_rows[units] = [row_of[key] for key in zip(*(keys[name].tolist() for name in names), strict=True)]
    return frame, unit_rows


def _fill_labels(frame: pd.DataFrame, unit_rows: np.ndarray, consensus: Consensus, *, is_hard: bool) -> None:
    """Set `n_votes`, `p_first`, `decision` and `is_settled`."""
    rows = unit_rows[consensus.unit]
    posterior = consensus.posterior
    p = dict(zip(CLASSES, posterior.T, strict=True))
    soft = p["first"] + (p[TIE] + p[BOTH_BAD]) / 2
    is_both_bad = p[BOTH_BAD] >= 0.5
    is_tie = (np.abs(soft - 0.5) < 1e-9) | (p[TIE] > 0.5)
    decided = np.where(soft > 0.5, "first", "second").astype(object)
    if is_hard:
        winners = np.array(CLASSES, object)[consensus.decision]
        is_tie |= (winners == TIE) & ~is_both_bad
        decided = np.where(np.isin(winners, ("first", "second")), winners, decided)
        soft = (decided == "first").astype(float)
    decided[is_tie] = TIE
    decided[is_both_bad] = BOTH_BAD
    soft = np.where(is_tie | is_both_bad, 0.5, soft)
    n_votes = np.zeros(len(frame), np.int64)
    p_first = np.full(len(frame), np.nan)
    decision = np.where(frame.pop("has_overall"), CANNOT_JUDGE, "no_overall").astype(object)
    n_votes[rows], p_first[rows], decision[rows] = consensus.n_votes, np.round(soft, 9), decided
    frame["n_votes"], frame["p_first"], frame["decision"], frame["is_settled"] = n_votes, p_first, decision, False


def _mean_strength(votes: pd.DataFrame, overall: CodedVotes, unit_rows: np.ndarray, n_rows: int) -> np.ndarray:
    has_strength = votes["has_strength"].to_numpy(bool)[overall.row]
    prefers = np.isin(overall.outcome, (FIRST, SECOND))
    return _mean_by(unit_rows[overall.unit], np.abs(overall.value), has_strength & prefers, n_rows)


def _mean_by(rows: np.ndarray, values: np.ndarray, use: np.ndarray, n_rows: int) -> np.ndarray:
    """Mean of the used values per row; NaN where there is none."""
    total = np.bincount(rows[use], weights=values[use].astype(float), minlength=n_rows)
    count = np.bincount(rows[use], minlength=n_rows)
    return np.round(np.divide(total, count, out=np.full(n_rows, np.nan), where=count > 0), 9)


def _settle(frame: pd.DataFrame, decisions: Sequence[Decision]) -> None:
    """Let the decisions that correct errors stand in place of the votes."""
    settling = {
        decision.comparison_id: decision.adjudication.answer
        for decision in decisions
        if decision.holds and decision.adjudication.cause is Cause.ERROR
    }
    if not settling:
        return
    concerned = np.flatnonzero(frame["comparison_id"].isin(list(settling)))
    for row, comparison_id, first, second in frame.loc[concerned, ["comparison_id", "first", "second"]].itertuples():
        decided = _decided_outcome(settling[comparison_id], comparison_id, first, second)
        p_first = {"first": 1.0, "second": 0.0, TIE: 0.5, BOTH_BAD: 0.5}.get(decided, np.nan)
        frame.loc[row, ["p_first", "decision", "is_settled"]] = [p_first, decided, True]


def _decided_outcome(answer: Answer, comparison_id: str, first: str, second: str) -> str:
    try:
        return outcome(answer, first, second)
    except AnswerError as error:
        raise InvalidInput(f"The adjudication of comparison {comparison_id!r} does not fit it: {error}.") from error
