"""The limit on guessing passwords."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping


class Attempts:
    """Failed attempts to log in: many from one place, or at one name, are refused for a while.

    Kept in this process, for a sliding window. An address is held back at one name after a few failures, so that a
    stranger cannot shut a person out from elsewhere, and altogether after more.
    """

    def __init__(
        self,
        *,
        window_seconds: float = 900,
        limits: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = dict(limits or {"pair": 8, "address": 40, "name": 80})
        self._window, self._clock = window_seconds, clock
        self._failures: dict[tuple[str, ...], deque[float]] = {}
        self._lock = threading.Lock()

    def seconds_to_wait(self, name: str, address: str) -> float:
        """0 where an attempt is welcome."""
        now = self._clock()
        with self._lock:
            return max((self._wait(key, now) for key in self._keys(name, address)), default=0.0)

    def failed(self, name: str, address: str) -> None:
        """Count a failure."""
        now = self._clock()
        with self._lock:
            if len(self._failures) > 10_000:
                self._failures = {key: times for key, times in self._failures.items() if self._recent(times, now)}
            for key in self._keys(name, address):
                self._failures.setdefault(key, deque()).append(now)

    def succeeded(self, name: str, address: str) -> None:
        """Forget this address' failures at this name."""
        with self._lock:
            self._failures.pop(("pair", name, address), None)

    def _keys(self, name: str, address: str) -> tuple[tuple[str, ...], ...]:
        return ("pair", name, address), ("address", address), ("name", name)

    def _recent(self, times: deque[float], now: float) -> int:
        while times and times[0] <= now - self._window:
            times.popleft()
        return len(times)

    def _wait(self, key: tuple[str, ...], now: float) -> float:
        times = self._failures.get(key)
        if times is None or self._recent(times, now) < self._limits[key[0]]:
            return 0.0
        return times[-self._limits[key[0]]] + self._window - now
