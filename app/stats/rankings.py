"""Agreement between rankings of three or more responses: Kendall's W and tau-b, from the pairs that a ranking implies.

A weak order of k responses is its k(k-1)/2 pairs with signs. Both coefficients follow from the signs alone: tau-b of
two rankings is the cosine of their sign vectors, and the mid-rank of a response is (k+1)/2 - (wins - losses) / 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.stats.agreement import BOOTSTRAP_METHOD, N_BOOTSTRAP
from app.stats.coding import CodedVotes
from app.stats.intervals import percentile_interval
from app.stats.results import Estimate, undefined

NO_RANKINGS = "no comparison of three or more responses was ranked by two raters"


@dataclass(frozen=True)
class RankingAgreement:
    """Agreement between rankings.

    Attributes:
        kendall_w: mean coefficient of concordance over comparisons, corrected for ties; n comparisons. Between 0 and
            1; rankings at random give 1/m with m raters, so read it beside tau-b.
        kendall_tau_b: mean tau-b over pairs of rankings of the same comparison; n pairs. Between -1 and 1, 0 by chance.
    """

    kendall_w: Estimate
    kendall_tau_b: Estimate


def ranking_agreement(
    coded: CodedVotes, votes: pd.DataFrame, *, n_bootstrap: int = N_BOOTSTRAP, seed: int = 0
) -> RankingAgreement:
    """Return Kendall's W and tau-b over comparisons that at least two raters ranked in full.

    W = sum_i (sum_j net_ij)² / (m sum_ij net_ij²), net_ij the wins minus losses of response i in ranking j: Kendall's W
    with the usual correction for ties. tau-b = sum s_r s_s / sqrt(sum s_r² sum s_s²) over pairs of responses. A ranking
    that ties everything has no direction and is left out. Intervals by bootstrap over comparisons.

    Args:
        coded: votes on one criterion, one per rater and unit.
        votes: the frame that was coded.
        n_bootstrap: resamples.
        seed: of the resamples.

    Source: Kendall and Babington Smith (1939); Kendall (1945) for ties; Kendall (1948), chapter 6.
    """
    table = _full_rankings(coded, votes)
    if table is None:
        return RankingAgreement(undefined(NO_RANKINGS), undefined(NO_RANKINGS))
    squares = table.groupby("judgment")["sign"].transform(lambda signs: (signs**2).sum())
    table = table[squares > 0].assign(unit_sign=table["sign"] / np.sqrt(squares.clip(lower=1)))
    n_raters = table.drop_duplicates("judgment").groupby("comparison").size()
    n_raters = n_raters[n_raters >= 2]
    table = table[table["comparison"].isin(n_raters.index)]
    if len(table) == 0:
        return RankingAgreement(undefined(NO_RANKINGS), undefined(NO_RANKINGS))
    w = _concordance(table, n_raters)
    tau_sums = (
        (table.groupby(["comparison", "unit"])["unit_sign"].sum() ** 2).groupby("comparison").sum() - n_raters
    ) / 2
    pairs = n_raters * (n_raters - 1) / 2
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(n_raters), np.full(len(n_raters), 1 / len(n_raters)), size=n_bootstrap)
    ones = np.ones(len(n_raters))
    return RankingAgreement(
        _ratio_of_sums(w.to_numpy(), ones, draws), _ratio_of_sums(tau_sums.to_numpy(), pairs.to_numpy(), draws)
    )


def ranked_responses(coded: CodedVotes, votes: pd.DataFrame) -> pd.DataFrame:
    """Return one row per response of every full ranking of three or more.

    Args:
        coded: votes on one criterion, one per rater and unit.
        votes: the frame that was coded.

    Returns:
        Columns `comparison` (code), `judgment` (0, 1, ... per ranking), `rater` (code), `response` (completion id),
        `place` (losses minus wins: lower is better, equal for ties).
    """
    table = _full_rankings(coded, votes)
    if table is None:
        return pd.DataFrame(columns=["comparison", "judgment", "rater", "response", "place"])
    sides = _sides(table)
    keys = ["comparison", "judgment", "rater", "response"]
    places = (-sides.groupby(keys)["sign"].sum()).rename("place").reset_index()
    return places.assign(judgment=pd.factorize(places["judgment"])[0])


def _sides(table: pd.DataFrame) -> pd.DataFrame:
    """Return two rows per pair, one per response, with the sign from its side."""
    keys = ["comparison", "judgment", "rater", "sign"]
    mirrored = table[keys].assign(response=table["second"], sign=-table["sign"])
    return pd.concat([table[keys].assign(response=table["first"]), mirrored])


def _full_rankings(coded: CodedVotes, votes: pd.DataFrame) -> pd.DataFrame | None:
    """Return one row per judgment and pair of comparisons with k >= 3, for judgments that cover every pair."""
    names = votes[["first", "second"]].iloc[coded.row].astype(str)
    table = pd.DataFrame(
        {
            "comparison": coded.unit_comparison[coded.unit],
            "unit": coded.unit,
            "rater": coded.rater,
            "sign": np.sign(np.nan_to_num(coded.value)),
            "first": names["first"].to_numpy(),
            "second": names["second"].to_numpy(),
        }
    )
    units = table.groupby("comparison")["unit"].transform("nunique")
    table = table[units >= 3].assign(n_pairs=units)
    if len(table) == 0:
        return None
    table["judgment"] = table.groupby(["comparison", "rater"]).ngroup()
    covered = table.groupby("judgment")["unit"].transform("size")
    table = table[covered == table["n_pairs"]]
    return table if len(table) else None


def _concordance(table: pd.DataFrame, n_raters: pd.Series) -> pd.Series:
    """Return W of each comparison."""
    sides = _sides(table)
    net = sides.groupby(["comparison", "judgment", "response"])["sign"].sum()
    own = (net**2).groupby("comparison").sum()
    joint = (net.groupby(["comparison", "response"]).sum() ** 2).groupby("comparison").sum()
    return joint / (n_raters * own)


def _ratio_of_sums(numerator: np.ndarray, denominator: np.ndarray, draws: np.ndarray) -> Estimate:
    """Return sum / sum over comparisons with its bootstrap interval; n is the sum of the denominator."""
    value = float(numerator.sum() / denominator.sum())
    bounds = percentile_interval((draws @ numerator) / (draws @ denominator))
    estimate = Estimate(value=value, n=round(denominator.sum()))
    if len(numerator) < 2 or bounds is None:
        return Estimate(value=value, n=estimate.n, undefined_reason="no interval from a single comparison")
    return estimate.with_interval(*bounds, method=f"{BOOTSTRAP_METHOD} ({len(draws):,} resamples)")
