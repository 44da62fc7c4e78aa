"""The one error that the commands of `reward` turn into a line on standard error and exit status 1."""

from __future__ import annotations


class RewardError(Exception):
    """The work cannot be done, for a reason that the caller can act on; the message names place and remedy."""
