"""Several processes with one task: started by `accelerate launch -m reward train ...` (or `score`), or just the one.

The first process holds the working directory, fills caches and writes; the others follow. With one process every
function here does nothing, and nothing of torch.distributed is started.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
_kept: list[object] = []


def count() -> int:
    """Processes that work together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this is the process that writes and speaks."""
    return int(os.environ.get("RANK", "0")) == 0


def is_sharded() -> bool:
    """Whether the launcher asked for FSDP or DeepSpeed."""
    return any(os.environ.get(f"ACCELERATE_USE_{name}", "false").lower() == "true" for name in ("FSDP", "DEEPSPEED"))


def wait_for_all() -> None:
    """Go on when every process has come here."""
    if count() > 1:
        _state().wait_for_everyone()


@contextmanager
def first_goes_ahead() -> Iterator[None]:
    """The first process does the work while the others wait; then they find it done."""
    if not is_first():
        wait_for_all()
    yield
    if is_first():
        wait_for_all()


@contextmanager
def first_holds(resource: AbstractContextManager[Path], *, otherwise: Path) -> Iterator[Path]:
    """The first process enters a resource; the others get its path once it is there.

    Where the first one fails, it ends with its error and the launcher ends the others.
    """
    if not is_first():
        wait_for_all()
        yield otherwise
        return
    with resource as path:
        wait_for_all()
        yield path


def share(lengths: Sequence[int]) -> list[int]:
    """The places of the work that is this process's: every n-th in the order of length, so that all have alike."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return order[int(os.environ.get("RANK", "0")) :: count()]


def gather(values: Mapping[int, T], n: int) -> list[T]:
    """What all processes found, by place; every process gets all of it."""
    if count() == 1:
        return [values[i] for i in range(n)]
    from accelerate.utils import gather_object

    _state()
    found = {place: value for part in gather_object([dict(values)]) for place, value in part.items()}
    return [found[i] for i in range(n)]


def first_says(answer: bool) -> bool:
    """What the first process answers, in all of them: where each would go by a clock of its own."""
    if count() == 1:
        return answer
    from accelerate.utils import broadcast_object_list

    _state()
    said = [answer]
    broadcast_object_list(said)
    return said[0]


def device() -> str | None:
    """The device of this process where several work together, else None: the caller chooses."""
    return str(_state().device) if count() > 1 else None


def leave() -> None:
    """The last thing done together: from here on the first process works alone, and the others may end.

    The last wait is kept for good. Gloo frees it in a thread of its own, which needs the interpreter for that; a model
    in copies that goes with the group at this moment holds the interpreter and waits for that thread, forever.
    """
    if count() > 1:
        import torch.distributed

        state = _state()
        devices = [state.device.index] if state.device.type == "cuda" else None
        last = torch.distributed.barrier(async_op=True, device_ids=devices)
        _kept.append(last)
        last.wait()
        state.destroy_process_group()


def _state():
    import torch
    from accelerate import PartialState

    return PartialState(cpu=not torch.cuda.is_available())
