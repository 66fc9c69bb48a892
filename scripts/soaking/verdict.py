"""Whether what was measured stayed as it was: the later half of a run against the half before it."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gatehouse.load.driver import Figures
from scripts.soaking.watching import Held, Sample

_LEFT_OUT = 0.25
"""Share of a run at its beginning, in which caches fill and the first rows have not expired."""

_JUDGED_FROM = 240.0
"""Seconds below which a run is too short to say what grows."""

_LEAST_SAMPLES, _LEAST_LATE_SAMPLES = 4, 12
"""Without which nothing is judged, and of rows, whose removal has rounds of some minutes."""

MEMORY_GROWTH, MEMORY_SLACK_MB = 1.05, 2.0
"""How much more a process may hold in the later half. Source: issue of speed, memory of a worker."""

LATENCY_GROWTH, LATENCY_SLACK = 1.5, 0.010
"""How much later answers may come in the later half, by their 99th percentile, in seconds."""

ROWS_GROWTH, ROWS_SLACK = 1.2, 100
COUNT_SLACK = 5
"""Files and threads that a process may have more."""

LEVEL_TABLES = ("sessions", "login_cookies", "guess_counts", "account_requests", "activation_codes")
"""Tables that hold no more rows after a while. Sessions of the run live for a minute and are kept for five."""

ROWS_LEVEL_AFTER = 600.0
"""Seconds after which that is so."""


@dataclass(frozen=True)
class Judgement:
    """One thing that was looked at, before and later. `is_good` is None where the run was too short to say."""

    name: str
    before: float
    later: float
    is_good: bool | None


def judge(samples: Sequence[Sample], minutes: Sequence[Figures]) -> Sequence[Judgement]:
    """Return what is to be said of every process, of the tables and of the latency."""
    found: list[Judgement] = []
    is_long = bool(samples) and samples[-1].seconds >= _JUDGED_FROM and len(samples) >= _LEAST_SAMPLES
    for number, process in enumerate(samples[0].processes if samples else ()):

        def held(of: Callable[[Held], float], process: int = process) -> list[float]:
            return [of(each.processes[process]) for each in samples]

        name = f"process {number}"
        found += [
            _compare(
                f"{name}: memory (RSS), MB", held(lambda of: of.resident), MEMORY_GROWTH, MEMORY_SLACK_MB, is_long
            ),
            _compare(
                f"{name}: memory (PSS), MB", held(lambda of: of.proportional), MEMORY_GROWTH, MEMORY_SLACK_MB, is_long
            ),
            _compare(f"{name}: open files", held(lambda of: of.files), 1.0, COUNT_SLACK, is_long),
            _compare(f"{name}: threads", held(lambda of: of.threads), 1.0, COUNT_SLACK, is_long),
        ]
    late = [each for each in samples if each.seconds > ROWS_LEVEL_AFTER]
    for table in LEVEL_TABLES:
        rows = [float(each.rows[table]) for each in (late or samples)]
        is_judged = len(late) >= _LEAST_LATE_SAMPLES
        # The most of each half, not the middle: they are removed in rounds, some minutes apart, and grow meanwhile.
        found.append(_compare(f"rows of {table}", rows, ROWS_GROWTH, ROWS_SLACK, is_judged, max))
    whole = [each.all_latencies.percentile(0.99) for each in minutes if each.calls]
    found.append(_compare("p99, s", whole, LATENCY_GROWTH, LATENCY_SLACK, is_long))
    return found


def _compare(
    name: str,
    values: Sequence[float],
    growth: float,
    slack: float,
    is_judged: bool,
    of_half: Callable[[Sequence[float]], float] = statistics.median,
) -> Judgement:
    kept = values[int(len(values) * _LEFT_OUT) :]
    half = len(kept) // 2
    if not half:
        return Judgement(name, *([values[-1]] * 2 if values else [0.0, 0.0]), None)
    before, later = of_half(kept[:half]), of_half(kept[half:])
    return Judgement(name, before, later, later <= before * growth + slack if is_judged else None)
