"""Two processes on the CPU, started once by a launcher, that do several tasks one after the other, for the tests.

Importing torch and TRL takes each process many seconds, so each imports them once and forks a child for each task. A
child has its own process group on its own port, and an environment as if it had been launched for its task alone.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from accelerate import PartialState
from torch.nn.parallel import DistributedDataParallel
from transformers import TrainerControl, TrainerState

import reward.evaluate
import reward.heads
import reward.scorer  # noqa: F401  what the tasks import, loaded before they are forked
from reward import processes
from reward.__main__ import main as command
from reward.progress import TimeLimit
from reward.trainer import PreferenceTrainer
from tests.reward import fsdp_launch, fsdp_worker
from tests.reward.test_trainer import EXAMPLES, make

LATE_SECONDS = 0.5


def leave_often(arguments: Sequence[str]) -> int:
    """Begin together in a file, not on a port, and leave, many times, with a model in copies that goes at once."""
    folder, times = Path(arguments[0]), int(arguments[1])
    for i in range(times):
        meeting = f"file://{folder / f'leave-{i}'}"
        torch.distributed.init_process_group("gloo", init_method=meeting, rank=_rank(), world_size=processes.count())
        copy = DistributedDataParallel(torch.nn.Linear(64, 64))
        copy(torch.ones(8, 64)).sum().backward()
        processes.leave()
        del copy
        PartialState._reset_state()
    print(times)
    return 0


def save_late(arguments: Sequence[str]) -> int:
    """Save a checkpoint, all but the first process late; print whose random state is whole when the last file comes."""
    trainer = make(PreferenceTrainer, Path(arguments[0]), EXAMPLES, Path(arguments[1]))
    trainer.create_optimizer_and_scheduler(1)
    write = torch.save

    def late(state: object, path: str) -> None:
        Path(path).touch()
        time.sleep(LATE_SECONDS)
        write(state, path)

    def note(last_file: str) -> None:
        written = [path.name for path in Path(last_file).parent.glob("rng_state_*.pth") if path.stat().st_size]
        print(*sorted(written))

    if _rank():
        torch.save = late
    trainer.state.save_to_json = note
    trainer._save_checkpoint(trainer.model, None)
    processes.leave()
    return 0


def stop_together(arguments: Sequence[str]) -> int:
    """Ask for the time with clocks that disagree; print what each process makes of it."""
    reached = []
    for first, other in ((0.0, 1e9), (1e9, 0.0)):
        limit = TimeLimit(other if _rank() else first)
        limit.on_step_end(None, TrainerState(global_step=1, max_steps=2), TrainerControl())  # begun long ago
        reached.append(limit.reached)
    print(json.dumps(processes.gather({_rank(): reached}, 2)))
    processes.leave()
    return 0


def _rank() -> int:
    return int(os.environ["RANK"])


KINDS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "command": command,
    "command, sharded": fsdp_launch.main,
    "leave": leave_often,
    "late": save_late,
    "limit": stop_together,
    "loss, sharded": lambda arguments: fsdp_worker.main(*map(Path, arguments)),
}
LAUNCHED_AS_FSDP = ("ACCELERATE_USE_FSDP", "FSDP_", "ACCELERATE_MIXED_PRECISION", "TORCHELASTIC_USE_AGENT_STORE")


def main(folder: Path) -> None:
    """Do what `tasks.json` says: name, kind, port, arguments; the first process leaves `NAME.out`."""
    for task in json.loads((folder / "tasks.json").read_text()):
        child = os.fork()
        if child == 0:
            os._exit(_run(task, folder))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            sys.exit(f"{task['name']}: ended with status {status}")


def _run(task: Mapping[str, object], folder: Path) -> int:
    if task["kind"] != "command, sharded":  # that one is as the launcher made it
        for name in [name for name in os.environ if name.startswith(LAUNCHED_AS_FSDP)]:
            del os.environ[name]
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(task["port"])}
    out = folder / f"{task['name']}.out" if _rank() == 0 else Path(os.devnull)
    with out.open("w", encoding="utf-8") as sys.stdout:
        return KINDS[str(task["kind"])](task["arguments"])  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
