"""The command: sends cases until their number or the time is up, or one case again from its file."""

import argparse
import itertools
import multiprocessing
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scripts.fuzzing import cases
from scripts.fuzzing.running import Report, look, run
from scripts.fuzzing.target import Target
from tests.scratch import scratch_folder

_COUNT = 10_000
_TOLD_EVERY = 10_000


def main() -> int:
    """Run the command and return its exit status: 1 when an answer was not as it should be."""
    asked = _arguments()
    if asked.replay:
        return _replay(asked.replay)
    started = time.monotonic()
    queue: Any = multiprocessing.SimpleQueue()
    processes = [multiprocessing.Process(target=_work, args=(asked, share, queue)) for share in range(asked.processes)]
    for process in processes:
        process.start()
    report = Report()
    for _ in processes:
        report.add(queue.get())
    for process in processes:
        process.join()
    seconds = time.monotonic() - started
    print(
        f"{report.count} cases of seed {asked.seed} in {seconds:.0f} s, slowest {report.slowest_seconds * 1000:.0f} ms"
    )
    for name, count in sorted(report.answers.items()):
        print(f"  {name}: {count}")
    for name, count in report.problems.most_common():
        print(f"! {name} ({count} times)")
    for path in report.files:
        print(f"! kept: {path}")
    return 1 if report.problems else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz", description="Send the service what nobody should send, and look at each answer."
    )
    parser.add_argument("--count", type=int, help=f"how many cases (default {_COUNT}, with --minutes no end)")
    parser.add_argument("--minutes", type=float, help="how long")
    parser.add_argument("--seed", type=int, default=1, help="which cases (default 1)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (default 0)")
    parser.add_argument("--processes", type=int, default=1, help="how many at the same time (default 1)")
    parser.add_argument("--folder", type=Path, default=Path("var/fuzz"), help="where cases that fail are kept")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="send a kept case again, and show the answer")
    return parser.parse_args()


def _numbers(asked: argparse.Namespace, share: int) -> Iterable[int]:
    count = asked.count if asked.count is not None else None if asked.minutes else _COUNT
    end = None if count is None else asked.first + count
    return itertools.islice(itertools.count(), asked.first + share, end, asked.processes)


def _work(asked: argparse.Namespace, share: int, queue: Any) -> None:
    deadline = None if asked.minutes is None else time.monotonic() + asked.minutes * 60
    started = time.monotonic()

    def tell(report: Report) -> None:
        if report.count % _TOLD_EVERY == 0:
            rate = report.count / (time.monotonic() - started)
            print(
                f"{report.count} cases in process {share}, {rate:.0f}/s, {report.problems.total()} failed", flush=True
            )

    with scratch_folder("gatehouse-fuzz-") as folder:
        target = Target(folder)
        queue.put(run(target, asked.seed, _numbers(asked, share), asked.folder, deadline, tell))
        target.close()


def _replay(path: Path) -> int:
    case = cases.load(path)
    with scratch_folder("gatehouse-fuzz-") as folder:
        target = Target(folder)
        problems = look(target, case)
        answer = target.send(case)
        target.close()
    print(f"{answer.status}, {answer.cpu_seconds * 1000:.1f} ms")
    print("\n".join(f"{name}: {value}" for name, value in answer.headers))
    print(f"\n{answer.body.decode('utf-8', 'backslashreplace')}")
    for _, text in answer.log:
        print(f"log: {text}")
    if answer.error is not None:
        print(f"exception: {answer.error!r}")
    for problem in problems:
        print(f"! {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
