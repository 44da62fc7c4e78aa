"""Many rows, or many values, in one statement."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from pydantic_core import to_json
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Row,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

BLOCK = 512
"""The most rows in one statement on SQLite, which takes 32,766 values in all."""


def insert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[dict[str, Any]],
    *,
    skip_known_by: str | None = None,
    returning: Sequence[str] = (),
) -> list[Row[Any]]:
    """Insert rows, as fast as the database takes them.

    One statement takes many rows. PostgreSQL gets them as one JSON document: with a statement per row, as its driver
    would send them, an import takes three times as long. SQLite gets them as one list of values: its driver lets other
    threads run during a statement, and with a short one per row it would stand in line for its turn after each.

    Args:
        connection: the transaction of the use case.
        table: where to.
        rows: column name -> value, the same columns in each; no rows are no statement. Times are aware; in columns of
            JSON stands what JSON has, no deeper than `formats.lines.DEEPEST`.
        skip_known_by: a unique column: rows that are there already, or are being inserted by another transaction, are
            left as they are. Sort the rows by it, so that two transactions wait for each other in one order.
        returning: columns of numbers or texts.

    Returns:
        These columns of every row that was inserted, in no order.
    """
    if not rows:
        return []
    quote = connection.dialect.identifier_preparer
    columns = ", ".join(map(quote.quote, rows[0]))
    name = quote.format_table(table)
    ending = f" ON CONFLICT ({quote.quote(skip_known_by)}) DO NOTHING" if skip_known_by else ""
    ending += f" RETURNING {', '.join(map(quote.quote, returning))}" if returning else ""
    if connection.dialect.name == "sqlite":
        returned: list[Row[Any]] = []
        for some in _blocks(rows):
            places = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(some))
            statement = f"INSERT INTO {name} ({columns}) VALUES {places}{ending}"
            result = connection.exec_driver_sql(statement, tuple(_bound(connection, table, some)))
            returned += result.all() if returning else []
        return returned
    document = to_json(rows).decode()
    filled = f"SELECT {columns} FROM json_populate_recordset(NULL::{name}, :rows)"
    result = connection.execute(text(f"INSERT INTO {name} ({columns}) {filled}{ending}"), {"rows": document})
    return list(result.all()) if returning else []


def _blocks(rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    """The rows in blocks of powers of two: few different statements, because the driver keeps each with its values."""
    start, size = 0, BLOCK
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        yield rows[start : start + size]
        start += size


def _bound(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> Iterator[Any]:
    """The values of the rows, one after another, as the driver takes them."""
    dialect = connection.dialect
    as_taken = {key: table.c[key].type.dialect_impl(dialect).bind_processor(dialect) for key in rows[0]}
    for row in rows:
        for key, process in as_taken.items():
            yield row[key] if process is None else process(row[key])


def is_among(connection: Connection, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """The condition that a column has one of many values.

    They go as one JSON document: thousands of parameters take longer to write down than the database to answer.

    Args:
        connection: whose database it is for.
        column: a column of texts.
        values: texts.
    """
    document = bindparam(None, to_json(list(values)).decode(), type_=Text)
    if connection.dialect.name == "sqlite":
        return column.in_(select(func.json_each(document).table_valued("value").c.value))
    texts = select(func.json_array_elements_text(cast(document, JSON))).scalar_subquery()
    return column == any_(func.array(texts, type_=ARRAY(Text)))
