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

    __slots__ = ("_given", "_is_positional", "_reads", "text")

    def __init__(self, statement: Select[Any] | UpdateBase, names: Sequence[str], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(names) or None)
        self.text = str(compiled)
        written: Any = compiled
        self._is_positional = bool(dialect.positional)
        order = written.positiontup if self._is_positional else list(written.binds)
        # The name under which the driver gets a value, the one under which we are given it, how it is written, and
        # what it is where the statement says so itself.
        self._given: list[tuple[str, str, _Convert | None, Any]] = []
        for name in order:
            bind = written.binds[name]
            own = None if bind.required else bind.effective_value
            self._given.append((name, bind.key, _to_driver(bind.type, dialect), own))
        reads = [_from_driver(each.type, dialect) for each in _columns_of(statement)]
        self._reads = reads if any(reads) else None

    def parameters(self, values: Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
        """Return the values as the driver wants them. Raises KeyError when one is missing."""
        if self._is_positional:
            return [
                (write(values[key]) if write else values[key]) if key in values or own is None else own
                for _, key, write, own in self._given
            ]
        return {
            name: (write(values[key]) if write else values[key]) if key in values or own is None else own
            for name, key, write, own in self._given
        }

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """Return the values of a row that the driver gave."""
        if self._reads is None:
            return row
        return [read(value) if read else value for value, read in zip(row, self._reads, strict=True)]


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
    """Execute a statement of the driver's own and return its cursor. Raises what SQLAlchemy makes of its errors.

    Who listens to SQLAlchemy's `before_cursor_execute` hears of it as well.
    """
    for listener in db.dispatch.before_cursor_execute:
        listener(db, None, text, parameters, None, False)
    connection: Any = db.connection.driver_connection
    try:
        return connection.execute(text, parameters)
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
