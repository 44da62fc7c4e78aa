"""The exact votes behind a checkpoint: from a model to the rows of the ledger it learned from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.stats.words import counted
from reward.errors import RewardError
from reward.pairs import Snapshot, open_snapshot, read_pairs
from reward.runs import read_run
from reward.targets import JUDGMENTS_NAME, read_votes

OUTPUT_COLUMNS = (
    "comparison_id",
    "first",
    "second",
    "criterion",
    "rater_id",
    "rater_kind",
    "round",
    "judgment_id",
    "purpose",
    "outcome",
    "value",
    "at",
)


@dataclass(frozen=True)
class VotesBehind:
    """What a model learned from.

    Attributes:
        run_id: the model.
        snapshot_hash: of the snapshot that it names, which is the one that was read.
        n_pairs: training pairs.
        n_comparisons: comparisons of these.
        n_votes: votes on the overall verdict of these comparisons.
        n_judgments: judgments they belong to.
        n_raters: who gave them.
        kinds: votes by kind of rater.
        output: where the votes were written, or None.
    """

    run_id: str
    snapshot_hash: str
    n_pairs: int
    n_comparisons: int
    n_votes: int
    n_judgments: int
    n_raters: int
    kinds: dict[str, int]
    output: str | None

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)

    def sentence(self) -> str:
        """All of it, in words."""
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in self.kinds.items())
        end = f"; written to {self.output}" if self.output else ""
        return (
            f"Model {self.run_id} learned from {counted(self.n_pairs, 'pair')} of "
            f"{counted(self.n_comparisons, 'comparison')} of "
            f"snapshot {self.snapshot_hash[:12]}: {counted(self.n_votes, 'vote')} ({kinds}) in "
            f"{counted(self.n_judgments, 'judgment')} of {counted(self.n_raters, 'rater')}{end}."
        )


def votes_behind(model_dir: Path, snapshot_dir: Path, *, output: Path | None = None) -> VotesBehind:
    """Find, and write as JSONL or parquet, the votes on the comparisons that a model was trained on.

    Args:
        model_dir: a finished model.
        snapshot_dir: the snapshot that it names; verified against its manifest, and its hash against the model's.
        output: `.jsonl` or `.parquet`, or None to count alone.

    Raises:
        ContractError: the snapshot is unsound.
        RewardError: another snapshot than the model names, or an output of another kind.
    """
    run = read_run(model_dir)
    snapshot = open_snapshot(snapshot_dir)
    named = run.document["snapshot"]["hash"]
    if snapshot.manifest.hash != named:
        raise RewardError(
            f"{snapshot_dir} has the hash {snapshot.manifest.hash[:12]}, but the model was trained on {named[:12]} "
            f"({run.document['snapshot']['name']}): give that one."
        )
    if output is not None and output.suffix not in (".jsonl", ".parquet"):
        raise RewardError(f"{output}: the ending {output.suffix!r} is not known; give a .jsonl or a .parquet file.")
    pairs = read_pairs(snapshot, "train", include_ties=run.document["parameters"]["include_ties"])
    votes = _counted(snapshot, {pair.comparison_id for pair in pairs})
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        _write(votes[[name for name in OUTPUT_COLUMNS if name in votes]], output)
    overall = votes[votes["criterion"] == "overall"]
    return VotesBehind(
        run_id=run.run_id,
        snapshot_hash=named,
        n_pairs=len(pairs),
        n_comparisons=len({pair.comparison_id for pair in pairs}),
        n_votes=len(overall),
        n_judgments=int(votes["judgment_id"].nunique()),
        n_raters=int(votes["rater_id"].nunique()),
        kinds={str(kind): int(n) for kind, n in sorted(overall["rater_kind"].value_counts().items())},
        output=None if output is None else str(output),
    )


def _counted(snapshot: Snapshot, comparisons: set[str]):
    kinds = snapshot.manifest.content.get("counted_kinds") or ["human"]
    votes = read_votes(snapshot.directory / JUDGMENTS_NAME, comparisons)
    return votes[votes["rater_kind"].isin(kinds)].reset_index(drop=True)


def _write(votes, output: Path) -> None:
    if output.suffix == ".parquet":
        votes.to_parquet(output, index=False)
    else:
        votes.to_json(output, orient="records", lines=True, date_format="iso", force_ascii=False)
