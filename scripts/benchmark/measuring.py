"""What is measured, and how it is told: things in turn, each against another, and a row for each of the table."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts.benchmark.load import Outcome


@dataclass(frozen=True)
class Arm:
    """Something that can be loaded for so many seconds."""

    name: str
    measure: Callable[[float], Outcome]


@dataclass(frozen=True)
class Comparison:
    """Two arms. The target is the least ratio of their rates."""

    name: str
    subject: Arm
    baseline: Arm
    target: float | None = None


@dataclass(frozen=True)
class Row:
    """A line of the table: a value for each repeat, of which the median counts, and what it should be.

    `is_ceiling` says that the target is the most and not the least. `details` are for the JSON.
    """

    name: str
    against: str
    values: Sequence[float]
    target: float | None = None
    is_ceiling: bool = False
    unit: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def is_reached(self) -> bool | None:
        """Whether the median is what it should be; None where nothing is asked."""
        if self.target is None:
            return None
        return self.value <= self.target if self.is_ceiling else self.value >= self.target


def rate(outcome: Outcome) -> float:
    """Return calls per second."""
    return outcome.calls / outcome.seconds


def cpu_microseconds(outcome: Outcome) -> float:
    """Return how much CPU of the server's processes a call took."""
    return outcome.cpu / max(outcome.calls, 1) * 1e6


def compare(comparisons: Sequence[Comparison], seconds: float, repeats: int, warm_up: float = 0.0) -> list[Row]:
    """Measure every arm once in each repeat, one after the other, and return a row for each comparison.

    An arm that several comparisons name is measured once for all of them, beside those that it is compared with.
    `warm_up` are seconds that each runs before, as what compiles itself while it runs needs: Node and PHP.
    """
    arms = list(dict.fromkeys(arm for each in comparisons for arm in (each.subject, each.baseline)))
    outcomes: dict[Arm, list[Outcome]] = {arm: [] for arm in arms}
    if warm_up:
        for arm in arms:
            arm.measure(warm_up)
    for _ in range(repeats):
        for arm in arms:
            outcomes[arm].append(arm.measure(seconds))
    return [_row(each, outcomes[each.subject], outcomes[each.baseline]) for each in comparisons]


def _row(comparison: Comparison, subjects: Sequence[Outcome], baselines: Sequence[Outcome]) -> Row:
    return Row(
        comparison.name,
        comparison.baseline.name,
        [rate(one) / rate(other) for one, other in zip(subjects, baselines, strict=True)],
        comparison.target,
        details={
            "rate": _median(subjects, rate),
            "cpuMicroseconds": _median(subjects, cpu_microseconds),
            "slowestSeconds": max(each.slowest for each in subjects),
            "againstRate": _median(baselines, rate),
            "againstCpuMicroseconds": _median(baselines, cpu_microseconds),
            "loadBusy": max(each.busy for each in (*subjects, *baselines)),
        },
    )


def _median(outcomes: Sequence[Outcome], value: Callable[[Outcome], float]) -> float:
    return statistics.median(value(each) for each in outcomes)
