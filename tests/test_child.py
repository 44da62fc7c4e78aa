"""A child that ends with whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.child import run_child

WAIT = "import time, pathlib, os, sys; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_gives_status_and_output_back(tmp_path):
    log = tmp_path / "out.log"
    command = [sys.executable, "-c", "import sys; print('said'); sys.exit(3)"]
    assert run_child(command, log, on_tick=lambda: None) == 3
    assert log.read_text() == "said\n"


def test_an_error_while_waiting_ends_it(tmp_path):
    note = tmp_path / "pid"

    def tick() -> None:
        if note.exists() and note.read_text():
            raise KeyError("enough")

    with pytest.raises(KeyError):
        run_child([sys.executable, "-c", WAIT, str(note)], tmp_path / "log", on_tick=tick, tick_seconds=0.05)
    assert not is_alive(int(note.read_text()))


def test_it_does_not_outlive_a_parent_that_is_killed(tmp_path):
    note = tmp_path / "pid"
    code = (
        "from app.child import run_child; from pathlib import Path; import sys; "
        "run_child(sys.argv[2:], Path(sys.argv[1]), on_tick=lambda: None)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "log"), sys.executable, "-c", WAIT, str(note)]
    parent = subprocess.Popen(command)
    wait_until(lambda: note.exists() and note.read_text())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not is_alive(int(note.read_text())))
