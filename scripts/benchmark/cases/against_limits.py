"""How a call that needs the database is measured: on SQLite against a fixed body, on PostgreSQL against its own SQL."""

from collections.abc import Callable

from scripts.benchmark.bench import GRANIAN, SECRET_KEY, SQLITE, Bench
from scripts.benchmark.gatehouse import CONNECTIONS, Gatehouse
from scripts.benchmark.load import Series
from scripts.benchmark.measuring import Arm, Comparison, Row, compare

GRANIAN_TARGET = 1.5
"""Where PostgreSQL takes most of the core, nothing is asked."""

Calls = Callable[[Gatehouse, int], list[Series]]


def measure(bench: Bench, method: str, calls: Calls, sqlite_target: float, sql_target: float) -> list[Row]:
    """Measure this method, under each server that there is. `calls` gives so many series of a service."""
    comparisons = []
    for kind in bench.databases:
        gatehouse, is_sqlite = bench.gatehouse(kind), kind == SQLITE
        arm = gatehouse.arm("gunicorn", calls(gatehouse, CONNECTIONS))
        baseline = _baseline(bench, gatehouse, kind, method, calls)
        comparisons.append(Comparison(f"{method}, {kind}", arm, baseline, sqlite_target if is_sqlite else sql_target))
        if bench.has_granian:
            other = bench.gatehouse(kind, GRANIAN)
            granian = other.arm("granian", calls(other, CONNECTIONS))
            comparisons.append(
                Comparison(f"{method}, {kind}, granian", granian, arm, GRANIAN_TARGET if is_sqlite else None)
            )
    return compare(comparisons, bench.options.seconds, bench.options.repeats)


def _baseline(bench: Bench, gatehouse: Gatehouse, kind: str, method: str, calls: Calls) -> Arm:
    (first,) = calls(gatehouse, 1)
    if kind == SQLITE:
        return bench.bare("/fixed", first, gatehouse)
    return bench.bare("/sql", first, gatehouse, lambda reply: gatehouse.recording(method, reply, SECRET_KEY))
