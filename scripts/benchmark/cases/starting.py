"""How long it takes from the command until /readyz says yes, and how much memory a second worker adds."""

import contextlib
import sys
import time
from collections.abc import Iterator

from scripts.benchmark import envelopes, load
from scripts.benchmark.bench import SECRET_KEY, SQLITE, UNLIMITED, Bench
from scripts.benchmark.gatehouse import Gatehouse
from scripts.benchmark.measuring import Row
from scripts.benchmark.processes import Service, free_port, memory_mb, pinned, running_command

READY_TARGET_SECONDS = 2.0

_PATIENCE_SECONDS = 30
_READY = envelopes.get("/readyz", {"Connection": "close"})


def run(bench: Bench) -> list[Row]:
    """Start the service on a database that is there, under each server; then with one worker and with two."""
    gatehouse = bench.gatehouse(SQLITE)
    rows = []
    for server in bench.servers:
        times = []
        for _ in range(bench.options.repeats):
            with _started(bench, gatehouse, GATEHOUSE_SERVER=server) as (_, seconds):
                times.append(seconds)
        rows.append(Row(f"start to ready, {server}", "", times, READY_TARGET_SECONDS, is_ceiling=True, unit="s"))
    return [*rows, _second_worker(bench, gatehouse)]


def _second_worker(bench: Bench, gatehouse: Gatehouse) -> Row:
    """Return what a second worker adds, shared pages counted by half, when both have answered calls."""
    held, alone = [], 0.0
    for workers in (1, 2):
        with _started(bench, gatehouse, GATEHOUSE_WORKERS=str(workers)) as (service, _):
            with pinned(bench.cores.load):
                load.run(service.port, gatehouse.refusals(), bench.options.seconds)
            memories = [memory_mb(number) for number in service.processes()]
            held.append(sum(each["Pss"] for each in memories))
            alone = alone or service.resident_mb()
    return Row("what a second worker adds", f"one holds {alone:.0f} MB", [held[1] - held[0]], unit="MB")


@contextlib.contextmanager
def _started(bench: Bench, gatehouse: Gatehouse, **environment: str) -> Iterator[tuple[Service, float]]:
    """Run `gatehouse serve` as it comes, and tell how many seconds it took to be ready."""
    port = free_port()
    own = {
        "GATEHOUSE_BIND": f"127.0.0.1:{port}",
        "GATEHOUSE_DATABASE_URL": gatehouse.url,
        "GATEHOUSE_SECRET_KEY": SECRET_KEY,
        **UNLIMITED,
        **environment,
    }
    if not bench.has_granian:
        own.pop("GATEHOUSE_SERVER", None)
    command = [sys.executable, "-m", "gatehouse", "serve"]
    started = time.perf_counter()
    with running_command(bench.cores.server, command, port, bench.folder / f"start-{port}.log", **own) as service:
        while b" 200 " not in load.ask(port, _READY).partition(b"\r\n")[0]:
            if time.perf_counter() - started > _PATIENCE_SECONDS:
                raise RuntimeError("the service does not become ready")
            time.sleep(0.01)
        yield service, time.perf_counter() - started
