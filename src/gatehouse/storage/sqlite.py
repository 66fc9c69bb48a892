"""Connections to the embedded database: how each is set up, and when it is given up."""

import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import ArgumentError, DisconnectionError

from gatehouse.storage.locks import LONGEST_WAIT_MS
from gatehouse.storage.write_lock import WriteLock

LONG_LOG = 1024
"""Pages (4 KB) of SQLite's log from which it is brought into the file."""

GROWING_LOG = 4096
"""Pages of a log that was brought into the file and grew on meanwhile, so that it could not begin anew."""

_LONGEST_LOG = 8192
"""Pages of the log from which a commit does so itself: only where no worker runs, or cannot keep up."""

_LOG_HEAD_BYTES, _PAGE_HEAD_BYTES, _PAGE_BYTES = 32, 24, 4096

_SET_UP = (
    # In WAL mode a crash of the process loses nothing and a power cut at most the last commits, without damage.
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    # What is deleted is overwritten, as the temporary password in a message that was sent; not every build does so.
    "PRAGMA secure_delete=ON",
    # To be cut and to grow again takes a commit several milliseconds.
    f"PRAGMA journal_size_limit={_LOG_HEAD_BYTES + _LONGEST_LOG * (_PAGE_HEAD_BYTES + _PAGE_BYTES)}",
    f"PRAGMA wal_autocheckpoint={_LONGEST_LOG}",
)

_FILE = "gatehouse_file"
"""Where a connection remembers its file: the name, and what told it from others when it was opened."""

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


def make_engine(url: sa.URL, connections: int) -> Engine:
    """Prepare connections to the file of this URL, for so many threads at the same time.

    Raises ArgumentError where it names none: in memory, each connection would have a database of its own.
    """
    if url.database in (None, "", ":memory:"):
        raise ArgumentError("an embedded database needs a file")
    path = _file_of(url)
    engine = sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=5,
        pool_use_lifo=True,  # the last one used has the most in its cache that is still so
        connect_args={"timeout": LONGEST_WAIT_MS / 1000},
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
        for statement in _SET_UP:
            cursor.execute(statement)
        cursor.close()

    @event.listens_for(engine, "handle_error")
    def give_up(context: Any) -> None:
        code = getattr(context.original_exception, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in _LOST_WITH:  # without what extends the code
            context.is_disconnect = True

    return engine


def make_file(url: sa.URL) -> None:
    """Make the file where there is none, for its user and group alone.

    Connections do not make it: where the file was moved away under a running service, they would begin anew
    with an empty one. If it cannot be made, they will tell.
    """
    path = _file_of(url)
    # One that is there is not opened: to close it again would take this process's locks on it away.
    if path is not None and not path.exists():
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite gives the files that it makes beside this one the same rights.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640))


def write_lock(url: sa.URL) -> WriteLock | None:
    """Return the lock of those that write to this file; None where there is none, or only SQLite knows it."""
    path = _file_of(url)
    return None if path is None else WriteLock(path.parent)


def log_changed_at(url: sa.URL) -> int | None:
    """Return when SQLite's log was written to last, in nanoseconds since 1970; None where there is none."""
    path = _log_of(url)
    try:
        return None if path is None else path.stat().st_mtime_ns
    except OSError:
        return None


def is_log_longer(url: sa.URL, pages: int) -> bool:
    """Whether SQLite's log holds more than so many pages since it last began anew.

    Its file is as long as the log has ever been, so one page is asked whether it has the salts of this beginning.
    Source: sqlite.org/fileformat2.html, 4.1.
    """
    path = _log_of(url)
    if path is None:
        return False
    try:
        with path.open("rb", buffering=0) as log:
            head = log.read(_LOG_HEAD_BYTES)
            page_bytes = int.from_bytes(head[8:12], "big")
            log.seek(_LOG_HEAD_BYTES + pages * (_PAGE_HEAD_BYTES + page_bytes))
            page_head = log.read(_PAGE_HEAD_BYTES)
    except OSError:
        return False  # nothing was written yet
    return bool(page_head) and page_head[8:16] == head[16:24]


def bring_log_into_file(connection: Connection) -> bool:
    """Write what is in SQLite's log to the file, as far as nobody reads what was there before. Waits for nobody.

    Returns whether that was all of it.
    """
    is_busy, pages, done = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
    return not is_busy and pages == done


def is_of_current_file(connection: Connection) -> bool:
    """Whether a connection that was kept is to the file that has the name now, where it has one that we know."""
    return _FILE not in connection.info or _is_current(connection.info)


def _file_of(url: sa.URL) -> Path | None:
    """Return the file of an embedded database; None for what only SQLite understands."""
    assert url.database
    return None if url.database.startswith("file:") else Path(url.database).absolute()


def _log_of(url: sa.URL) -> Path | None:
    path = _file_of(url)
    return None if path is None else _beside(path, "-wal")


def _beside(path: Path, ending: str) -> Path:
    """Return what SQLite keeps beside a file: beside the one that a link points to."""
    return Path(f"{os.path.realpath(path)}{ending}")


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
        record.info[_FILE] = str(path), _identity(str(path))

    @event.listens_for(engine, "checkout")
    def compare(_connection: Any, record: Any, _proxy: Any) -> None:
        if not _is_current(record.info):
            raise DisconnectionError("the file of the database is another one now")


def _is_writable(path: Path) -> bool:
    """Whether this process may write to the file and to those that SQLite keeps beside it, or may make them."""
    for each in (path, _beside(path, "-wal"), _beside(path, "-shm")):
        needed = each if each.exists() else each.parent
        if not os.access(needed, os.W_OK):
            return False
    return True


def _is_current(info: Mapping[Any, Any]) -> bool:
    path, identity = info[_FILE]
    return bool(identity == _identity(path))


def _identity(path: str) -> tuple[int, int] | None:
    """Return what tells this file from another one of its name, or None where there is no file."""
    try:
        found = os.stat(path)  # not by a Path, which takes as long again, for each transaction
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Let readers go on while one writes.

    A file that is new takes a lock for it which SQLite does not wait for, whatever the time-out, so that
    processes that start together on a new database would fail. Later it is no change and needs no lock.
    """
    deadline = time.monotonic() + LONGEST_WAIT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
