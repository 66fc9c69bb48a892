"""Counts of requests in the Redis that machines share. In a module of its own, since few need what it imports."""

import time
from datetime import timedelta

from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

_TIMEOUT = 0.25
"""Seconds that a request waits for Redis, before it is counted elsewhere."""


class SharedCounts:
    """Counts the requests that come to all machines in a minute."""

    def __init__(self, url: str) -> None:
        """Prepare, without connecting. Raises limits' ConfigurationError or ValueError for a URL that is none."""
        options = {"socket_timeout": _TIMEOUT, "socket_connect_timeout": _TIMEOUT}
        self._limiter = FixedWindowRateLimiter(storage_from_string(url, wrap_exceptions=True, **options))

    def hit(self, kind: str, key: str, most: int) -> timedelta | None:
        """Count a request; return how long to wait where it is one too many, else None.

        Raises whatever the client of Redis raises.
        """
        item = RateLimitItemPerMinute(most, namespace="gatehouse")
        if self._limiter.hit(item, kind, key):
            return None
        reset_time = self._limiter.get_window_stats(item, kind, key).reset_time
        return timedelta(seconds=max(reset_time - time.time(), 1))
