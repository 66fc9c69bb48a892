"""The command: measures every case, prints a table or JSON, and with --check fails when a target is missed."""

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from scripts.benchmark.cases import CONNECTIONS, Bench, Figures, Memory, cpu_microseconds, measure, rate
from scripts.benchmark.deliveries import MAILS, QUICK_MAILS, Deliveries, measure_deliveries
from scripts.benchmark.load import Outcome
from scripts.benchmark.processes import choose_cores, pinned
from scripts.benchmark.queueing import Queueing, measure_queueing
from tests import postgres

_SECONDS, _REPEATS = 4.0, 3
_QUICK_SECONDS, _QUICK_REPEATS = 0.5, 1


def main() -> int:
    """Run the command and return its exit status."""
    asked = _arguments()
    cores = choose_cores()
    if cores.server == cores.load:
        print("There is one core only: server and load share it, so that the ratios say little.", file=sys.stderr)
    seconds, repeats = (_QUICK_SECONDS, _QUICK_REPEATS) if asked.quick else (_SECONDS, _REPEATS)
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(_postgres(cores.server, is_wanted=asked.postgres))
        bench = stack.enter_context(Bench(cores, folder))
        sqlite = bench.start("sqlite", f"sqlite:///{folder / 'gatehouse.db'}")
        cases = [bench.login(sqlite, "SQLite")]
        if server:
            postgres_url = stack.enter_context(server.database("gatehouse"))
            cases.append(bench.login(bench.start("postgresql", postgres_url), "PostgreSQL"))
        cases += [
            bench.against_bare("DecodeLoginCookie, SQLite", sqlite.service, sqlite.decodes(CONNECTIONS)),
            bench.against_bare("UpdatePassword refused, SQLite", sqlite.service, sqlite.refusals(CONNECTIONS)),
        ]
        figures = measure(cases, seconds, repeats)
        memory = bench.memory(sqlite, seconds)
        mails = QUICK_MAILS if asked.quick else MAILS
        deliveries = [measure_deliveries(cores, "SQLite", f"sqlite:///{folder / 'deliveries.db'}", mails)]
        if server:
            # A database of its own: the service of the case above delivers what is in its outbox by itself.
            postgres_url = stack.enter_context(server.database("deliveries"))
            deliveries.append(measure_deliveries(cores, "PostgreSQL", postgres_url, mails))
        queueing = measure_queueing(cores, folder, seconds, repeats)
    if asked.json:
        print(json.dumps(_plain(figures, memory, deliveries, queueing), indent=2))
    else:
        _print_table(figures, memory, deliveries, queueing)
    is_reached = all(each.is_reached for each in (*figures, memory, *deliveries, queueing))
    return 1 if asked.check and not is_reached else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure the service on one core against the limits of that core, under load from another.",
    )
    parser.add_argument("--quick", action="store_true", help="a smoke run in half a minute; its figures say little")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--postgres", action="store_true", help="fail where there is no PostgreSQL to start")
    parser.add_argument("--check", action="store_true", help="exit with status 1 when a target is missed")
    return parser.parse_args()


@contextlib.contextmanager
def _postgres(core: int, is_wanted: bool) -> Iterator[postgres.Server | None]:
    """Give a server of our own, on the core of what is measured; None where there is none."""
    with contextlib.ExitStack() as stack:
        server: postgres.Server | None = None
        try:
            with pinned(core):
                server = stack.enter_context(postgres.running_server())
        except postgres.PostgresMissingError as error:
            if is_wanted:
                raise SystemExit(str(error)) from error
            print(f"Without PostgreSQL: {error}", file=sys.stderr)
        yield server


def _print_table(
    figures: Sequence[Figures], memory: Memory, deliveries: Sequence[Deliveries], queueing: Queueing
) -> None:
    row = "{:<32}{:>9}{:>9}  {:<24}{:>9}{:>9}  {:<20}{:>8}"
    print(row.format("case", "calls/s", "CPU µs", "against", "calls/s", "CPU µs", "ratio (min…max)", "target"))
    for each in figures:
        ratios, target = each.ratios, each.case.target
        print(
            row.format(
                each.case.name,
                f"{_median(each.subjects, rate):.1f}",
                f"{_median(each.subjects, cpu_microseconds):.0f}",
                each.case.against,
                f"{_median(each.baselines, rate):.1f}",
                f"{_median(each.baselines, cpu_microseconds):.0f}",
                f"{statistics.median(ratios):.2f} ({min(ratios):.2f}…{max(ratios):.2f})",
                "" if target is None else f"≥ {target:.2f}{'' if each.is_reached else ' !'}",
            )
        )
    missed = "" if memory.is_reached else " !"
    print(
        f"Memory of a worker, 64 logins in parallel: {memory.resident:.0f} MB (target < {memory.bound:.0f} MB{missed})"
    )
    for each in deliveries:
        missed = "" if each.is_reached else " !"
        print(f"Mails of a worker, {each.database}: {each.rate:.0f}/s (target ≥ {each.target:.0f}/s{missed})")
    ratios, missed = queueing.ratios, "" if queueing.is_reached else " !"
    print(
        f"generateAndSend, p95 with the mail server hanging: {statistics.median(queueing.hanging) * 1000:.1f} ms, "
        f"healthy: {statistics.median(queueing.healthy) * 1000:.1f} ms, ratio {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f}…{max(ratios):.2f}, target ≤ {queueing.target:.2f}{missed})"
    )


def _plain(
    figures: Sequence[Figures], memory: Memory, deliveries: Sequence[Deliveries], queueing: Queueing
) -> dict[str, Any]:
    cases = [
        {
            "case": each.case.name,
            "against": each.case.against,
            "rate": _median(each.subjects, rate),
            "cpuMicroseconds": _median(each.subjects, cpu_microseconds),
            "slowestSeconds": max(one.slowest for one in each.subjects),
            "againstRate": _median(each.baselines, rate),
            "againstCpuMicroseconds": _median(each.baselines, cpu_microseconds),
            "ratio": statistics.median(each.ratios),
            "ratioMin": min(each.ratios),
            "ratioMax": max(each.ratios),
            "target": each.case.target,
            "isReached": each.is_reached,
        }
        for each in figures
    ]
    held = {"residentMB": memory.resident, "boundMB": memory.bound, "isReached": memory.is_reached}
    sent = [
        {"database": each.database, "rate": each.rate, "target": each.target, "isReached": each.is_reached}
        for each in deliveries
    ]
    queued = {
        "hangingSeconds": statistics.median(queueing.hanging),
        "healthySeconds": statistics.median(queueing.healthy),
        "ratio": statistics.median(queueing.ratios),
        "target": queueing.target,
        "isReached": queueing.is_reached,
    }
    return {"cases": cases, "memory": held, "deliveries": sent, "queueing": queued}


def _median(outcomes: Sequence[Outcome], value: Callable[[Outcome], float]) -> float:
    return statistics.median(value(each) for each in outcomes)


if __name__ == "__main__":
    sys.exit(main())
