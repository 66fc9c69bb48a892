"""Connections and transactions, alike on SQLite and PostgreSQL."""

import os
import select
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
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
from gatehouse.storage.prepared import execute_raw
from gatehouse.storage.turns import Turns

BUSY_TIMEOUT_MS = 20_000
"""Milliseconds that a statement waits for what others have locked."""

_LOG_BYTES = 4 * 2**20
"""Bytes of SQLite's log from which `checkpoint` brings it into the file, and to which it is cut when it begins anew."""

_LONG_LOG_PAGES = 8192
"""Pages (4 KB) of the log from which a commit does so itself: only where no worker runs, or cannot keep up."""

_SQLITE_SET_UP = (
    # In WAL mode a crash of the process loses nothing and a power cut at most the last commits, without damage.
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    # What is deleted is overwritten, as the temporary password in a message that was sent; not every build does so.
    "PRAGMA secure_delete=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    f"PRAGMA journal_size_limit={_LOG_BYTES}",
    f"PRAGMA wal_autocheckpoint={_LONG_LOG_PAGES}",
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

_ASKED_AFTER = 1.0
"""Seconds after which a connection that rested is not taken for alive."""

_POSTGRESQL_CONNECTION: dict[str, Any] = {
    "connect_timeout": 5,
    # A machine that has vanished says nothing, and neither does a firewall that has forgotten a connection; without
    # these, a call on it would wait for a quarter of an hour or more. Source: libpq, Parameter Key Words.
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
"""How a connection is given up; what the URL says of these wins."""


_POSTGRESQL_SESSION = {
    "lock_timeout": BUSY_TIMEOUT_MS,
    # What a caller who is not there any more holds is free again before those who wait for it give up.
    "idle_in_transaction_session_timeout": 15_000,
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 2,
}
"""What the server is told on each connection. Source: PostgreSQL, Client Connection Defaults, TCP Settings."""


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
        self._turns = Turns(self.engine.begin, BUSY_TIMEOUT_MS / 1000) if self.is_sqlite else None
        self._reading_engine = self.engine.execution_options(gatehouse_reading=True)

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
    def writing(self, *, together: bool = False) -> Iterator[Connection]:
        """Give a connection in one transaction, which an exception rolls back. Raises UnavailableError.

        With `together`, others that wait may commit with it (`storage/turns.py`): for calls, which are short.
        """
        with _unavailable_when_gone():
            if together and self._turns is not None:
                with self._turns.together() as connection:
                    yield connection
            else:
                with self._turn_alone(), self.engine.begin() as connection:
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
        with _unavailable_when_gone(), self._turn_alone(), self.engine.connect() as connection:
            # Inside of a transaction it would be ignored.
            execute_raw(connection, "PRAGMA foreign_keys=OFF").close()
            try:
                with connection.begin():
                    yield connection
                    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                        raise RuntimeError("a row points to one that is not there any more")
            finally:
                execute_raw(connection, "PRAGMA foreign_keys=ON").close()

    def checkpoint(self) -> bool:
        """Bring SQLite's log into the file when it is long; return whether it was. Raises UnavailableError.

        A commit would do so now and then, and its call, with all that want to write, would wait for the disk. Here
        nobody waits: what is written meanwhile stays in the log until the next time.
        """
        path = _file_of(self.engine.url)
        try:
            is_long = path is not None and path.with_name(f"{path.name}-wal").stat().st_size > _LOG_BYTES
        except OSError:
            return False  # nothing was written yet
        if is_long:
            with self.reading() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").close()
        return is_long

    def _turn_alone(self) -> AbstractContextManager[None]:
        """Let one thread of this process write at a time on SQLite.

        SQLite has one writer anyway, and lets those that wait look again ever more seldom: with 32 threads some
        waited for seconds while others wrote again and again.
        """
        return self._turns.alone() if self._turns is not None else nullcontext()

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


def _make_engine(url: sa.URL, connections: int) -> Engine:
    if url.get_backend_name() != "sqlite":
        is_postgresql = url.get_backend_name() == "postgresql"
        engine = sa.create_engine(
            url,
            pool_size=connections,
            max_overflow=5,
            pool_timeout=10,
            pool_pre_ping=not is_postgresql,
            # Without a transaction that the driver would begin: `begin` below does, as with SQLite.
            isolation_level="AUTOCOMMIT",
            connect_args={
                name: value for name, value in _POSTGRESQL_CONNECTION.items() if is_postgresql and name not in url.query
            },
        )
        if engine.dialect.driver == "psycopg":
            _watch_server(engine)
            _send_no_pipelines(engine)
        if is_postgresql:
            event.listen(engine, "connect", _limit_waits)
            _ask_when_in_doubt(engine)
        _begin_by(engine, "BEGIN")
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

    _begin_by(engine, "BEGIN IMMEDIATE")
    return engine


def _begin_by(engine: Engine, statement: str) -> None:
    """Begin what writes by this statement; what reads has no transaction."""

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("gatehouse_reading"):
            execute_raw(connection, statement).close()


def _ask_when_in_doubt(engine: Engine) -> None:
    """Ask the server whether it is there before a connection is used that has rested, or on which it has spoken.

    To ask each time would cost each call a way to the server and back, twice. A server that stops, or ends the
    connection, says so at once, and what it said can be seen without waiting for anybody.
    """

    @event.listens_for(engine, "checkin")
    def remember(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: Any, record: Any, _proxy: Any) -> None:
        rests_since = record.info.get("rests_since")
        if rests_since is None:
            return
        try:
            if time.monotonic() - rests_since > _ASKED_AFTER or _has_spoken(connection):
                engine.dialect.do_ping(connection)
        except (engine.dialect.loaded_dbapi.Error, OSError) as error:
            raise DisconnectionError("the server does not answer") from error


def _has_spoken(connection: Any) -> bool:
    """Whether there is something to read on a connection of psycopg of which nothing was asked."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _send_no_pipelines(engine: Engine) -> None:
    """Execute what has several rows of values without a pipeline of psycopg.

    The last thing in one is a flush, after which PostgreSQL counts no idle time: a caller who vanishes in such a
    transaction would keep what it has locked (`idle_in_transaction_session_timeout`).
    """
    engine.dialect.use_insertmanyvalues_wo_returning = True

    @event.listens_for(engine, "do_executemany")
    def execute_each(cursor: Any, statement: str, rows: Any, _context: Any) -> bool:
        for values in rows:
            cursor.execute(statement, values)
        return True


def _watch_server(engine: Engine) -> None:
    """Let no call wait for a server that takes everything and answers nothing."""
    # Not above, since the driver is not needed with the embedded database.
    from gatehouse.storage.silence import Server

    server = Server()

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, _arguments: list[Any], options: dict[str, Any]) -> Any:
        return server.connect(**options)


def _limit_waits(connection: Any, _record: Any) -> None:
    """Let no statement wait for ever for what somebody else has locked, also where that one has vanished."""
    connection.execute(";".join(f"SET {name} = {value}" for name, value in _POSTGRESQL_SESSION.items()))
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
