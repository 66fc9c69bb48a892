"""Connections and transactions, alike on SQLite and PostgreSQL."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gatehouse.config import SettingsError
from gatehouse.domain.errors import UnavailableError

BUSY_TIMEOUT_MS = 20_000
"""Milliseconds that a statement waits for what others have locked."""

_SQLITE_SET_UP = (
    # In WAL mode a crash of the process loses nothing and a power cut at most the last commits, without damage.
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    # What is deleted is overwritten, as the temporary password in a message that was sent; not every build does so.
    "PRAGMA secure_delete=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
)

_LOST_WITH = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
"""What SQLite says on a connection that may stay as it is for ever, such as one opened while nobody could write."""

_POSTGRESQL_CONNECTION: dict[str, Any] = {
    "connect_timeout": 5,
    # A machine that has vanished says nothing; without these, a call on it would wait for a quarter of an hour or more.
    # Source: libpq, Parameter Key Words.
    "tcp_user_timeout": BUSY_TIMEOUT_MS,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
"""How a connection is given up; what the URL says of these wins."""


class Database:
    """Where the rows are. Hold a connection only while reading or writing, never while a password is hashed."""

    def __init__(self, url: str, connections: int = 10) -> None:
        """Prepare, without connecting. `connections` is how many threads may ask at the same time.

        Raises SettingsError when the URL is none, or asks for a driver that is not installed.
        """
        try:
            self.engine = _make_engine(sa.make_url(url), connections)
        except (ArgumentError, ImportError) as error:
            # Their texts may repeat the URL, which may hold a password.
            raise SettingsError("GATEHOUSE_DATABASE_URL: is not the URL of a database that can be used here") from error
        self._turn = threading.Lock()
        if self.engine.dialect.name == "sqlite":
            self._reading_engine = self.engine.execution_options(gatehouse_reading=True)
        else:
            self._reading_engine = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection on which each statement sees what is committed then. Raises UnavailableError."""
        with _unavailable_when_gone(), self._reading_engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in one transaction, which an exception rolls back. Raises UnavailableError."""
        with _unavailable_when_gone(), self._turn_to_write(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def changing_schema(self) -> Iterator[Connection]:
        """Give what `writing` gives, with foreign keys that may point nowhere on the way. Raises UnavailableError.

        SQLite changes some tables only by making them anew, and will not drop one that others point to.
        """
        if not self.is_sqlite:
            with self.writing() as connection:
                yield connection
            return
        with _unavailable_when_gone(), self._turn_to_write(), self.engine.connect() as connection:
            # Inside of a transaction it would be ignored.
            _execute_raw(connection, "PRAGMA foreign_keys=OFF")
            try:
                with connection.begin():
                    yield connection
                    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                        raise RuntimeError("a row points to one that is not there any more")
            finally:
                _execute_raw(connection, "PRAGMA foreign_keys=ON")

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        """Let one thread of this process write at a time on SQLite.

        SQLite has one writer anyway, and lets those that wait look again ever more seldom: with 32 threads some
        waited for seconds while others wrote again and again.
        """
        if not self.is_sqlite:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            raise UnavailableError("no turn to write came")
        try:
            yield
        finally:
            self._turn.release()

    def make_file(self) -> None:
        """Make the embedded database's file where there is none, for its user and group alone.

        Connections do not make it: where the file was moved away under a running service, they would begin anew
        with an empty one. If it cannot be made, they will tell.
        """
        path = _file_of(self.engine.url)
        # One that is there is not opened: to close it again would take this process's locks on it away.
        if path is not None and not path.exists():
            with suppress(OSError):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                # SQLite gives the files that it makes beside this one the same rights.
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _execute_raw(connection: Connection, statement: str) -> None:
    """Execute a statement without the transaction that SQLAlchemy would begin for it."""
    cursor = connection.connection.cursor()
    cursor.execute(statement)
    cursor.close()


def _make_engine(url: sa.URL, connections: int) -> Engine:
    if url.get_backend_name() != "sqlite":
        is_postgresql = url.get_backend_name() == "postgresql"
        engine = sa.create_engine(
            url,
            pool_size=connections,
            max_overflow=5,
            pool_timeout=10,
            pool_pre_ping=True,
            connect_args={
                name: value for name, value in _POSTGRESQL_CONNECTION.items() if is_postgresql and name not in url.query
            },
        )
        if is_postgresql:
            event.listen(engine, "connect", _limit_waits)
        return engine
    path = _file_of(url)
    engine = sa.create_engine(
        url, pool_size=connections, max_overflow=5, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}
    )
    if path is not None:
        _follow_file(engine, path)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions by itself: a deferred one that reads first and
        # writes later fails at once when another writer came between, whatever the time-out.
        connection.isolation_level = None
        cursor = connection.cursor()
        _use_wal(cursor)
        for statement in _SQLITE_SET_UP:
            cursor.execute(statement)
        cursor.close()

    @event.listens_for(engine, "handle_error")
    def give_up(context: Any) -> None:
        code = getattr(context.original_exception, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in _LOST_WITH:  # without what extends the code
            context.is_disconnect = True

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("gatehouse_reading"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _limit_waits(connection: Any, _record: Any) -> None:
    """Let no statement wait for ever for what somebody else has locked."""
    connection.execute(f"SET lock_timeout = {BUSY_TIMEOUT_MS}")
    connection.commit()


def _file_of(url: sa.URL) -> Path | None:
    """Return the file of an embedded database; None for a server, one in memory, and what only SQLite understands."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return None if url.database.startswith("file:") else Path(url.database).absolute()


def _follow_file(engine: Engine, path: Path) -> None:
    """Use the file that has the name now.

    What was opened before it was moved, removed or replaced would still take every change, and nobody would ever see
    them again.
    """

    @event.listens_for(engine, "do_connect")
    def open_existing(_dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        if not _is_writable(path):
            # SQLite would open it for reading, and while one connection has done so, no other of its process can write.
            raise sqlite3.OperationalError("the file of the database cannot be written to")
        arguments[0] = f"{path.as_uri()}?mode=rw"
        options["uri"] = True

    @event.listens_for(engine, "connect")
    def remember(_connection: Any, record: Any) -> None:
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def compare(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info.get("file") != _identity(path):
            raise DisconnectionError("the file of the database is another one now")


def _is_writable(path: Path) -> bool:
    """Whether this process may write to the file and to those that SQLite keeps beside it, or may make them."""
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        needed = each if each.exists() else each.parent
        if not os.access(needed, os.W_OK):
            return False
    return True


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells this file from another one of its name, or None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Let readers go on while one writes.

    A file that is new takes a lock for it which SQLite does not wait for, whatever the time-out, so that
    processes that start together on a new database would fail. Later it is no change and needs no lock.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def _unavailable_when_gone() -> Iterator[None]:
    """Turn the errors of a database that is away, full, locked or read-only into UnavailableError."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError, PoolTimeout) as error:
        raise UnavailableError(type(error).__name__) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise UnavailableError(type(error).__name__) from error
        raise
