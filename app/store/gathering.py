"""Short writes of many threads in one transaction: one wait for the disk in place of one each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

_T = TypeVar("_T")
_Work = Callable[[Connection], Any]


class Gathering:
    """Group commit: whoever has the turn does what has gathered meanwhile, and commits it all at once.

    Each piece of work stands behind a savepoint of its own: one that fails takes nothing with it. Where the transaction
    as a whole fails (SQLite ends it by itself on a full disk), nothing of it is stored and everybody is told.

    Args:
        engine: where to write.
        turn: the lock of the writers of this process.
    """

    def __init__(self, engine: Engine, turn: AbstractContextManager[Any]) -> None:
        self._engine, self._turn = engine, turn
        self._waiting: deque[tuple[_Work, Future[Any]]] = deque()

    def do(self, work: Callable[[Connection], _T]) -> _T:
        """Have the work done and committed, by this thread or another; what it returned, or its exception."""
        told: Future[_T] = Future()
        self._waiting.append((work, told))
        with self._turn:
            if not told.done():
                self._do_all()
        return told.result()

    def _do_all(self) -> None:
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            with self._engine.begin() as connection:
                outcomes = [_attempt(connection, work) for work, _ in batch]
        except BaseException as error:  # noqa: BLE001  # everybody who waits is told, and raises it
            for _, told in batch:
                told.set_exception(error)
            return
        for (_, told), (value, failure) in zip(batch, outcomes, strict=True):
            if failure is None:
                told.set_result(value)
            else:
                told.set_exception(failure)


def _attempt(connection: Connection, work: _Work) -> tuple[Any, Exception | None]:
    try:
        with connection.begin_nested():
            return work(connection), None
    except Exception as failure:
        if not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
            raise  # what follows would be stored piece by piece
        return None, failure
