"""Dataset directories and the hub (`datasets`): read through the `datasets` library, row by row.

A directory that `Dataset.save_to_disk` wrote, a directory of data files (Parquet among them), or `hub:owner/name`,
perhaps with a split behind a colon: `hub:owner/name:train`. Without a split, all splits are read one after the other.
Rows are native objects, TRL preference rows or HH transcripts; which of them, the columns say. Line numbers count rows
from 1 on, through all splits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from app.domain import ImportedComparison
from app.errors import InvalidInput, MissingExtra
from app.formats import hh, native, trl
from app.formats.base import LIBRARY_EXTRA, Format, ReadLine
from app.formats.rows import map_rows, plain_row

HUB = "hub:"
"""What marks the id of a dataset on the hub."""

_SAVED = ("dataset_info.json", "dataset_dict.json", "state.json")


def _library() -> Any:
    """The `datasets` library.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import datasets
    except ImportError:
        raise MissingExtra(f"Reading datasets needs the library `datasets`: {LIBRARY_EXTRA}") from None
    return datasets


def _load(path: Path) -> Any:
    """A dataset, or a mapping of splits, that gives its rows one by one.

    Raises:
        InvalidInput: there is no such dataset, or the library cannot read it.
    """
    library = _library()
    name = str(path)
    try:
        if name.startswith(HUB):
            owner_and_name, _, split = name.removeprefix(HUB).partition(":")
            return library.load_dataset(owner_and_name, split=split or None, streaming=True)
        if any((path / saved).is_file() for saved in _SAVED):
            return library.load_from_disk(name)
        return library.load_dataset(name, streaming=True)
    except (OSError, ValueError, library.exceptions.DatasetsError) as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: Exception) -> InvalidInput:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return InvalidInput(f"{name} cannot be read as a dataset: {first}")


def _rows(name: str, split: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of a split.

    Raises:
        InvalidInput: the library fails at one of them, or the network does.
    """
    library = _library()
    rows = iter(split)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except (OSError, ValueError, library.exceptions.DatasetsError) as error:
            raise _unreadable(name, error) from None
        yield row


def _row_reader(name: str, row: dict[str, Any]) -> Callable[[int, dict[str, Any]], ImportedComparison]:
    """What maps the rows of a dataset, told from the first one.

    Raises:
        InvalidInput: the columns fit no kind of row.
    """
    if "completions" in row:
        return native.read_row
    if {"chosen", "rejected"} <= row.keys():
        return hh.read_row if hh.is_transcript_pair(row) else trl.read_row
    columns = ", ".join(map(str, row))
    raise InvalidInput(f"{name} has the columns {columns}; needed are chosen and rejected, or prompt and completions.")


def _splits(loaded: Any) -> Iterable[Any]:
    return loaded.values() if isinstance(loaded, dict) else (loaded,)


def _read(name: str, splits: Iterable[Any]) -> Iterator[ReadLine]:
    to_comparison = None
    number = 0
    for split in splits:
        for row in _rows(name, split):
            number += 1
            if to_comparison is None:
                to_comparison = _row_reader(name, row)
            yield from map_rows(iter(((number, plain_row(number, row)),)), to_comparison)


def read(path: Path) -> Iterator[ReadLine]:
    """The comparisons of a dataset, in its order.

    Args:
        path: a directory, or `hub:owner/name[:split]` as a path.

    Raises:
        InvalidInput: there is no such dataset, or its columns are no comparisons.
        MissingExtra: the `datasets` library is not installed.
    """
    if not str(path).startswith(HUB) and not path.is_dir():
        raise InvalidInput(f"{path} is neither a directory nor {HUB}owner/name[:split].")
    return _read(str(path), _splits(_load(path)))


def detect(path: Path) -> bool:
    """Whether this is `hub:...`, a saved dataset, or a directory with Parquet files."""
    if str(path).startswith(HUB):
        return True
    if not path.is_dir():
        return False
    return any((path / saved).is_file() for saved in _SAVED) or next(path.rglob("*.parquet"), None) is not None


FORMAT = Format("datasets", "a saved dataset, a directory of Parquet files, or hub:owner/name[:split]", detect, read)
