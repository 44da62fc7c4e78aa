"""What every statistic returns: a number with its n, its interval and, when undefined, the reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A number that can be defended.

    Attributes:
        value: the estimate, or None when it is undefined.
        n: how many things it rests on (pairs of votes, units, judgments; the report names which).
        low: lower end of the interval, or None.
        high: upper end of the interval, or None.
        level: coverage that the interval claims.
        method: how the interval was made; empty when there is none.
        standard_error: analytic standard error where one is published, or None.
        undefined_reason: why `value` or the interval is missing, or None.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    method: str = ""
    standard_error: float | None = None
    undefined_reason: str | None = None

    def to_json(self, *, n_name: str = "n", **extra: Any) -> dict[str, Any]:
        """Return a plain dict: `value`, `low`, `high`, `method`, the n under `n_name`, `undefined_reason`."""
        document: dict[str, Any] = {**extra, "value": self.value, "low": self.low, "high": self.high}
        if self.standard_error is not None:
            document["standard_error"] = self.standard_error
        document[n_name] = self.n
        document["method"] = self.method
        document["undefined_reason"] = self.undefined_reason
        return plain(document)

    def with_interval(self, low: float | None, high: float | None, *, method: str) -> Estimate:
        """Return this estimate with another interval."""
        return replace(self, low=low, high=high, method=method)


def undefined(reason: str, *, n: int = 0) -> Estimate:
    """Return an estimate that has no value, and says why."""
    return Estimate(value=None, n=n, undefined_reason=reason)


def defined(value: float) -> float | None:
    """Return `value`, or None where it is not a finite number."""
    return float(value) if math.isfinite(value) else None


def plain(value: Any) -> Any:
    """Return `value` as plain JSON types: dict, list, str, int, float, bool, None.

    Raises:
        ValueError: a number is NaN or infinite; an undefined number is None with a reason, never NaN.
        TypeError: a type that JSON does not know.
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (np.bool_, np.integer)):
        return value.item()
    if isinstance(value, int):
        return value
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            raise ValueError(f"A report holds the number {value}; an undefined number is None with a reason.")
        return float(value)
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, (Sequence, set, frozenset)):
        return [plain(item) for item in value]
    raise TypeError(f"A report cannot hold {type(value).__name__}: {value!r}.")
