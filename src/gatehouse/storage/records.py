"""Rows as frozen dataclasses, whose fields are named after the columns that they are read from.

A statement of a frequent call is made once and given its values when it is executed: to make it anew each
time, SQLAlchemy takes about as long as to execute it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Connection, Select, Table, Update, bindparam, insert, update
from sqlalchemy.sql.dml import ReturningInsert

Record = TypeVar("Record")

_NUMBER = "number_of_the_row"
"""The parameter that cannot be mistaken for a column."""


def columns(record: type[Any], table: Table) -> list[ColumnElement[Any]]:
    """Return the table's columns in the order of the record's fields."""
    return [table.c[each.name] for each in fields(record)]


def find_one(db: Connection, statement: Select[Any], record: type[Record], **values: Any) -> Record | None:
    """Return the only row as a record, or None; the values are the statement's. Raises MultipleResultsFound."""
    row = db.execute(statement, values).one_or_none()
    return None if row is None else record(*row)


def find_all(db: Connection, statement: Select[Any], record: type[Record], **values: Any) -> Sequence[Record]:
    """Return every row as a record, in the order of the statement; the values are the statement's."""
    return [record(*row) for row in db.execute(statement, values)]


def insert_one(db: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Insert a row and return its number."""
    return cast(int, db.execute(_insert(table), values).scalar_one())


def update_one(db: Connection, table: Table, number: int, values: Mapping[str, Any]) -> None:
    """Set these columns of the row of this number."""
    db.execute(_update(table), {**values, _NUMBER: number})


@cache
def _insert(table: Table) -> ReturningInsert[Any]:
    return insert(table).returning(table.c.id)


@cache
def _update(table: Table) -> Update:
    return update(table).where(table.c.id == bindparam(_NUMBER))
