"""Reset codes under load: whether a mail server that hangs makes the calls slower that only queue mails."""

from scripts.benchmark.bench import Bench
from scripts.benchmark.mail_waits import measure_queueing
from scripts.benchmark.measuring import Row

TARGET = 1.2
"""How many times slower the calls may be at most."""


def run(bench: Bench) -> list[Row]:
    """Measure the 95th percentile with the mail server hanging against that with it healthy."""
    hanging, healthy = measure_queueing(bench.cores, bench.folder, bench.options.seconds, bench.options.repeats)
    ratios = [slow / well for slow, well in zip(hanging, healthy, strict=True)]
    details = {
        "hangingMilliseconds": [each * 1000 for each in hanging],
        "healthyMilliseconds": [each * 1000 for each in healthy],
    }
    name = "p95 of generateAndSend, mails hang"
    return [Row(name, "they go at once", ratios, TARGET, is_ceiling=True, details=details)]
