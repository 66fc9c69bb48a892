"""Repeats what a call of the service sent to PostgreSQL (`statements.py`), with values that fit the next call.

What was the same in two recorded calls stays. A moment is as far from now as it was; what an earlier statement of the
call gave back is taken from there; a number goes on by its step; digests and identifiers are drawn anew. Each statement
must touch as many rows as it did for the service, so that nothing is repeated that would do nothing.
"""

import os
import queue
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import sqlalchemy as sa

from scripts.benchmark.statements import Recording, Statement

Rows = list[tuple[Any, ...]]
"""The first row of each statement of the call so far."""


class _Now:
    def __init__(self, offset: timedelta) -> None:
        self._offset = offset

    def __call__(self, turn: "_Turn") -> Any:
        return turn.moment + self._offset


class _Given:
    def __init__(self, statement: int, column: int) -> None:
        self._place = (statement, column)

    def __call__(self, turn: "_Turn") -> Any:
        statement, column = self._place
        return turn.rows[statement][column]


class _Counted:
    def __init__(self, last: int, step: int) -> None:
        self._last, self._step = last, step

    def __call__(self, turn: "_Turn") -> Any:
        return self._last + self._step * turn.number


class _Drawn:
    def __init__(self, model: Any, draw: Callable[[], Any]) -> None:
        self._model, self._draw = model, draw

    def __call__(self, turn: "_Turn") -> Any:
        if self._model not in turn.drawn:
            turn.drawn[self._model] = self._draw()
        return turn.drawn[self._model]


class _Turn:
    """One repetition: when it is, the how manyth of its series, and what it has drawn and been given so far."""

    def __init__(self, number: int) -> None:
        self.moment = datetime.now(UTC)
        self.number = number
        self.drawn: dict[Any, Any] = {}
        self.rows: Rows = []


class _Step:
    """A statement, with the values that stay and those that are found anew."""

    def __init__(self, model: Statement, found: dict[str, Callable[[_Turn], Any]]) -> None:
        self._model = model
        self._found = found
        self._has_names = not all(name.isdigit() for name in model.values)

    def run(self, cursor: psycopg.Cursor[Any], turn: _Turn) -> None:
        model = self._model
        if cursor.connection.autocommit is model.in_transaction:
            cursor.connection.autocommit = not model.in_transaction
        values = model.values | {name: find(turn) for name, find in self._found.items()}
        cursor.execute(model.text, (values if self._has_names else list(values.values())) or None)  # type: ignore[arg-type]
        if cursor.rowcount != model.rows:
            raise RuntimeError(f"{cursor.rowcount} rows instead of {model.rows}: {model.text}")
        turn.rows.append(tuple(cursor.fetchone() or ()) if cursor.description else ())


class _Series:
    """The steps of one series, and how often it was repeated."""

    def __init__(self, before: Recording, last: Recording) -> None:
        if [_kind(step) for step in before.steps] != [_kind(step) for step in last.steps]:
            raise RuntimeError("two calls of the same kind sent different statements")
        self.steps: list[_Step | str] = []
        self.number = 0
        earlier: list[tuple[Statement, Statement]] = []
        for old, new in zip(before.steps, last.steps, strict=True):
            if isinstance(old, str) or isinstance(new, str):
                self.steps.append(str(new))
                continue
            found = {
                name: _rule(old.values[name], value, earlier, last.moment)
                for name, value in new.values.items()
                if old.values[name] != value
            }
            self.steps.append(_Step(new, found))
            earlier.append((old, new))


def _kind(step: Statement | str) -> str:
    return step if isinstance(step, str) else step.text


def _rule(
    old: Any, new: Any, earlier: Sequence[tuple[Statement, Statement]], moment: datetime
) -> Callable[[_Turn], Any]:
    """Return how the value is found that differed between two calls."""
    for number, (before, last) in enumerate(earlier):
        for column, (was, is_now) in enumerate(zip(before.first_row, last.first_row, strict=False)):
            if was == old and is_now == new and type(is_now) is type(new):
                return _Given(number, column)
    match new:
        case datetime():
            return _Now(new - moment)
        case int():
            return _Counted(new, new - old)
        case bytes():
            size = len(new)
            return _Drawn(new, lambda: os.urandom(size))
        case str():
            return _Drawn(new, lambda: str(uuid.uuid4()))
    raise RuntimeError(f"nothing is known of how {type(new).__name__} goes on")


class Replay:
    """Repeats the calls of some series, each by one thread at a time."""

    def __init__(self, url: str, series: Sequence[Sequence[Recording]]) -> None:
        """Take the database's URL, and the recordings of each series. Raises RuntimeError where they do not agree."""
        parts = sa.make_url(url)
        self._options: dict[str, Any] = {
            "host": parts.host,
            "port": parts.port,
            "user": parts.username,
            "dbname": parts.database,
        }
        self._free: queue.SimpleQueue[_Series] = queue.SimpleQueue()
        for recordings in series:
            self._free.put(_Series(*recordings))
        self._own = threading.local()

    def run(self) -> None:
        """Repeat a call of the series that has rested longest."""
        series = self._free.get()
        try:
            series.number += 1
            self._repeat(series)
        finally:
            self._free.put(series)

    def _repeat(self, series: _Series) -> None:
        connection = self._connection()
        turn = _Turn(series.number)
        with connection.cursor() as cursor:
            for step in series.steps:
                if isinstance(step, str):
                    getattr(connection, step)()
                    continue
                step.run(cursor, turn)

    def _connection(self) -> psycopg.Connection[Any]:
        if not hasattr(self._own, "connection"):
            self._own.connection = psycopg.connect(**self._options)
        connection: psycopg.Connection[Any] = self._own.connection
        return connection
