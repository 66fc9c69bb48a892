"""The load generator: one thread, kept connections, and as little work for each call as can be."""

import re
import selectors
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)

_WARM_UP = 0.3
"""Seconds before the first call that counts."""

_SILENCE = 30.0
"""Seconds without any reply after which the server is given up."""


@dataclass(frozen=True)
class Outcome:
    """What a load measured: calls that counted, seconds that they took, and the slowest of all calls in seconds.

    `cpu` are the seconds of CPU that `meter` told of in the same time.
    """

    calls: int
    seconds: float
    slowest: float
    cpu: float


class Series:
    """Calls that follow one another on one connection. This one sends the same each time."""

    def __init__(self, request: bytes, key: str) -> None:
        """Take the request, and the key of the return code that each reply must have."""
        self.request = request
        self.key = key
        self._mark = f"<a:Key>{key}<".encode()

    def take(self, reply: bytes) -> None:
        """Look at a reply, and set what is sent next."""
        if self._mark not in reply:
            raise RuntimeError(f"an unexpected reply: {reply!r}")


def ask(port: int, series: Series) -> bytes:
    """Send one request of the series and return the reply, which the series takes no notice of."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SILENCE) as connection:
        connection.sendall(series.request)
        received = b""
        while not _is_complete(received):
            part = connection.recv(65536)
            if not part:
                raise RuntimeError("the server closed a connection")
            received += part
        return received


def run(port: int, many: Iterable[Series], seconds: float, meter: Callable[[], float] = lambda: 0.0) -> Outcome:
    """Send every series over a connection of its own for so many seconds. Raises RuntimeError for a wrong reply."""
    selector = selectors.DefaultSelector()
    connections = [_Connection(port, series, selector) for series in many]
    try:
        for connection in connections:
            connection.send()
        slowest_before = _loop(selector, time.perf_counter() + _WARM_UP)[1]
        started, cpu = time.perf_counter(), meter()
        calls, slowest = _loop(selector, started + seconds)
        return Outcome(calls, time.perf_counter() - started, max(slowest, slowest_before), meter() - cpu)
    finally:
        for connection in connections:
            connection.finish()
        selector.close()


def _loop(selector: selectors.BaseSelector, until: float) -> tuple[int, float]:
    """Send and receive until this time; return how many replies came, and how long the slowest took."""
    calls, slowest = 0, 0.0
    while time.perf_counter() < until:
        ready = selector.select(_SILENCE)
        if not ready:
            raise RuntimeError("the server does not answer")
        for key, _ in ready:
            connection: _Connection = key.data
            if connection.receive():
                now = time.perf_counter()
                slowest = max(slowest, now - connection.sent_at)
                calls += 1
                connection.send()
    return calls, slowest


def _is_complete(received: bytes) -> bool:
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = _LENGTH.search(received, 0, end + 2)
    assert length is not None, "every reply has its length"
    return len(received) >= end + 4 + int(length[1])


class _Connection:
    """One connection with one call under way."""

    def __init__(self, port: int, series: Series, selector: selectors.BaseSelector) -> None:
        self._series = series
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_SILENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self.sent_at = 0.0
        selector.register(self._socket, selectors.EVENT_READ, self)

    def send(self) -> None:
        """Send the next request of the series, which is small enough to go at once."""
        self._received = b""
        self.sent_at = time.perf_counter()
        self._socket.sendall(self._series.request)

    def receive(self) -> bool:
        """Take what has come; return whether the reply is complete."""
        part = self._socket.recv(65536)
        if not part:
            raise RuntimeError("the server closed a connection")
        self._received += part
        if not _is_complete(self._received):
            return False
        self._series.take(self._received)
        return True

    def finish(self) -> None:
        """Take the reply that is still under way, so that the series can go on later, and close."""
        try:
            while self.sent_at and not self.receive():
                pass
        finally:
            self._socket.close()
