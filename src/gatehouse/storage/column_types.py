"""Types of columns that are alike on SQLite and PostgreSQL."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, TypeDecorator

Number = BigInteger().with_variant(Integer, "sqlite")
"""A row's number: 64 bits on both, but SQLite counts up by itself only what is called INTEGER."""


_ZONE = "+00:00"

_WRITTEN = len("2026-01-31 23:59:59.999999")
"""Characters of a moment as `_to_text` writes it; by hand, one may have been written in another form."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC, given back alike by databases that know zones and those that do not."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone, which would mean something else on each machine."""
        return None if value is None else _in_utc(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Return how a moment is written; for SQLite in one step, which with SQLAlchemy's own are three."""
        return _to_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Return how a moment is read."""
        return _from_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC."""
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a moment must have a time zone")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _to_text(value: datetime | None) -> str | None:
    """Return a moment as SQLAlchemy's type for SQLite writes it, without its zone."""
    return None if value is None else _in_utc(value).isoformat(" ", "microseconds").removesuffix(_ZONE)


def _from_text(value: str | None) -> datetime | None:
    if value is None:
        return None
    if len(value) == _WRITTEN:
        return datetime.fromisoformat(value + _ZONE)  # in a sixth of the time
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


class Duration(TypeDecorator[timedelta]):
    """A length of time, kept in whole seconds."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        """Return whole seconds."""
        return None if value is None else int(value.total_seconds())

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:
        """Return the duration."""
        return None if value is None else timedelta(seconds=value)
