"""Files that come in through the browser: copied in pieces to the data directory, where a job reads them."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from pathlib import Path
from typing import BinaryIO

from app.errors import InvalidInput

MAX_UPLOAD_MEGABYTES = 200
CHUNK_BYTES = 1 << 20
KEPT_SECONDS = 7 * 24 * 3600
"""An upload whose job failed can be tried again so long; then the next upload removes it."""

FOLDER = "uploads"


def keep_upload(data_directory: Path, source: BinaryIO, name: str) -> tuple[Path, int]:
    """Copy an uploaded file into the data directory, under its own name in a folder of its own.

    Returns:
        Where it lies, and how many lines it has.

    Raises:
        InvalidInput: it is empty, or larger than 200 MB.
    """
    root = data_directory / FOLDER
    _remove_old(root)
    folder = root / secrets.token_hex(8)
    folder.mkdir(parents=True)
    path = folder / safe_name(name)
    n_bytes = n_lines = 0
    with path.open("wb") as target:
        while chunk := source.read(CHUNK_BYTES):
            n_bytes += len(chunk)
            n_lines += chunk.count(b"\n")
            if n_bytes > MAX_UPLOAD_MEGABYTES << 20:
                break
            target.write(chunk)
    if n_bytes == 0 or n_bytes > MAX_UPLOAD_MEGABYTES << 20:
        shutil.rmtree(folder)
        reason = "is empty" if n_bytes == 0 else f"is larger than {MAX_UPLOAD_MEGABYTES} MB"
        raise InvalidInput(f"{name} {reason}. Import large files with: steelyard import CAMPAIGN FILE")
    return path, max(1, n_lines)


def remove_upload(path: Path) -> None:
    """Remove an upload that was imported; anything outside the folder of uploads stays."""
    if path.parent.parent.name == FOLDER:
        shutil.rmtree(path.parent, ignore_errors=True)


def safe_name(name: str) -> str:
    """A file name without folders or odd characters."""
    cleaned = re.sub(r"[^\w.+-]+", "_", Path(name).name).strip("._")
    return cleaned[-100:] or "upload"


def _remove_old(root: Path) -> None:
    if not root.is_dir():
        return
    oldest = time.time() - KEPT_SECONDS
    for folder in root.iterdir():
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
