"""`steelyard` without the wait for its imports: one process imports everything once, and forks for every command.

A forked command is a process of its own, with the caller's arguments, folder, environment and streams; only the start
of Python is left out, which `tests/cli` tests with the real console script. Libraries read some environment variables
when they are imported (`HF_HOME`, `OMP_NUM_THREADS`, ...): of those the server's count, not the caller's.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT

PRELOADED = (
    *("app.cli.main", "app.services.exporting", "app.services.importing", "app.services.prejudging"),
    *("app.services.reporting", "app.services.snapshotting", "app.demo.simulate"),
    *("reward.train", "reward.evaluate", "reward.score", "reward.freezing"),
    *("sentence_transformers", "sklearn.linear_model", "sklearn.feature_extraction.text"),
)
CALLER = """#!{python} -IS
import json, os, socket, sys

with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    call = json.dumps([["steelyard", *sys.argv[1:]], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(call).to_bytes(4), call], [0, 1, 2])
    sys.exit(int(server.recv(8)))
"""


@contextmanager
def forked_steelyard(folder: Path) -> Iterator[Path]:
    """A directory for PATH whose `steelyard` is forked; `folder` must be empty, and its path short (a socket's)."""
    address, script = folder / "socket", folder / "bin" / "steelyard"
    script.parent.mkdir()
    script.write_text(CALLER.format(python=sys.executable, address=str(address)))
    script.chmod(0o755)
    command = [sys.executable, "-m", "tests.forking", str(address)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield script.parent
        finally:
            server.terminate()


def serve(address: str) -> None:
    """Import, listen, and fork for every call until the process is ended."""
    from reward import __main__ as reward

    reward._quiet()
    for name in PRELOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while True:
            caller, _ = listener.accept()
            if os.fork() == 0:
                os._exit(_answer(caller))
            caller.close()


def _answer(caller: socket.socket) -> int:
    """Run what was called for in a process of its own, and tell the caller how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, _, _ = socket.recv_fds(caller, 4, 3)
    with caller.makefile("rb") as call:
        arguments, folder, environment = json.loads(call.read(int.from_bytes(size)))
    child = os.fork()
    if child == 0:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        os._exit(_run(arguments))
    caller.sendall(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
    return 0


def _run(arguments: Sequence[str]) -> int:
    """The console script with these arguments; returns its exit status."""
    from app.cli.main import main

    os.execve = _become_reward
    sys.argv = list(arguments)
    try:
        main()
    except SystemExit as ending:
        return _status(ending.code)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _status(code: str | int | None) -> int:
    """The exit status that Python makes of `sys.exit(code)`: a text goes to standard error, with status 1."""
    if isinstance(code, str):
        print(code, file=sys.stderr)
        return 1
    return code or 0


def _become_reward(_: str, arguments: Sequence[str], environment: dict[str, str]) -> None:
    from app.cli.learning import _REWARD
    from reward.__main__ import main

    assert tuple(arguments[: len(_REWARD)]) == _REWARD
    os.environ.update(environment)
    sys.exit(main(arguments[len(_REWARD) :]))


if __name__ == "__main__":
    serve(sys.argv[1])
