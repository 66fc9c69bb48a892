"""Counts of wrong guesses: one row for each thing that guesses are counted by.

A row's life is in its moments. Until `window_ends_at` wrong guesses add up; when they reach the budget the row is
closed until `closed_until`, and each wrong guess after that closes it for longer; after `forgotten_at` the row counts
for nothing. A closed row is not raised, so that of any number of guesses at the same moment no more
than the budget has room for find it open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, bindparam, case, delete, null, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from gatehouse.storage.column_types import UtcDateTime
from gatehouse.storage.prepared import Prepared
from gatehouse.storage.records import columns, find_all
from gatehouse.storage.tables import guess_counts

WINDOW = timedelta(minutes=15)
"""For how long wrong guesses are added up, and the longest wait."""

_FORGOTTEN_AFTER = 2 * WINDOW
"""A budget that was used up counts until so long after the last wrong guess: the longest wait, and as long again."""

WAITS = tuple(timedelta(minutes=each) for each in (1, 2, 4, 8, 15))
"""The wait when a budget is used up, and after each wrong guess from then on; the last one stays."""


@dataclass(frozen=True, slots=True)
class GuessCount:
    """What was counted under one key."""

    key_digest: bytes
    wrong: int
    closed_until: datetime | None
    forgotten_at: datetime


def find(db: Connection, keys: Sequence[bytes]) -> Mapping[bytes, GuessCount]:
    """Return the counts under these keys, as far as there are any."""
    return {each.key_digest: each for each in find_all(db, _find(len(keys)), GuessCount, **_numbered(keys))}


def add_wrong(db: Connection, key: bytes, budget: int, keeps_window: bool, now: datetime) -> int | None:
    """Count one wrong guess under this key, in one statement. Returns how many there are, or None when it is closed.

    With `keeps_window` a budget that is used up stays closed at least until its window ends.
    """
    window_ends_at = now + WINDOW
    is_closed = budget <= 1
    values = {
        "new_key_digest": key,
        "new_budget": budget,
        "now": now,
        "new_window_ends_at": window_ends_at,
        "new_closed_until": (window_ends_at if keeps_window else now + WAITS[0]) if is_closed else None,
        "new_forgotten_at": now + _FORGOTTEN_AFTER if is_closed else window_ends_at,
        "forgotten_when_closed": now + _FORGOTTEN_AFTER,
        **{f"wait_{number}": now + wait for number, wait in enumerate(WAITS)},
    }
    row = _add_wrong(db.dialect.name, keeps_window).one(db, values)
    return None if row is None else int(row[0])


def forget(db: Connection, keys: Sequence[bytes]) -> None:
    """Remove the counts under these keys."""
    _forget(len(keys)).run(db, _numbered(sorted(keys)))


def remove_forgotten(db: Connection, now: datetime, limit: int) -> int:
    """Remove up to `limit` rows that count for nothing any more; return how many.

    Those that a call holds are left for the next time: it may hold several, and must not wait for us as we for it.
    """
    keys = list(db.scalars(_FORGOTTEN.with_for_update(skip_locked=True), {"now": now, "limit": limit}))
    return db.execute(_REMOVE, {"keys": keys}).rowcount


def has_forgotten(db: Connection, now: datetime) -> bool:
    """Whether `remove_forgotten` would find something; asked first because it takes no lock."""
    return db.execute(_FORGOTTEN, {"now": now, "limit": 1}).one_or_none() is not None


_FORGOTTEN = (
    select(guess_counts.c.key_digest)
    .where(guess_counts.c.forgotten_at <= bindparam("now", type_=UtcDateTime))
    .order_by(guess_counts.c.forgotten_at)
    .limit(bindparam("limit"))
)
_REMOVE = delete(guess_counts).where(guess_counts.c.key_digest.in_(bindparam("keys", expanding=True)))


def _numbered(keys: Sequence[bytes]) -> dict[str, bytes]:
    return {f"key_{number}": key for number, key in enumerate(keys)}


@cache
def _find(count: int) -> Prepared:
    return Prepared(select(*columns(GuessCount, guess_counts)).where(_is_one_of(count)))


@cache
def _forget(count: int) -> Prepared:
    return Prepared(delete(guess_counts).where(_is_one_of(count)))


def _is_one_of(count: int) -> ColumnElement[bool]:
    keys = [bindparam(f"key_{number}", type_=LargeBinary) for number in range(count)]
    return guess_counts.c.key_digest.in_(keys)


@cache
def _add_wrong(dialect: str, keeps_window: bool) -> Prepared:
    new = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(guess_counts).values(
        key_digest=bindparam("new_key_digest"),
        wrong=1,
        budget=bindparam("new_budget"),
        window_ends_at=_moment("new_window_ends_at"),
        closed_until=_moment("new_closed_until"),
        forgotten_at=_moment("new_forgotten_at"),
    )
    kept = guess_counts.c
    is_new_window = kept.forgotten_at <= _moment("now")
    wrong = case((is_new_window, 1), else_=kept.wrong + 1)
    beyond = wrong - new.excluded.budget
    window_ends_at = case((is_new_window, new.excluded.window_ends_at), else_=kept.window_ends_at)
    first_wait: ColumnElement[Any] = _moment("wait_0")
    if keeps_window:
        first_wait = case((window_ends_at > first_wait, window_ends_at), else_=first_wait)
    later_waits = [(beyond == number, _moment(f"wait_{number}")) for number in range(1, len(WAITS) - 1)]
    statement = new.on_conflict_do_update(
        index_elements=[kept.key_digest],
        set_={
            "wrong": wrong,
            "budget": new.excluded.budget,
            "window_ends_at": window_ends_at,
            "closed_until": case(
                (beyond < 0, null()), (beyond == 0, first_wait), *later_waits, else_=_moment(f"wait_{len(WAITS) - 1}")
            ),
            "forgotten_at": case((beyond < 0, window_ends_at), else_=_moment("forgotten_when_closed")),
        },
        where=or_(kept.closed_until.is_(None), kept.closed_until <= _moment("now")),
    )
    return Prepared(statement.returning(kept.wrong))


def _moment(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=UtcDateTime)
