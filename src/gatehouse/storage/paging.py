"""Pages of a list, newest first, read from an index however few rows of the table are in the list."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, tuple_

from gatehouse.storage.column_types import Number


def newest_within(
    db: Connection,
    statement: Select[Any],
    key: Sequence[tuple[ColumnElement[Any], object]],
    number: ColumnElement[int],
    before: int | None,
    limit: int,
    after: int = 0,
) -> Select[Any]:
    """Return the statement for the newest rows whose columns of the key have these values, by an index of just these.

    `number` is the row's, which follows the key's columns in the index; wanted are those above `after`, below `before`.

    PostgreSQL is not told that the last column of the key is equal to its value, but that it is no more and no less,
    and that it belongs to the order. Else it would often take the primary key, which is in the order of `number` as
    well: it counts on finding such rows soon among the newest, and reads all of the table where there is none. Where
    the numbers are bounded from below it may: it reads no further than there.
    """
    *others, (last, value) = key
    statement = statement.where(*(column == each for column, each in others)).limit(limit)
    if after or db.dialect.name == "sqlite":
        # No bounds that are not needed: with two, SQLite would take an index of all the rows before a partial one.
        bounds = [number > after] if after else []
        bounds += [number < before] if before is not None else []
        return statement.where(last == value, *bounds).order_by(number.desc())
    if before is not None:
        end = bindparam(None, value, last.type, unique=True), bindparam(None, before, Number, unique=True)
        statement = statement.where(tuple_(last, number) < tuple_(*end))
    return statement.where(last >= value, last <= value).order_by(last.desc(), number.desc())
