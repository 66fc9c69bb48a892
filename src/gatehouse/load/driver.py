"""Drives a load: as fast as answers come (closed loop), or at a given rate whatever comes back (open loop).

At a given rate, what a call took counts from the moment at which it was to begin. If the service stands still for a
second, the calls of that second are as late as a caller would find them, and none is left out because all connections
were waiting: no coordinated omission.
"""

import selectors
import ssl
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gatehouse.load.calls import Turn, outcome_of
from gatehouse.load.connection import Connection
from gatehouse.load.latencies import Latencies
from gatehouse.load.target import Target

LOST, LATE = "no answer", "not answered in time"
"""Outcomes of this side: the connection was refused or cut, or the answer had not come at the end."""

_GIVEN_UP_AFTER = 30.0
"""Seconds without an answer after which a call is lost."""

_RECONNECTED_AFTER = 0.1
"""Seconds before a connection that failed is tried again."""

_FINE_UP_TO = 256
"""Connections with which waiting by select() is cheap; it wakes within microseconds, and epoll within a millisecond."""


@dataclass
class Figures:
    """What a stretch of time brought, by the name of the call."""

    began: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0
    latencies: dict[str, Latencies] = field(default_factory=dict)
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, turn: Turn, outcome: str, seconds: float) -> None:
        """Count one answer, or the want of one."""
        if turn.name not in self.latencies:
            self.latencies[turn.name], self.outcomes[turn.name] = Latencies(), Counter()
        self.latencies[turn.name].add(seconds)
        self.outcomes[turn.name][outcome] += 1
        if outcome != turn.expected:
            self.errors[outcome] += 1

    @property
    def calls(self) -> int:
        """How many calls were answered, or had been begun."""
        return sum(each.count for each in self.latencies.values())

    @property
    def answered(self) -> int:
        """How many calls were answered."""
        return self.calls - self.errors[LOST] - self.errors[LATE]

    @property
    def rate(self) -> float:
        """Answers in a second."""
        return self.answered / self.seconds if self.seconds else 0.0

    @property
    def all_latencies(self) -> Latencies:
        """What all calls together took."""
        together = Latencies()
        for each in self.latencies.values():
            together.add_all(each)
        return together


class Driver:
    """Keeps connections busy with turns. Whoever drives goes on where it stopped, with the same connections."""

    def __init__(self, target: Target, connections: int, *, verifies_certificate: bool = True) -> None:
        """Take where the calls go. Nothing is connected yet."""
        context = None
        if target.is_tls:
            context = ssl.create_default_context()
            if not verifies_certificate:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._all = [Connection(target, context) for _ in range(connections)]
        self._free = deque(self._all)
        self._broken: deque[tuple[float, Connection]] = deque()
        self._selector: selectors.BaseSelector = (
            selectors.SelectSelector() if connections <= _FINE_UP_TO else selectors.DefaultSelector()
        )

    def __enter__(self) -> "Driver":
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        for each in self._all:
            self._drop(each)
        self._selector.close()

    def repeat(self, turns: Iterator[Turn], seconds: float, figures: Figures | None = None) -> Figures:
        """Keep every connection busy for so many seconds, or until there are no more turns; then take the answers."""
        figures = figures or Figures()
        began = time.perf_counter()
        until, is_over = began + seconds, False
        while True:
            now = time.perf_counter()
            is_over = is_over or now >= until
            while self._free and not is_over:
                turn = next(turns, None)
                if turn is None:
                    is_over = True
                else:
                    self._send(turn, now := time.perf_counter(), now, figures)
            if is_over and len(self._free) + len(self._broken) == len(self._all):
                break
            self._receive(figures, 0.05)
        figures.seconds += time.perf_counter() - began
        return figures

    def keep_rate(
        self, turns: Iterator[Turn], rate: float, seconds: float, figures: Figures | None = None, drain: float = 5.0
    ) -> Figures:
        """Begin calls at this rate for so many seconds, then wait for their answers for `drain` seconds at most."""
        figures = figures or Figures()
        began = time.perf_counter()
        waiting: deque[float] = deque()
        count, total = 0, round(rate * seconds)
        end = began + seconds
        while True:
            now = time.perf_counter()
            while count < total and began + count / rate <= now:
                waiting.append(began + count / rate)
                count += 1
            while waiting and self._free:
                self._send(next(turns), waiting.popleft(), time.perf_counter(), figures)
            is_idle = not waiting and len(self._free) + len(self._broken) == len(self._all)
            if count == total and (is_idle or now > end + drain):
                break
            pause = 0.05 if count == total or waiting else began + count / rate - time.perf_counter()
            self._receive(figures, min(max(pause, 0.0), 0.05))
        # What could not even be begun has waited until now, at least.
        for intended in waiting:
            turn = next(turns)
            figures.add(turn, LATE, time.perf_counter() - intended)
            turn.take(LATE, b"")
        for connection in self._all:
            if connection.turn is not None:
                self._lose(connection, figures, LATE)
        figures.seconds += max(seconds, 0.0)
        return figures

    def _send(self, turn: Turn, intended: float, now: float, figures: Figures) -> None:
        connection = self._free.popleft()
        try:
            if connection.socket is None:
                self._selector.register(connection.open(), selectors.EVENT_READ, connection)
            connection.send(turn, intended, now)
        except OSError:
            connection.turn, connection.intended = turn, intended
            self._lose(connection, figures, LOST)

    def _receive(self, figures: Figures, pause: float) -> None:
        if self._broken and self._broken[0][0] <= time.perf_counter():
            self._free.append(self._broken.popleft()[1])
        if not self._selector.get_map():
            time.sleep(pause)
            return
        ready = self._selector.select(pause)
        for key, _ in ready:
            connection: Connection = key.data
            try:
                reply = connection.receive()
            except OSError:
                if connection.turn is None:
                    self._drop(connection)  # a server closes what is idle for long
                else:
                    self._lose(connection, figures, LOST)
                continue
            turn = connection.turn
            if reply is None or turn is None:
                continue
            figures.add(
                turn, outcome := outcome_of(reply.status, reply.body), time.perf_counter() - connection.intended
            )
            connection.turn = None
            turn.take(outcome, reply.body)
            if connection.closes:
                self._drop(connection)
            self._free.append(connection)
        if not ready and pause:
            self._give_up_old(figures)

    def _give_up_old(self, figures: Figures) -> None:
        limit = time.perf_counter() - _GIVEN_UP_AFTER
        for each in self._all:
            if each.turn is not None and each.sent < limit:
                self._lose(each, figures, LOST)

    def _lose(self, connection: Connection, figures: Figures, outcome: str) -> None:
        turn = connection.turn
        assert turn is not None, "there is a call under way"
        figures.add(turn, outcome, time.perf_counter() - connection.intended)
        self._drop(connection)
        turn.take(outcome, b"")
        self._broken.append((time.perf_counter() + _RECONNECTED_AFTER, connection))

    def _drop(self, connection: Connection) -> None:
        if connection.socket is not None:
            self._selector.unregister(connection.socket)
        connection.close()


def summary(figures: Figures) -> Mapping[str, object]:
    """Return the figures under the names that JSON has: seconds with six digits, and rates with one."""
    together = figures.all_latencies
    return {
        "seconds": round(figures.seconds, 3),
        "calls": figures.calls,
        "rate": round(figures.rate, 1),
        **_percentiles(together),
        "byCall": [
            {
                "call": name,
                "calls": latencies.count,
                **_percentiles(latencies),
                "outcomes": dict(figures.outcomes[name].most_common()),
            }
            for name, latencies in figures.latencies.items()
        ],
        "errors": dict(figures.errors.most_common()),
    }


def _percentiles(latencies: Latencies) -> Mapping[str, float]:
    return {
        "p50": round(latencies.percentile(0.5), 6),
        "p95": round(latencies.percentile(0.95), 6),
        "p99": round(latencies.percentile(0.99), 6),
        "max": round(latencies.most, 6),
    }
