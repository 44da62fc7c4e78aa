"""Processes to be killed: forked from one that has imported the services, without the wait for that.

The services are in them as the product has them: nothing of `tests/conftest.py` is.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

from app.store.engine import Store

_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(["app.services.importing", "app.services.judging", "app.services.snapshotting"])


class Doomed:
    """A process that runs a script on a store, and what it prints."""

    def __init__(self, store: Store, script: str, *arguments: Any) -> None:
        """Start it; the script finds the store's URL and the other arguments in `sys.argv[1:]`."""
        url = store.url.render_as_string(hide_password=False)
        reader, writer = _forking.Pipe(duplex=False)
        self._process = _forking.Process(target=_run, args=(script, [url, *map(str, arguments)], writer), daemon=True)
        self._process.start()
        writer.close()
        self.stdout = os.fdopen(os.dup(reader.fileno()))
        reader.close()

    def kill(self) -> list[str]:
        """Kill it without warning; the whole lines that it had printed and that nobody had read."""
        self._process.kill()
        return self._rest(-signal.SIGKILL)

    def wait(self) -> list[str]:
        """Let it come to its good end; the lines that nobody had read."""
        return self._rest(0)

    def _rest(self, status: int) -> list[str]:
        with self.stdout:
            printed = self.stdout.readlines()
        self._process.join()
        assert self._process.exitcode == status
        return [one for one in printed if one.endswith("\n")]


def _run(script: str, arguments: list[str], writer: Connection) -> None:
    os.dup2(writer.fileno(), sys.stdout.fileno())
    writer.close()
    sys.argv = ["-c", *arguments]
    exec(script, {})
