"""The cases: what is measured against what, and how often."""

import contextlib
import json
import statistics
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatehouse.config import Settings
from scripts.benchmark import envelopes, load
from scripts.benchmark.load import Outcome, Series
from scripts.benchmark.processes import Cores, Service, pinned, run_on, running

CONNECTIONS = 16
MEMORY_CONNECTIONS = 64

MEMORY_MB = 150
"""Millions of bytes that a worker may take beside Argon2. Source: issue of the SOAP service, Speed."""

_MEMORY_LOOKS = 0.1
"""Seconds between two looks at the memory under load."""


@dataclass(frozen=True)
class Case:
    """Two things to measure in turn. The target is the least ratio of their rates."""

    name: str
    against: str
    subject: Callable[[float], Outcome]
    baseline: Callable[[float], Outcome]
    target: float | None = None


@dataclass
class Figures:
    """What came of a case, a value for each repeat."""

    case: Case
    subjects: list[Outcome] = field(default_factory=list)
    baselines: list[Outcome] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """The ratio of the two rates in each repeat."""
        return [rate(one) / rate(other) for one, other in zip(self.subjects, self.baselines, strict=True)]

    @property
    def is_reached(self) -> bool:
        """Whether the median is at least the target."""
        return self.case.target is None or statistics.median(self.ratios) >= self.case.target


@dataclass(frozen=True)
class Memory:
    """The most that a worker held under load, and the most that it may, in millions of bytes."""

    resident: float
    bound: float

    @property
    def is_reached(self) -> bool:
        """Whether it stayed under the bound."""
        return self.resident < self.bound


def rate(outcome: Outcome) -> float:
    """Return calls per second."""
    return outcome.calls / outcome.seconds


def cpu_microseconds(outcome: Outcome) -> float:
    """Return how much CPU of the process a call took."""
    return outcome.cpu / max(outcome.calls, 1) * 1e6


def measure(cases: Sequence[Case], seconds: float, repeats: int) -> list[Figures]:
    """Measure every case and its baseline, one after the other, as often as said."""
    figures = [Figures(case) for case in cases]
    for _ in range(repeats):
        for each in figures:
            each.subjects.append(each.case.subject(seconds))
            each.baselines.append(each.case.baseline(seconds))
    return figures


class Bench:
    """Gatehouse on a database of each kind, and bare servers, all on one core; each works while the others rest."""

    def __init__(self, cores: Cores, folder: Path) -> None:
        """Take the cores, and a folder for databases and logs."""
        self._cores = cores
        self._folder = folder
        self._open = contextlib.ExitStack()
        with pinned(cores.server):
            # What one process has by default depends on the cores that it may use.
            self._settings = Settings()

    def __enter__(self) -> "Bench":
        """Nothing is started before a case needs it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self._open.close()

    def start(self, database: str, url: str) -> "Gatehouse":
        """Start Gatehouse on this database."""
        folder = self._folder / database
        folder.mkdir()
        demo_file = folder / "demo.json"
        service = self._open.enter_context(
            running(
                self._cores.server,
                "gatehouse_server",
                folder / "log",
                str(demo_file),
                GATEHOUSE_DATABASE_URL=url,
            )
        )
        return Gatehouse(service, json.loads(demo_file.read_text(encoding="utf-8")))

    def login(self, gatehouse: "Gatehouse", database: str) -> Case:
        """Login, against as many processes that do nothing but verify the same hash."""
        many = gatehouse.logins(CONNECTIONS)
        return Case(
            f"Login, {database}",
            "Argon2id alone",
            lambda seconds: self._load(gatehouse.service, many, seconds),
            self._verify,
            target=0.9,
        )

    def against_bare(self, name: str, service: Service, many: Sequence[Series]) -> Case:
        """Calls of one method, against a server that sends the reply to the first of them to all."""
        body_file = self._folder / f"{name}.xml"
        body_file.write_bytes(load.ask(service.port, many[0]).partition(b"\r\n\r\n")[2])
        log = self._folder / f"{name}.log"
        bare = self._open.enter_context(running(self._cores.server, "bare_server", log, str(body_file)))
        return Case(
            name,
            "bare gunicorn and lxml",
            lambda seconds: self._load(service, many, seconds),
            lambda seconds: self._load(bare, [Series(each.request, each.key) for each in many], seconds),
        )

    def memory(self, gatehouse: "Gatehouse", seconds: float) -> Memory:
        """Return the most memory that the worker held while many logged in at the same time."""
        with _most(gatehouse.service.resident_mb) as most:
            self._load(gatehouse.service, gatehouse.logins(MEMORY_CONNECTIONS), seconds)
        hashes = self._settings.hash_slots * self._settings.argon2_memory_kib * 1024 / 1e6
        return Memory(most[0], MEMORY_MB + hashes)

    def _load(self, service: Service, many: Sequence[Series], seconds: float) -> Outcome:
        with pinned(self._cores.load):
            return load.run(service.port, many, seconds, service.cpu_seconds)

    def _verify(self, seconds: float) -> Outcome:
        settings = self._settings
        parameters = (settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes)
        printed = run_on(self._cores.server, "raw_argon2", str(seconds), *map(str, parameters))
        return Outcome(**printed, slowest=0.0)


class Gatehouse:
    """A Gatehouse that runs, and what its demo data let a client ask."""

    def __init__(self, service: Service, demo: dict[str, Any]) -> None:
        """Take the service and what `gatehouse demo --json` would print."""
        self.service = service
        self._demo = demo
        self._token: str = demo["applicationToken"]

    def logins(self, count: int, with_cookie: bool = False) -> list[Series]:
        """Return series of Login, of the customers in turn."""
        customers = [account for account in self._demo["accounts"] if account["userrole"] == "15"]
        return [
            Series(self._login(customers[number % len(customers)], with_cookie), "Success") for number in range(count)
        ]

    def refusals(self, count: int) -> list[Series]:
        """Return series of UpdatePassword without a session."""
        members = {"oldPassword": "what it was", "newPassword": "what it shall be"}
        request = envelopes.request("UpdatePassword", self._token, **members)
        return [Series(request, "SessionRequired") for _ in range(count)]

    def decodes(self, count: int) -> list[Series]:
        """Return series of DecodeLoginCookie, each with a login of its own at the beginning."""
        return [
            _Decodes(self._token, load.ask(self.service.port, login)) for login in self.logins(count, with_cookie=True)
        ]

    def _login(self, account: dict[str, str], with_cookie: bool) -> bytes:
        return envelopes.request(
            "Login",
            self._token,
            Email=account["email"],
            Password=account["password"],
            userrole=account["userrole"],
            setCookie="true" if with_cookie else "false",
        )


class _Decodes(Series):
    """DecodeLoginCookie, each time with the cookie that came last."""

    def __init__(self, token: str, login_reply: bytes) -> None:
        self._token = token
        super().__init__(self._with_cookie(login_reply), "Success")

    def take(self, reply: bytes) -> None:
        super().take(reply)
        self.request = self._with_cookie(reply)

    def _with_cookie(self, reply: bytes) -> bytes:
        return envelopes.request("DecodeLoginCookie", self._token, Cookie=envelopes.cookie_in(reply))


@contextlib.contextmanager
def _most(look: Callable[[], float]) -> Iterator[list[float]]:
    """Look again and again inside the block; the only item of what is given becomes the most that was seen."""
    most, is_over = [look()], threading.Event()

    def keep_looking() -> None:
        while not is_over.wait(_MEMORY_LOOKS):
            most[0] = max(most[0], look())

    thread = threading.Thread(target=keep_looking)
    thread.start()
    try:
        yield most
    finally:
        is_over.set()
        thread.join()
        most[0] = max(most[0], look())
