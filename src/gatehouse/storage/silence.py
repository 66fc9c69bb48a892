"""Tells a PostgreSQL server that says nothing any more from one that works for long.

A server that has died is noticed at once, and a machine that has vanished within seconds, by the network. Of one that
is frozen, the operating system still takes everything that is sent; libpq would wait for an answer for ever.
"""

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

import psycopg

_ASKED_AFTER, _ASKED_SOON_AFTER = 5.0, 1.0
"""Seconds without an answer after which the server is asked for a sign of life, and where it was silent before."""

_KNOWN_FOR = 1.0
"""Seconds for which what was found counts for other threads. After them one of them looks again."""

T = TypeVar("T")


class SilentServerError(psycopg.OperationalError):
    """The server takes what is sent and does not answer."""


class Server:
    """The server of one database, and whether it answered when it was asked last. For all threads."""

    def __init__(self) -> None:
        """Begin without knowing anything."""
        self._options: dict[str, Any] = {}
        self._asking = threading.Lock()
        self._trying = threading.Lock()
        self._asked_at = float("-inf")
        self.is_known_silent = False

    def connect(self, **options: Any) -> "WatchedConnection":
        """Return a new connection. Raises psycopg.OperationalError, and while the server is silent at once."""
        self._options = options
        with self._turn_to_try():
            connection = WatchedConnection.connect(**options)
        connection.server = self
        return connection

    def is_silent(self) -> bool:
        """Ask for a sign of life on a connection of its own. A refusal is one as well."""
        with self._asking:
            if not self._is_known_now():
                try:
                    psycopg.connect(**self._options).close()
                except psycopg.errors.ConnectionTimeout:
                    self._note(is_silent=True)
                except psycopg.Error:
                    self._note(is_silent=False)
                else:
                    self._note(is_silent=False)
            return self.is_known_silent

    @contextmanager
    def _turn_to_try(self) -> Iterator[None]:
        """Let nobody wait while it is known that the server is silent, but for the one who looks again."""
        was_silent = self.is_known_silent
        if was_silent and (self._is_known_now() or not self._trying.acquire(blocking=False)):
            raise SilentServerError("the server does not answer")
        try:
            yield
            self._note(is_silent=False)
        except psycopg.errors.ConnectionTimeout:
            self._note(is_silent=True)
            raise
        finally:
            if was_silent:
                self._trying.release()

    def _is_known_now(self) -> bool:
        return time.monotonic() - self._asked_at < _KNOWN_FOR

    def _note(self, *, is_silent: bool) -> None:
        self.is_known_silent = is_silent
        self._asked_at = time.monotonic()


class KeptCursor(psycopg.Cursor[Any]):
    """A cursor for all statements of a block: to make one takes half as long as to execute a short statement."""

    def close(self) -> None:
        """Stay, for the next statement of the block."""


class WatchedConnection(psycopg.Connection[Any]):
    """A connection on which nothing is waited for from a server that is silent."""

    server: Server | None = None

    @cached_property
    def kept_cursor(self) -> KeptCursor:
        """The cursor of those who read all of a result before the next statement (`storage/prepared.py`)."""
        return KeptCursor(self)

    def forget_cursor(self) -> None:
        """Let go of what the last statement was given and gave: a connection may rest for days."""
        self.__dict__.pop("kept_cursor", None)

    def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **options: Any) -> T:
        """Wait until the generator, which talks to the server, has ended, and return its result.

        Raises SilentServerError.
        """
        return super().wait(self._watched(gen), *arguments, **options)

    def _watched(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """Go through the generator as it is; who drives it comes back every tenth of a second without anything."""
        ask_at = None
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready:
                    now = time.monotonic()
                    if ask_at is None:
                        ask_at = now + self._patience()
                    elif now > ask_at:
                        self._give_up_if_silent()
                        ask_at = None
                wanted = gen.send(ready)
        except StopIteration as ended:
            result: T = ended.value
            return result

    def _patience(self) -> float:
        is_suspect = self.server is not None and self.server.is_known_silent
        return _ASKED_SOON_AFTER if is_suspect else _ASKED_AFTER

    def _give_up_if_silent(self) -> None:
        if self.server is not None and self.server.is_silent():
            # Nobody knows what comes on it later.
            self.close()
            raise SilentServerError("the server does not answer")
