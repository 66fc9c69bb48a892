"""Counts of this process, until they are written: which client stacks call, and what is tolerated of them."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from gatehouse.domain import client_stacks
from gatehouse.domain.tolerances import Tolerance

MAX_STACKS = 50
"""Stacks of one application that are told apart, in a process and in the tables; the others are one together."""


class Key(NamedTuple):
    """What is counted: calls of one stack that were of one method, or needed one kind of tolerance."""

    merchant_id: int
    application_id: int
    stack: str
    subject: str


@dataclass(slots=True)
class Count:
    """How often, and from when to when."""

    calls: int
    first_seen_at: datetime
    last_seen_at: datetime


Counts = dict[Key, Count]


@dataclass
class Taken:
    """What was counted since the last time."""

    calls: Counts = field(default_factory=dict)
    tolerances: Counts = field(default_factory=dict)


class ClientCounts:
    """Counts calls in memory.

    However many stacks callers invent, it tells no more than MAX_STACKS of one application apart.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._taken = Taken()
        self._stacks: dict[int, set[str]] = {}

    def note(
        self,
        merchant_id: int,
        application_id: int,
        stack: str,
        method: str,
        tolerances: Iterable[Tolerance],
        now: datetime,
    ) -> None:
        """Count one call that was answered, and each kind of what was tolerated of it."""
        with self._lock:
            stack = self._told_apart(application_id, stack)
            add(self._taken.calls, Key(merchant_id, application_id, stack, method), Count(1, now, now))
            for kind in tolerances:
                add(self._taken.tolerances, Key(merchant_id, application_id, stack, kind.value), Count(1, now, now))

    def take(self) -> Taken:
        """Return what was counted, and begin anew."""
        with self._lock:
            taken, self._taken, self._stacks = self._taken, Taken(), {}
        return taken

    def give_back(self, taken: Taken) -> None:
        """Count again what could not be written."""
        with self._lock:
            for mine, theirs in ((self._taken.calls, taken.calls), (self._taken.tolerances, taken.tolerances)):
                for key, count in theirs.items():
                    add(mine, key._replace(stack=self._told_apart(key.application_id, key.stack)), count)

    def _told_apart(self, application_id: int, stack: str) -> str:
        known = self._stacks.setdefault(application_id, set())
        if stack in known:
            return stack
        if len(known) >= MAX_STACKS:
            return client_stacks.OTHER
        known.add(stack)
        return stack


def add(counts: Counts, key: Key, count: Count) -> None:
    """Add a count to what was counted of the same."""
    before = counts.get(key)
    if before is None:
        counts[key] = Count(count.calls, count.first_seen_at, count.last_seen_at)
        return
    before.calls += count.calls
    before.first_seen_at = min(before.first_seen_at, count.first_seen_at)
    before.last_seen_at = max(before.last_seen_at, count.last_seen_at)
