"""Rows that nobody needs any more: found and removed in steps of a bounded size.

A table is walked by its primary key, some rows at a time, and what is old among those is removed. So no step looks at
more rows than it is told to, however many there are and however few of them are old; no call pays for another index,
and PostgreSQL goes on changing `expires_at` and `ended_at` in place, which an index on them would end.
"""

from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
)

from gatehouse.domain.messages import MessageState
from gatehouse.storage.column_types import UtcDateTime
from gatehouse.storage.tables import (
    activation_codes,
    login_cookies,
    message_events,
    messages,
    operator_sessions,
    reset_codes,
    sessions,
    temporary_passwords,
)

_BEFORE: ColumnElement[datetime] = bindparam("before", type_=UtcDateTime)


class _Rows(NamedTuple):
    """Which rows of a table are old, and what goes with them, by the number that it has of them.

    No row is old that was added after the moment before which others are. What `needed_by` has the number of stays.
    """

    table: Table
    is_old: ColumnElement[bool]
    owned: ColumnElement[int] | None = None
    needed_by: ColumnElement[int | None] | None = None


def _expired_or_ended(table: Table) -> ColumnElement[bool]:
    return or_(table.c.expires_at <= _BEFORE, table.c.ended_at <= _BEFORE)


class Kind(Enum):
    """What grows old."""

    SESSION = _Rows(sessions, _expired_or_ended(sessions))
    # A session of the series may live for longer than the cookie.
    LOGIN_COOKIE = _Rows(login_cookies, _expired_or_ended(login_cookies), needed_by=sessions.c.login_cookie_id)
    OPERATOR_SESSION = _Rows(operator_sessions, _expired_or_ended(operator_sessions))
    ACTIVATION_CODE = _Rows(activation_codes, activation_codes.c.expires_at <= _BEFORE)
    RESET_CODE = _Rows(reset_codes, reset_codes.c.expires_at <= _BEFORE)
    TEMPORARY_PASSWORD = _Rows(temporary_passwords, temporary_passwords.c.expires_at <= _BEFORE)
    MESSAGE = _Rows(
        messages,
        and_(
            messages.c.created_at <= _BEFORE,
            messages.c.state.in_([MessageState.SENT.value, MessageState.ABANDONED.value]),
        ),
        owned=message_events.c.message_id,
    )


class Step(NamedTuple):
    """Rows that follow one another: the number of the last, how many are old, and whether none after them can be."""

    last: int
    old: int
    is_end: bool


def look(db: Connection, kind: Kind, after: int, size: int, before: datetime) -> Step | None:
    """Look at up to `size` rows with numbers above `after`, or return None where there are none. It takes no lock."""
    row = db.execute(_look(kind), {"after": after, "size": size, "before": before}).one()
    if row.last is None:
        return None
    # Numbers follow the order of time, but for calls at the same moment.
    return Step(row.last, row.old, row.found < size or row.first_added_at > before)


def remove(db: Connection, kind: Kind, after: int, last: int, before: datetime) -> int:
    """Remove the old rows with numbers above `after` and up to `last`; return how many.

    Those that a call holds are left for the next time: who removes never waits, so that nobody waits in a circle.
    """
    numbers = list(db.scalars(_lock_old(kind), {"after": after, "last": last, "before": before}))
    if not numbers:
        return 0
    if kind.value.owned is not None:
        db.execute(_remove_owned(kind), {"numbers": numbers})
    return db.execute(_remove(kind), {"numbers": numbers}).rowcount


@cache
def _look(kind: Kind) -> Select[Any]:
    table, is_old = kind.value.table, kind.value.is_old
    rows = (
        select(table.c.id, table.c.created_at, case((is_old, 1), else_=0).label("old"))
        .where(table.c.id > bindparam("after"))
        .order_by(table.c.id)
        .limit(bindparam("size"))
        .subquery("rows")
    )
    return select(
        func.max(rows.c.id).label("last"),
        func.count().label("found"),
        func.coalesce(func.sum(rows.c.old), 0, type_=Integer).label("old"),
        func.min(rows.c.created_at).label("first_added_at"),
    ).select_from(rows)


@cache
def _lock_old(kind: Kind) -> Select[Any]:
    number = kind.value.table.c.id
    return (
        select(number)
        .where(number > bindparam("after"), number <= bindparam("last"), kind.value.is_old)
        .order_by(number)
        .with_for_update(skip_locked=True)
    )


@cache
def _remove_owned(kind: Kind) -> Delete:
    owned = kind.value.owned
    assert owned is not None
    return delete(owned.table).where(owned.in_(bindparam("numbers", expanding=True)))


@cache
def _remove(kind: Kind) -> Delete:
    """Return the statement for rows of these numbers.

    It is not asked before whether another table needs one: of a range of rows PostgreSQL thinks that it holds many, and
    would read all of the other table for them.
    """
    table, needed_by = kind.value.table, kind.value.needed_by
    statement = delete(table).where(table.c.id.in_(bindparam("numbers", expanding=True)))
    if needed_by is None:
        return statement
    return statement.where(~select(1).where(needed_by == table.c.id).correlate(table).exists())
