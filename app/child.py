"""Run a command that ends when whoever started it ends, however that happens.

`python -m app.child COMMAND...` runs the command and waits for it; when its own standard input closes, because the
parent closed it or died, it ends the command. A training run thus never outlives its worker.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

STOP_SECONDS = 15.0
"""How long a command may take to end before it is killed."""


def run_child(command: Sequence[str], log: Path, *, on_tick: Callable[[], None], tick_seconds: float = 1.0) -> int:
    """Run a command to its end, its output in a file; returns its exit status.

    Args:
        command: program and arguments.
        log: gets what the command writes; replaced.
        on_tick: called about every `tick_seconds`; an exception from it ends the command and goes on upwards.
        tick_seconds: time between two calls.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    wrapped = [sys.executable, "-P", "-m", "app.child", *command]
    with log.open("wb") as output:
        child = subprocess.Popen(wrapped, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
    try:
        while True:
            on_tick()
            try:
                return child.wait(tick_seconds)
            except subprocess.TimeoutExpired:
                continue
    finally:
        _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Close the child's standard input and wait until it has ended."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(STOP_SECONDS + 5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def main(command: Sequence[str]) -> int:
    """The process between: runs the command, and ends it when standard input closes."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def end_with_parent() -> None:
        while os.read(sys.stdin.fileno(), 1024):  # not sys.stdin: its lock, held by a thread, would crash our own exit
            pass
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()

    threading.Thread(target=end_with_parent, daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
