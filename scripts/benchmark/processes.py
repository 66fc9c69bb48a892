"""The processes that are measured: started on one core, watched through /proc, stopped by their number."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START_SECONDS = 30
_ROOT = Path(__file__).parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """Which core the server has to itself, and which one makes the load. They are the same where there is one only."""

    server: int
    load: int


def choose_cores() -> Cores:
    """Return two of the cores that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(server=usable[-1], load=usable[0])


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def run_on(core: int, module: str, *arguments: str) -> dict[str, Any]:
    """Run a module of this package on one core and return the JSON that it prints."""
    with pinned(core):
        done = subprocess.run(
            command(module, arguments), env=environment_with({}), check=True, stdout=subprocess.PIPE, text=True
        )
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


class Service:
    """A gunicorn of our own under measurement: its port and its one worker."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        """Take a process that answers at the port."""
        self.port = port
        self._worker = _worker_of(process.pid)

    def cpu_seconds(self) -> float:
        """Return how much CPU the worker has used so far."""
        fields = Path(f"/proc/{self._worker}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_mb(self) -> float:
        """Return the worker's resident memory, private and shared, in millions of bytes."""
        for line in Path(f"/proc/{self._worker}/smaps_rollup").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "Rss":
                return int(value.split()[0]) * 1024 / 1e6
        raise RuntimeError("the kernel does not tell the resident memory")


@contextlib.contextmanager
def running(core: int, module: str, log: Path, *arguments: str, **environment: str) -> Iterator[Service]:
    """Start a module of this package that serves at the port of its first argument; stop it at the end."""
    port = _free_port()
    with pinned(core), log.open("wb") as output:
        process = subprocess.Popen(
            command(module, (str(port), *arguments)),
            env=environment_with(environment),
            cwd=log.parent,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_ready(process, port, log)
        yield Service(process, port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def command(module: str, arguments: tuple[str, ...]) -> list[str]:
    """Return how a module of this package is run."""
    return [sys.executable, "-m", f"{__package__}.{module}", *arguments]


def environment_with(own: dict[str, str]) -> dict[str, str]:
    """Return our environment with these settings of the service and no others, so that figures can be compared."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
    path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return kept | {"PYTHONPATH": path} | own


def _worker_of(arbiter: int) -> int:
    (worker,) = Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()
    return int(worker)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=_START_SECONDS) as probe,
        ):
            # The port is bound before the worker is there, so that only an answer tells.
            probe.sendall(b"GET / HTTP/1.0\r\n\r\n")
            if probe.recv(1):
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args} did not start:\n{log.read_text(errors='replace')[-4000:]}")
