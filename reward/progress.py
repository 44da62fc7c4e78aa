"""What a run shows while it trains: a bar on a terminal, and a log that a page can follow."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from reward import processes

if TYPE_CHECKING:
    from reward.held_out import HeldOut

LOGGED = ("loss", "accuracy", "margin", "learning_rate", "epoch")


class RunLog(TrainerCallback):
    """Appends one JSON line per logged step to a file, and moves a bar on standard error where that is a terminal.

    A line holds `step`, `n_steps`, `seconds` since this process began to train, `seconds_in_all` with those of the
    processes before it, and TRL's `loss`, `accuracy`, `margin`, `learning_rate` and `epoch` (means of batches: good for
    following a run, not for judging a model). About ten lines of a run also hold what `reward.held_out` measured on
    validation pairs.

    Args:
        path: the log; lines are added, so that a resumed run continues it.
        n_steps: steps of the whole run.
        bar: whether to show a bar.
        held_out: what measures on held-out pairs, or None.
        earlier: seconds that processes before this one trained.
    """

    def __init__(
        self, path: Path, *, n_steps: int, bar: bool, held_out: HeldOut | None = None, earlier: float = 0.0
    ) -> None:
        self.path = path
        self.held_out = held_out
        self.earlier = earlier
        self.n_steps = n_steps
        self._disable = None if bar else True
        self._bar: tqdm | None = None
        self._start = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the bar, at the step that a resumed run begins with."""
        self._start = time.monotonic()
        self._bar = tqdm(
            total=self.n_steps, initial=state.global_step, desc="Training", unit="step", disable=self._disable
        )

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Add a line, and show loss and accuracy beside the bar."""
        if not logs or "loss" not in logs:
            return
        kept: dict[str, Any] = {key: float(logs[key]) for key in LOGGED if key in logs}
        if self.held_out is not None and self.held_out.is_due(state.global_step, self.n_steps):
            kept |= self.held_out.measure()
        seconds = time.monotonic() - self._start
        line = {"step": state.global_step, "n_steps": self.n_steps, "seconds": seconds}
        line |= {"seconds_in_all": self.earlier + seconds, **kept}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if self._bar is not None:
            self._bar.set_postfix(loss=f"{kept['loss']:.3f}", accuracy=f"{kept.get('accuracy', 0):.2f}")

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()


def seconds_before(path: Path) -> float:
    """Seconds that earlier processes trained on a run, as of the last line of its log; 0 without one."""
    if not path.is_file():
        return 0.0
    for line in reversed(path.read_text(encoding="utf-8").splitlines()):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:  # the process was killed while it wrote this line
            continue
        return float(row.get("seconds_in_all", row["seconds"]))
    return 0.0


class TimeLimit(TrainerCallback):
    """Stops the training after the step that passes a limit.

    With several processes the clock of the first decides for all: each would stop after another step, and the others
    would wait for it forever.

    Args:
        seconds: of wall time since training began, or None for no limit.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.reached = False
        self._start = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the clock."""
        self._start = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Stop when the time is up; a run that just did its last step counts as done."""
        if self.seconds is None or state.global_step >= state.max_steps:
            return
        if processes.first_says(time.monotonic() - self._start > self.seconds):
            self.reached = True
            control.should_training_stop = True
            control.should_log = True
