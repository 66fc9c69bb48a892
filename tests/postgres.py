"""A PostgreSQL server of our own: started for a test session from Debian's binaries, thrown away after it."""

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.scratch import MIN_FREE_BYTES, scratch_folder

BINARIES = Path("/usr/lib/postgresql")
SERVER_USER = "postgres"
"""The server refuses to run as root, so that root starts it as the user that Debian's package makes."""
START_SECONDS = 30
USER = "gatehouse"

_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": 200,
    # Nothing has to outlive a power cut.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "autovacuum": "off",
}


class PostgresMissingError(Exception):
    """There is no PostgreSQL to test with. That is a failure and no reason to skip."""


@dataclass(frozen=True)
class Server:
    """A running server. Nothing in it outlives the test session."""

    port: int
    administration: psycopg.Connection[Any]

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{database}"

    @contextlib.contextmanager
    def database(self, name: str, template: str = "template0") -> Iterator[str]:
        """Make a database, give its SQLAlchemy URL, and drop it, whoever still holds a connection."""
        # Without fsync, copying files takes half the time of writing them into the log (PostgreSQL 15 and later).
        self.administration.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        try:
            yield self.url(name)
        finally:
            self.administration.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def running_server(
    own_options: Mapping[str, str] | None = None, needed_bytes: int = MIN_FREE_BYTES
) -> Iterator[Server]:
    """Start a server on a free loopback port, with room for so much, and stop it; the options go before ours.

    Raises PostgresMissingError.
    """
    binaries = _newest_binaries()
    with scratch_folder("gatehouse-postgres-", needed_bytes) as folder:
        as_user = _hand_over(folder)
        data, log, port = folder / "data", folder / "log", _free_port()
        _run([binaries / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"], as_user)
        chosen = _OPTIONS | {"port": port} | dict(own_options or {})
        options = [f"--{name}={value}" for name, value in chosen.items()]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", data, *options], stdout=output, stderr=output, cwd="/", **as_user
            )
        try:
            with _connect_when_ready(process, port, log) as administration:
                yield Server(port, administration)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)  # fast shutdown: open connections are closed
            process.wait(timeout=START_SECONDS)


def _newest_binaries() -> Path:
    versions = [each for each in BINARIES.glob("*/bin") if (each / "postgres").exists()]
    if not versions:
        raise PostgresMissingError(
            f"There is no PostgreSQL server in {BINARIES}. Install it: apt-get install postgresql (Debian 12 has 15)."
        )
    return max(versions, key=lambda each: int(each.parent.name))


def _hand_over(folder: Path) -> dict[str, Any]:
    """Give the folder to the user that the server runs as, and return how to start a program as that user."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam(SERVER_USER)
    except KeyError as error:
        raise PostgresMissingError(f"Root cannot run PostgreSQL, and there is no user {SERVER_USER}.") from error
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run(command: list[Any], as_user: dict[str, Any]) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd="/", **as_user)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _connect_when_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> psycopg.Connection[Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return psycopg.connect(
                host="127.0.0.1", port=port, user=USER, dbname="postgres", connect_timeout=2, autocommit=True
            )
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
