"""Runs cases one after another, and keeps those that fail."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from scripts.fuzzing.cases import Case, save
from scripts.fuzzing.checks import is_slow, problems_of
from scripts.fuzzing.generate import generate
from scripts.fuzzing.minimise import minimise
from scripts.fuzzing.target import Answer, Target

_MEASUREMENTS = 4
"""A case is slow when it is each time: the machine does other things, too."""

_OUTCOME = re.compile(
    rb'<a:Key>(\w+)<|"Key":"(\w+)"|"errorCode":"guestmanagement.(\w+)"|"result":"(success|more_info)"'
)

_MOST_KEPT = 5
"""Cases that are kept of each kind of problem."""


@dataclass
class Report:
    """How many cases ran, how they were answered, what was wrong, and what the slowest took."""

    count: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    files: list[Path] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Add what another process did."""
        self.count += other.count
        self.answers += other.answers
        self.problems += other.problems
        self.slowest_seconds = max(self.slowest_seconds, other.slowest_seconds)
        self.files += other.files


def look(target: Target, case: Case, report: Report | None = None) -> list[str]:
    """Send a case and return what is wrong with its answer."""
    answer = target.send(case)
    problems = problems_of(case, answer)
    seconds = answer.cpu_seconds
    if is_slow(answer):
        seconds = min(seconds, *(target.send(case).cpu_seconds for _ in range(_MEASUREMENTS)))
        if is_slow(answer.with_cpu(seconds)):
            problems.append(f"slow: {seconds * 1000:.0f} ms of CPU")
    if report is not None:
        report.count += 1
        report.answers[f"{case.kind} {answer.status} {_outcome(answer)}".rstrip()] += 1
        report.slowest_seconds = max(report.slowest_seconds, seconds)
    return problems


def run(
    target: Target,
    seed: int,
    numbers: Iterable[int],
    folder: Path,
    deadline: float | None = None,
    tell: Callable[[Report], None] | None = None,
) -> Report:
    """Run the cases of these numbers until the deadline (of `time.monotonic`), and keep what fails in the folder."""
    report = Report()
    for number in numbers:
        if deadline is not None and time.monotonic() > deadline:
            break
        case = generate(seed, number, target.known)
        problems = look(target, case, report)
        if problems:
            kind = _kind(problems[0])
            report.problems[problems[0]] += 1
            if sum(count for each, count in report.problems.items() if _kind(each) == kind) <= _MOST_KEPT:
                smaller = minimise(case, lambda each: any(_kind(one) == kind for one in look(target, each)))  # noqa: B023  called at once
                report.files.append(save(smaller, problems, folder))
        if tell is not None and report.count % 1000 == 0:
            tell(report)
    return report


def _outcome(answer: Answer) -> str:
    """Return the key or error code of a result, so that a report shows how far the cases come."""
    found = _OUTCOME.search(answer.body)
    return next(each for each in found.groups() if each is not None).decode() if found else ""


def _kind(problem: str) -> str:
    return problem.partition(":")[0]
