"""The service as an operator runs it: a process of its own with its own folder, on a free port."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVERS = "gunicorn", "granian"
"""What may speak HTTP in the processes, as the setting names it."""

READY_SECONDS = 40
STOP_SECONDS = 20


@dataclass(frozen=True)
class Service:
    """A running service with the demo data."""

    port: int
    folder: Path
    demo: dict[str, Any]
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def demo_file(self) -> Path:
        """What `gatehouse demo --json` printed."""
        return self.folder / "demo.json"

    @property
    def log(self) -> str:
        """Everything that was logged so far."""
        return (self.folder / "log").read_text(encoding="utf-8")


@contextlib.contextmanager
def running_service(
    folder: Path,
    database_url: str | None = None,
    settings: Mapping[str, str] | None = None,
    launcher: Sequence[str] = (),
) -> Iterator[Service]:
    """Run `gatehouse serve --demo` in this folder, on its own SQLite database or the one given.

    `settings` are further ones, by the names of their environment variables; with the file of a socket as its address
    it has no port. `launcher` is a command that runs it.
    """
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
    environment = inherited | {"GATEHOUSE_BIND": f"127.0.0.1:{port}", "GATEHOUSE_WORKERS": "2"}
    if database_url:
        environment["GATEHOUSE_DATABASE_URL"] = database_url
    environment |= settings or {}
    scheme = "https" if "GATEHOUSE_TLS_CERTIFICATE" in environment else "http"
    command = [*launcher, sys.executable, "-m", "gatehouse"]
    with running_command([*command, "serve", "--demo"], folder, environment):
        demo = _run([*command, "demo", "--json"], folder, environment)
        (folder / "demo.json").write_text(demo, encoding="utf-8")
        yield Service(port, folder, json.loads(demo), scheme)


@contextlib.contextmanager
def running_command(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Run a command that serves at `GATEHOUSE_BIND` of this environment, once it answers until the block ends."""
    # What it tells its operator (with the demo password) is not the log.
    with (folder / "log").open("wb") as log, (folder / "told").open("wb") as told:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=told, stderr=log)
    try:
        _wait_until_ready(process, environment["GATEHOUSE_BIND"], folder / "log")
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def free_port() -> int:
    """Return a port of the loopback address on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            _connect(address)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the service did not start:\n{log.read_text(encoding='utf-8')}")


def _connect(address: str) -> None:
    kind, _, rest = address.partition(":")
    if kind != "unix":
        socket.create_connection((kind, int(rest)), timeout=1).close()
        return
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(rest)
