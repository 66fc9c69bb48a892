"""Rows as frozen dataclasses, whose fields are named after the columns that they are read from."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Connection, Select, Table, insert, update

Record = TypeVar("Record")


def columns(record: type[Any], table: Table) -> list[ColumnElement[Any]]:
    """Return the table's columns in the order of the record's fields."""
    return [table.c[each.name] for each in fields(record)]


def find_one(db: Connection, statement: Select[Any], record: type[Record]) -> Record | None:
    """Return the only row as a record, or None. Raises MultipleResultsFound."""
    row = db.execute(statement).one_or_none()
    return None if row is None else record(*row)


def find_all(db: Connection, statement: Select[Any], record: type[Record]) -> Sequence[Record]:
    """Return every row as a record, in the order of the statement."""
    return [record(*row) for row in db.execute(statement)]


def insert_one(db: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Insert a row and return its number."""
    return cast(int, db.execute(insert(table).values(**values).returning(table.c.id)).scalar_one())


def update_one(db: Connection, table: Table, number: int, values: Mapping[str, Any]) -> None:
    """Set these columns of the row of this number."""
    db.execute(update(table).where(table.c.id == number).values(**values))
