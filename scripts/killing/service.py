"""`gatehouse serve` as an operator starts it, in a process group that is killed as a whole."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from scripts.proc import stat

_START_SECONDS, _END_SECONDS = 40.0, 10.0


class Service:
    """The service in a folder of its own. It may be started as often as it was killed."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        """Take the settings by the names of their environment variables. Nothing runs yet."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
        self.environment = inherited | settings | {"GATEHOUSE_BIND": f"127.0.0.1:{self.port}"}
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Everything that was logged so far."""
        return (self.folder / "log").read_text(encoding="utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of `gatehouse` to its end."""
        command = [sys.executable, "-m", "gatehouse", *arguments]
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def start(self) -> None:
        """Start it, and do not wait."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gatehouse", "serve"],
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until it says that it is ready. Raises RuntimeError when it ends, or does not get there."""
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_START_SECONDS)
                connection.request("GET", "/readyz")
                is_ready = connection.getresponse().status == http.HTTPStatus.OK
                connection.close()
                if is_ready:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"the service did not start:\n{self.log[-4000:]}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process that looks after the others."""
        assert self._process is not None
        self._process.send_signal(number)

    def processes(self) -> list[int]:
        """Return the processes that answer."""
        assert self._process is not None
        main = self._process.pid
        return [int(each) for each in Path(f"/proc/{main}/task/{main}/children").read_text().split()]

    def kill(self) -> None:
        """Kill -9 every process of it at once, and wait until all are gone."""
        assert self._process is not None
        group = self._process.pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self._process.wait()
        self._process = None
        deadline = time.monotonic() + _END_SECONDS
        while _is_any_running(group):
            if time.monotonic() > deadline:
                raise RuntimeError("a process of the service outlived its kill")
            time.sleep(0.005)

    def stop(self) -> int:
        """Stop it in good order, and return its exit status. It may have been killed or stopped before."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(_START_SECONDS)
        self._process = None
        return status


def _is_any_running(group: int) -> bool:
    """Whether a process of this group is alive. Nobody may fetch the exit status of those whose parent was killed."""
    for each in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found = stat(each)
            if found.group == group and found.is_alive:
                return True
    return False
