"""gunicorn's threaded worker, with a difference: a thread gets a request when all of it has come, not before.

gunicorn reads a request in the thread that will answer it, and closes a connection in the loop that accepts them. So a
few senders that dribble a byte a second hold every thread, and a few that do not hang up stop the loop (gunicorn's own
advice is a proxy in front). Here the loop collects requests, and lingers on closed connections, without waiting for
anybody: a slow sender costs a socket and the bytes that it has sent, for as long as `GATEHOUSE_REQUEST_SECONDS` say.
Probes of load balancers have threads of their own.

A connection is in one of five states: a request arrives on it, or is answered (`answering.py`), or its caller has yet
to read the answer, or the connection is kept for the next one, or it lingers. The loop goes on watching it while a
request is answered: of callers who wait for their answer it hears nothing, so that the kernel need not be told twice
for each request.
"""

import contextlib
import logging
import math
import re
import selectors
import socket
import ssl
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

from gatehouse.server.answering import REFUSAL, Outcome, answer, fixed, shown
from gatehouse.server.balance import Balance
from gatehouse.server.connections import Connection
from gatehouse.server.framing import Frame, Progress
from gatehouse.server.limits import (
    LINGER_BYTES,
    LINGER_SECONDS,
    MAX_HELD_BYTES,
    PROBE_THREADS,
    STOP_SECONDS,
    UNREAD_SECONDS,
)
from gatehouse.server.sharing import SharingWorker
from gatehouse.server.threads import Threads

_READ_BYTES = 64 * 1024

_PROBE = re.compile(rb"(?:GET|HEAD) /(?:healthz|readyz)[ ?]")

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_TIMED_OUT = REFUSAL % b"408 Request Timeout"
_REFUSALS = {
    Progress.HEAD_TOO_LARGE: REFUSAL % b"431 Request Header Fields Too Large",
    Progress.WASTEFUL: REFUSAL % b"413 Content Too Large",
}

_log = logging.getLogger("gatehouse.server")


@dataclass(slots=True)
class _Unread:
    """What a caller has yet to read of an answer, by when, and what came behind its request."""

    left: memoryview
    deadline: float
    rest: bytes | None


class BufferingWorker(SharingWorker):
    """The worker class. What is declared here is set on a subclass: gunicorn makes the instances."""

    request_seconds: float
    max_body_bytes: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin without connections."""
        super().__init__(*args, **kwargs)
        # By state, with their deadlines. Those of a state are all equally far away: the first is the next to end.
        self._arriving: dict[Connection, float] = {}
        self._answering: dict[Connection, float] = {}
        self._unread: dict[Connection, _Unread] = {}
        self._kept: dict[Connection, float] = {}
        self._lingering: dict[Connection, tuple[float, int]] = {}
        # What threads have answered since the loop last looked.
        self._answered: deque[tuple[Connection, Outcome]] = deque()
        self._is_waiting = False
        self._held_bytes = 0
        self._unread_bytes = 0
        self._stop_deadline: float | None = None
        self._tls: ssl.SSLContext | None = None
        self._probe_threads: Threads
        self._config = fixed(self.cfg)

    def init_process(self) -> None:
        """Begin to serve, with the certificate that the first process has read."""
        server: Any = self.app
        self._tls = server.tls
        self._probe_threads = Threads(PROBE_THREADS, "probe")
        super().init_process()

    def get_thread_pool(self) -> Any:
        """Return the threads that answer. gunicorn calls it once, and ends them."""
        return Threads(self.cfg.threads, "request")

    def enqueue_req(self, conn: Any) -> None:
        """Collect the first request of a connection that gunicorn has accepted."""
        if self.nr_conns >= self.worker_connections - self.cfg.threads:
            self._make_room()
        connection = Connection(conn.sock, conn.client, conn.server, Frame(self.max_body_bytes))
        try:
            if self._tls is not None:
                connection.sock = self._tls.wrap_socket(conn.sock, server_side=True, do_handshake_on_connect=False)
        except (OSError, ValueError):
            self._close(connection)
            return
        self._collect(connection)

    def wait_for_and_dispatch_events(self, timeout: float | None) -> None:
        """Do what has come, and what threads have answered."""
        # In this order: a thread that sees no sign of waiting has put its answer where this sees it.
        self._is_waiting = True
        super().wait_for_and_dispatch_events(0.0 if self._answered else timeout)
        self._settle()

    def is_parent_alive(self) -> bool:
        """Whether gunicorn's first process is there. Without it this one stops: nobody would watch or end it."""
        self.alive = self.alive and super().is_parent_alive()
        return self.alive

    def murder_pending(self) -> None:
        """End what has taken too long. gunicorn calls it with each turn of its loop, at least once a second."""
        super().murder_pending()
        now = time.monotonic()
        if not self.alive and self._stop_deadline is None:
            self._stop_deadline = now + STOP_SECONDS
        if self._stop_deadline is not None and now >= self._stop_deadline:
            for connection in list(self._arriving):
                self._drop(connection)
            for connection in list(self._kept):
                self._close(connection)
        while (oldest := _first(self._arriving)) and self._arriving[oldest] <= now:
            self._drop(oldest)
        while (oldest := _first(self._unread)) and self._unread[oldest].deadline <= now:
            self._close(oldest)
        while (oldest := _first(self._kept)) and self._kept[oldest] <= now:
            self._close(oldest)
        while (oldest := _first(self._lingering)) and self._lingering[oldest][0] <= now:
            self._close(oldest)
        while (oldest := _first(self._answering)) and self._answering[oldest] <= now:
            del self._answering[oldest]
            with contextlib.suppress(OSError):
                # Wakes the thread. The method of SSLSocket would take the TLS away under it.
                socket.socket.shutdown(oldest.sock, socket.SHUT_RDWR)

    def _collect(self, connection: Connection, early: bytes = b"") -> None:
        """Begin with a request, of which this has come with the one before."""
        self._arriving[connection] = time.monotonic() + self.request_seconds
        if early:
            self._take(connection, early)
        self._read(connection)

    def _heed(self, connection: Connection, _socket: Any) -> None:
        """Do what a connection calls for on which something has come, or may be sent."""
        self._settle()
        if connection in self._kept:
            del self._kept[connection]
            self._collect(connection)
        elif connection in self._arriving:
            self._read(connection)
        elif connection in self._unread:
            self._send(connection)
        elif connection in self._lingering:
            self._throw_away(connection)
        else:
            # Its request is being answered; what it sends meanwhile can wait.
            self._watch(connection, 0)

    def _read(self, connection: Connection) -> None:
        """Read what there is of a request. TLS must be read to its end: what it holds wakes nobody."""
        try:
            while connection in self._arriving:
                data = connection.sock.recv(_READ_BYTES)
                if not data:
                    self._end_of_stream(connection)
                    return
                self._take(connection, data)
        except (BlockingIOError, ssl.SSLWantReadError):
            self._watch(connection, selectors.EVENT_READ)
        except ssl.SSLWantWriteError:
            self._watch(connection, selectors.EVENT_WRITE)
        except OSError:
            self._forget(connection)
            self._close(connection)

    def _take(self, connection: Connection, data: bytes) -> None:
        self._held_bytes += len(data)
        progress = connection.frame.add(data)
        if progress is Progress.WHOLE or progress is Progress.TOO_LARGE:
            self._hand_over(connection, is_last=progress is Progress.TOO_LARGE)
        elif progress is Progress.UNFINISHED:
            if connection.frame.awaits_continue:
                connection.frame.awaits_continue = False
                with contextlib.suppress(OSError):
                    connection.sock.send(_CONTINUE)
            if self._held_bytes > MAX_HELD_BYTES:
                self._drop(next(iter(self._arriving)))
        else:
            self._forget(connection)
            self._refuse(connection, _REFUSALS[progress])

    def _end_of_stream(self, connection: Connection) -> None:
        """The sender will send nothing more: answer what it sent, if it sent anything."""
        if connection.frame.received:
            self._hand_over(connection, is_last=True)
        else:
            self._forget(connection)
            self._close(connection)

    def _hand_over(self, connection: Connection, *, is_last: bool) -> None:
        received = bytes(connection.frame.received)
        self._forget(connection)
        connection.requests += 1
        self._answering[connection] = time.monotonic() + UNREAD_SECONDS
        threads: Any = self._probe_threads if _PROBE.match(received) else self.tpool
        threads.do(partial(self._answer, connection, received, is_last))

    def _answer(self, connection: Connection, received: bytes, is_last: bool) -> None:
        """Answer a request, in a thread, and let the loop know: it is woken when it waits for something to come."""
        outcome = Outcome()
        try:
            is_last = is_last or not self.alive or len(self._kept) >= self.max_keepalived
            is_last = is_last or self.gives_up(connection.requests)
            outcome = answer(self._config, self.wsgi, connection, received, self.max_body_bytes, is_last=is_last)
        finally:
            self._answered.append((connection, outcome))
            if self._is_waiting:
                self._is_waiting = False
                self.method_queue.defer(_wake)

    def _settle(self) -> None:
        """Go on with the connections whose requests have been answered."""
        self._is_waiting = False
        # As many as there are now: while a caller sends one after the other, the next are answered meanwhile.
        for _ in range(len(self._answered)):
            connection, outcome = self._answered.popleft()
            self._answering.pop(connection, None)
            if outcome.unread:
                self._unread_bytes += len(outcome.unread)
                deadline = time.monotonic() + UNREAD_SECONDS
                self._unread[connection] = _Unread(memoryview(outcome.unread), deadline, outcome.rest)
                self._send(connection)
                if self._unread_bytes > MAX_HELD_BYTES:
                    self._close(next(iter(self._unread)))
            else:
                self._go_on(connection, outcome.rest)

    def _send(self, connection: Connection) -> None:
        """Send as much of an answer as the connection takes now, and go on when that was the end."""
        unread, event = self._unread[connection], selectors.EVENT_WRITE
        try:
            while unread.left:
                count = connection.sock.send(unread.left)
                unread.left = unread.left[count:]
                self._unread_bytes -= count
        except ssl.SSLWantReadError:
            event = selectors.EVENT_READ
        except (BlockingIOError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self._close(connection)
            return
        if unread.left:
            self._watch(connection, event)
        else:
            del self._unread[connection]
            self._go_on(connection, unread.rest)

    def _go_on(self, connection: Connection, rest: bytes | None) -> None:
        """Keep a connection whose caller has its answer, or close it without waiting for the caller."""
        if rest is None:
            self._linger(connection)
        elif rest:
            self._collect(connection, rest)
        else:
            self._kept[connection] = time.monotonic() + self._config.keepalive
            self._watch(connection, selectors.EVENT_READ)

    def _forget(self, connection: Connection) -> None:
        """Take a connection out of those on which a request arrives, and keep nothing of what has come."""
        del self._arriving[connection]
        self._held_bytes -= len(connection.frame.received)
        connection.frame = Frame(self.max_body_bytes)

    def _drop(self, connection: Connection) -> None:
        """Give up waiting for a request, and say so where one has begun."""
        has_begun = bool(connection.frame.received)
        self._forget(connection)
        if not has_begun:
            self._close(connection)
            return
        _log.info("a request did not arrive in time", extra={"fields": {"source": shown(connection.client)}})
        self._refuse(connection, _TIMED_OUT)

    def _refuse(self, connection: Connection, refusal: bytes) -> None:
        with contextlib.suppress(OSError):
            connection.sock.send(refusal)
        self._linger(connection)

    def _linger(self, connection: Connection) -> None:
        """Say that nothing more comes, and close when the client has done the same, or has had time to."""
        try:
            # Of TLS this takes the cipher away; what still comes is thrown away unread.
            connection.sock.shutdown(socket.SHUT_WR)
            self._watch(connection, selectors.EVENT_READ)
        except (OSError, ValueError):
            self._close(connection)
            return
        self._lingering[connection] = (time.monotonic() + LINGER_SECONDS, 0)

    def _throw_away(self, connection: Connection) -> None:
        deadline, count = self._lingering[connection]
        try:
            data = connection.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._lingering[connection] = (deadline, count + len(data))
        if not data or count > LINGER_BYTES:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._kept.pop(connection, None)
        self._lingering.pop(connection, None)
        if (unread := self._unread.pop(connection, None)) is not None:
            self._unread_bytes -= len(unread.left)
        with contextlib.suppress(KeyError, ValueError, OSError):
            self._watch(connection, 0)
        self.nr_conns -= 1
        with contextlib.suppress(OSError):
            connection.sock.close()

    def _watch(self, connection: Connection, event: int) -> None:
        if event == connection.watched:
            return
        before, connection.watched = connection.watched, 0
        if before:
            self.poller.unregister(connection.sock)
        if event:
            self.poller.register(connection.sock, event, partial(self._heed, connection))
            connection.watched = event

    def _make_room(self) -> None:
        """End a connection before new callers find no place: one that lingers, or the slow or idle one of longest."""
        if self._lingering:
            self._close(next(iter(self._lingering)))
            return
        arriving, kept = _first(self._arriving), _first(self._kept)
        slow_since = self._arriving[arriving] - self.request_seconds if arriving else math.inf
        idle_since = self._kept[kept] - self._config.keepalive if kept else math.inf
        if arriving and slow_since <= idle_since:
            self._drop(arriving)
            if arriving in self._lingering:
                # It may not read the refusal then, but would take the place all the same.
                self._close(arriving)
        elif kept:
            self._close(kept)
        elif self._unread:
            self._close(next(iter(self._unread)))


def _first(connections: dict[Connection, Any]) -> Connection | None:
    return next(iter(connections), None)


def _wake() -> None:
    """What wakes the loop need not do anything."""


def worker_class(request_seconds: float, max_body_bytes: int, balance: Balance) -> type[BufferingWorker]:
    """Return the worker class with these limits, whose processes share this balance."""
    given: dict[str, Any] = {"request_seconds": request_seconds, "max_body_bytes": max_body_bytes, "balance": balance}
    return type("BufferingWorker", (BufferingWorker,), given)
