"""How long callers wait at 80 % of the highest rate, each counted from when it was due; and the longest silence."""

from collections.abc import Callable

from scripts.benchmark import load
from scripts.benchmark.bench import SQLITE, Bench
from scripts.benchmark.gatehouse import Gatehouse
from scripts.benchmark.load import Series
from scripts.benchmark.measuring import Row, rate
from scripts.benchmark.processes import pinned

SHARE = 0.8
"""Of the highest rate, at which the waits are measured."""

P99_TARGET, PAUSE_TARGET_MS = 4.0, 50.0

_CONNECTIONS = 32
"""More than are ever needed at once, unless the server stalls."""


def run(bench: Bench) -> list[Row]:
    """Measure DecodeLoginCookie on each database, and the refused call."""
    rows = []
    for kind in bench.databases:
        rows += _rows(bench, f"DecodeLoginCookie, {kind}", bench.gatehouse(kind), Gatehouse.decodes)
    return rows + _rows(bench, "UpdatePassword refused", bench.gatehouse(SQLITE), Gatehouse.refusals)


def _rows(bench: Bench, name: str, gatehouse: Gatehouse, calls: Callable[[Gatehouse, int], list[Series]]) -> list[Row]:
    many, port = calls(gatehouse, _CONNECTIONS), gatehouse.service.port
    highest, waits = [], []
    with pinned(bench.cores.load):
        for _ in range(bench.options.repeats):
            highest.append(rate(load.run(port, many, bench.options.seconds)))
            waits.append(load.pace(port, many, SHARE * highest[-1], 2 * bench.options.seconds))
    details = {
        "rates": [SHARE * each for each in highest],
        "p50Milliseconds": [each.part(0.5) * 1000 for each in waits],
        "p99Milliseconds": [each.part(0.99) * 1000 for each in waits],
        "longestMilliseconds": [each.latencies[-1] * 1000 for each in waits],
    }
    pauses = [each.pause * 1000 for each in waits]
    return [
        Row(
            f"p99 of {name}",
            f"p50, at {SHARE:.0%}",
            [each.part(0.99) / each.part(0.5) for each in waits],
            P99_TARGET,
            is_ceiling=True,
            details=details,
        ),
        Row(f"longest pause of {name}", "", pauses, PAUSE_TARGET_MS, is_ceiling=True, unit="ms", details=details),
    ]
