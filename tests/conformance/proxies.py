"""Real proxies in front of the live service, configured with the very examples of docs/running.md."""

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.conformance.service import free_port

GUIDE = Path(__file__).parent.parent.parent / "docs/running.md"
START_SECONDS = 20


def examples(language: str) -> list[str]:
    """Return the examples of the guide that are in this language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def adapted(example: str, changes: Mapping[str, str]) -> str:
    """Return an example with the ports, files and names of this machine. Each one to change must be in it."""
    for before, after in changes.items():
        assert before in example, f"{before} is not in the example any more"
        example = example.replace(before, after)
    return example


@contextlib.contextmanager
def running_nginx(
    folder: Path, server: str, port: int, own_address: str | None = None, user: str | None = None
) -> Iterator[None]:
    """Run nginx with this server block. It calls what is behind it from `own_address`, and as `user` where given."""
    folder.mkdir()
    processes = f"master_process on; worker_processes 1; user {user};" if user else "master_process off;"
    bind = f"proxy_bind {own_address};" if own_address else ""
    paths = "".join(f"{kind}_temp_path temp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = f"""
        daemon off; {processes} pid nginx.pid; error_log stderr;
        events {{ worker_connections 256; }}
        http {{ access_log off; {paths} {bind} {server} }}
    """
    (folder / "nginx.conf").write_text(config, encoding="utf-8")
    command = [_program("nginx", "nginx-light"), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]
    with _running(command, folder / "log", port):
        yield


@contextlib.contextmanager
def running_haproxy(folder: Path, config: str, port: int) -> Iterator[None]:
    """Run HAProxy with this configuration."""
    folder.mkdir()
    (folder / "haproxy.cfg").write_text(config, encoding="utf-8")
    command = [_program("haproxy", "haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]
    with _running(command, folder / "log", port):
        yield


@contextlib.contextmanager
def _running(command: list[str], log_file: Path, port: int) -> Iterator[None]:
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            assert process.poll() is None, log_file.read_text()
            assert time.monotonic() < deadline, log_file.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _program(name: str, package: str) -> str:
    found = shutil.which(name, path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin")
    if found is None:
        pytest.fail(f"There is no {name}. Install the package {package}.", pytrace=False)
    return found


__all__ = ["adapted", "examples", "free_port", "running_haproxy", "running_nginx"]
