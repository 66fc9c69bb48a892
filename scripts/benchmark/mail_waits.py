"""Reset codes under load: whether a mail server that hangs makes the calls slower that only queue mails."""

import base64
import contextlib
import http.client
import json
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.benchmark.processes import Cores, pinned, running
from scripts.sinks import running_sinks

_CONNECTIONS = 4
_PATH = "/guestmanagement/generateAndSendGuestResetPasswordCode.json"


def measure_queueing(cores: Cores, folder: Path, seconds: float, repeats: int) -> tuple[list[float], list[float]]:
    """Load two services in turn, one with each mail server; return the 95th percentiles, hanging and healthy."""
    with contextlib.ExitStack() as stack:
        services = []
        with pinned(cores.load):
            healthy = stack.enter_context(running_sinks()).mail_port
        for name, port in (("hanging", stack.enter_context(_hanging())), ("healthy", healthy)):
            own = folder / name
            own.mkdir()
            service = stack.enter_context(
                running(
                    cores.server,
                    "gatehouse_server",
                    own / "log",
                    str(own / "demo.json"),
                    GATEHOUSE_DATABASE_URL=f"sqlite:///{own / 'gatehouse.db'}",
                    GATEHOUSE_MAIL_URL=f"smtp://127.0.0.1:{port}?starttls=never",
                    # The same few accounts are asked for again and again.
                    GATEHOUSE_MAILS_PER_ACCOUNT="1000000",
                )
            )
            services.append((service.port, json.loads((own / "demo.json").read_text(encoding="utf-8"))))
        slowest: tuple[list[float], list[float]] = ([], [])
        with pinned(cores.load):
            for _ in range(repeats):
                for found, (port, demo) in zip(slowest, services, strict=True):
                    found.append(_percentile(port, demo, seconds))
    return slowest


def _percentile(port: int, demo: dict[str, Any], seconds: float) -> float:
    taken: list[float] = []
    until = time.perf_counter() + seconds
    threads = [
        threading.Thread(target=_ask, args=(port, demo, demo["accounts"][number], until, taken))
        for number in range(_CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statistics.quantiles(taken, n=20)[-1]


def _ask(port: int, demo: dict[str, Any], account: dict[str, Any], until: float, taken: list[float]) -> None:
    integration = demo["integrations"][0]
    credentials = base64.b64encode(f"{integration['clientId']}:{integration['clientSecret']}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    body = json.dumps({"merchantId": demo["merchantId"], "username": account["username"]})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while time.perf_counter() < until:
        started = time.perf_counter()
        connection.request("POST", _PATH, body, headers)
        answer = json.loads(connection.getresponse().read())
        taken.append(time.perf_counter() - started)
        if answer["result"] != "success":
            raise RuntimeError(f"an unexpected answer: {answer['errorCode']}")
    connection.close()


@contextlib.contextmanager
def _hanging() -> Iterator[int]:
    """Give the port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]
