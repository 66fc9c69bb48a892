"""More callers than threads, and a service that is stopped or renewed while they call."""

import secrets
import signal
import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gatehouse.config import read_settings
from gatehouse.operations.core import make_core
from scripts.killing import running
from scripts.killing.callers import Caller
from scripts.killing.client import Client, LostError
from scripts.killing.service import Service as Killable
from tests.conformance.load import SETTINGS
from tests.conformance.outages import assert_tells_nothing, processes, wait_until
from tests.conformance.service import Service, running_service

CALLERS = 200
SECONDS = 10.0
MOST_MEGABYTES = 230
"""Resident memory of a process: some 110 before anybody calls, and 20 for each password that is hashed at a time.

Two are, and the C library keeps a block or two of what they gave back. Eight, one for each thread, would take 270.
"""

pytestmark = pytest.mark.timeout(240)
"""On a busy machine, to start, to renew and to stop take their time."""

READY_WITHIN = 2.0
"""Seconds; on a machine that is busy with other things, less than half of the crowd waits for its answers."""

# Nobody may be refused for guessing, because every answer is known beforehand; hashes are as dear as by default.
CROWD_SETTINGS = {name: value for name, value in SETTINGS.items() if "ARGON2" not in name} | {
    "GATEHOUSE_WORKERS": "2",
    "GATEHOUSE_HASH_SLOTS": "2",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two processes."""
    with running_service(tmp_path_factory.mktemp("crowd"), settings=CROWD_SETTINGS) as running:
        yield running


class Crowd:
    """Many who call at once. Each knows what it must be answered."""

    def __init__(self, service: Service) -> None:
        """Take the service; nobody calls yet."""
        self._service = service
        self._until = 0.0
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        self.waits: list[float] = []
        self.wrong: list[str] = []
        self.unanswered = 0

    def call(self, seconds: float) -> None:
        """Let everybody call for so long."""
        self._until = time.monotonic() + seconds
        threads = [threading.Thread(target=self._caller, args=(number,)) for number in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _caller(self, number: int) -> None:
        account = self._service.demo["accounts"][number % 5]
        values = {"Email": account["email"], "Password": account["password"], "userrole": account["userrole"]}
        token = self._service.demo["applicationToken"] if number % 4 != 3 else str(uuid.uuid4())
        mine = 0
        with closing(Client(self._service.port, token, asks_again=True)) as client:
            while time.monotonic() < self._until:
                match number % 4:
                    case 0:
                        cookie = self._check(client, "Login", values | {"setCookie": True}, "Success", account)
                        self._check(client, "DecodeLoginCookie", {"Cookie": cookie}, "Success", account)
                    case 1:
                        self._check(client, "Login", values | {"Password": f"wrong {number}"}, "InvalidCredentials")
                    case 2:
                        self._check(client, "DecodeLoginCookie", {"Cookie": "no cookie"}, "InvalidCookie")
                        self._check(client, "Login", {"Email": account["email"]}, "MissingField")
                    case 3:
                        self._check(client, "Login", values, "InvalidApplicationToken")
                mine += 1
        if not mine:
            self.unanswered += 1

    def _check(
        self,
        client: Client,
        method: str,
        members: dict[str, object],
        expected: str,
        account: dict[str, str] | None = None,
    ) -> object:
        """Call, and compare the answer; of a success also whose it is."""
        began = time.monotonic()
        try:
            answer = client.call(method, members)
            found, whose = answer.key, answer.result.get("Email") if account else None
        except LostError as error:
            found, whose = f"lost ({error})", None
        with self._lock:
            self.answers[f"{method} {found}"] += 1
            self.waits.append(time.monotonic() - began)
            if found != expected or (account and whose != account["email"]):
                self.wrong.append(f"{method}: {found} of {whose} instead of {expected}")
        return answer.result.get("EncodedCookie") if found == "Success" else None


def test_two_hundred_callers_at_once(service: Service) -> None:
    """Every answer is right, memory is bounded, and who asks whether it is ready is told so."""
    crowd = Crowd(service)
    waits: list[float] = []
    statuses: Counter[int] = Counter()
    megabytes: list[float] = []
    calling = threading.Thread(target=crowd.call, args=(SECONDS,))
    calling.start()
    while calling.is_alive():
        began = time.monotonic()
        with closing(Client(service.port, "")) as client:
            statuses[client.request("GET", "/readyz").status] += 1
        waits.append(time.monotonic() - began)
        megabytes += [_resident_megabytes(each) for each in processes(service)]
        time.sleep(0.2)
    calling.join()

    assert crowd.wrong == []
    assert crowd.unanswered == 0
    assert set(statuses) == {200}
    assert max(waits) < max(READY_WITHIN, statistics.median(crowd.waits))
    assert max(megabytes) < MOST_MEGABYTES
    assert_tells_nothing(service.log, besides=service.folder)


def _resident_megabytes(process: int) -> float:
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    resident = next(line for line in rollup.splitlines() if line.startswith("Rss:"))
    return int(resident.split()[1]) * 1024 / 1e6


@pytest.fixture
def stoppable(empty_database_url: str, tmp_path: Path) -> Iterator[tuple[Killable, list[Caller]]]:
    """A service that may be stopped and started again, and who calls it. It runs."""
    with _stoppable(empty_database_url, tmp_path) as made:
        yield made


@pytest.fixture
def stoppable_granian(tmp_path: Path) -> Iterator[tuple[Killable, list[Caller]]]:
    """The same with the other server, on SQLite. A kept connection that it closes is made anew (RFC 9112, 9.3.1)."""
    url = f"sqlite:///{tmp_path}/gatehouse.db"
    with _stoppable(url, tmp_path, asks_again=True, GATEHOUSE_SERVER="granian") as made:
        yield made


@contextmanager
def _stoppable(
    database_url: str, tmp_path: Path, *, asks_again: bool = False, **further: str
) -> Iterator[tuple[Killable, list[Caller]]]:
    settings = running.SETTINGS | {"GATEHOUSE_DATABASE_URL": database_url, "GATEHOUSE_WORKERS": "2"} | further
    settings |= {"GATEHOUSE_SECRET_KEY": secrets.token_hex(32)}
    service = Killable(tmp_path, settings)
    assert service.run("migrate").returncode == 0
    core = make_core(read_settings(service.environment))
    callers = running.make_callers(core, service.port, seed=1, asks_again=asks_again)
    core.database.close()
    service.start()
    service.wait_until_ready()
    try:
        yield service, callers
    finally:
        service.stop()


def test_stop_under_load(stoppable: tuple[Killable, list[Caller]]) -> None:
    """Every call that was begun is answered, and what has no answer was not done."""
    _assert_stops_under_load(*stoppable)


def test_granian_stops_under_load(stoppable_granian: tuple[Killable, list[Caller]]) -> None:
    """The same with the other server."""
    _assert_stops_under_load(*stoppable_granian)


def _assert_stops_under_load(service: Killable, callers: list[Caller]) -> None:
    stop = threading.Event()
    threads = [threading.Thread(target=each.work, args=(stop,)) for each in callers]
    for thread in threads:
        thread.start()
    wait_until(lambda: sum(each.acknowledged.total() for each in callers) > 50, 60, lambda: "nobody is answered")
    status = service.stop()
    for thread in threads:
        thread.join()
    changed = [each.ledger.passwords_changed for each in callers]
    service.start()
    service.wait_until_ready()
    for each in callers:
        each.compare()

    assert status == 0
    assert [each.cut_off for each in callers] == [0] * len(callers)
    assert [problem for each in callers for problem in each.problems] == []
    assert [each.ledger.passwords_changed for each in callers] == changed


def _renew(service: Killable) -> None:
    before = set(service.processes())
    service.send(signal.SIGHUP)
    wait_until(lambda: not before & set(service.processes()), 60, lambda: "the processes are not renewed")


def test_reload_under_load(stoppable: tuple[Killable, list[Caller]]) -> None:
    """SIGHUP renews the processes, and no caller notices."""
    _assert_renewed_under_load(*stoppable)


def test_granian_is_renewed_under_load(stoppable_granian: tuple[Killable, list[Caller]]) -> None:
    """The same with the other server."""
    _assert_renewed_under_load(*stoppable_granian)


def _assert_renewed_under_load(service: Killable, callers: list[Caller]) -> None:
    stop = threading.Event()
    threads = [threading.Thread(target=each.work, args=(stop,)) for each in callers]
    for thread in threads:
        thread.start()
    for _ in range(2):
        _renew(service)
    stop.set()
    for thread in threads:
        thread.join()

    assert len(service.processes()) == 2
    assert [problem for each in callers for problem in each.problems] == []
    assert [each.lost for each in callers] == [0] * len(callers)
    for each in callers:
        each.compare()
    assert [problem for each in callers for problem in each.problems] == []
