"""The command: kills the service on SQLite and on PostgreSQL, and prints what was lost."""

import argparse
import signal
import sys

from scripts.killing.running import Report, run
from tests import postgres
from tests.scratch import scratch_folder

_KILLS = 50


def main() -> int:
    """Run the command and return its exit status: 1 when something was lost."""
    asked = _arguments()
    # So that what was started ends with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    reports: list[Report] = []
    for database in asked.database or ["sqlite", "postgresql"]:
        report = _on_sqlite(asked) if database == "sqlite" else _on_postgresql(asked)
        reports.append(report)
        print(f"{database}, seed {asked.seed}:")
        print("\n".join(f"  {line}" for line in report.lines), flush=True)
    return 1 if any(report.problems for report in reports) else 0


def _on_sqlite(asked: argparse.Namespace) -> Report:
    with scratch_folder("gatehouse-kills-") as folder:
        return run(folder, f"sqlite:///{folder / 'gatehouse.db'}", asked.kills, asked.seed)


def _on_postgresql(asked: argparse.Namespace) -> Report:
    with (
        postgres.running_server() as server,
        server.database("kills") as url,
        scratch_folder("gatehouse-kills-") as folder,
    ):
        return run(folder, url, asked.kills, asked.seed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/kills", description="Kill -9 the service under load, and look for what was lost."
    )
    parser.add_argument("--kills", type=int, default=_KILLS, help=f"how many, on each database (default {_KILLS})")
    parser.add_argument("--seed", type=int, default=1, help="which moments and calls (default 1)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append", help="only on this one")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
