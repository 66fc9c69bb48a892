"""DecodeLoginCookie over SOAP: 16 series, each call with the cookie that the one before gave."""

from scripts.benchmark.bench import Bench
from scripts.benchmark.cases import against_limits
from scripts.benchmark.gatehouse import Gatehouse
from scripts.benchmark.measuring import Row

SQLITE_TARGET, SQL_TARGET = 0.4, 0.7


def run(bench: Bench) -> list[Row]:
    """Measure it with its rotation, session and audit rows."""
    return against_limits.measure(bench, "DecodeLoginCookie", Gatehouse.decodes, SQLITE_TARGET, SQL_TARGET)
