"""Connections and transactions, alike on SQLite and PostgreSQL."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gatehouse.config import SettingsError
from gatehouse.domain.errors import UnavailableError
from gatehouse.storage import postgresql, sqlite
from gatehouse.storage.locks import LONGEST_WAIT_MS
from gatehouse.storage.prepared import execute_raw
from gatehouse.storage.turns import Turns


class Database:
    """Where the rows are. Hold a connection only while reading or writing, never while a password is hashed."""

    def __init__(self, url: str, connections: int = 10) -> None:
        """Prepare, without connecting. `connections` is how many threads may ask at the same time.

        What is taken from `engine` itself begins no transaction: `writing` does.
        Raises SettingsError when the URL is none, or asks for a driver that is not installed.
        """
        try:
            self.engine = _make_engine(sa.make_url(url), connections)
        except (ArgumentError, ImportError) as error:
            # Their texts may repeat the URL, which may hold a password.
            raise SettingsError("GATEHOUSE_DATABASE_URL: is not the URL of a database that can be used here") from error
        self._write_lock = sqlite.write_lock(self.engine.url) if self.is_sqlite else None
        self._turns = Turns(self._begun_again, LONGEST_WAIT_MS / 1000) if self.is_sqlite else None
        self._kept: Connection | None = None
        self._is_kept_doubtful = False
        self._log_in_file_of: int | None = None
        if self.is_sqlite:
            event.listen(self.engine, "invalidate", self._doubt_kept)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection on which each statement sees what is committed then. Raises UnavailableError."""
        with _unavailable_when_gone(), self.engine.connect() as connection:
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
                with self._turn_alone(), self._begun() as connection:
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
                with self._begin(connection):
                    yield connection
                    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                        raise RuntimeError("a row points to one that is not there any more")
            finally:
                execute_raw(connection, "PRAGMA foreign_keys=ON").close()

    def checkpoint(self) -> bool:
        """Bring SQLite's log into the file when it is long; return whether it was. Raises UnavailableError.

        A commit would do so now and then, and its call, with all that want to write, would wait for the disk. Here
        what is written meanwhile stays in the log. Where there is always something, the log cannot begin anew: then
        writers are held up, for as long as the little takes that has come in this moment.
        """
        changed_at = sqlite.log_changed_at(self.engine.url) if self.is_sqlite else None
        # One that nobody has written to since the last time is in the file.
        if changed_at in (None, self._log_in_file_of) or not self._is_log_longer(sqlite.LONG_LOG):
            return False
        with self.reading() as connection:
            if sqlite.bring_log_into_file(connection):
                self._log_in_file_of = changed_at
        if self._is_log_longer(sqlite.GROWING_LOG):
            with self.reading() as connection, self.writing():
                # Another process may have done it while this one waited.
                if self._is_log_longer(sqlite.GROWING_LOG):
                    sqlite.bring_log_into_file(connection)
        return True

    def _is_log_longer(self, pages: int) -> bool:
        return sqlite.is_log_longer(self.engine.url, pages)

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        with self.engine.connect() as connection, self._begin(connection):
            yield connection

    @contextmanager
    def _begun_again(self) -> Iterator[Connection]:
        """Give what `_begun` gives, on the connection that the last one left: only who has the turn may ask for it.

        To take one out of the pool and put it back costs twice what SQLite needs to begin and commit.
        """
        connection, self._kept = self._kept, None
        is_doubtful, self._is_kept_doubtful = self._is_kept_doubtful, False
        if connection is not None and (is_doubtful or not sqlite.is_of_current_file(connection)):
            connection.close()  # the pool will look at it
            connection = None
        connection = connection or self.engine.connect()
        try:
            with self._begin(connection):
                yield connection
        except BaseException:
            connection.close()
            raise
        self._kept = connection

    @contextmanager
    def _begin(self, connection: Connection) -> Iterator[None]:
        """Begin a transaction, which the end of the block commits and an exception rolls back.

        Not by a listener of SQLAlchemy's `begin`: with any on the engine, it asks for listeners at every step.
        """
        with connection.begin():
            if self._write_lock is not None:
                self._write_lock.begin(connection)
            else:
                execute_raw(connection, "BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN").close()
            yield

    def _doubt_kept(self, *_: object) -> None:
        """Note that a connection was given up, and with it all that the pool had opened before."""
        self._is_kept_doubtful = True

    def _turn_alone(self) -> AbstractContextManager[None]:
        """Let one thread of this process write at a time on SQLite.

        SQLite has one writer anyway, and lets those that wait look again ever more seldom: with 32 threads some
        waited for seconds while others wrote again and again.
        """
        return self._turns.alone() if self._turns is not None else nullcontext()

    def make_file(self) -> None:
        """Make the embedded database's file where there is none, for its user and group alone."""
        if self.is_sqlite:
            sqlite.make_file(self.engine.url)

    def close(self) -> None:
        """Close every connection, when nobody writes any more."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()
        if self._write_lock is not None:
            self._write_lock.close()
        self.engine.dispose()


def _make_engine(url: sa.URL, connections: int) -> Engine:
    match url.get_backend_name():
        case "sqlite":
            return sqlite.make_engine(url, connections)
        case "postgresql":
            return postgresql.make_engine(url, connections)
        case other:
            raise ArgumentError(f"{other} is neither of the databases that there are statements for")


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
