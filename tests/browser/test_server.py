"""The server as a process: quick to answer, its worker with it, its doors."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain import JobState
from app.jobs import enqueue, make_queue
from app.services import job_rows
from app.services.database import open_store
from tests.browser.conftest import Server, free_port
from tests.ui.places import make_empty, settings_for


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of this test's own."""
    make_empty(tmp_path)
    made = Server(tmp_path, free_port())
    yield made
    made.stop()


def children_of(pid: int) -> list[int]:
    """Processes that a process started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until(holds, *, seconds: float = 20.0) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.1)
    return False


def is_alive(pid: int) -> bool:
    """Whether a process runs (one that ended and was not collected does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks at /proc to see the worker")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_worker_starts_and_ends_with_the_server(own_server: Server, number: signal.Signals):
    own_server.start()
    pid = own_server.process.pid
    assert wait_until(lambda: children_of(pid))
    (worker,) = children_of(pid)
    time.sleep(1.0)
    os.kill(pid, number)
    own_server.process.wait(30)
    assert wait_until(lambda: not is_alive(worker)), "the worker outlived its server"


def test_what_is_asked_for_is_done_by_the_worker(own_server: Server):
    own_server.start()
    chosen = settings_for(own_server.directory)
    store = open_store(chosen)
    arguments = {"campaign": "nowhere", "path": "/nowhere"}
    job = enqueue(store, "import", arguments, actor="test", queue=make_queue(chosen))
    assert wait_until(lambda: job_rows.find(store, job.id).state is JobState.FAILED), own_server.log
    assert "nowhere" in job_rows.find(store, job.id).message
    store.close()
