"""Which processes have fewer connections than others, so that those of the others go there.

All processes listen on one socket, and the first to wake takes what has come: of 32 connections that a proxy opens
together and keeps, one process of two got 29, and its one interpreter was the limit while a core had nothing to do.
"""

import mmap
from array import array

from gatehouse.server.limits import FAR_MORE_BASE, FAR_MORE_SHARE

_CLOSED = -1


class Balance:
    """How many connections each process has, in memory that they share. Made before they are."""

    def __init__(self, places: int) -> None:
        """Begin without processes. Of more than there are places for, nobody knows, and nobody leaves them any."""
        self._counts = memoryview(mmap.mmap(-1, places * array("i").itemsize)).cast("i")
        self._free = list(reversed(range(places)))
        for place in self._free:
            self._counts[place] = _CLOSED

    def enter(self) -> int | None:
        """Return the place of a process that is about to be made, or None where there is none left."""
        return self._free.pop() if self._free else None

    def leave(self, place: int | None) -> None:
        """Take the place of a process back that has ended, however it did."""
        if place is not None:
            self._counts[place] = _CLOSED
            self._free.append(place)

    def note(self, place: int | None, connections: int) -> None:
        """Say how many connections this process has."""
        if place is not None:
            self._counts[place] = connections

    def close(self, place: int | None) -> None:
        """Say that this process takes no more connections."""
        self.note(place, _CLOSED)

    def has_fewer(self, connections: int) -> bool:
        """Whether any process that takes connections has fewer than so many."""
        return any(_CLOSED < each < connections for each in self._counts)

    def has_far_fewer(self, connections: int) -> bool:
        """Whether any process that takes connections has so few that one with so many should give some of them up."""
        return any(each > _CLOSED and each * FAR_MORE_SHARE + FAR_MORE_BASE < connections for each in self._counts)
