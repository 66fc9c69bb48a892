"""The command: loads the service on SQLite and on PostgreSQL, and prints what grew and what failed."""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gatehouse.load.driver import summary
from scripts.soaking.running import Report, run
from tests import postgres

_MINUTES = 30.0

_POSTGRESQL = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}
"""As it comes, and not as the tests have it."""


def main() -> int:
    """Run the command and return its exit status: 1 when something grew or failed."""
    asked = _arguments()
    # So that what was started ends with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    seconds = asked.minutes * 60
    stretch = min(60.0, seconds / 10)
    reports: dict[str, Report] = {}
    for database in asked.database or ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory(prefix="gatehouse-soak-") as name:
            folder = Path(name)
            if database == "sqlite":
                report = run(folder, f"sqlite:///{folder / 'gatehouse.db'}", seconds, stretch)
            else:
                with postgres.running_server(_POSTGRESQL) as server, server.database("soak") as url:
                    report = run(folder, url, seconds, stretch)
        reports[database] = report
        if not asked.json:
            _print(database, report)
    if asked.json:
        print(json.dumps({name: _plain(report) for name, report in reports.items()}, indent=2))
    return 0 if all(each.is_good for each in reports.values()) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/soak",
        description="Hold 80 % of the highest rate for a long time, and look whether memory, latency or tables grow.",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=_MINUTES,
        help=f"on each database, after eight at most at full speed (default {_MINUTES:g})",
    )
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append", help="only on this one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _print(database: str, report: Report) -> None:
    figures = report.figures
    print(f"{database}: {report.rate:.0f} calls a second, 80 % of {report.highest:.0f}, for {figures.seconds:.0f} s")
    print(f"  before, at full speed: {' '.join(f'{rate:.0f}' for rate in report.warm_up)} calls a second")
    row = "  {:>7}{:>9}{:>9}{:>9}{:>9}  {:<28}{:<24}{:<16}{:>8}{:>9}{:>9}"
    print(
        row.format(
            "second",
            "calls/s",
            "p50 ms",
            "p99 ms",
            "max ms",
            "PSS of each process, MB",
            "RSS",
            "files",
            "threads",
            "sessions",
            "DB MB",
        )
    )
    for stretch, sample in zip(figures.each, report.samples, strict=False):
        together, held = stretch.all_latencies, sample.processes.values()
        print(
            row.format(
                f"{sample.seconds:.0f}",
                f"{stretch.rate:.1f}",
                f"{together.percentile(0.5) * 1000:.1f}",
                f"{together.percentile(0.99) * 1000:.1f}",
                f"{together.most * 1000:.1f}",
                " ".join(f"{each.proportional:.1f}" for each in held),
                " ".join(f"{each.resident:.1f}" for each in held),
                " ".join(f"{each.files}" for each in held),
                "/".join(f"{each.threads}" for each in held),
                sample.rows["sessions"],
                f"{sample.megabytes:.1f}",
            )
        )
    print(f"  by call: {'; '.join(_told(each) for each in _by_call(report))}")
    if report.samples:
        print(f"  rows at the end: {', '.join(f'{name} {count}' for name, count in report.samples[-1].rows.items())}")
    print(f"  messages: {dict(report.messages)}, arrived: {dict(report.taken)}")
    for each in report.judgements:
        mark = {True: "level", False: "GROWS", None: "not judged: too short a run"}[each.is_good]
        print(f"  {each.name:<32}{each.before:>10.3f} -> {each.later:<10.3f}{mark}")
    for problem in report.problems:
        print(f"  ! {problem}")
    print(f"  {'good' if report.is_good else 'NOT GOOD'}", flush=True)


def _by_call(report: Report) -> Any:
    return summary(report.figures)["byCall"]


def _told(found: Mapping[str, Any]) -> str:
    return f"{found['call']} {found['calls']} (p50 {found['p50'] * 1000:.1f}, p99 {found['p99'] * 1000:.1f} ms)"


def _plain(report: Report) -> Mapping[str, Any]:
    return {
        "warmUp": [round(each, 1) for each in report.warm_up],
        "highestRate": round(report.highest, 1),
        "rate": round(report.rate, 1),
        "load": summary(report.figures),
        "stretches": [summary(each) for each in report.figures.each],
        "samples": [asdict(each) for each in report.samples],
        "judgements": [asdict(each) for each in report.judgements],
        "messages": dict(report.messages),
        "arrived": dict(report.taken),
        "problems": report.problems,
        "isGood": report.is_good,
    }


if __name__ == "__main__":
    raise SystemExit(main())
