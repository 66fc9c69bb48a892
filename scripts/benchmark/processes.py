"""The processes that are measured: started on one core, watched through /proc, stopped by their number."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.proc import stat

_START_SECONDS = 120
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
    """A server of our own under measurement: its port, and all its processes."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        """Take a process that answers at the port."""
        self.port = port
        self._process = process

    def cpu_seconds(self) -> float:
        """Return how much CPU its processes have used so far."""
        return sum(stat(number).cpu_ticks for number in _tree(self._process.pid)) / _TICKS

    def processes(self) -> list[int]:
        """Return its processes, the one that was started first."""
        return _tree(self._process.pid)

    def workers(self) -> list[int]:
        """Return the processes that answer: those that the first one made, and itself where it made none."""
        return _tree(self._process.pid)[1:] or [self._process.pid]

    def libraries(self) -> set[Path]:
        """Return the files with code that its processes have in their memory."""
        maps = [Path(f"/proc/{number}/maps").read_text().splitlines() for number in self.processes()]
        fields = [line.split(maxsplit=5) for lines in maps for line in lines]
        return {Path(each[5]) for each in fields if len(each) > 5 and "x" in each[1]}

    def resident_mb(self) -> float:
        """Return the resident memory of its largest worker, private and shared, in millions of bytes."""
        return max(memory_mb(number)["Rss"] for number in self.workers())


def memory_mb(process: int) -> dict[str, float]:
    """Return what the kernel tells of a process's memory, by its names, in millions of bytes."""
    found: dict[str, float] = {}
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, value = line.partition(":")
        found[name] = int(value.split()[0]) * 1024 / 1e6
    return found


@contextlib.contextmanager
def running(core: int, module: str, log: Path, *arguments: str, **environment: str) -> Iterator[Service]:
    """Start a module of this package that serves at the port of its first argument; stop it at the end."""
    port = free_port()
    with running_command(core, command(module, (str(port), *arguments)), port, log, **environment) as service:
        yield service


@contextlib.contextmanager
def running_command(
    core: int, arguments: Sequence[str | Path], port: int, log: Path, folder: Path | None = None, **environment: str
) -> Iterator[Service]:
    """Start a program that serves at this port, by default in the folder of its log; stop it at the end."""
    with pinned(core), log.open("wb") as output:
        process = subprocess.Popen(
            arguments, env=environment_with(environment), cwd=folder or log.parent, stdout=output, stderr=output
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


def _tree(process: int) -> list[int]:
    """Return the number of a process and those of all that it has started, itself first."""
    found = [process]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


def free_port() -> int:
    """Return a port of the loopback that nothing uses."""
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
