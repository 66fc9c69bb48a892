"""SQLite's one writer at a time, and one commit for all that wait to write.

A commit writes every page that has changed to the log, and most pages that a call changes are changed again by the
next one: the ends of tables and of their indexes. So a call that has done its work leaves its transaction to one that
waits, and goes on when the last of them has committed for all; where nobody waits, it commits at once. Each works
behind a savepoint, so that one which fails takes back what it did and nothing else.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Connection

from gatehouse.domain.errors import UnavailableError
from gatehouse.storage.prepared import execute_raw

_MOST = 16
"""Calls that commit together: the first of them waits for the last."""


class _Together:
    """A transaction that several calls write in, one after the other."""

    def __init__(self, begun: AbstractContextManager[Connection]) -> None:
        """Begin it. Raises what the database says."""
        self._begun = begun
        self.connection = begun.__enter__()
        self.size = 0
        self._ended = threading.Event()
        self._error: BaseException | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can go on. What SQLite gives up as a whole, as on a full disk, has ended for all."""
        connection = self.connection
        return not connection.invalidated and bool(connection.connection.driver_connection.in_transaction)  # type: ignore[union-attr]

    def begin_part(self) -> None:
        """Note where the work of one call begins. The first one's is all that there is."""
        self.size += 1
        if self.size > 1:
            execute_raw(self.connection, "SAVEPOINT part").close()

    def keep_part(self) -> None:
        """Make the work of this call belong to that of the others."""
        if self.size > 1:
            execute_raw(self.connection, "RELEASE part").close()

    def take_back_part(self) -> None:
        """Undo the work of this call alone, as far as SQLite has not undone everything."""
        if self.size > 1 and self.is_open:
            execute_raw(self.connection, "ROLLBACK TO part").close()
            execute_raw(self.connection, "RELEASE part").close()

    def commit(self) -> None:
        """Commit for all. Raises what the database says."""
        try:
            if not self.is_open:
                raise UnavailableError("a transaction was given up")
            self._begun.__exit__(None, None, None)
        except BaseException as error:
            self.give_up(error)
            raise
        self._ended.set()

    def give_up(self, error: BaseException) -> None:
        """Roll back for all, because of this error; once is enough."""
        if self._ended.is_set():
            return
        self._error = error
        try:
            self._begun.__exit__(type(error), error, error.__traceback__)
        finally:
            self._ended.set()

    def wait(self) -> None:
        """Wait until it has ended. Raises UnavailableError when nothing of it was kept."""
        self._ended.wait()
        if self._error is not None:
            raise UnavailableError(type(self._error).__name__) from self._error


class _Waiter:
    """A call that waits for its turn; `called` is released when it has come, perhaps with a transaction to go on."""

    def __init__(self, is_alone: bool) -> None:
        self.called = threading.Lock()
        self.called.acquire()
        self.is_alone = is_alone
        self.together: _Together | None = None


class Turns:
    """The turns of the threads of one process to write, in the order in which they came."""

    def __init__(self, begin: Callable[[], AbstractContextManager[Connection]], seconds: float) -> None:
        """`begin` begins a transaction that its end commits. Nobody waits longer than so many seconds for a turn."""
        self._begin = begin
        self._seconds = seconds
        self._lock = threading.Lock()
        self._is_taken = False
        self._waiting: deque[_Waiter] = deque()

    @contextmanager
    def together(self) -> Iterator[Connection]:
        """Give a connection to write on; at the end all is committed, or taken back where the block raises.

        Raises UnavailableError when no turn comes, or when what was written together was not kept.
        """
        together = self._wait_for_turn(is_alone=False) or self._begin_together()
        try:
            together.begin_part()
            yield together.connection
            together.keep_part()
        except BaseException as error:
            self._leave_failed(together, error)
            raise
        if self._hand_on(together):
            together.wait()
            return
        try:
            together.commit()
        finally:
            self._call_next()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have a turn to oneself. Raises UnavailableError when none comes."""
        self._wait_for_turn(is_alone=True)
        try:
            yield
        finally:
            self._call_next()

    def _begin_together(self) -> _Together:
        try:
            return _Together(self._begin())
        except BaseException:
            self._call_next()
            raise

    def _leave_failed(self, together: _Together, error: BaseException) -> None:
        """Take back what one call did; what the others did before it is kept."""
        try:
            if together.size == 1:
                together.give_up(error)
            else:
                together.take_back_part()
                if self._hand_on(together):
                    return
                together.commit()
        except BaseException as other:
            # The others are told of it; this one has its own error to tell.
            together.give_up(other)
        self._call_next()

    def _wait_for_turn(self, is_alone: bool) -> _Together | None:
        """Return the transaction to go on with; None where there is none yet."""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return None
            waiter = _Waiter(is_alone)
            self._waiting.append(waiter)
        if not waiter.called.acquire(timeout=self._seconds):
            with self._lock:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
                    raise UnavailableError("no turn to write came")
            # It has come in this very moment.
        return waiter.together

    def _hand_on(self, together: _Together) -> bool:
        """Let the next one that waits go on with the transaction; return whether there is one."""
        with self._lock:
            if not self._waiting or self._waiting[0].is_alone or together.size >= _MOST or not together.is_open:
                return False
            waiter = self._waiting.popleft()
            # Within the lock: one that gives up waiting in this moment has to find it.
            waiter.together = together
        waiter.called.release()
        return True

    def _call_next(self) -> None:
        with self._lock:
            if not self._waiting:
                self._is_taken = False
                return
            waiter = self._waiting.popleft()
        waiter.called.release()
