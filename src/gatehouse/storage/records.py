"""Rows as frozen dataclasses, whose fields are named after the columns that they are read from."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Select, Table

from gatehouse.storage.prepared import Prepared

Record = TypeVar("Record")

_NUMBER = "number_of_the_row"
"""The parameter that cannot be mistaken for a column."""


def columns(record: type[Any], table: Table) -> list[ColumnElement[Any]]:
    """Return the table's columns in the order of the record's fields."""
    return [table.c[each.name] for each in fields(record)]


def find_one(db: Connection, statement: Prepared | Select[Any], record: type[Record], **values: Any) -> Record | None:
    """Return the only row as a record, or None; the values are the statement's. Raises when there are several."""
    if isinstance(statement, Prepared):
        found = statement.one(db, values)
    else:
        found = db.execute(statement, values).one_or_none()
    return None if found is None else record(*found)


def find_all(
    db: Connection, statement: Prepared | Select[Any], record: type[Record], **values: Any
) -> Sequence[Record]:
    """Return every row as a record, in the order of the statement; the values are the statement's."""
    rows = statement.all(db, values) if isinstance(statement, Prepared) else db.execute(statement, values)
    return [record(*row) for row in rows]


def insert(db: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row."""
    _insert(table, tuple(values)).run(db, values)


def insert_one(db: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Insert a row and return its number."""
    row = _insert_returning(table, tuple(values)).one(db, values)
    assert row is not None, "an INSERT that returns the number of its row has one"
    return cast(int, row[0])


def update_one(db: Connection, table: Table, number: int, values: Mapping[str, Any]) -> None:
    """Set these columns of the row of this number."""
    _update(table, tuple(values)).run(db, {**values, _NUMBER: number})


@cache
def _insert(table: Table, names: tuple[str, ...]) -> Prepared:
    return Prepared(sa.insert(table), names)


@cache
def _insert_returning(table: Table, names: tuple[str, ...]) -> Prepared:
    return Prepared(sa.insert(table).returning(table.c.id), names)


@cache
def _update(table: Table, names: tuple[str, ...]) -> Prepared:
    return Prepared(sa.update(table).where(table.c.id == sa.bindparam(_NUMBER)), names)
