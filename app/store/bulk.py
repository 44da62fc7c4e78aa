"""Many rows, or many values, in one statement."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import ARRAY


def insert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[dict[str, Any]],
    *,
    skip_known_by: str | None = None,
) -> None:
    """Insert rows, as fast as the database takes them.

    PostgreSQL gets one statement with all rows as one JSON document: with a statement per row, as its driver would
    send them, an import takes three times as long. SQLite is fast with a statement per row.

    Args:
        connection: the transaction of the use case.
        table: where to.
        rows: column name -> value, the same columns in each; no rows are no statement.
        skip_known_by: a unique column: rows that are there already, or are being inserted by another transaction, are
            left as they are. Sort the rows by it, so that two transactions wait for each other in one order.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement: Any = sqlite.insert(table) if skip_known_by else insert(table)
        connection.execute(
            statement.on_conflict_do_nothing(index_elements=[skip_known_by]) if skip_known_by else statement, rows
        )
        return
    quote = connection.dialect.identifier_preparer
    columns = ", ".join(map(quote.quote, rows[0]))
    name = quote.format_table(table)
    known = f" ON CONFLICT ({quote.quote(skip_known_by)}) DO NOTHING" if skip_known_by else ""
    document = json.dumps(rows, ensure_ascii=False, separators=(",", ":"), default=_utc_text)
    connection.execute(
        text(
            f"INSERT INTO {name} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{name}, :rows){known}"
        ),
        {"rows": document},
    )


def is_among(connection: Connection, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """The condition that a column has one of many values.

    PostgreSQL gets them as one JSON document: an array, or thousands of parameters, takes its driver longer to write
    down than the server to answer. SQLite takes as many as `app.store.engine.IN_LIST`.

    Args:
        connection: whose database it is for.
        column: a column of texts.
        values: texts.
    """
    if connection.dialect.name == "sqlite":
        return column.in_(values)
    document = bindparam(None, json.dumps(list(values), ensure_ascii=False), type_=Text)
    texts = select(func.json_array_elements_text(cast(document, JSON))).scalar_subquery()
    return column == any_(func.array(texts, type_=ARRAY(Text)))


def _utc_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{value!r} is not JSON.")
