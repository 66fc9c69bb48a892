"""Tests of security/rate_limits.py."""

import logging
import socket
import threading
import time

import pytest
from limits.errors import ConfigurationError

from gatehouse.security import rate_limits
from gatehouse.security.rate_limits import RateLimits


def waits(limits, count, most=3, key="192.0.2.1"):
    """Return for so many requests whether each has to wait."""
    return [limits.wait("source", key, most) is not None for _ in range(count)]


def test_requests_beyond_the_limit_wait_for_the_rest_of_the_minute():
    """And are told how long."""
    limits = RateLimits("memory://")

    assert waits(limits, 5) == [False] * 3 + [True] * 2
    assert 0 < limits.wait("source", "192.0.2.1", 3).total_seconds() <= 60


def test_each_key_and_kind_has_its_own_count():
    """One caller does not use up what another may."""
    limits = RateLimits("memory://")
    waits(limits, 5)

    assert limits.wait("source", "192.0.2.2", 3) is None
    assert limits.wait("application", "192.0.2.1", 3) is None


def test_threads_lose_no_request():
    """What is counted at the same moment adds up."""
    limits = RateLimits("memory://")
    waited = []
    threads = [threading.Thread(target=lambda: waited.extend(waits(limits, 500, most=1000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert waited.count(False) == 1000


def test_next_minute_begins_anew(monkeypatch):
    """And nothing of the last one is kept, however many networks there were."""
    limits = RateLimits("memory://")
    waits(limits, 5)
    later = time.monotonic() + 61
    monkeypatch.setattr(rate_limits.time, "monotonic", lambda: later)

    assert limits.wait("source", "192.0.2.2", 3) is None
    assert waits(limits, 4) == [False] * 3 + [True]
    assert len(limits._own._counts) == 2


def test_machines_share_their_counts(redis):
    """Two processes with one Redis."""
    one, other = RateLimits(redis.url), RateLimits(redis.url)

    assert waits(one, 2) + waits(other, 2) == [False] * 3 + [True]
    assert one.is_shared


def test_without_redis_each_process_limits_by_itself(redis, caplog, monkeypatch):
    """Callers are served, limits hold, it is said once, and the counts are shared again when Redis is back."""
    limits = RateLimits(redis.url)
    assert waits(limits, 2) == [False] * 2
    redis.stop()
    with caplog.at_level(logging.WARNING, "gatehouse.rate_limits"):
        assert waits(limits, 5) == [False] * 3 + [True] * 2
    assert not limits.is_shared
    assert [record.message for record in caplog.records] == [
        "Redis is not available (StorageError); each process limits rates by itself"
    ]

    redis.start()
    monkeypatch.setattr(rate_limits, "_TRIED_AGAIN_AFTER", 0)
    limits._next_try = 0
    assert limits.wait("source", "192.0.2.3", 3) is None
    assert limits.is_shared


def test_redis_that_hangs_holds_up_one_request_only():
    """The others are counted here at once, until it is asked again."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        limits = RateLimits(f"redis://127.0.0.1:{hanging.getsockname()[1]}")
        started = time.monotonic()
        assert waits(limits, 100, most=1000) == [False] * 100
        # Each that asked would have waited for a quarter of a second.
        assert time.monotonic() - started < 10


@pytest.mark.parametrize("url", ["nonsense", "unknown://host"])
def test_url_that_is_none(url):
    """It is told at start."""
    with pytest.raises((ConfigurationError, ValueError)):
        RateLimits(url)
