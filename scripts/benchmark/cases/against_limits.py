"""How a call that needs the database is measured: on SQLite against a fixed body, on PostgreSQL against its own SQL."""

from collections.abc import Callable

from scripts.benchmark.bench import GRANIAN, SECRET_KEY, SQLITE, Bench
from scripts.benchmark.gatehouse import CONNECTIONS, Gatehouse
from scripts.benchmark.load import Series
from scripts.benchmark.measuring import Arm, Comparison, Row, compare

GRANIAN_TARGET = 1.5

Calls = Callable[[Gatehouse, int], list[Series]]


def measure(bench: Bench, method: str, calls: Calls, sqlite_target: float, sql_target: float) -> list[Row]:
    """Measure this method; on SQLite under granian as well, but not where PostgreSQL takes most of the core.

    `calls` gives so many series of a service.
    """
    comparisons = []
    for kind in bench.databases:
        gatehouse, target = bench.gatehouse(kind), sqlite_target if kind == SQLITE else sql_target
        arm = gatehouse.arm("gunicorn", calls(gatehouse, CONNECTIONS))
        baseline = _baseline(bench, gatehouse, kind, method, calls)
        comparisons.append(Comparison(f"{method}, {kind}", arm, baseline, target))
        if bench.has_granian and kind == SQLITE:
            other = bench.gatehouse(kind, GRANIAN)
            granian = other.arm("granian", calls(other, CONNECTIONS))
            comparisons.append(Comparison(f"{method}, {kind}, granian", granian, arm, GRANIAN_TARGET))
    return compare(comparisons, bench.options.seconds, bench.options.repeats)


def _baseline(bench: Bench, gatehouse: Gatehouse, kind: str, method: str, calls: Calls) -> Arm:
    (first,) = calls(gatehouse, 1)
    if kind == SQLITE:
        return bench.bare("/fixed", first, gatehouse)
    return bench.bare("/sql", first, gatehouse, lambda reply: gatehouse.recording(method, reply, SECRET_KEY))
