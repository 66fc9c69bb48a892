"""gunicorn's threaded worker, with a difference: a thread gets a request when all of it has come, not before.

gunicorn reads a request in the thread that will answer it, and closes a connection in the loop that accepts them. So a
few senders that dribble a byte a second hold every thread, and a few that do not hang up stop the loop (gunicorn's own
advice is a proxy in front). Here the loop collects requests, and lingers on closed connections, without waiting for
anybody: a slow sender costs a socket and the bytes that it has sent, for as long as `GATEHOUSE_REQUEST_SECONDS` say.
Probes of load balancers have threads of their own.
"""

import contextlib
import logging
import re
import selectors
import socket
import ssl
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn import http as gunicorn_http
from gunicorn import sock as gunicorn_sock
from gunicorn.http import errors

from gatehouse.domain.errors import place_of
from gatehouse.server.balance import Balance
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

_READ_BYTES = 64 * 1024

_PROBE = re.compile(rb"(?:GET|HEAD) /(?:healthz|readyz)[ ?]")

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_REFUSAL = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TIMED_OUT = _REFUSAL % b"408 Request Timeout"
_REFUSALS = {
    Progress.HEAD_TOO_LARGE: _REFUSAL % b"431 Request Header Fields Too Large",
    Progress.WASTEFUL: _REFUSAL % b"413 Content Too Large",
}

_STATUS: dict[type[BaseException], HTTPStatus] = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ParseException: HTTPStatus.BAD_REQUEST,
    ssl.SSLError: HTTPStatus.BAD_REQUEST,
}
"""What gunicorn finds wrong with a request, the more general kinds last."""

_log = logging.getLogger("gatehouse.server")


@dataclass
class _Arrival:
    """A request that is on its way: its bytes so far, and when it is too late."""

    frame: Frame
    deadline: float
    watched: int = 0
    """What the loop waits for on the connection; 0 while it waits for nothing."""


class BufferingWorker(SharingWorker):
    """The worker class. What is declared here is set on a subclass: gunicorn makes the instances."""

    request_seconds: float
    max_body_bytes: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin without connections."""
        super().__init__(*args, **kwargs)
        # Each in the order of the deadlines, which are all equally far away: the first is the next to end.
        self._arriving: dict[Any, _Arrival] = {}
        self._answering: dict[Any, float] = {}
        self._lingering: dict[Any, tuple[float, int]] = {}
        self._held_bytes = 0
        self._stop_deadline: float | None = None
        self._tls: ssl.SSLContext | None = None
        self._probe_threads: ThreadPoolExecutor

    def init_process(self) -> None:
        """Read the certificate once, not for each connection; a reload (SIGHUP) makes new processes."""
        if self.cfg.is_ssl:
            self._tls = gunicorn_sock.ssl_context(self.cfg)
        self._probe_threads = ThreadPoolExecutor(PROBE_THREADS, "probe")
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """Collect the next request of a connection, then have a thread answer it."""
        if self.nr_conns >= self.worker_connections - self.cfg.threads:
            self._make_room()
        arrival = _Arrival(Frame(self.max_body_bytes), time.monotonic() + self.request_seconds)
        self._arriving[conn] = arrival
        try:
            if not conn.initialized:
                self._begin(conn)
            conn.sock.setblocking(False)
        except (OSError, ValueError):
            self._forget(conn)
            self._close(conn)
            return
        early = conn.parser.unreader.take_buffered()
        if early:
            self._take(conn, arrival, early)
        if conn in self._arriving:
            self._read(conn, arrival)

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        """Keep the connection for a next request, or close it without waiting for the client to hang up."""
        self._answering.pop(conn, None)
        if fs.cancelled() or fs.exception() is not None or fs.result():
            super().finish_request(conn, fs)
        else:
            self._linger(conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that gunicorn cannot read, or that broke it, without a word of what was sent."""
        status = next((status for kind, status in _STATUS.items() if isinstance(exc, kind)), None)
        fields = {"source": _shown(addr), "error": type(exc).__name__}
        if status is None:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            _log.error("a request failed: %s", place_of(exc), extra={"fields": fields})
        else:
            _log.info("a request could not be read", extra={"fields": fields | {"status": status.value}})
        with contextlib.suppress(OSError):
            client.sendall(_REFUSAL % f"{status.value} {status.phrase}".encode())

    def murder_pending(self) -> None:
        """End what has taken too long. gunicorn calls it with each turn of its loop, at least once a second."""
        super().murder_pending()
        now = time.monotonic()
        if not self.alive and self._stop_deadline is None:
            self._stop_deadline = now + STOP_SECONDS
        if self._stop_deadline is not None and now >= self._stop_deadline:
            for conn in list(self._arriving):
                self._drop(conn)
        while (oldest := _first(self._arriving)) and self._arriving[oldest].deadline <= now:
            self._drop(oldest)
        while (oldest := _first(self._lingering)) and self._lingering[oldest][0] <= now:
            self._close(oldest)
        while (oldest := _first(self._answering)) and self._answering[oldest] <= now:
            del self._answering[oldest]
            with contextlib.suppress(OSError):
                # Wakes the thread. The method of SSLSocket would take the TLS away under it.
                socket.socket.shutdown(oldest.sock, socket.SHUT_RDWR)

    def _begin(self, conn: Any) -> None:
        """Do what a connection needs before its first request, but wait for nothing."""
        if self._tls is None:
            conn.init()
            return
        conn.sock = self._tls.wrap_socket(conn.sock, server_side=True, do_handshake_on_connect=False)
        conn.parser = gunicorn_http.get_parser(self.cfg, conn.sock, conn.client)
        conn.initialized = True

    def _readable(self, conn: Any, _socket: Any) -> None:
        if (arrival := self._arriving.get(conn)) is not None:
            self._read(conn, arrival)

    def _read(self, conn: Any, arrival: _Arrival) -> None:
        """Read what there is. TLS must be read to its end: what it holds wakes nobody."""
        try:
            while conn in self._arriving:
                data = conn.sock.recv(_READ_BYTES)
                if not data:
                    self._end_of_stream(conn, arrival)
                    return
                self._take(conn, arrival, data)
        except (BlockingIOError, ssl.SSLWantReadError):
            self._watch(conn, arrival, selectors.EVENT_READ)
        except ssl.SSLWantWriteError:
            self._watch(conn, arrival, selectors.EVENT_WRITE)
        except OSError:
            self._forget(conn)
            self._close(conn)

    def _take(self, conn: Any, arrival: _Arrival, data: bytes) -> None:
        self._held_bytes += len(data)
        progress = arrival.frame.add(data)
        if progress is Progress.UNFINISHED:
            if arrival.frame.awaits_continue:
                arrival.frame.awaits_continue = False
                conn.sock.send(_CONTINUE)
            if self._held_bytes > MAX_HELD_BYTES:
                self._drop(next(iter(self._arriving)))
        elif progress in _REFUSALS:
            self._forget(conn)
            self._refuse(conn, _REFUSALS[progress])
        else:
            self._hand_over(conn, arrival, is_last=progress is Progress.TOO_LARGE)

    def _end_of_stream(self, conn: Any, arrival: _Arrival) -> None:
        """The sender will send nothing more: answer what it sent, if it sent anything."""
        if arrival.frame.received:
            self._hand_over(conn, arrival, is_last=True)
        else:
            self._forget(conn)
            self._close(conn)

    def _hand_over(self, conn: Any, arrival: _Arrival, *, is_last: bool) -> None:
        self._forget(conn)
        conn.parser.unreader.unread(bytes(arrival.frame.received))
        # gunicorn would wait for the rest of a body before the next request.
        conn.parser.unreader.is_last = is_last
        self._answering[conn] = time.monotonic() + UNREAD_SECONDS
        threads = self._probe_threads if _PROBE.match(arrival.frame.received) else self.tpool
        answering = threads.submit(self.handle, conn)
        answering.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _forget(self, conn: Any) -> None:
        """Take a connection out of those on which a request arrives."""
        arrival = self._arriving.pop(conn)
        self._held_bytes -= len(arrival.frame.received)
        if arrival.watched:
            self.poller.unregister(conn.sock)

    def _drop(self, conn: Any) -> None:
        """Give up waiting for a request, and say so where one has begun."""
        has_begun = bool(self._arriving[conn].frame.received)
        self._forget(conn)
        if not has_begun:
            self._close(conn)
            return
        _log.info("a request did not arrive in time", extra={"fields": {"source": _shown(conn.client)}})
        self._refuse(conn, _TIMED_OUT)

    def _refuse(self, conn: Any, answer: bytes) -> None:
        with contextlib.suppress(OSError):
            conn.sock.send(answer)
        self._linger(conn)

    def _linger(self, conn: Any) -> None:
        """Say that nothing more comes, and close when the client has done the same, or has had time to."""
        try:
            conn.sock.setblocking(False)
            # Of TLS this takes the cipher away; what still comes is thrown away unread.
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._throw_away, conn))
        except (OSError, ValueError):
            self._close(conn)
            return
        self._lingering[conn] = (time.monotonic() + LINGER_SECONDS, 0)

    def _throw_away(self, conn: Any, _socket: Any) -> None:
        deadline, count = self._lingering[conn]
        try:
            data = conn.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._lingering[conn] = (deadline, count + len(data))
        if not data or count > LINGER_BYTES:
            self._close(conn)

    def _close(self, conn: Any) -> None:
        self._lingering.pop(conn, None)
        with contextlib.suppress(KeyError, ValueError, OSError):
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def _watch(self, conn: Any, arrival: _Arrival, event: int) -> None:
        if event == arrival.watched or conn not in self._arriving:
            return
        if arrival.watched:
            self.poller.unregister(conn.sock)
        self.poller.register(conn.sock, event, partial(self._readable, conn))
        arrival.watched = event

    def _make_room(self) -> None:
        """End the connection that has been slow or idle for longest, before new callers find no place."""
        if self._arriving:
            self._drop(next(iter(self._arriving)))
        elif self.keepalived_conns:
            self.keepalived_conns[0].timeout = 0.0
            self.murder_keepalived()


def _first(connections: dict[Any, Any]) -> Any:
    return next(iter(connections), None)


def _shown(client: Any) -> str | None:
    return str(client[0]) if isinstance(client, tuple) else None


def before_request(worker: Any, request: Any) -> None:
    """gunicorn's hook before a request is answered: what it need not do, and whether the connection ends with it."""
    request._expected_100_continue = False
    if getattr(request.unreader, "is_last", False) or worker.gives_up(request):
        request.force_close()


def worker_class(request_seconds: float, max_body_bytes: int, balance: Balance) -> type[BufferingWorker]:
    """Return the worker class with these limits, whose processes share this balance."""
    given: dict[str, Any] = {"request_seconds": request_seconds, "max_body_bytes": max_body_bytes, "balance": balance}
    return type("BufferingWorker", (BufferingWorker,), given)
