"""Login over SOAP, of which the hash of the password should be all: against as many verifications of the same hash."""

from scripts.benchmark.bench import GRANIAN, GUNICORN, SQLITE, Bench
from scripts.benchmark.measuring import Arm, Comparison, Row, compare

TARGET = 0.95


def run(bench: Bench) -> list[Row]:
    """Measure Login on each database, and under granian on SQLite."""
    alone = bench.argon2_alone()
    arms = {kind: _arm(bench, kind, GUNICORN) for kind in bench.databases}
    comparisons = [Comparison(f"Login, {kind}", arm, alone, TARGET) for kind, arm in arms.items()]
    if bench.has_granian:
        # What takes the time is the hash, under any server.
        comparisons.append(Comparison("Login, SQLite, granian", _arm(bench, SQLITE, GRANIAN), arms[SQLITE]))
    return compare(comparisons, bench.options.slow_seconds, bench.options.repeats)


def _arm(bench: Bench, kind: str, server: str) -> Arm:
    gatehouse = bench.gatehouse(kind, server)
    return gatehouse.arm(server, gatehouse.logins())
