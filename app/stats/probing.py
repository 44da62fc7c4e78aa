"""How much hidden gold a rater gets: much at first, less with experience, more after an alarm."""

from __future__ import annotations

STEPS = ((50, 0.20), (200, 0.10))
"""(judgments, share of gold) for the first judgments of a rater."""

LATER = 0.05
AFTER_ALARM = 0.10
"""Added while a rater stands warned."""


def gold_share(n_done: int, *, is_warned: bool = False) -> float:
    """Return the share of gold among what a rater gets next: .20 for the first 50, .10 to 200, .05 after.

    Args:
        n_done: judgments that the rater has given in the round.
        is_warned: whether an alarm stands: .10 more.

    Returns:
        A share from .05 to .30; it never rises with experience.
    """
    share = next((share for until, share in STEPS if n_done < until), LATER)
    return share + AFTER_ALARM if is_warned else share
