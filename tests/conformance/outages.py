"""What is taken away from a live service, and what its fronts answer meanwhile."""

import http.client
import json
import os
import pwd
import shlex
import signal
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from scripts.killing.client import Client, LostError
from scripts.proc import stat
from tests import postgres
from tests.conformance.service import Service
from tests.conformance.soap import PATH, call, envelope, members

_STARTED_WITHIN = 30.0


class Outage:
    """A PostgreSQL server that goes and comes back. It is `postgres.running_server`'s; what it starts, it stops."""

    def __init__(self, server: postgres.Server) -> None:
        """Take a server that runs."""
        self._port = server.port
        self._data = Path(str(server.administration.execute("SHOW data_directory").fetchone()[0]))  # type: ignore[index]
        self._started: subprocess.Popen[bytes] | None = None

    def go(self, how: signal.Signals) -> None:
        """Stop the server: SIGINT ends every connection and then the server, SIGKILL leaves everything as it is."""
        process = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(process, how)
        if self._started is not None:
            self._started.wait(_STARTED_WITHIN)
            self._started = None
            return
        deadline = time.monotonic() + _STARTED_WITHIN
        while _is_alive(process):
            assert time.monotonic() < deadline, "PostgreSQL does not stop"
            time.sleep(0.02)

    def come_back(self) -> None:
        """Start the server again with the options that it had, and wait until it answers."""
        command = shlex.split((self._data / "postmaster.opts").read_text())
        as_user = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam(postgres.SERVER_USER)
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        deadline = time.monotonic() + _STARTED_WITHIN
        while True:
            if self._started is None or self._started.poll() is not None:
                # After a kill, the first tries may find processes of the server that have not noticed yet.
                with (self._data.parent / "log").open("ab") as log:
                    self._started = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, **as_user)  # type: ignore[call-overload]
            try:
                self.run("SELECT 1")
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "PostgreSQL does not come back"
                time.sleep(0.1)
            else:
                return

    def freeze(self) -> None:
        """Stop every process of the server where it is; what is sent to them is taken, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the server go on where it was."""
        self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        # The first one first: it would begin others meanwhile.
        os.kill(first, what)
        for each in Path(f"/proc/{first}/task/{first}/children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(each), what)

    def run(self, statement: str) -> None:
        """Run a statement outside of any transaction, on a connection of its own."""
        with psycopg.connect(
            host="127.0.0.1", port=self._port, user=postgres.USER, dbname="postgres", connect_timeout=2, autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def end(self) -> None:
        """Stop what was started here."""
        if self._started is not None:
            self.go(signal.SIGINT)


def _is_alive(process: int) -> bool:
    """Whether a process runs; one whose exit status nobody has fetched does not."""
    try:
        return stat(process).is_alive
    except OSError:
        return False


@dataclass(frozen=True)
class Fronts:
    """What each front answered: its HTTP status and its outcome. `texts` are the whole answers, `slowest` seconds."""

    outcomes: dict[str, tuple[int, str]]
    texts: list[str]
    slowest: float


UNAVAILABLE = {
    "SOAP": (200, "ServiceUnavailable"),
    "JSON": (503, "The service is not available. Try again later."),
    "guestmanagement": (200, "guestmanagement.service_unavailable"),
    "hosted page": (503, ""),
    "readyz": (503, "not ready"),
    "healthz": (200, "alive"),
}
"""What the fronts answer while the database is away. Source: contract, return codes; issue of the accounts, Faults."""


def ask_every_front(service: Service) -> Fronts:
    """Ask each front once."""
    demo = service.demo
    account, partner = demo["accounts"][0], demo["integrations"][0]
    values = {"Email": account["email"], "Password": account["password"], "userrole": account["userrole"]}
    token = {"applicationToken": demo["applicationToken"]}
    basic = b64encode(f"{partner['clientId']}:{partner['clientSecret']}".encode()).decode()
    asked = {
        "SOAP": ("POST", PATH, envelope(call("Login", members(values | token))), {"Content-Type": "text/xml"}),
        "JSON": ("POST", f"{PATH}/Login", json.dumps(values), {"Content-Type": "application/json"} | token),
        "guestmanagement": (
            "POST",
            "/guestmanagement/generateAndSendGuestResetPasswordCode.json",
            json.dumps({"merchantId": demo["merchantId"], "email": account["email"]}),
            {"Content-Type": "application/json", "Authorization": f"Basic {basic}"},
        ),
        "hosted page": ("GET", "/reset?code=abcdefgh", "", {}),
        "readyz": ("GET", "/readyz", "", {}),
        "healthz": ("GET", "/healthz", "", {}),
    }
    outcomes, texts, slowest = {}, [], 0.0
    for name, (verb, path, body, headers) in asked.items():
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        began = time.monotonic()
        connection.request(verb, path, body.encode(), headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        slowest = max(slowest, time.monotonic() - began)
        texts.append(text)
        outcomes[name] = (response.status, _outcome(name, text))
    return Fronts(outcomes, texts, slowest)


def _outcome(front: str, text: str) -> str:
    match front:
        case "SOAP":
            return text.partition("Key>")[2].partition("<")[0]
        case "hosted page":
            return ""
    found = json.loads(text)
    named = ("errorCode", "result", "status", "Message")
    return next((str(found[name]) for name in named if name in found), text)


def assert_tells_nothing(*texts: str, besides: Path) -> None:
    """Neither answers nor logs hold a stack trace, a path, or what a driver said."""
    for text in texts:
        for word in (
            "Traceback",
            'File "',
            ".py",
            str(besides),
            "gatehouse.db",
            "sqlite3",
            "psycopg",
            "SELECT ",
            "127.0.0.1:",
        ):
            assert word not in text, (word, text[max(text.index(word) - 300, 0) : text.index(word) + 300])


def wait_until(is_so: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    """Wait until it is so; fail when it takes longer, and tell what is so otherwise."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.1)


def is_ready(service: Service) -> bool:
    """Whether the service says that it can do its work."""
    with closing(Client(service.port, "")) as client, suppress(LostError):
        return client.request("GET", "/readyz").status == 200
    return False


def processes(service: Service) -> list[int]:
    """Return the processes of the service that answer, by their folder and address."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_of_service = (each / "cwd").readlink() == service.folder
            command = (each / "cmdline").read_bytes().split(b"\0")
            parent = stat(each).parent
            parent_command = Path(f"/proc/{parent}/cmdline").read_bytes()
            if is_of_service and b"serve" in command and b"\0serve" in parent_command:
                found.append(int(each.name))
    return sorted(found)
