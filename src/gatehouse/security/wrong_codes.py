"""Who tried wrong codes on the hosted page, in this process and lately."""

import threading
from collections import deque
from datetime import datetime, timedelta

COUNTED = timedelta(minutes=15)
MAX_OF_ONE_SOURCE = 20
MAX_OF_ALL = 100
"""Wrong codes in the time counted, of one source and of all, before further ones are told to wait.

One source alone cannot use up what is allowed to all, and many together still cannot search for a code.
"""


class WrongCodes:
    """Counts wrong codes by source. It never holds more than MAX_OF_ALL of them, whoever tries."""

    def __init__(self) -> None:
        """Begin with none."""
        self._seen: deque[tuple[datetime, str]] = deque()
        self._lock = threading.Lock()

    def are_too_many(self, source: str, now: datetime) -> bool:
        """Whether this source has to wait."""
        with self._lock:
            self._forget(now)
            return len(self._seen) >= MAX_OF_ALL or sum(each == source for _, each in self._seen) >= MAX_OF_ONE_SOURCE

    def note(self, source: str, now: datetime) -> None:
        """Remember a wrong code of this source."""
        with self._lock:
            self._forget(now)
            if len(self._seen) < MAX_OF_ALL:
                self._seen.append((now, source))

    def _forget(self, now: datetime) -> None:
        while self._seen and self._seen[0][0] + COUNTED <= now:
            self._seen.popleft()
