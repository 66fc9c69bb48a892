"""The processes of the service: what they share and what not, and how one is replaced, with either server."""

import contextlib
import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from scripts.proc import stat
from tests.conformance.outages import is_ready, processes, wait_until
from tests.conformance.service import SERVERS, Service, running_service
from tests.conformance.soap import PATH, call, envelope, members

PROCESSES = 2
MOST_OF_ITS_OWN = 0.75
"""Of the memory of a process, as it counts when what is shared is divided by all that share it. It is about 0.45."""


def log_in(service: Service, account: int = 3) -> None:
    """Log in on a connection of its own, which must succeed."""
    found = service.demo["accounts"][account]
    values = {"Email": found["email"], "Password": found["password"], "userrole": found["userrole"]}
    body = envelope(call("Login", members(values | {"applicationToken": service.demo["applicationToken"]})))
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)) as connection:
        connection.request("POST", PATH, body.encode(), {"Content-Type": "text/xml; charset=utf-8"})
        answer = connection.getresponse()
        assert b">Success<" in answer.read()


def states(process: int) -> set[str]:
    """Return what the threads of the process do: R when they run, S when they wait, T when they are stopped."""
    threads = Path(f"/proc/{process}/task").iterdir()
    return {stat(each).state for each in threads}


def is_alive(process: int) -> bool:
    """Whether the process has not ended."""
    with contextlib.suppress(OSError):
        return stat(process).is_alive
    return False


def open_files(process: int) -> set[str]:
    """Return what the process has open: names of files, and sockets by their numbers."""
    found = set()
    for each in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(os.readlink(each))
    return found


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "granian"])
def test_processes_inherit_neither_connection_nor_thread(request: pytest.FixtureRequest, kind: str) -> None:
    """What they are made from has the address that is listened on, and nothing else that two cannot share."""
    service: Service = request.getfixturevalue(f"{kind}_service")
    for _ in range(4):
        log_in(service)
    made = processes(service)
    (maker,) = {stat(each).parent for each in made}

    inherited = open_files(maker)

    assert len(made) == PROCESSES
    assert len([each for each in inherited if each.startswith("socket:")]) == 1
    assert [each for each in inherited if "gatehouse.db" in each] == []
    assert len(list(Path(f"/proc/{maker}/task").iterdir())) == 1
    # One that calls has connections of its own.
    opened = [open_files(each) - inherited for each in made]
    assert any("socket:" in each or "gatehouse.db" in each for files in opened for each in files)
    assert not {each for each in set.intersection(*opened) if each.startswith("socket:")}


@pytest.fixture(scope="module", params=SERVERS)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose processes may be ended, with each server."""
    folder = tmp_path_factory.mktemp("processes")
    settings = {"GATEHOUSE_SERVER": request.param, "GATEHOUSE_WORKERS": str(PROCESSES), "GATEHOUSE_HASH_SLOTS": "1"}
    with running_service(folder, settings=settings) as running:
        wait_until(lambda: len(processes(running)) == PROCESSES and is_ready(running), 30, lambda: running.log)
        yield running


def test_processes_share_memory(service: Service) -> None:
    """The code, the tables of the contract and the templates are there once."""
    for each in processes(service):
        text = Path(f"/proc/{each}/smaps_rollup").read_text()
        kilobytes = {name: int(value) for name, value in re.findall(r"^(Rss|Pss): +(\d+) kB", text, re.M)}
        assert kilobytes["Pss"] < MOST_OF_ITS_OWN * kilobytes["Rss"], text


ARENA_BYTES = 64 * 1024 * 1024
"""What glibc sets aside for each part of the memory that some threads have for themselves. Source: glibc, arena.c."""


def own_parts(process: int) -> list[int]:
    """Return where such parts begin: a piece that is in use and one that is set aside are as long as that together."""
    maps = re.findall(r"^(\w+)-(\w+) (\S+) \S+ 00:00 0 *$", Path(f"/proc/{process}/maps").read_text(), re.M)
    pieces = [(int(begin, 16), int(end, 16), rights) for begin, end, rights in maps]
    return [
        begin
        for (begin, middle, rights), (next_begin, end, next_rights) in pairwise(pieces)
        if (rights, next_rights) == ("rw-p", "---p")
        and middle == next_begin
        and begin % ARENA_BYTES == 0
        and end - begin == ARENA_BYTES
    ]


def test_threads_share_free_memory(service: Service) -> None:
    """What one has freed would serve no other, and the process would hold more and more."""
    for _ in range(4):
        log_in(service)
    for each in processes(service):
        assert own_parts(each) == []


def test_probes_are_answered(service: Service) -> None:
    """By whichever process takes the call."""
    for path in ("/healthz", "/readyz"):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("Content-Type")) == (200, "application/json")
            assert json.load(answer)


def test_every_process_hashes_at_once(service: Service) -> None:
    """Each has threads of its own for it; one that waited for a thread of another process would wait for ever.

    All but one are stopped, so that this one has to answer.
    """
    for each in processes(service):
        with stopped(service, set(processes(service)) - {each}):
            log_in(service)


@contextlib.contextmanager
def stopped(service: Service, some: set[int]) -> Iterator[None]:
    """Let processes do nothing meanwhile, in none of their threads; and not while they write, or no other could."""
    try:
        stop(some)
        wait_until(lambda: can_be_written_to(service) or stop_later(some), 30, lambda: "a process writes all the time")
        yield
    finally:
        send(some, signal.SIGCONT)


def stop(some: set[int]) -> None:
    """Stop processes, each as a whole."""
    send(some, signal.SIGSTOP)
    wait_until(lambda: all(states(each) == {"T"} for each in some), 10, lambda: "the processes do not stop")


def stop_later(some: set[int]) -> bool:
    """Let stopped processes go on for a moment. Returns False."""
    send(some, signal.SIGCONT)
    time.sleep(0.1)
    stop(some)
    return False


def send(some: set[int], number: signal.Signals) -> None:
    """Send a signal to processes."""
    for each in some:
        os.kill(each, number)


def can_be_written_to(service: Service) -> bool:
    """Whether nobody writes to the database in this moment."""
    with contextlib.closing(sqlite3.connect(service.folder / "var/gatehouse.db", timeout=0)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        database.rollback()
    return True


def test_process_that_ends_is_replaced(service: Service) -> None:
    """By one that can do everything."""
    before = processes(service)
    os.kill(before[0], signal.SIGKILL)

    wait_until(
        lambda: before[0] not in processes(service) and len(processes(service)) == PROCESSES, 30, lambda: service.log
    )
    (fresh,) = set(processes(service)) - set(before)
    with stopped(service, {before[1]}):
        log_in(service)
    assert stat(fresh).parent == stat(before[1]).parent


def test_process_that_is_being_made_can_be_told_to_end(service: Service) -> None:
    """Or a service that is stopped as soon as it answers, waits half a minute for the last process that it made."""
    before = processes(service)
    first = stat(before[0]).parent
    children = Path(f"/proc/{first}/task/{first}/children")
    os.kill(before[0], signal.SIGKILL)

    deadline = time.monotonic() + 30
    fresh: set[int] = set()
    # Without a pause: it is a matter of milliseconds.
    while not fresh and time.monotonic() < deadline:
        fresh = {int(each) for each in children.read_text().split()} - set(before)
    (told,) = fresh
    os.kill(told, signal.SIGTERM)

    wait_until(lambda: not is_alive(told), 10, lambda: service.log)
    wait_until(lambda: told not in processes(service) and len(processes(service)) == PROCESSES, 30, lambda: service.log)
    log_in(service)


ORPHANED_SECONDS = 12
"""A second to notice, two for connections that are kept, a busy machine, and less than the 30 that one is kept."""


@pytest.mark.parametrize("server", SERVERS)
def test_processes_end_without_the_first(tmp_path: Path, server: str) -> None:
    """It may be killed for its memory; what stayed would hold the address, and nobody would watch it."""
    with running_service(tmp_path, settings={"GATEHOUSE_SERVER": server}) as service:
        left = processes(service)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)) as kept:
            kept.request("GET", "/healthz")
            assert kept.getresponse().read()
            os.kill(stat(left[0]).parent, signal.SIGKILL)
            wait_until(lambda: not any(map(is_alive, left)), ORPHANED_SECONDS, lambda: service.log)


KEPT = 24
"""Connections that are opened together and kept, as a proxy does."""

TRIES = 4
"""To have each process get its part: a busy machine lets one of them sleep for longer than it is waited for."""

HANGS_SECONDS = 2.5

FEWEST = 8
"""That a process gets of them. The first to wake, or to be there, would get nearly all."""


@pytest.fixture(scope="module")
def gunicorn_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of the worker that shares connections out."""
    settings = {"GATEHOUSE_SERVER": "gunicorn", "GATEHOUSE_WORKERS": str(PROCESSES)}
    with running_service(tmp_path_factory.mktemp("connections"), settings=settings) as running:
        wait_until(lambda: all_listen(running), 30, lambda: running.log)
        yield running


def all_listen(service: Service) -> bool:
    """Whether every process waits for connections: those that do not yet, get none."""
    return [watches_listener(each) for each in processes(service)] == [True] * PROCESSES


def watches_listener(process: int) -> bool:
    """Whether the loop of this process waits for what its parent has open, which is the address."""
    inherited = {each for each in open_files(stat(process).parent) if each.startswith("socket:")}
    watched = set()
    with contextlib.suppress(OSError):
        for each in Path(f"/proc/{process}/fdinfo").iterdir():
            for number in re.findall(r"^tfd: +(\d+)", each.read_text(), re.M):
                watched.add(os.readlink(f"/proc/{process}/fd/{number}"))
    return bool(inherited & watched)


@contextlib.contextmanager
def open_connections(service: Service) -> Iterator[Sequence[http.client.HTTPConnection]]:
    """Open some connections one after the other, and close them in the end."""
    with contextlib.ExitStack() as opened:
        connections = []
        for _ in range(KEPT):
            connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
            connections.append(opened.enter_context(contextlib.closing(connection)))
            connection.connect()
        yield connections


@contextlib.contextmanager
def kept_connections(service: Service) -> Iterator[list[int]]:
    """Open some connections at once and call on each; give how many of them each process has."""
    before = {each: open_files(each) for each in processes(service)}
    with open_connections(service) as connections:
        for connection in connections:
            connection.request("GET", "/healthz")
        for connection in connections:
            assert connection.getresponse().read()
        yield [sockets_since(each, files) for each, files in before.items()]


def sockets_since(process: int, before: set[str]) -> int:
    """Return how many sockets the process has open that it did not have before."""
    return sum("socket:" in name for name in open_files(process) - before)


def test_kept_connections_are_shared_out(gunicorn_service: Service) -> None:
    """So that no process has all the work of a proxy that keeps its connections; also by one that was made later."""
    assert_shared_out(gunicorn_service)

    before = processes(gunicorn_service)
    os.kill(before[0], signal.SIGKILL)
    wait_until(
        lambda: before[0] not in processes(gunicorn_service) and all_listen(gunicorn_service),
        30,
        lambda: gunicorn_service.log,
    )
    assert_shared_out(gunicorn_service)


def assert_shared_out(service: Service) -> None:
    """Open connections until each process has its part: the machine may let one of them sleep for a moment."""
    found = []
    for _ in range(TRIES):
        with kept_connections(service) as shares:
            found.append(shares)
        assert sum(shares) >= KEPT
        if min(shares) >= FEWEST:
            return
    pytest.fail(f"one process had nearly all: {found}")


def test_who_hangs_keeps_no_connection_waiting(gunicorn_service: Service) -> None:
    """A process with few connections that does nothing leaves them to the others."""
    hanging = processes(gunicorn_service)[0]
    with stopped(gunicorn_service, {hanging}), kept_connections(gunicorn_service) as shares:
        assert sorted(shares) == [0, KEPT]


def test_who_hangs_costs_others_few_connections(gunicorn_service: Service) -> None:
    """What is given up to it comes back, so that little is."""
    hanging = processes(gunicorn_service)[0]
    with stopped(gunicorn_service, {hanging}), open_connections(gunicorn_service) as connections:
        began, ended = time.monotonic(), 0
        while (seconds := time.monotonic() - began) < HANGS_SECONDS:
            ended += call_on(connections)
        # One each second, which was left to it in vain.
        assert ended <= seconds + 2


def test_connections_come_to_a_process_that_is_made_later(gunicorn_service: Service) -> None:
    """Some of those that are kept since before, and not to and fro."""
    with contextlib.ExitStack() as opened:
        with one_process(gunicorn_service):
            connections = opened.enter_context(open_connections(gunicorn_service))
            assert [call_on(connections) for _ in range(3)] == [0, 0, 0]
            alone = set(processes(gunicorn_service))
        wait_until(lambda: all_listen(gunicorn_service), 30, lambda: gunicorn_service.log)
        (later,) = set(processes(gunicorn_service)) - alone
        before = open_files(later)

        def has_its_part() -> bool:
            call_on(connections)
            return sockets_since(later, before) >= FEWEST

        wait_until(has_its_part, 30, lambda: f"it has {sockets_since(later, before)} connections")
        call_on(connections)
        assert [call_on(connections) for _ in range(20)] == [0] * 20


@contextlib.contextmanager
def one_process(service: Service) -> Iterator[None]:
    """Have one process end, and another one made in the end."""
    maker = stat(processes(service)[0]).parent
    os.kill(maker, signal.SIGTTOU)
    try:
        wait_until(lambda: len(processes(service)) == 1, 30, lambda: service.log)
        yield
    finally:
        os.kill(maker, signal.SIGTTIN)


def call_on(connections: Sequence[http.client.HTTPConnection]) -> int:
    """Call once on each connection, again where it was ended; return how many ended with their answers."""
    ended = 0
    for each in connections:
        each.request("GET", "/healthz")
        answer = each.getresponse()
        assert answer.read()
        ended += answer.will_close
    return ended


def test_processes_are_renewed(service: Service) -> None:
    """By a HUP, which tells nobody to come back later."""
    before = processes(service)
    os.kill(stat(before[0]).parent, signal.SIGHUP)

    def is_renewed() -> bool:
        log_in(service)
        return len(processes(service)) == PROCESSES and not set(before) & set(processes(service))

    wait_until(is_renewed, 30, lambda: service.log)


SELDOM_NEEDED = "apprise", "granian", "limits", "redis", "zxcvbn"

FORKED = """
import json, os, random, sys, threading
from gatehouse.config import read_settings
from gatehouse.server import Server

server = Server(read_settings(os.environ), with_worker=True, when_ready=lambda: None)
server.load()
assert threading.active_count() == 1, threading.enumerate()
print(json.dumps(sorted({each.partition(".")[0] for each in sys.modules})))
for _ in range(2):
    reading, writing = os.pipe()
    if os.fork() == 0:
        core = server._core
        kept = core.passwords.hash("a password")
        found = {
            "chance": random.random(),
            "salt": kept.split("$")[-2],
            "is right": core.passwords.verify(kept, "a password"),
        }
        os.write(writing, json.dumps(found).encode())
        os._exit(0)
    os.close(writing)
    os.wait()
    print(os.read(reading, 10_000).decode())
"""


def test_processes_have_their_own_chance(tmp_path: Path) -> None:
    """Two that were made from one draw other random numbers, and each can hash.

    What few need is not loaded before, so that the start stays below two seconds (`scripts/bench` measures it).
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
    done = subprocess.run(
        [sys.executable, "-c", FORKED],
        cwd=tmp_path,
        env=inherited | {"GATEHOUSE_HASH_SLOTS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    loaded, one, other = (json.loads(each) for each in done.stdout.splitlines())
    assert not set(SELDOM_NEEDED) & set(loaded)
    assert one["is right"]
    assert other["is right"]
    assert one["chance"] != other["chance"]
    assert one["salt"] != other["salt"]
