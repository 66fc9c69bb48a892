"""Which client stacks call, and what was tolerated of them: counted in memory, written to both databases."""

import json
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from gatehouse.cli.main import main
from gatehouse.domain.errors import UnavailableError
from gatehouse.domain.tolerances import Tolerance
from gatehouse.operations.client_counts import MAX_STACKS
from gatehouse.operations.clients import (
    FORGOTTEN_AFTER,
    keep_writing_counts,
    list_clients,
    note_call,
    write_counts,
)
from gatehouse.operations.core import Core
from gatehouse.storage import tables
from tests import factories
from tests.factories import NOON, SECRET_KEY


def note(shop, stack="Zeep 4.3", method="Login", tolerances=(), core=None):
    """Count one call of the shop's application."""
    call = shop.call()
    application = shop.application.application
    (core or shop.core).client_counts.note(application.merchant_id, application.id, stack, method, tolerances, call.now)


def found(shop, **filters):
    """Return stacks with their methods and tolerances, as counts."""
    return {
        each.stack: (
            {seen.name: seen.calls for seen in each.methods},
            {seen.name: seen.calls for seen in each.tolerances},
        )
        for each in list_clients(shop.call(), filters.get("merchant_id"), filters.get("application_id"))
    }


def another_process(shop):
    """Return a core on the same database that has counts of its own."""
    core = shop.core
    return Core(settings=core.settings, database=core.database, passwords=core.passwords, keys=core.keys, now=core.now)


def test_counts_are_added_up(shop):
    """By method and by kind, with the first and the last moment."""
    note(shop, tolerances=[Tolerance.CDATA])
    write_counts(shop.core)
    shop.clock.advance(hours=1)
    note(shop, tolerances=[Tolerance.CDATA, Tolerance.GZIP])
    note(shop, method="LogOff")
    note(shop, stack="PHP-SOAP 8.2")
    write_counts(shop.core)

    assert found(shop) == {
        "Zeep 4.3": ({"Login": 2, "LogOff": 1}, {"cdata": 2, "gzip": 1}),
        "PHP-SOAP 8.2": ({"Login": 1}, {}),
    }
    (client,) = [each for each in list_clients(shop.call(), None) if each.stack == "Zeep 4.3"]
    log_off, login = client.methods
    assert (login.first_seen_at, login.last_seen_at) == (NOON, NOON + timedelta(hours=1))
    assert (log_off.first_seen_at, client.last_seen_at) == (NOON + timedelta(hours=1), NOON + timedelta(hours=1))
    assert client.calls == 3


def test_two_processes_add_to_one_count(shop):
    """Also where the one that writes later counted earlier."""
    other = another_process(shop)
    note(shop, core=other)
    shop.clock.advance(minutes=1)
    note(shop)
    write_counts(shop.core)
    write_counts(other)

    ((client,),) = [list_clients(shop.call(), None)]
    (login,) = client.methods
    assert (login.calls, login.first_seen_at, login.last_seen_at) == (2, NOON, NOON + timedelta(minutes=1))


def test_parallel_writes_lose_nothing(shop):
    """Processes write at the same moment, and each has counted the same things."""
    cores = [another_process(shop) for _ in range(6)]
    stacks = [f"Stack {number}" for number in range(8)]
    errors = []

    def write(core, order):
        try:
            for _ in range(3):
                for stack in stacks[::order]:
                    note(shop, stack, tolerances=[Tolerance.CDATA], core=core)
                write_counts(core)
        except Exception as error:
            errors.append(error)

    threads = [
        threading.Thread(target=write, args=(core, -1 if number % 2 else 1)) for number, core in enumerate(cores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert found(shop) == {stack: ({"Login": 18}, {"cdata": 18}) for stack in stacks}


def test_nothing_counted_writes_nothing(shop, monkeypatch):
    """An idle process leaves the database alone."""
    monkeypatch.setattr(shop.core.database.__class__, "writing", None)

    write_counts(shop.core)


def test_stacks_are_bounded_in_memory_and_in_the_tables(shop):
    """A caller may invent as many as it likes, also over many processes and days."""
    for process in range(3):
        core = another_process(shop)
        for number in range(MAX_STACKS):
            note(shop, f"Invented {process}.{number}", tolerances=[Tolerance.CDATA], core=core)
        assert len(core.client_counts._taken.calls) == MAX_STACKS
        note(shop, "One more", core=core)
        note(shop, "And another", tolerances=[Tolerance.CDATA], core=core)
        assert len(core.client_counts._taken.calls) == MAX_STACKS + 1
        write_counts(core)

    counted = found(shop)
    assert len(counted) == MAX_STACKS + 1
    assert counted["(other)"] == ({"Login": 2 * MAX_STACKS + 6}, {"cdata": 2 * MAX_STACKS + 3})
    with shop.core.database.reading() as db:
        for table in (tables.client_calls, tables.tolerances):
            assert db.scalar(sa.select(sa.func.count()).select_from(table)) == MAX_STACKS + 1


def test_stack_that_was_not_seen_for_long_makes_room(shop):
    """So that the newest version of a client has a name after years."""
    for number in range(MAX_STACKS):
        note(shop, f"Stack {number}", tolerances=[Tolerance.CDATA])
    write_counts(shop.core)
    shop.clock.advance(days=1)
    note(shop, "Stack 0")
    write_counts(shop.core)
    shop.clock.moment = NOON + FORGOTTEN_AFTER
    note(shop, "New")
    write_counts(shop.core)

    counted = found(shop)
    assert counted["New"] == ({"Login": 1}, {})
    assert counted["Stack 0"] == ({"Login": 2}, {"cdata": 1})
    assert len(counted) == MAX_STACKS


def test_other_applications_have_room_of_their_own(shop):
    """One application's clients do not hide those of another."""
    for number in range(MAX_STACKS):
        note(shop, f"Invented {number}")
    other = factories.make_shop(shop.core, email="other@example.com", username="other")
    note(other, "Zeep 4.3")
    write_counts(shop.core)

    assert found(other, application_id=other.application.application.id) == {"Zeep 4.3": ({"Login": 1}, {})}
    assert len(found(shop, merchant_id=shop.merchant.id)) == MAX_STACKS


def test_call_of_nobody_known_is_not_counted(shop):
    """Strangers leave no rows."""
    call = shop.call(token="unknown")
    note_call(call, "Login", "Zeep 4.3", [Tolerance.CDATA])
    write_counts(shop.core)

    assert found(shop) == {}


def test_counts_are_kept_while_the_database_is_away(shop, monkeypatch):
    """And are not counted twice."""
    note(shop, tolerances=[Tolerance.CDATA])
    with monkeypatch.context() as away:

        def fail(_):
            raise UnavailableError("away")

        away.setattr(shop.core.database.__class__, "writing", fail)
        for _ in range(2):
            with pytest.raises(UnavailableError):
                write_counts(shop.core)
    note(shop)
    write_counts(shop.core)
    write_counts(shop.core)

    assert found(shop) == {"Zeep 4.3": ({"Login": 2}, {"cdata": 1})}


def test_what_is_left_is_written_when_the_process_stops(shop):
    """The thread of a process, from its start to its end."""
    stop = threading.Event()
    thread = threading.Thread(target=keep_writing_counts, args=(shop.core, stop))
    thread.start()
    note(shop)
    stop.set()
    thread.join(30)

    assert not thread.is_alive()
    assert found(shop) == {"Zeep 4.3": ({"Login": 1}, {})}


def test_thread_outlives_what_goes_wrong(shop, monkeypatch, caplog):
    """A database that is away for an hour, or a bug, is no reason to count no longer."""
    monkeypatch.setattr("gatehouse.operations.clients.WRITTEN_EVERY", 0.01)
    tried, stop = threading.Event(), threading.Event()
    failures = [UnavailableError("away"), RuntimeError("secret words")]

    def fail(_):
        if failures:
            raise failures.pop(0)
        tried.set()

    monkeypatch.setattr("gatehouse.operations.clients.write_counts", fail)
    thread = threading.Thread(target=keep_writing_counts, args=(shop.core, stop))
    thread.start()

    assert tried.wait(30)
    stop.set()
    thread.join(30)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert "secret words" not in caplog.text


@pytest.fixture
def run(database_url, tmp_path, monkeypatch):
    """A function that runs a command on the test's database and returns what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", database_url)
    monkeypatch.setenv("GATEHOUSE_SECRET_KEY", SECRET_KEY)

    def call(*arguments, exit_code=0):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == exit_code, done.output
        return done.stdout if exit_code == 0 else done.output

    return call


def test_command_shows_the_clients(run, shop):
    """All of it as JSON, and a table for people."""
    note(shop, tolerances=[Tolerance.CDATA])
    note(shop, method="LogOff")
    write_counts(shop.core)
    application = shop.application.application

    assert json.loads(run("application", "clients", str(application.id), "--json")) == [
        {
            "applicationId": application.id,
            "merchantId": application.merchant_id,
            "stack": "Zeep 4.3",
            "calls": 2,
            "lastSeenAt": "2026-03-01T12:00:00Z",
            "methods": [
                {
                    "method": name,
                    "calls": 1,
                    "firstSeenAt": "2026-03-01T12:00:00Z",
                    "lastSeenAt": "2026-03-01T12:00:00Z",
                }
                for name in ("LogOff", "Login")
            ],
            "tolerances": [
                {
                    "kind": "cdata",
                    "calls": 1,
                    "firstSeenAt": "2026-03-01T12:00:00Z",
                    "lastSeenAt": "2026-03-01T12:00:00Z",
                }
            ],
        }
    ]
    assert "LogOff 1, Login 1  cdata 1" in run("application", "clients")
    assert json.loads(run("application", "clients", "--merchant", "99", "--json")) == []
    assert "there is no application of this number" in run("application", "clients", "99", exit_code=1)


def test_command_sets_and_shows_origins(run, shop):
    """As browsers write them; `none` takes all away; no option leaves them."""
    number = str(shop.application.application.id)

    def origins(*options):
        return json.loads(run("application", "set", number, "--json", *options))["origins"]

    listed = ["https://shop.example.com", "http://localhost:3000"]
    assert origins("--origin", "HTTPS://Shop.example.com:443/", "--origin", "http://localhost:3000") == listed
    assert origins("--cookie-grace", "30") == listed
    assert "https://shop.example.com, http://localhost:3000" in run("application", "list")
    assert json.loads(run("application", "show", number, "--json"))["origins"] == listed
    assert origins("--origin", "none") == []
    added = json.loads(run("application", "add", "Web", "--merchant", "1", "--origin", "https://a.example", "--json"))
    assert added["origins"] == ["https://a.example"]
    assert json.loads(run("application", "add", "Till", "--merchant", "1", "--json"))["origins"] == []


@pytest.mark.parametrize("given", [["*"], ["null"], ["https://a.example/x"], ["none", "https://a.example"]])
def test_command_refuses_what_is_no_origin(run, shop, given):
    """A page of everybody would be a page of nobody."""
    options = [part for each in given for part in ("--origin", each)]

    assert "Error: Invalid value" in run(
        "application", "set", str(shop.application.application.id), *options, exit_code=2
    )
