"""Is a gold key right? What strong raters answer to it, and whether it tells strong raters from weak ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

STRONG_ACCURACY, STRONG_N = 0.8, 10
"""A rater is strong who is right on so large a share (Beta(1, 1) posterior mean) of at least so many other keys."""

STRONG_ERROR, MAX_P = 0.25, 0.01
"""A key is suspect where strong raters err more often than this could explain."""

MIN_STRONG = 4


@dataclass(frozen=True)
class ItemCheck:
    """What the answers say of one key.

    Attributes:
        item: its code.
        n: raters who answered.
        n_right: of them right by the key.
        n_strong: strong raters who answered, their other answers counting.
        n_strong_wrong: of them wrong by the key.
        p_value: P(at least so many strong raters wrong), each with probability .25; None without strong raters.
        discrimination: point-biserial correlation of being right here with the accuracy elsewhere; None without
            variation or below 5 raters. Below 0 the weak are right and the strong are wrong.
        is_suspect: at least 4 strong raters, most of them wrong, and a p-value below .01.
    """

    item: int
    n: int
    n_right: int
    n_strong: int
    n_strong_wrong: int
    p_value: float | None
    discrimination: float | None
    is_suspect: bool


def check_items(rater: np.ndarray, item: np.ndarray, right: np.ndarray) -> list[ItemCheck]:
    """Return the check of every key that has answers, by code.

    Args:
        rater: (N,) codes, one answer per rater and item.
        item: (N,) codes.
        right: (N,) bool.

    Source: Lord and Novick (1968), section 15.2, for item-rest discrimination.
    """
    rater, item, right = np.asarray(rater, np.int64), np.asarray(item, np.int64), np.asarray(right, bool)
    n_of = np.bincount(rater, minlength=1)
    hits_of = np.bincount(rater, weights=right, minlength=1)
    n_rest, hits_rest = n_of[rater] - 1, hits_of[rater] - right
    accuracy = (1 + hits_rest) / (2 + n_rest)
    strong = (n_rest >= STRONG_N) & (accuracy >= STRONG_ACCURACY)
    return [
        _check(int(code), right[item == code], strong[item == code], accuracy[item == code]) for code in np.unique(item)
    ]


def _check(code: int, right: np.ndarray, strong: np.ndarray, accuracy: np.ndarray) -> ItemCheck:
    n_strong, n_wrong = int(strong.sum()), int((strong & ~right).sum())
    p_value = float(bdtrc(n_wrong - 1, n_strong, STRONG_ERROR)) if n_strong else None
    is_suspect = n_strong >= MIN_STRONG and n_wrong > n_strong / 2 and p_value is not None and p_value < MAX_P
    return ItemCheck(
        item=code,
        n=len(right),
        n_right=int(right.sum()),
        n_strong=n_strong,
        n_strong_wrong=n_wrong,
        p_value=p_value,
        discrimination=_point_biserial(right, accuracy),
        is_suspect=is_suspect,
    )


def _point_biserial(right: np.ndarray, accuracy: np.ndarray) -> float | None:
    if len(right) < 5 or right.all() or not right.any() or np.ptp(accuracy) < 1e-12:
        return None
    return float(np.corrcoef(right.astype(float), accuracy)[0, 1])
