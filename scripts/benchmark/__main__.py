"""The command: measures the chosen cases, prints a table or JSON, and says what changed since a run before."""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.benchmark import table
from scripts.benchmark.bench import Bench, Options
from scripts.benchmark.cases import GROUPS, Group
from scripts.benchmark.measuring import Row
from scripts.benchmark.processes import Cores, choose_cores
from tests.scratch import MIN_FREE_BYTES

_SECONDS, _SLOW_SECONDS, _REPEATS = 1.5, 3.0, 3
_QUICK_SECONDS, _QUICK_SLOW_SECONDS, _QUICK_REPEATS = 0.3, 0.4, 1
_MAILS, _QUICK_MAILS = 2000, 100
_MEMORY_CALLS, _QUICK_MEMORY_CALLS = 30_000, 600
_BYTES_PER_ACCOUNT, _BYTES_PER_ROW = 2000, 800
"""On PostgreSQL, with indexes and the work of making them; an account with its login cookie."""
_SLOW, _NAMED = " (slow)", " (only by its name)"
_PANEL_BYTES = 12 * 1024**3
_ACCOUNTS, _SESSIONS, _AUDIT_ENTRIES = 5_000_000, 20_000_000, 20_000_000


def main() -> int:
    """Run the command and return its exit status."""
    asked = _arguments()
    # Ends what runs as well, which the signal alone would leave behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    cores = choose_cores()
    if cores.server == cores.load:
        print("There is one core only: server and load share it, so that the ratios say little.", file=sys.stderr)
    before = json.loads(asked.compare.read_text(encoding="utf-8"))["cases"] if asked.compare else None
    started = time.monotonic()
    rows = _measure(_chosen(asked.groups, asked.all), cores, _options(asked), is_told=not asked.json)
    told = {
        "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "cases": table.plain(rows),
    }
    if asked.json:
        print(json.dumps(told, indent=2))
    else:
        print(f"Measured in {told['seconds']} s.")
    if asked.output:
        asked.output.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    if before is not None:
        _tell_changes(before, told, file=sys.stderr if asked.json else sys.stdout)
    return 1 if asked.check and not all(row.is_reached in (None, True) for row in rows) else 0


def _measure(groups: Sequence[Group], cores: Cores, options: Options, is_told: bool) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as name, Bench(cores, Path(name), options) as bench:
        if is_told:
            print(table.heading())
        for group in groups:
            for row in group.run(bench):
                rows.append(row)
                if is_told:
                    print(table.line(row), flush=True)
    return rows


def _tell_changes(before: list[dict[str, Any]], told: dict[str, Any], file: Any) -> None:
    print("\nSince then:", file=file)
    for text in table.changes(before, told["cases"]):
        print(text, file=file)


def _chosen(names: Sequence[str], is_all: bool) -> list[Group]:
    if names:
        return [each for each in GROUPS if each.name in names]
    return [each for each in GROUPS if not each.is_named_only and (is_all or not each.is_slow)]


def _options(asked: argparse.Namespace) -> Options:
    is_quick: bool = asked.quick
    return Options(
        seconds=asked.seconds or (_QUICK_SECONDS if is_quick else _SECONDS),
        slow_seconds=2 * asked.seconds if asked.seconds else (_QUICK_SLOW_SECONDS if is_quick else _SLOW_SECONDS),
        repeats=asked.repeats or (_QUICK_REPEATS if is_quick else _REPEATS),
        mails=_QUICK_MAILS if is_quick else _MAILS,
        memory_calls=asked.memory_calls or (_QUICK_MEMORY_CALLS if is_quick else _MEMORY_CALLS),
        accounts=asked.accounts,
        sessions=asked.sessions,
        audit_entries=asked.audit_entries,
        cache=asked.cache.absolute(),
        database_bytes=_database_bytes(asked),
        is_quick=is_quick,
        must_have_postgresql=asked.postgres,
    )


def _database_bytes(asked: argparse.Namespace) -> int:
    """Return how much room the largest database of these groups needs."""
    needed = MIN_FREE_BYTES
    if "scale" in asked.groups:
        rows = asked.sessions + asked.audit_entries
        needed = max(needed, asked.accounts * _BYTES_PER_ACCOUNT + rows * _BYTES_PER_ROW)
    if "panel" in asked.groups and not asked.quick:
        needed = max(needed, _PANEL_BYTES)
    return needed


def _kind_of(group: Group) -> str:
    return _NAMED if group.is_named_only else _SLOW if group.is_slow else ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure the service on one core against the limits of that core, under load from another.",
        epilog="Groups:\n" + "\n".join(f"  {each.name}{_kind_of(each)}" for each in GROUPS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("groups", nargs="*", metavar="GROUP", help="what to measure; by default all that is not slow")
    add("--all", action="store_true", help="measure the slow groups, too: they install the programs of others")
    add("--quick", action="store_true", help="a smoke run; its figures say little")
    add("--json", action="store_true", help="print the figures as JSON")
    add("--output", type=Path, metavar="FILE", help="write the figures to this file as JSON as well")
    add("--compare", type=Path, metavar="FILE", help="say what changed since the run that wrote this JSON")
    add("--postgres", action="store_true", help="fail where there is no PostgreSQL to start")
    add("--check", action="store_true", help="exit with status 1 when a target is missed")
    add("--seconds", type=float, help=f"for each measurement ({_SECONDS}; twice as long where calls are slow)")
    add("--repeats", type=int, help=f"of each measurement ({_REPEATS})")
    add("--memory-calls", type=int, help=f"after which the memory is looked at ({_MEMORY_CALLS})")
    add("--accounts", type=int, default=_ACCOUNTS, help="of the group scale on PostgreSQL (%(default)s)")
    add("--sessions", type=int, default=_SESSIONS, help="of the same (%(default)s)")
    add("--audit-entries", type=int, default=_AUDIT_ENTRIES, help="of the same, over a year (%(default)s)")
    add(
        "--cache",
        type=Path,
        default=Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gatehouse-bench",
        help="where the programs of others are installed (%(default)s)",
    )
    asked = parser.parse_args()
    if unknown := set(asked.groups) - {each.name for each in GROUPS}:
        parser.error(f"there is no group {', '.join(sorted(unknown))}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
