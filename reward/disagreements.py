"""Where model and raters disagree most, split into likely label errors and likely blind spots of the model.

For a pair with margin d < 0 the model prefers the response that the raters rejected. Both sides are weighed as evidence
in log odds that the label is wrong:

    |d| / T  +  log odds of the other scorers that side with the model, or against it  -  n (2p - 1) log(q / (1 - q))

T is the fitted temperature, n (2p - 1) the lead of the votes, q the probability that one vote is right (the human
ceiling of the snapshot, .75 where it names none). Above 0 the label is the likelier mistake: look at the votes. Below 0
the model is: look for what it cannot see. Evidence is added up as if it were independent, which it is not: the number
ranks and sorts, it is no probability to act upon unseen. Compare Northcutt, Jiang and Chuang (2021).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reward.pairs import Pair

N_LISTED = 25
DEFAULT_VOTE_ACCURACY = 0.75
WITNESS_LOG_ODDS = 0.5
"""How much one baseline counts that sides with the model: weak scorers of about 62 % accuracy, log(.62 / .38)."""


def evidence_against_labels(
    pairs: Sequence[Pair],
    margins: np.ndarray,
    *,
    witnesses: Mapping[str, np.ndarray],
    temperature: float = 1.0,
    vote_accuracy: float = DEFAULT_VOTE_ACCURACY,
) -> np.ndarray:
    """Log odds that each label is wrong, shape (pairs,).

    Args:
        pairs: with labels and numbers of votes; a pair of unknown votes counts as one vote.
        margins: (pairs,) the model's reward differences.
        witnesses: margins of other scorers.
        temperature: by which the model's margins are divided.
        vote_accuracy: q.
    """
    lead = np.array([max(1, pair.n_judgments) * (2 * pair.soft_label - 1) for pair in pairs])
    against = sum((-np.sign(other) * WITNESS_LOG_ODDS for other in witnesses.values()), np.zeros(len(pairs)))
    q = min(max(vote_accuracy, 0.55), 0.95)
    return -margins / temperature + against - lead * np.log(q / (1 - q))


def disagreements(
    pairs: Sequence[Pair],
    margins: np.ndarray,
    *,
    witnesses: Mapping[str, np.ndarray],
    temperature: float | None = None,
    ceiling: float | None = None,
    n_listed: int = N_LISTED,
) -> dict[str, Any]:
    """The two lists, each from the strongest case down, JSON-ready.

    Args:
        pairs: what was judged.
        margins: (pairs,) of the model.
        witnesses: margins of the baselines.
        temperature: fitted; 1 when None.
        ceiling: the human ceiling, or None.
        n_listed: entries per list.

    Returns:
        `n` pairs on which model and label disagree, `likely_label_errors` and `likely_blind_spots` (each with
        `comparison_id`, `chosen_id`, `rejected_id`, `margin`, `soft_label`, `n_judgments`, `log_odds_label_wrong`,
        `with_model`: the baselines that side with the model), and `rule` in words.
    """
    used = {name: other for name, other in witnesses.items() if name != "shorter_wins"}
    scores = evidence_against_labels(
        pairs,
        margins,
        witnesses=used,
        temperature=temperature or 1.0,
        vote_accuracy=DEFAULT_VOTE_ACCURACY if ceiling is None else ceiling,
    )
    disagree = np.flatnonzero(margins < 0)
    errors = sorted((i for i in disagree if scores[i] > 0), key=lambda i: -scores[i])
    blind = sorted((i for i in disagree if scores[i] <= 0), key=lambda i: margins[i])

    def entry(i: int) -> dict[str, Any]:
        pair = pairs[i]
        return {
            "comparison_id": pair.comparison_id,
            "chosen_id": pair.chosen_id,
            "rejected_id": pair.rejected_id,
            "margin": float(margins[i]),
            "soft_label": pair.soft_label,
            "n_judgments": pair.n_judgments,
            "log_odds_label_wrong": float(scores[i]),
            "with_model": [name for name, other in used.items() if other[i] < 0],
        }

    return {
        "n": len(disagree),
        "n_likely_label_errors": len(errors),
        "n_likely_blind_spots": len(blind),
        "likely_label_errors": [entry(i) for i in errors[:n_listed]],
        "likely_blind_spots": [entry(i) for i in blind[:n_listed]],
        "rule": "a label error where model and baselines weigh more than the lead of the votes, else a blind spot",
    }
