"""How long callers wait at 80 % of the highest rate, each counted from when it was due; and the longest silence."""

from collections.abc import Sequence

from scripts.benchmark import load
from scripts.benchmark.bench import SQLITE, Bench
from scripts.benchmark.load import Series
from scripts.benchmark.measuring import Row, rate
from scripts.benchmark.processes import Service, pinned

SHARE = 0.8
"""Of the highest rate, at which the waits are measured."""

P99_TARGET, PAUSE_TARGET_MS = 4.0, 50.0

_CONNECTIONS = 32
"""More than are ever needed at once, unless the server stalls."""


def run(bench: Bench) -> list[Row]:
    """Measure DecodeLoginCookie on each database, and the refused call; then gunicorn alone, which has no target.

    What the latter comes to is the machine's: a neighbour that takes the core away is a pause for everybody.
    """
    rows = []
    for kind in bench.databases:
        gatehouse = bench.gatehouse(kind)
        rows += _rows(bench, f"DecodeLoginCookie, {kind}", gatehouse.service, gatehouse.decodes(_CONNECTIONS))
    gatehouse = bench.gatehouse(SQLITE)
    refusals = gatehouse.refusals(_CONNECTIONS)
    rows += _rows(bench, "UpdatePassword refused", gatehouse.service, refusals)
    bare, same = bench.bare_service("/fixed", refusals[0], gatehouse)
    return rows + _rows(bench, "gunicorn, fixed body", bare, [same] * _CONNECTIONS, is_judged=False)


def _rows(bench: Bench, name: str, service: Service, many: Sequence[Series], *, is_judged: bool = True) -> list[Row]:
    highest, waits = [], []
    with pinned(bench.cores.load):
        for _ in range(bench.options.repeats):
            highest.append(rate(load.run(service.port, many, bench.options.seconds)))
            waits.append(load.pace(service.port, many, SHARE * highest[-1], 2 * bench.options.seconds))
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
            P99_TARGET if is_judged else None,
            is_ceiling=True,
            details=details,
        ),
        Row(
            f"longest pause of {name}",
            "",
            pauses,
            PAUSE_TARGET_MS if is_judged else None,
            is_ceiling=True,
            unit="ms",
            details=details,
        ),
    ]
