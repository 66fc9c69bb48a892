"""The memory of a worker: the most under many logins at once, and what it holds after many calls."""

import contextlib
import threading
from collections.abc import Callable, Iterator

from scripts.benchmark import load
from scripts.benchmark.bench import SQLITE, Bench
from scripts.benchmark.gatehouse import Gatehouse
from scripts.benchmark.measuring import Row
from scripts.benchmark.processes import pinned

MEMORY_MB = 150
"""Millions of bytes that a worker may take beside Argon2."""

GROWTH_TARGET = 1.05

_LOGIN_CONNECTIONS = 64
_FIRST_CALLS = 10_000
_LOOKS = 0.1
"""Seconds between two looks at the memory under load."""
_STRETCH_SECONDS = 2.0
"""How long one kind of call is sent before the next."""


def run(bench: Bench) -> list[Row]:
    """Measure a service of its own, which nobody has called before."""
    calls = bench.options.memory_calls
    with bench.start("memory", bench.new_database("memory", SQLITE)) as gatehouse, pinned(bench.cores.load):
        first = min(_FIRST_CALLS, calls // 2)
        answered = _call(gatehouse, first)
        before = gatehouse.service.resident_mb()
        _call(gatehouse, calls - answered)
        growth = gatehouse.service.resident_mb() / before
        with _most(gatehouse.service.resident_mb) as most:
            load.run(gatehouse.service.port, gatehouse.logins(_LOGIN_CONNECTIONS), bench.options.slow_seconds)
    hashes = bench.settings.hash_slots * bench.settings.argon2_memory_kib * 1024 / 1e6
    return [
        Row(
            f"worker's memory after {calls:,} calls",
            f"after {first:,}: {before:.0f} MB",
            [growth],
            GROWTH_TARGET,
            is_ceiling=True,
        ),
        Row(
            f"worker's memory, {_LOGIN_CONNECTIONS} logins at once",
            "",
            most,
            MEMORY_MB + hashes,
            is_ceiling=True,
            unit="MB",
        ),
    ]


def _call(gatehouse: Gatehouse, calls: int) -> int:
    """Send so many calls and a few more: refused ones over SOAP and as JSON, cookies, and sessions. Return how many."""
    kinds = [gatehouse.refusals(), gatehouse.json_refusals(), gatehouse.decodes(), gatehouse.session_reads()]
    answered = 0
    while answered < calls:
        for many in kinds:
            answered += load.run(gatehouse.service.port, many, min(_STRETCH_SECONDS, calls / 10_000)).calls
    return answered


@contextlib.contextmanager
def _most(look: Callable[[], float]) -> Iterator[list[float]]:
    """Look again and again inside the block; the only item of what is given becomes the most that was seen."""
    most, is_over = [look()], threading.Event()

    def keep_looking() -> None:
        while not is_over.wait(_LOOKS):
            most[0] = max(most[0], look())

    thread = threading.Thread(target=keep_looking)
    thread.start()
    try:
        yield most
    finally:
        is_over.set()
        thread.join()
        most[0] = max(most[0], look())
