"""Halo: is what a rater says of a criterion pulled towards the overall verdict, or towards the criterion seen before?

A halo makes criteria agree that would not: tension is then under-counted, while which criterion prevails is hardly
touched. Order effects can only be told apart from quality where the order was drawn by lot.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from app.stats.intervals import clustered_estimate
from app.stats.results import Estimate, undefined
from app.stats.tension import Profiles

MIN_ROWS = 30
NO_CRITERIA = "no criteria besides the overall verdict"
NO_ORDER = "the order of the criteria on screen is not recorded"
ONE_ORDER = "the order on screen is always the same, so its effect cannot be told"


def own_overall_pull(profiles: Profiles) -> Estimate:
    """Return how much more often a criterion sides with the rater's own verdict than with other raters' verdicts.

    mean of [sign d_tc = sign y_t] - share of other raters r' of the unit with sign y_r' = sign d_tc, over criteria and
    verdicts that favour a response. 0: criteria follow what is on the page; above 0 they follow the rater's own verdict
    beyond it. Real differences in what raters see count, too, so it is an upper bound of the halo.

    Args:
        profiles: judgments by criterion.

    Returns:
        A difference of shares in [-1, 1] with a normal interval, clustered by rater and comparison; undefined with
        fewer than 30 criterion values beside another rater's verdict.

    Source: Thorndike (1920); Nisbett and Wilson (1977).
    """
    if not profiles.criteria:
        return undefined(NO_CRITERIA)
    signs, own = profiles.signs, profiles.overall_sign
    n_units = int(profiles.unit.max(initial=-1)) + 1
    votes = {side: np.bincount(profiles.unit[own == side], minlength=n_units) for side in (-1, 1)}
    others = (votes[-1] + votes[1])[profiles.unit] - 1
    row, criterion = np.nonzero((signs != 0) & ((own != 0) & (others > 0))[:, None])
    side, unit = signs[row, criterion], profiles.unit[row]
    agrees = (side == own[row]).astype(float)
    same = np.where(side > 0, votes[1][unit], votes[-1][unit]) - agrees
    excess = agrees - same / np.maximum(others[row], 1)
    if len(excess) < MIN_ROWS:
        return undefined(f"{len(excess)} criterion values beside another rater's verdict; {MIN_ROWS} are needed")
    value = float(excess.mean())
    return clustered_estimate(value, (excess - value) / len(excess), _clusters(profiles, row))


def overall_first_pull(profiles: Profiles) -> Estimate:
    """Return how much more often a criterion sides with the rater's verdict when the verdict was asked first.

    The difference of P(sign d_tc = sign y_t) between judgments with the verdict first and those with it last, within
    criteria. Above 0: once the verdict is given, criteria are bent towards it.

    Args:
        profiles: judgments by criterion, with places on screen.

    Returns:
        See `stratified_difference`; undefined where the order is not recorded or always the same.

    Source: Schuman and Presser (1981), chapter 2, on part-whole order effects.
    """
    known = ~np.isnan(profiles.places) & ~np.isnan(profiles.overall_place)[:, None]
    if not known.any():
        return undefined(NO_ORDER if profiles.criteria else NO_CRITERIA)
    signs, own = profiles.signs, profiles.overall_sign
    row, criterion = np.nonzero(known & (signs != 0) & (own != 0)[:, None])
    first = profiles.overall_place[row] < profiles.places[row, criterion]
    return stratified_difference(signs[row, criterion] == own[row], first, criterion, _clusters(profiles, row))


def criterion_before_pull(profiles: Profiles) -> Estimate:
    """Return how much more often two criteria side with each other when they stand next to each other on screen.

    The difference of P(sign d_ti = sign d_tj) between judgments that show i and j next to each other and those that do
    not, within pairs of criteria. Above 0: a criterion is pulled towards the one before it.

    Args:
        profiles: judgments by criterion, with places on screen.

    Returns:
        See `stratified_difference`; undefined where the order is not recorded or always the same.

    Source: Schuman and Presser (1981), chapter 2, on part-part order effects.
    """
    if np.isnan(profiles.places).all():
        return undefined(NO_ORDER if profiles.criteria else NO_CRITERIA)
    signs = profiles.signs
    parts = []
    for stratum, (i, j) in enumerate(combinations(range(signs.shape[1]), 2)):
        distance = np.abs(profiles.places[:, i] - profiles.places[:, j])
        row = np.flatnonzero((signs[:, i] != 0) & (signs[:, j] != 0) & ~np.isnan(distance))
        parts.append((row, signs[row, i] == signs[row, j], distance[row] == 1, np.full(len(row), stratum)))
    if not parts:
        return undefined("fewer than two criteria")
    row, same, beside, stratum = (np.concatenate(column) for column in zip(*parts, strict=True))
    return stratified_difference(same, beside, stratum, _clusters(profiles, row))


def stratified_difference(
    hit: np.ndarray, exposed: np.ndarray, stratum: np.ndarray, clusters: list[np.ndarray]
) -> Estimate:
    """Return the difference of a share between exposed and other rows, within strata.

    sum (x - mean_s x) y / sum (x - mean_s x)²: strata count by how much their exposure varies. The interval is normal,
    with errors clustered by the cluster codes given.

    Args:
        hit: (n,) bool.
        exposed: (n,) bool.
        stratum: (n,) non-negative integers.
        clusters: up to two (n,) arrays of cluster codes.

    Returns:
        A difference in [-1, 1]; undefined with fewer than 30 rows in strata with both, n counts these.

    Source: Frisch and Waugh (1933) for the coefficient; Cameron, Gelbach and Miller (2011), equation 2.9.
    """
    x, y = exposed.astype(float), hit.astype(float)
    size = np.maximum(np.bincount(stratum), 1)
    centred = x - (np.bincount(stratum, weights=x) / size)[stratum]
    varies = np.abs(centred) > 0
    n = int(varies.sum())
    if n == 0:
        return undefined(ONE_ORDER)
    if n < MIN_ROWS:
        return undefined(f"{n} values in both orders; {MIN_ROWS} are needed", n=n)
    residual = y - (np.bincount(stratum, weights=y) / size)[stratum]
    spread = float((centred**2).sum())
    value = float(centred @ y) / spread
    influence = centred * (residual - value * centred) / spread
    return clustered_estimate(value, influence[varies], [codes[varies] for codes in clusters])


def _clusters(profiles: Profiles, row: np.ndarray) -> list[np.ndarray]:
    return [profiles.rater[row], profiles.comparison[row]]
