"""Connections and transactions, alike on SQLite and PostgreSQL."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gatehouse.config import SettingsError
from gatehouse.domain.errors import UnavailableError

BUSY_TIMEOUT_MS = 20_000
"""Milliseconds that a writer waits for another one on SQLite."""

_SQLITE_SET_UP = (
    # In WAL mode a crash of the process loses nothing and a power cut at most the last commits, without damage.
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
)


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

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _make_engine(url: sa.URL, connections: int) -> Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(
            url,
            pool_size=connections,
            max_overflow=5,
            pool_timeout=10,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5} if url.get_backend_name() == "postgresql" else {},
        )
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = sa.create_engine(
        url, pool_size=connections, max_overflow=5, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}
    )

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

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("gatehouse_reading"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


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
