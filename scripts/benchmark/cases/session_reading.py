"""A call that reads its session: DeviceSendActivationCode without a device, the one that does least beside it."""

from scripts.benchmark.bench import Bench
from scripts.benchmark.cases import against_limits
from scripts.benchmark.gatehouse import Gatehouse
from scripts.benchmark.measuring import Row

TARGET = 0.5


def run(bench: Bench) -> list[Row]:
    """Measure it with the audit entry that each refusal within a session leaves."""
    return against_limits.measure(bench, "DeviceSendActivationCode", Gatehouse.session_reads, TARGET, TARGET)
