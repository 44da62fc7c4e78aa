"""The process that does long work beside the server: started with it, ended with it, started again if it dies."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading

log = logging.getLogger(__name__)

RESTART_SECONDS = 5.0
STOP_SECONDS = 10.0


class WorkerProcess:
    """`steelyard worker` as a child, so that heavy work shares neither memory nor interpreter with the pages.

    The child ends when its standard input closes, so it does not outlive a server that was killed.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self) -> None:
        """Start the child and watch it."""
        self._spawn()
        self._watcher = threading.Thread(target=self._watch, name="worker-watcher", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """End the child; wait for it a while, then insist."""
        self._ending.set()
        if self._watcher is not None:
            self._watcher.join(STOP_SECONDS)
        child = self._child
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _spawn(self) -> None:
        command = [sys.executable, "-m", "app.cli.main", "worker", "--with-parent"]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE)

    def _watch(self) -> None:
        while not self._ending.wait(0.5):
            if self._child is not None and self._child.poll() is not None:
                log.error("the worker ended with status %s; starting it again", self._child.returncode)
                if not self._ending.wait(RESTART_SECONDS):
                    self._spawn()
