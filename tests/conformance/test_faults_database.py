"""The database is gone for a while: the service says so, does nothing by half, and is back without a restart."""

import contextlib
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from scripts.killing.client import Client
from scripts.killing.running import faults_of_file
from tests import postgres
from tests.conformance.forgetful_network import network_to
from tests.conformance.load import BACK_WITHIN, SETTINGS, Load
from tests.conformance.outages import (
    UNAVAILABLE,
    Outage,
    ask_every_front,
    assert_tells_nothing,
    is_ready,
    processes,
    wait_until,
)
from tests.conformance.service import Service, running_service

FROZEN_SECONDS = 18.0
"""Longer than the 5 after which the server is asked whether it is there, and the 5 that it has for an answer."""

KNOWN_SECONDS = 9.0
"""Longer than those 5 and the one after which it is asked where it was silent before, and less than 5 and 5."""

FORGOTTEN_SECONDS = 25.0
"""Longer than twice the 10 after which the kernel gives up a connection: a call may meet two of them."""

LOCKED_SECONDS = 30.0
"""Longer than the 20 that a writer waits for another one, and less than twice as long."""

pytestmark = pytest.mark.timeout(240)
"""A mail whose worker lost its database in the middle comes a minute later."""


@pytest.fixture(scope="module")
def outage_and_load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Outage, Load]]:
    """A server of the tests' own, because it is stopped, and the service on it."""
    with postgres.running_server() as server:
        outage = Outage(server)
        outage.run("CREATE DATABASE outage")
        # Other tests need no commit to outlive the server.
        outage.run("ALTER DATABASE outage SET synchronous_commit = on")
        try:
            folder = tmp_path_factory.mktemp("outage")
            with running_service(folder, server.url("outage"), SETTINGS) as service:
                yield outage, Load(service)
        finally:
            outage.end()
            with contextlib.suppress(psycopg.OperationalError):
                server.administration.execute("SELECT 1")  # it is closed, and notices


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["stopped", "killed"])
def test_postgresql_goes_and_comes_back(outage_and_load: tuple[Outage, Load], how: signal.Signals) -> None:
    """Under load, and the processes are the same afterwards."""
    outage, load = outage_and_load
    service = load.service
    before = processes(service)
    with load:
        load.wait_for_answers()
        outage.go(how)
        answers = ask_every_front(service)
        load.wait_for_refusals()
        outage.come_back()
        wait_until(lambda: is_ready(service), BACK_WITHIN, lambda: "it does not come back")
        load.wait_for_answers()

    assert answers.outcomes == UNAVAILABLE
    assert_tells_nothing(*answers.texts, service.log, besides=service.folder)
    load.assert_right()
    assert len(before) == 2
    assert processes(service) == before
    load.assert_mails_come()


def test_connections_are_cut(outage_and_load: tuple[Outage, Load]) -> None:
    """As by a firewall, a failover, or an administrator; again and again while calls are under way."""
    outage, load = outage_and_load
    service = load.service
    with load:
        for _ in range(20):
            time.sleep(0.15)
            outage.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'outage'")
        load.wait_for_answers()

    assert_tells_nothing(service.log, besides=service.folder)
    load.assert_right()


def test_postgresql_freezes_and_goes_on(outage_and_load: tuple[Outage, Load]) -> None:
    """As with a disk that hangs: it takes everything that is sent and answers nothing. Nobody waits long for it."""
    outage, load = outage_and_load
    service = load.service
    before = processes(service)
    with load:
        load.wait_for_answers()
        outage.freeze()
        try:
            answers = ask_every_front(service)
            load.wait_for_refusals()
            # Also when it is known by now, and each look at it is a new one.
            later = ask_every_front(service)
        finally:
            outage.thaw()
        wait_until(lambda: is_ready(service), BACK_WITHIN, lambda: "it does not come back")
        load.wait_for_answers()

    assert answers.outcomes == UNAVAILABLE
    assert later.outcomes == UNAVAILABLE
    assert answers.slowest < FROZEN_SECONDS
    assert later.slowest < KNOWN_SECONDS
    assert_tells_nothing(*answers.texts, *later.texts, service.log, besides=service.folder)
    load.assert_right()
    assert processes(service) == before
    load.assert_mails_come()


def test_firewall_forgets_the_connections(tmp_path: Path) -> None:
    """What is sent on them arrives nowhere and nobody says so; new ones are let through."""
    with (
        postgres.running_server() as server,
        network_to(server.port) as network,
    ):
        outage = Outage(server)
        outage.run("CREATE DATABASE forgotten")
        url = server.url("forgotten").replace(f":{server.port}/", f":{network.port}/")
        with running_service(tmp_path, url, SETTINGS) as service:
            load = Load(service)
            with load:
                load.wait_for_answers()
                forgotten = network.forget()
                answers = ask_every_front(service)
                load.wait_for_answers()
                is_back = is_ready(service)

            assert forgotten > 2
            assert answers.slowest < FORGOTTEN_SECONDS
            assert is_back
            assert_tells_nothing(*answers.texts, service.log, besides=tmp_path)
            load.assert_right()
            load.assert_mails_come()


@pytest.fixture
def sqlite_own(tmp_path: Path) -> Iterator[tuple[Service, Path]]:
    """A service on SQLite for one test alone, and its database."""
    (tmp_path / "var").mkdir(mode=0o700)
    path = tmp_path / "data" / "gatehouse.db"
    with running_service(tmp_path, f"sqlite:///{path}", SETTINGS) as service:
        yield service, path


def test_sqlite_is_locked_for_longer_than_is_waited(sqlite_own: tuple[Service, Path]) -> None:
    """By a program that holds its transaction open. Who only reads is answered all the time."""
    service, path = sqlite_own
    account = service.demo["accounts"][0]
    client = Client(service.port, service.demo["applicationToken"])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    values = {"Email": account["email"], "Password": account["password"], "userrole": account["userrole"]}
    refused = client.call("Login", values)
    waited = time.monotonic() - began

    assert refused.is_unavailable
    assert waited < LOCKED_SECONDS
    assert is_ready(service)
    other.execute("ROLLBACK")
    other.close()

    assert client.call("Login", values).key == "Success"
    client.close()
    assert_tells_nothing(str(refused.body), service.log, besides=service.folder)


def test_sqlite_file_is_moved_away_and_back(sqlite_own: tuple[Service, Path]) -> None:
    """What is acknowledged is never written to a file that has lost its name, and no empty one is begun."""
    service, path = sqlite_own
    before = processes(service)
    elsewhere = path.with_name("elsewhere")
    with Load(service) as load:
        load.wait_for_answers()
        path.rename(elsewhere)
        load.wait_for_refusals()
        answers = ask_every_front(service)
        has_begun_anew = path.exists()
        elsewhere.rename(path)
        wait_until(lambda: is_ready(service), BACK_WITHIN, lambda: "it does not come back")
        load.wait_for_answers()

    assert not has_begun_anew
    assert answers.outcomes == UNAVAILABLE
    assert_tells_nothing(*answers.texts, service.log, besides=service.folder)
    load.assert_right()
    assert processes(service) == before
    assert faults_of_file(path) == []
    load.assert_mails_come()
