"""Statements of frequent calls: written with SQLAlchemy, compiled once, and then executed by the driver itself.

To look up a row by its key, SQLite takes 5 µs and SQLAlchemy, which finds the compiled statement, its parameters
and the way to read the row anew each time, 80 µs on top. A frequent call has half a dozen statements, so this was half
of what it cost. Here SQLAlchemy compiles a statement for the database when it is first used, and tells how each
value is written and read; what is left for each execution is to put these together. The connection stays
SQLAlchemy's: its pool, its transaction, and what it makes of an error of the driver.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

_Convert = Callable[[Any], Any]


class _Compiled:
    """A statement as one kind of database gets it."""

    __slots__ = ("_defaults", "_keys", "_names", "_reads", "_writes", "text")

    def __init__(self, statement: Select[Any] | UpdateBase, names: Sequence[str], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(names) or None)
        self.text = str(compiled)
        written: Any = compiled
        order = written.positiontup if dialect.positional else list(written.binds)
        binds = [written.binds[name] for name in order]
        # Names under which the driver gets the values, where it does not get them by their places.
        self._names = None if dialect.positional else order
        # Names under which we are given them, and what they are where the statement says so itself.
        self._keys = [bind.key for bind in binds]
        self._defaults = {
            bind.key: bind.effective_value for bind in binds if not bind.required and bind.effective_value is not None
        }
        self._writes = _converting(_to_driver(bind.type, dialect) for bind in binds)
        self._reads = _converting(_from_driver(each.type, dialect) for each in _columns_of(statement))

    def parameters(self, values: Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
        """Return the values as the driver wants them. Raises KeyError when one is missing."""
        if self._defaults:
            values = {**self._defaults, **values}
        given = [values[key] for key in self._keys]
        for place, write in self._writes:
            given[place] = write(given[place])
        return given if self._names is None else dict(zip(self._names, given, strict=True))

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """Return the values of a row that the driver gave."""
        if not self._reads:
            return row
        found = list(row)
        for place, read in self._reads:
            found[place] = read(found[place])
        return found


def _converting(converts: Iterable[_Convert | None]) -> Sequence[tuple[int, _Convert]]:
    """Return the places of those values that are converted, and how."""
    return [(place, convert) for place, convert in enumerate(converts) if convert is not None]


class Prepared:
    """A statement that stays the same but for its values. Make one for each, once: it is never forgotten."""

    def __init__(self, statement: Select[Any] | UpdateBase, names: Iterable[str] = ()) -> None:
        """Take the statement; of an INSERT or UPDATE without values also the names of the columns that it sets."""
        self._statement = statement
        self._names = tuple(names)
        self._compiled: dict[str, _Compiled] = {}

    def one(self, db: Connection, values: Mapping[str, Any]) -> Sequence[Any] | None:
        """Return the only row, or None. Raises RuntimeError when there are several."""
        compiled, cursor = self._execute(db, values)
        try:
            row = cursor.fetchone()
            if row is None:
                return None
            if cursor.fetchone() is not None:
                raise RuntimeError("several rows where there may be one")
        finally:
            cursor.close()
        return compiled.read(row)

    def all(self, db: Connection, values: Mapping[str, Any]) -> list[Sequence[Any]]:
        """Return every row."""
        compiled, cursor = self._execute(db, values)
        try:
            return [compiled.read(row) for row in cursor.fetchall()]
        finally:
            cursor.close()

    def run(self, db: Connection, values: Mapping[str, Any]) -> int:
        """Execute it and return how many rows it changed."""
        _, cursor = self._execute(db, values)
        count: int = cursor.rowcount
        cursor.close()
        return count

    def _execute(self, db: Connection, values: Mapping[str, Any]) -> tuple[_Compiled, Any]:
        compiled = self._compiled.get(db.dialect.name)
        if compiled is None:
            compiled = self._compiled[db.dialect.name] = _Compiled(self._statement, self._names, db.dialect)
        return compiled, execute_raw(db, compiled.text, compiled.parameters(values))


def execute_raw(db: Connection, text: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
    """Execute a statement of the driver's own and return its cursor, which is to be closed before the next one.

    Who listens to SQLAlchemy's `before_cursor_execute` on the engine hears of it as well. Raises what SQLAlchemy makes
    of the driver's errors.
    """
    for listener in db.engine.dispatch.before_cursor_execute:
        listener(db, None, text, parameters, None, False)
    connection: Any = db.connection.driver_connection
    try:
        return getattr(connection, "kept_cursor", connection).execute(text, parameters)
    except db.dialect.loaded_dbapi.Error as error:
        # Without the parameters, which are nobody's business. It gives the connection up where that is lost.
        db._handle_dbapi_exception(error, text, None, None, None)
        raise


def _columns_of(statement: Select[Any] | UpdateBase) -> Iterable[ColumnElement[Any]]:
    if isinstance(statement, Select):
        return statement.selected_columns
    return [each for each in statement._returning if isinstance(each, ColumnElement)]


def _to_driver(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _from_driver(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
