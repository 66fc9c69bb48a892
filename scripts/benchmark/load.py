"""The load generator: one thread, kept connections, and as little work for each call as can be.

`run` keeps every connection busy, which tells the highest rate. `pace` sends at a rate that is given, whether the
server keeps up or not, which tells how long callers wait: a latency counts from when its call was due, so
that a server that stalls is charged for all calls that it held up, and not only for those that were under way.

How busy this thread was is told with each outcome: below a half, it could have sent twice as much.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gatehouse.load.replies import head_of_whole, is_last

_WARM_UP = 0.3
"""Seconds before the first call that counts."""

_SILENCE = 30.0
"""Seconds without any reply after which the server is given up."""

_SHORTEST_SLEEP = 0.002
"""Seconds below which `pace` looks again and again instead: the kernel's timer rounds up to the next millisecond."""


@dataclass(frozen=True)
class Outcome:
    """What a load measured: calls that counted, seconds that they took, and the slowest of all calls in seconds.

    `cpu` are the seconds of CPU that `meter` told of in the same time, `busy` the part of it that this thread worked.
    """

    calls: int
    seconds: float
    slowest: float
    cpu: float
    busy: float = 0.0


@dataclass(frozen=True)
class Waits:
    """How long the calls of a steady load took, in seconds, shortest first; and the longest time without any reply."""

    latencies: Sequence[float]
    pause: float

    def part(self, share: float) -> float:
        """Return the latency that this share of the calls did not exceed."""
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]


class Series:
    """Calls that follow one another on one connection. This one sends the same each time."""

    def __init__(self, request: bytes, mark: bytes) -> None:
        """Take the request, and what each reply must hold."""
        self.request = request
        self.mark = mark

    def take(self, reply: bytes) -> None:
        """Look at a reply, and set what is sent next."""
        if self.mark not in reply:
            raise RuntimeError(f"an unexpected reply: {reply!r}")


def ask(port: int, request: bytes) -> bytes:
    """Send one request over a connection of its own and return the reply."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SILENCE) as connection:
        connection.sendall(request)
        received = b""
        while head_of_whole(received) is None:
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
        started, cpu, own = time.perf_counter(), meter(), time.thread_time()
        calls, slowest = _loop(selector, started + seconds)
        own, elapsed = time.thread_time() - own, time.perf_counter() - started
        return Outcome(calls, elapsed, max(slowest, slowest_before), meter() - cpu, own / elapsed)
    finally:
        for connection in connections:
            connection.finish()
        selector.close()


def pace(port: int, many: Iterable[Series], rate: float, seconds: float) -> Waits:
    """Send so many calls a second, evenly, over the connections that are free. Raises RuntimeError for a wrong reply.

    A call for which none is free waits, and its waiting counts.
    """
    selector = selectors.DefaultSelector()
    connections = [_Connection(port, series, selector) for series in many]
    try:
        return _pace(selector, deque(connections), rate, seconds)
    finally:
        for connection in connections:
            connection.finish()
        selector.close()


def _pace(selector: selectors.BaseSelector, free: deque["_Connection"], rate: float, seconds: float) -> Waits:
    latencies: list[float] = []
    started = time.perf_counter()
    total, warm_up = int(rate * (seconds + _WARM_UP)), int(rate * _WARM_UP)
    sent = answered = 0
    last_reply, pause = started, 0.0
    while answered < total:
        now = time.perf_counter()
        while sent < total and free and started + sent / rate <= now:
            free.popleft().send(due=started + sent / rate)
            sent += 1
        until_due = started + sent / rate - time.perf_counter() if sent < total and free else _SILENCE
        ready = selector.select(max(until_due, 0) if until_due > _SHORTEST_SLEEP else 0)
        if not ready:
            if time.perf_counter() - last_reply > _SILENCE:
                raise RuntimeError("the server does not answer")
            continue
        for key, _ in ready:
            connection: _Connection = key.data
            if connection.receive():
                now = time.perf_counter()
                if answered >= warm_up:
                    latencies.append(now - connection.sent_at)
                    pause = max(pause, now - last_reply)
                last_reply = now
                answered += 1
                connection.rest()
                free.append(connection)
    latencies.sort()
    return Waits(latencies, pause)


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


class _Connection:
    """One connection with at most one call under way."""

    def __init__(self, port: int, series: Series, selector: selectors.BaseSelector) -> None:
        self._port, self._series, self._selector = port, series, selector
        self._received = b""
        self.sent_at = 0.0
        self._socket = self._connect()

    def _connect(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self._port), timeout=_SILENCE)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(opened, selectors.EVENT_READ, self)
        return opened

    def send(self, due: float | None = None) -> None:
        """Send the next request of the series, which is small enough to go at once. It counts from when it was due."""
        self._received = b""
        self.sent_at = due or time.perf_counter()
        self._socket.sendall(self._series.request)

    def receive(self) -> bool:
        """Take what has come; return whether the reply is complete."""
        part = self._socket.recv(65536)
        if not part:
            raise RuntimeError("the server closed a connection")
        self._received += part
        end = head_of_whole(self._received)
        if end is None:
            return False
        if is_last(self._received, end):
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = self._connect()
        self._series.take(self._received)
        return True

    def rest(self) -> None:
        """Have no call under way."""
        self.sent_at = 0.0

    def finish(self) -> None:
        """Take the reply that is still under way, so that the series can go on later, and close."""
        try:
            while self.sent_at and not self.receive():
                pass
        finally:
            self._socket.close()
