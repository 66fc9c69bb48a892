"""A Redis server of our own, on a free loopback port, which a test may stop and start again."""

import socket
import subprocess
import time
from pathlib import Path

BINARY = Path("/usr/bin/redis-server")
START_SECONDS = 30


class RedisServer:
    """A server that keeps everything in memory."""

    def __init__(self) -> None:
        """Choose a port; nothing runs yet."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL for `GATEHOUSE_RATE_LIMIT_URL`."""
        return f"redis://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it answers. Without Redis this fails: it is no reason to skip."""
        assert BINARY.exists(), "Redis is missing; install Debian's package redis-server"
        options = ["--bind", "127.0.0.1", "--port", str(self._port), "--save", "", "--appendonly", "no", "--dir", "/"]
        self._process = subprocess.Popen([BINARY, *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                has_failed = self._process.poll() is not None or time.monotonic() > deadline
                assert not has_failed, "Redis did not start"
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_SECONDS)
            self._process = None
