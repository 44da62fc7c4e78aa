"""Several processes that train one model: started by `accelerate launch -m reward train ...`, or just the one.

The first process holds the working directory, fills caches and writes; the others follow. With one process every
function here does nothing, and nothing of torch.distributed is started.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path


def count() -> int:
    """Processes that work together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this is the process that writes and speaks."""
    return int(os.environ.get("RANK", "0")) == 0


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


def leave() -> None:
    """The last thing done together: from here on the first process works alone, and the others may end."""
    if count() > 1:
        wait_for_all()
        _state().destroy_process_group()


def _state():
    import torch
    from accelerate import PartialState

    return PartialState(cpu=not torch.cuda.is_available())
