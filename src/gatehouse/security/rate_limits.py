"""How many requests callers may make in a minute, counted in this process or in the Redis that machines share."""

import logging
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatehouse.security.shared_counts import SharedCounts

_log = logging.getLogger("gatehouse.rate_limits")

_TRIED_AGAIN_AFTER = 5.0
"""Seconds for which a Redis that failed is left alone, so that not every request waits for it."""

_MINUTE = 60.0


class OwnCounts:
    """Counts the requests of this process in minutes that are the same for all keys.

    The storage in memory of `limits` starts a thread for every few requests, which costs more than all else of a
    refused call.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], int] = {}
        self._ends_at = 0.0

    def hit(self, kind: str, key: str, most: int) -> timedelta | None:
        """Count a request; return how long to wait where it is one too many, else None."""
        with self._lock:
            now = time.monotonic()
            if now >= self._ends_at:
                self._counts, self._ends_at = {}, now + _MINUTE
            count = self._counts[kind, key] = self._counts.get((kind, key), 0) + 1
            return None if count <= most else timedelta(seconds=max(self._ends_at - now, 1))


class RateLimits:
    """Counts requests by what they are limited by. While Redis is away it counts in this process, and says so."""

    def __init__(self, url: str) -> None:
        """Prepare, without connecting. Raises limits' ConfigurationError or ValueError for a URL that is none."""
        self._own = OwnCounts()
        self._shared: SharedCounts | None = None
        if not url.startswith("memory://"):
            # Few share their counts, and what that needs takes a while to load.
            from gatehouse.security import shared_counts

            self._shared = shared_counts.SharedCounts(url)
        self._lock = threading.Lock()
        self._is_away = False
        self._next_try = 0.0

    @property
    def is_shared(self) -> bool:
        """Whether the counts are now those of all machines."""
        return self._shared is not None and not self._is_away

    def wait(self, kind: str, key: str, most: int) -> timedelta | None:
        """Count a request of this kind under this key; return how long to wait where it is one too many, else None."""
        if self._shared is not None and time.monotonic() >= self._next_try:
            try:
                found = self._shared.hit(kind, key, most)
            except Exception as error:  # whatever the client of Redis raises: it must not keep callers out
                self._note_away(error)
            else:
                self._note_back()
                return found
        return self._own.hit(kind, key, most)

    def _note_away(self, error: Exception) -> None:
        with self._lock:
            self._next_try = time.monotonic() + _TRIED_AGAIN_AFTER
            if not self._is_away:
                self._is_away = True
                _log.warning("Redis is not available (%s); each process limits rates by itself", type(error).__name__)

    def _note_back(self) -> None:
        if self._is_away:
            with self._lock:
                if self._is_away:
                    self._is_away = False
                    _log.warning("Redis is available again; rates are limited over all machines")
