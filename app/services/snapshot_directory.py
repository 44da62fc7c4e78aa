"""A directory that appears whole or not at all: written beside its place under a lock, renamed when it is complete."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import Conflict
from reward.contract import MANIFEST_NAME, ContractError, Manifest, read_manifest


def refuse_foreign(target: Path) -> None:
    """Refuse a place that holds something else than a snapshot.

    Raises:
        Conflict: a file, or a directory with other things in it.
    """
    if not target.exists() or (target / MANIFEST_NAME).is_file():
        return
    if not target.is_dir() or any(target.iterdir()):
        raise Conflict(f"{target} exists and is not a snapshot: name another directory with --output.")


@contextmanager
def partial_directory(target: Path) -> Iterator[Path]:
    """An empty directory `.NAME.partial` beside the target, held by one builder at a time.

    What a killed build left there is removed first. On a normal exit the caller has renamed it, or it is removed.

    Raises:
        Conflict: another build is writing the same target.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    held = _hold(partial, target)
    try:
        _empty(partial)
        yield partial
    finally:
        if partial.is_dir() and os.path.samestat(os.fstat(held), partial.stat()):
            shutil.rmtree(partial)
        os.close(held)


def move_into_place(partial: Path, target: Path, manifest: Manifest) -> Manifest:
    """Rename a finished snapshot to its place, unless the same one is there already.

    Returns:
        The manifest of what stands in the place: the new one, or the old one with the same hash.

    Raises:
        Conflict: another snapshot is there, or a damaged one.
    """
    if (target / MANIFEST_NAME).is_file():
        try:
            present = read_manifest(target)
        except ContractError as error:
            raise Conflict(f"{error} Or name another directory with --output; this one was left as it is.") from error
        if present.hash != manifest.hash:
            raise Conflict(
                f"{target} holds another snapshot (hash {present.hash[:12]}, this one is {manifest.hash[:12]}), and "
                "snapshots never change: name another directory with --output."
            )
        return present
    refuse_foreign(target)
    os.rename(partial, target)
    _sync_directory(target.parent)
    return manifest


def _hold(partial: Path, target: Path) -> int:
    """Open and lock the directory; a lock on one that was renamed meanwhile is given up and taken anew."""
    while True:
        partial.mkdir(exist_ok=True)
        held = os.open(partial, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            raise Conflict(f"Another build is writing {target}: wait for it, or name another --output.") from None
        if partial.is_dir() and os.path.samestat(os.fstat(held), partial.stat()):
            return held
        os.close(held)


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _sync_directory(directory: Path) -> None:
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
