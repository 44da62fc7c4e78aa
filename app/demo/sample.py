"""The sample campaign: pairs, rankings and gold over six domains, written for this project."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import as_file, files

from app.demo.simulate import SimulationSummary, simulate
from app.domain import OverlapPolicy, RankingMode, RaterKind, RoundRules
from app.errors import AlreadyExists, SteelyardError
from app.services.campaigns import RANKING_ROUND, create_campaign, open_round, show_campaign
from app.services.database import Store
from app.services.importing import import_file
from rubrics.loader import load_library

NAME = "sample"
N_RATERS = 14
N_JUDGMENTS = 760
SEED = 7
RULES = RoundRules(overlap=5, gold_rate=0.4, repeat_rate=0.05, policy=OverlapPolicy.FIXED)
"""Much gold, so that a small campaign shows calibration and has enough to train on; all votes, for agreement."""


def load_sample(store: Store, *, actor: str = "demo") -> None:
    """The sample campaign with its rounds and comparisons; what is there stays as it is, also from another release.

    Raises:
        SteelyardError: a shipped line was refused: the package is damaged.
    """
    is_new = _create(store, actor=actor)
    if RANKING_ROUND not in {row.round.name for row in show_campaign(store, NAME).rounds}:
        open_round(
            store,
            NAME,
            name=RANKING_ROUND,
            rubric=load_library("instruction_factuality"),
            mode=RankingMode.KWAY,
            rules=RULES,
            actor=actor,
        )
    folder = files("app.demo") / "sample"
    for resource in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not resource.name.endswith(".jsonl"):
            continue
        with as_file(resource) as path:
            summary = import_file(store, NAME, path, format_name="native", actor=actor)
        if summary.n_refused and is_new:
            raise SteelyardError(f"{resource.name}: {summary.refused[0]}. Install Steelyard again.")


def _create(store: Store, *, actor: str) -> bool:
    """Create the campaign; False where it is there."""
    try:
        create_campaign(
            store,
            NAME,
            rubric=load_library("helpful_harmless"),
            title="Sample: everyday questions in six domains",
            counted_kinds=[RaterKind.SIMULATED],
            rules=RULES,
            actor=actor,
        )
    except AlreadyExists:
        return False
    return True


def n_missing_judgments(store: Store) -> int:
    """How many of the sample's votes are still to come, where loading it was interrupted."""
    n_there = sum(row.n_judgments for row in show_campaign(store, NAME).rounds)
    return max(0, N_JUDGMENTS - n_there)


def rate_sample(store: Store, *, progress: Callable[[int], None] = lambda n_done: None) -> SimulationSummary:
    """Let simulated raters give the votes that are still to come; on a new sample campaign the same ones every time."""
    n_judgments = n_missing_judgments(store)
    return simulate(store, NAME, n_raters=N_RATERS, n_judgments=n_judgments, seed=SEED, progress=progress)
