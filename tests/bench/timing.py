"""Timing that is honest on a shared machine: many repetitions, median and 95th percentile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np


def line(name: str, seconds: list[float], *, unit: str = "ms", per: int = 1, **more: Any) -> dict[str, Any]:
    """One measurement as a line.

    Args:
        name: what was measured.
        seconds: one duration per repetition.
        unit: "ms", or "/s" for things done per second.
        per: how many things one repetition does.
        more: further columns, e.g. `ratio`.
    """
    if unit == "ms":
        values = np.array(seconds) * 1000 / per
        slow = np.percentile(values, 95)
    else:
        values = per / np.array(seconds)
        slow = np.percentile(values, 5)
    shown = {"name": name, "n": len(seconds), "median": round(float(np.median(values)), 3)}
    return {**shown, "p95": round(float(slow), 3), "unit": unit, **more}


def clock(work: Callable[[], Any], *, repeat: int) -> list[float]:
    """The duration of each of `repeat` calls, in seconds."""
    durations = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        durations.append(time.perf_counter() - start)
    return durations
