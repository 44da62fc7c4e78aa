"""Slow imports beside a server that answers already."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Warmup:
    """Work that pages wait for and the log-in does not: begun with the server, in a thread."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.create_task(asyncio.to_thread(self._work))

    async def finish(self) -> None:
        """Wait for the end of it; nothing waits for what was never begun.

        Raises:
            Exception: what the work raised, for everybody who waits.
        """
        if self._task is not None:
            await asyncio.shield(self._task)
