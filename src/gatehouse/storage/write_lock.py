"""SQLite's write lock between processes: who waits for it gets it soon, and before who has just had it.

A process that finds the lock taken would look again ever more seldom, every tenth of a second in the end, while the
one that has it commits, begins again within microseconds, and has it each time the other looks. So who waits looks
every millisecond and says that it waits, by a shared lock on the directory of the database, which the kernel takes
back from a process however that ends; who is about to begin sees it, and lets the other in first.

Nothing depends on it but time: where the directory cannot be locked, or a process that waits hangs, writers are slower.
"""

import contextlib
import fcntl
import os
import sqlite3
import time
from pathlib import Path

from sqlalchemy import Connection

from gatehouse.storage.locks import LONGEST_WAIT_MS
from gatehouse.storage.prepared import execute_raw

_BEGIN = "BEGIN IMMEDIATE"

_LOOK_SECONDS = 0.001
"""After which who waits looks again: a transaction takes about as long."""

_LET_IN_SECONDS = 0.002
"""How long the lock is left to who waits; one that is there takes it within `_LOOK_SECONDS`."""


class WriteLock:
    """The lock on one database, as one process takes it. One thread at a time may use it.

    Databases in one directory are polite to each other, too, which costs each some milliseconds: give each its own.
    """

    def __init__(self, directory: Path) -> None:
        """Take the directory that the file of the database is in, without opening it yet."""
        self._directory = directory
        self._descriptor: int | None = None

    def begin(self, connection: Connection) -> None:
        """Begin a transaction that writes. Raises what SQLAlchemy makes of SQLite's errors, as of too long a wait."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self._let_others_in()
        try:
            with contextlib.suppress(sqlite3.Error):
                driver.execute("PRAGMA busy_timeout=0").close()
                if _begins(driver) or self._begins_in_time(driver):
                    return
            execute_raw(connection, _BEGIN).close()  # which raises it as SQLAlchemy does
        finally:
            # A connection that was lost is closed.
            with contextlib.suppress(sqlite3.ProgrammingError):
                driver.execute(f"PRAGMA busy_timeout={LONGEST_WAIT_MS}").close()

    def close(self) -> None:
        """Close the directory, until it is needed again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _let_others_in(self) -> None:
        """Wait until no other process waits for the lock, or for a moment."""
        until = time.monotonic() + _LET_IN_SECONDS
        while not self._flock(fcntl.LOCK_EX) and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS / 2)
        self._flock(fcntl.LOCK_UN)

    def _begins_in_time(self, driver: sqlite3.Connection) -> bool:
        """Wait for the lock, and say so to the others; return whether it came."""
        until = time.monotonic() + LONGEST_WAIT_MS / 1000
        has_said = False
        try:
            while time.monotonic() < until:
                has_said = has_said or self._flock(fcntl.LOCK_SH)
                time.sleep(_LOOK_SECONDS)
                if _begins(driver):
                    return True
            return False
        finally:
            self._flock(fcntl.LOCK_UN)

    def _flock(self, operation: int) -> bool:
        """Lock or unlock the directory, without waiting; return whether that could be done, or cannot be at all."""
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


def _begins(driver: sqlite3.Connection) -> bool:
    """Begin a transaction unless another process writes; return whether it has begun. Raises SQLite's other errors."""
    try:
        driver.execute(_BEGIN).close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # without what extends the code
            raise
        return False
    return True
