"""How long answers took: counted in classes of one per cent, so that any number of them takes as little room."""

import math
from array import array

_LEAST = 1e-5
"""Seconds of the first class; what is shorter is counted with it."""

_RATIO = 1.01
_CLASSES = math.ceil(math.log(1000 / _LEAST) / math.log(_RATIO)) + 1
_PER_CLASS = math.log(_RATIO)


class Latencies:
    """A histogram of seconds, within one per cent from 10 µs to a quarter of an hour."""

    def __init__(self) -> None:
        """Begin with none."""
        self._counts = array("Q", bytes(8 * _CLASSES))
        self.count = 0
        self.most = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        place = int(math.log(seconds / _LEAST) / _PER_CLASS) if seconds > _LEAST else 0
        self._counts[min(place, _CLASSES - 1)] += 1
        self.count += 1
        if seconds > self.most:
            self.most = seconds

    def add_all(self, others: "Latencies") -> None:
        """Count what others counted, too."""
        for place, count in enumerate(others._counts):
            if count:
                self._counts[place] += count
        self.count += others.count
        self.most = max(self.most, others.most)

    def percentile(self, share: float) -> float:
        """Return the seconds within which this share of the answers came; 0 when there was none."""
        wanted, seen = math.ceil(self.count * share), 0
        for place, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(_LEAST * _RATIO ** (place + 1), self.most)
        return 0.0
