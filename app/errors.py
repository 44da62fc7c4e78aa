"""One class per cause that a caller can act on. Messages name the value, the place and the remedy."""

from __future__ import annotations

from collections.abc import Sequence


class SteelyardError(Exception):
    """The work cannot be done as asked; the message says why and what to do. Commands exit with status 1."""


class NotFound(SteelyardError):
    """Something named does not exist."""


class AlreadyExists(SteelyardError):
    """A name that must be unique is taken."""


class NotAllowed(SteelyardError):
    """The person has no role that permits this."""


class Conflict(SteelyardError):
    """The same identity with other content, or a state that forbids the step."""


class AlreadyEnded(Conflict):
    """An assignment was handed in or given back before: by another tab, or another click.

    Attributes:
        state: "submitted" or "skipped".
    """

    def __init__(self, message: str, *, state: str) -> None:
        super().__init__(message)
        self.state = state


class DraftMoved(Conflict):
    """Somebody else saved a draft meanwhile: nothing was overwritten.

    Attributes:
        revision: the revision that is there now.
        saved_by: who saved it.
        text: what it says now.
    """

    def __init__(self, *, revision: int, saved_by: str, text: str) -> None:
        super().__init__(
            f"{saved_by} saved this draft meanwhile (revision {revision}); nothing was overwritten. "
            "Take theirs, keep yours as a draft of its own, or put yours in its place."
        )
        self.revision, self.saved_by, self.text = revision, saved_by, text


class InvalidInput(SteelyardError):
    """A value from outside is not acceptable."""


class UnfitPassword(InvalidInput):
    """A password that nobody should have.

    Attributes:
        fault: "short", "long" or "easy".
        n: its characters.
        limit: how many it needs, or may have.
    """

    def __init__(self, message: str, *, fault: str, n: int, limit: int) -> None:
        super().__init__(message)
        self.fault, self.n, self.limit = fault, n, limit


class RefusedSubmission(SteelyardError):
    """A judgment breaks the rubric or its justification rules; `problems` has one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class LeaseLost(SteelyardError):
    """The lease ran out and the place went to another rater; the draft is kept."""


class StoreError(SteelyardError):
    """The database is unreachable, of another schema version, or damaged."""


class MissingExtra(SteelyardError):
    """An optional dependency is needed; the message names the extra to install."""


class AssistantFailed(SteelyardError):
    """The configured language model cannot be reached, or answers with nothing of use."""


class JobCancelled(SteelyardError):
    """Somebody asked a running job to stop."""
