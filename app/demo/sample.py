"""The sample campaign: pairs, rankings and gold over six domains, written for this project."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import as_file, files

from app.demo.simulate import SimulationSummary, simulate
from app.domain import Campaign, RankingMode, RaterKind, RoundRules
from app.errors import SteelyardError
from app.services.campaigns import RANKING_ROUND, create_campaign, open_round
from app.services.database import Store
from app.services.importing import import_file
from rubrics.loader import load_library

NAME = "sample"
N_RATERS = 14
N_JUDGMENTS = 760
SEED = 7
RULES = RoundRules(overlap=5, gold_rate=0.4, repeat_rate=0.05)
"""Much gold, so that a small campaign shows calibration and has enough to train on."""


def load_sample(store: Store, *, actor: str = "demo") -> Campaign:
    """Create the sample campaign and import its comparisons.

    Raises:
        AlreadyExists: it is there already.
        SteelyardError: a shipped line was refused: the package is damaged.
    """
    campaign = create_campaign(
        store,
        NAME,
        rubric=load_library("helpful_harmless"),
        title="Sample: everyday questions in six domains",
        counted_kinds=[RaterKind.SIMULATED],
        rules=RULES,
        actor=actor,
    )
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
        if summary.n_refused:
            raise SteelyardError(f"{resource.name}: {summary.refused[0]}. Install Steelyard again.")
    return campaign


def rate_sample(store: Store, *, progress: Callable[[int], None] = lambda n_done: None) -> SimulationSummary:
    """Let simulated raters judge the sample campaign; the same judgments every time."""
    return simulate(store, NAME, n_raters=N_RATERS, n_judgments=N_JUDGMENTS, seed=SEED, progress=progress)
