"""granian's HTTP, written in Rust, in the processes that gunicorn starts, watches and renews.

granian's own processes are not used: gunicorn's listen on one socket together, so that one that ends or is renewed
loses no caller, and start, stop and reload are alike with both servers. What granian cannot do is in docs/running.md.
"""

import asyncio
import os
import resource
import signal
import socket
from typing import Any

from granian import _futures, _granian
from granian.constants import HTTPModes, SSLProtocols
from granian.http import HTTP1Settings
from gunicorn.workers.base import Worker

from gatehouse.server.framing import MAX_HEAD_BYTES
from gatehouse.server.gathering import Gathering
from gatehouse.server.limits import UNREAD_SECONDS

# The types that it tells of these are those of an older version.
_python: Any = _futures
_rust: Any = _granian

_CONNECTIONS = 2000
"""Connections of a process. Who comes when they are taken waits for one to end."""

_OTHER_FILES = 200
"""Files of a process that are no connections of callers: of the database, of mails, of Python."""

_BEAT_SECONDS = 1.0

_WEBSOCKETS, _STATIC_FILES, _METRICS = False, None, (None, None)


class GranianWorker(Worker):
    """The worker class. `request_seconds`, `keep_alive_seconds` and `max_body_bytes` are set on a subclass."""

    request_seconds: float
    keep_alive_seconds: float
    max_body_bytes: int

    def run(self) -> None:
        """Serve until the process is told to stop, and then until what has been asked is answered."""
        loop = asyncio.new_event_loop()
        gathering = Gathering(self.wsgi, loop, self.cfg.threads, self.request_seconds, self.max_body_bytes)
        stop = _rust.WorkerSignal()
        ended = asyncio.Event()
        stop.add_cb(lambda: loop.call_soon_threadsafe(ended.set))
        scheduler = _python._new_cbscheduler(loop, _python._future_watcher_wrapper(gathering.take), impl_asyncio=True)
        connections = _make_room_for(_CONNECTIONS)
        # granian stops by itself when its listeners are told, so each of them has a thread of its own in Rust.
        for each in self.sockets:
            self._listen(each, connections)(scheduler, loop, stop)

        def end() -> None:
            self.alive = False
            stop.set()
            gathering.hurry()

        def beat() -> None:
            self.notify()
            if self.alive and self.ppid != os.getppid():
                end()
            loop.call_later(_BEAT_SECONDS, beat)

        loop.add_signal_handler(signal.SIGTERM, end)
        if not self.alive:
            # It was told before, by the handler that gunicorn had set.
            end()
        loop.call_soon(beat)
        loop.run_until_complete(ended.wait())
        gathering.close()
        loop.close()

    def _listen(self, listener: socket.socket, connections: int) -> Any:
        """Return what serves a socket, which all processes share."""
        is_unix = listener.family == socket.AF_UNIX
        if not is_unix:
            # The kernel ends a connection on which an answer is left unread; it has this from what listens.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNREAD_SECONDS * 1000))
        waiting = min(self.request_seconds, self.keep_alive_seconds)
        http = HTTP1Settings(header_read_timeout=int(waiting * 1000), max_buffer_size=MAX_HEAD_BYTES)
        # One thread of Rust for the network: it is never what is scarce. It takes positional arguments only.
        holder = _rust.SocketHolder(os.dup(listener.fileno()), is_unix, self.cfg.backlog)
        server = _rust.RSGIWorker(
            self.age,
            (None, holder),
            None,
            1,
            1,
            1,
            30,
            connections,
            HTTPModes.http1.value,
            http,
            None,
            _WEBSOCKETS,
            _STATIC_FILES,
            *self._tls(),
            _METRICS,
        )
        return server.serve_mtr_uds if is_unix else server.serve_mtr

    def _tls(self) -> tuple[Any, ...]:
        """Return certificate and key, which are read anew by each process, and the least version of TLS."""
        key = self.cfg.keyfile or self.cfg.certfile
        return (bool(self.cfg.is_ssl), self.cfg.certfile, key, None, str(SSLProtocols.tls12), None, [], False)


def _make_room_for(connections: int) -> int:
    """Allow this process as many files, and return how many connections it may have after all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(min(connections, soft - _OTHER_FILES), 1)


def worker_class(request_seconds: float, keep_alive_seconds: float, max_body_bytes: int) -> type[GranianWorker]:
    """Return the worker class with these limits."""
    limits: dict[str, Any] = {
        "request_seconds": request_seconds,
        "keep_alive_seconds": keep_alive_seconds,
        "max_body_bytes": max_body_bytes,
    }
    return type("GranianWorker", (GranianWorker,), limits)
