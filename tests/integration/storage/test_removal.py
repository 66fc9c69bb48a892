"""Tests of operations/removal.py, on both databases: what goes, what stays, and that neither size nor calls matter."""

import hashlib
import itertools
import threading
import time
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from gatehouse.domain.codes import ReturnCode
from gatehouse.operations.login_cookies import decode_login_cookie
from gatehouse.operations.passwords import reset_password
from gatehouse.operations.removal import LOOKED_AT, MOST_AT_A_TIME, Remover
from gatehouse.operations.reset_codes import send_code
from gatehouse.operations.sessions import log_off
from gatehouse.storage import guess_counts, outbox, removal, tables
from gatehouse.storage.removal import Kind
from tests.factories import EMAIL, NOON

CODES = (tables.activation_codes, tables.reset_codes, tables.temporary_passwords)

_digests = (hashlib.sha256(str(number).encode()).digest() for number in itertools.count())


def fill(shop, count, **values):
    """Add sessions that ended long ago, besides what is said otherwise."""
    row = {
        "merchant_id": shop.merchant.id,
        "application_id": shop.application.application.id,
        "account_id": shop.account.id,
        "must_change_password": False,
        "last_used_at": NOON - timedelta(days=9),
        "expires_at": NOON - timedelta(days=8),
        "created_at": NOON - timedelta(days=9),
    } | values
    with shop.core.database.writing() as db:
        db.execute(tables.sessions.insert(), [row | {"token_digest": next(_digests)} for _ in range(count)])


def count(shop, table):
    """Return how many rows there are."""
    with shop.core.database.reading() as db:
        return db.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def remove_old(shop):
    """Remove what is old now."""
    return dict(Remover(shop.core).remove_old())


def test_session_goes_five_minutes_after_its_end(shop):
    """However it ended; one that lives stays, and nobody is told anything else than before."""
    live, ended = shop.log_in(), shop.log_in()
    log_off(shop.call(ended))

    shop.clock.advance(minutes=4)
    assert remove_old(shop) == {}
    shop.clock.advance(minutes=1)
    assert remove_old(shop) == {"sessions": 1}
    shop.clock.advance(hours=23, minutes=59)
    assert remove_old(shop) == {}
    shop.clock.advance(minutes=1)
    assert remove_old(shop) == {"sessions": 1}
    assert log_off(shop.call(live)).return_code is ReturnCode.SESSION_EXPIRED


def test_login_cookie_goes_a_month_after_its_end(shop):
    """Until then its owner is told that it has expired."""
    cookie = shop.login(set_cookie=True).encoded_cookie

    shop.clock.advance(days=59)
    remove_old(shop)
    assert decode_login_cookie(shop.call(), cookie).return_code is ReturnCode.COOKIE_EXPIRED
    shop.clock.advance(days=1)
    assert remove_old(shop) == {"login cookies": 1}
    assert decode_login_cookie(shop.call(), cookie).return_code is ReturnCode.INVALID_COOKIE


def test_login_cookie_of_a_live_session_stays(shop):
    """The session says which cookie it came with, and LogOff ends both."""
    shop.set_application(session_lifetime=timedelta(days=90))
    shop.login(set_cookie=True)

    shop.clock.advance(days=61)
    assert remove_old(shop) == {}
    shop.clock.advance(days=30)
    assert remove_old(shop) == {"sessions": 1, "login cookies": 1}


def test_codes_and_temporary_passwords_go_a_month_after_their_end(shop):
    """Each is one row of an account or a device, which would stay for ever."""
    session = shop.log_in()
    shop.register(session)
    shop.send_code(session)
    reset_password(shop.call(), EMAIL)
    call = shop.call()
    with call.writing():
        send_code(call, shop.merchant, shop.account)
    assert [len(shop.rows(each)) for each in CODES] == [1, 1, 1]

    shop.clock.advance(days=30)
    remove_old(shop)
    assert [len(shop.rows(each)) for each in CODES] == [1, 1, 1]
    shop.clock.advance(hours=1)
    assert remove_old(shop) == {"activation codes": 1, "reset codes": 1, "temporary passwords": 1}


def test_record_of_a_message_goes_with_its_history(shop):
    """When it has been sent, or given up, and the setting says so; what is still to be sent stays."""
    number, other = queue(shop), queue(shop)
    with shop.core.database.writing() as db:
        db.execute(tables.messages.update().where(tables.messages.c.id == number).values(state="sent"))

    shop.clock.advance(days=399, hours=23)
    assert remove_old(shop) == {}
    shop.clock.advance(hours=1)
    assert Remover(replace(shop.core, settings=replace(shop.core.settings, message_days=0))).remove_old() == {}
    assert remove_old(shop) == {"messages": 1}
    assert [row.id for row in shop.messages()] == [other]
    assert [row.message_id for row in shop.rows(tables.message_events)] == [other]


def test_content_of_many_messages_is_wiped(shop):
    """More than are changed at a time, and nothing else of them."""
    numbers = [queue(shop) for _ in range(3)]
    values = {"state": "abandoned", "due_at": NOON, "failure": "x"}
    with shop.core.database.writing() as db:
        db.execute(tables.messages.update().where(tables.messages.c.id.in_(numbers[:2])).values(values))
    remover = Remover(shop.core)
    remover._at_a_time = 1

    assert remover.remove_old() == {"content of messages": 2}

    assert [(row.content, row.failure) for row in shop.messages()][:2] == [(None, "x")] * 2
    assert shop.messages()[2].content is not None


def test_guess_counts_go_when_they_count_for_nothing(shop):
    """A flood of guesses leaves as many rows."""
    with shop.core.database.writing() as db:
        for _ in range(3):
            guess_counts.add_wrong(db, next(_digests), 10, True, shop.clock())

    shop.clock.advance(minutes=15)
    assert remove_old(shop) == {"guess counts": 3}


def queue(shop):
    """Queue a message with a content, and return its number."""
    values = {
        "merchant_id": shop.merchant.id,
        "kind": "reset_code",
        "medium": "mail",
        "recipient": EMAIL,
        "content": {"code": "x"},
        "state": "queued",
        "attempts": 0,
        "due_at": shop.clock(),
        "created_at": shop.clock(),
    }
    with shop.core.database.writing() as db:
        return outbox.add(db, **values)


def test_no_step_looks_at_more_rows_than_it_may(shop, monkeypatch):
    """Also where none of them is old, or all are; and rows in whatever order are all found."""
    fill(shop, 2500, expires_at=NOON + timedelta(days=1))
    fill(shop, 1200)
    fill(shop, 10, expires_at=NOON + timedelta(days=1))
    fill(shop, 1)
    looked, removed = [], []
    look, remove = removal.look, removal.remove

    def noting_look(db, kind, after, size, before):
        looked.append(size)
        return look(db, kind, after, size, before)

    def noting_remove(db, **what):
        removed.append(remove(db, **what))
        return removed[-1]

    monkeypatch.setattr(removal, "look", noting_look)
    monkeypatch.setattr(removal, "remove", noting_remove)

    assert remove_old(shop) == {"sessions": 1201}

    assert count(shop, tables.sessions) == 2510
    assert max(looked) == LOOKED_AT
    assert max(removed) <= MOST_AT_A_TIME
    assert len(looked) < 2 * 3711 / 20


def test_walk_ends_where_nothing_can_be_old(shop, monkeypatch):
    """Most rows of a table are new; to look at them each minute would be in vain."""
    fill(shop, 10)
    fill(shop, 3000, created_at=NOON, expires_at=NOON + timedelta(days=1))
    monkeypatch.setattr("gatehouse.operations.removal.LOOKED_AT", 100)
    looked = []
    look = removal.look
    monkeypatch.setattr(removal, "look", lambda db, kind, *rest: looked.append(kind) or look(db, kind, *rest))

    assert remove_old(shop) == {"sessions": 10}

    assert looked.count(Kind.SESSION) == 2


def test_row_that_a_call_holds_is_left_for_the_next_time(shop):
    """On PostgreSQL the call would wait for us, and we for the next row that it holds."""
    fill(shop, 3)
    if shop.core.database.is_sqlite:
        return  # one writer at a time
    first = shop.rows(tables.sessions)[0].id
    with shop.core.database.writing() as db:
        db.execute(tables.sessions.update().where(tables.sessions.c.id == first).values(last_used_at=NOON))
        assert remove_old(shop) == {"sessions": 2}

    assert remove_old(shop) == {"sessions": 1}


def test_calls_go_on_while_many_rows_are_removed(shop):
    """A backlog, as after the update to this version, is worked off beside them."""
    fill(shop, 5_000)
    stop, waits = threading.Event(), []

    def call_on():
        while not stop.is_set():
            began = time.monotonic()
            with shop.core.database.writing() as db:
                db.execute(tables.merchants.update().values(language="de"))
            waits.append(time.monotonic() - began)
            time.sleep(0.001)

    caller = threading.Thread(target=call_on)
    caller.start()
    began = time.monotonic()
    try:
        assert remove_old(shop) == {"sessions": 5_000}
        took = time.monotonic() - began
    finally:
        stop.set()
        caller.join()
    assert len(waits) > 20
    # On a machine that is so busy that all takes long, no call may have waited for the greater part of it.
    assert max(waits) < max(1.0, took / 2)


# Plans


def test_no_statement_reads_a_whole_table(shop):
    """What is executed to remove old rows is what the database is asked about, with the same values."""
    make_large(shop)
    remover = Remover(shop.core)
    remover._at_a_time = 30
    executed = []

    def note(_connection, _cursor, statement, parameters, _context, is_many):
        if statement.split()[0] in ("SELECT", "DELETE", "UPDATE", "WITH"):
            assert not is_many
            executed.append((statement, parameters))

    sa.event.listen(shop.core.database.engine, "before_cursor_execute", note)
    removed = remover.remove_old()
    sa.event.remove(shop.core.database.engine, "before_cursor_execute", note)

    assert removed == dict.fromkeys(
        ["sessions", "login cookies", "messages", "content of messages", "guess counts"], 100
    )
    plans = {statement: plan_of(shop, statement, parameters) for statement, parameters in executed}
    for name in ("sessions", "login_cookies", "messages", "message_events", "guess_counts"):
        assert any(name in statement for statement in plans)
    assert [plan for plan in plans.values() if any(reads_all(line) for line in plan)] == []


def test_whole_reading_is_recognised(shop):
    """Otherwise the test above could not fail."""
    make_large(shop)
    for statement in ("DELETE FROM sessions WHERE device_id = 'x'", "SELECT id FROM messages ORDER BY recipient"):
        plan = plan_of(shop, statement)
        assert any(reads_all(line) for line in plan), plan


def plan_of(shop, statement, parameters=None):
    """Return the lines of the plan."""
    explain = "EXPLAIN QUERY PLAN " if shop.core.database.is_sqlite else "EXPLAIN "
    with shop.core.database.reading() as db:
        return [str(row[-1]) for row in db.exec_driver_sql(explain + statement, parameters)]


def reads_all(line):
    """Whether a line of a plan says that a table is read from its beginning to its end."""
    of_sqlite = line.startswith("SCAN ") and line.split()[1] in tables.metadata.tables and " USING " not in line
    return of_sqlite or any(f"Seq Scan on {name} " in f"{line} " for name in LARGE)


LARGE = ("sessions", "login_cookies", "messages", "message_events", "guess_counts")


MORE_SESSIONS = """
    INSERT INTO sessions (merchant_id, application_id, account_id, must_change_password,
        last_used_at, expires_at, created_at, token_digest)
    SELECT merchant_id, application_id, account_id, must_change_password,
        last_used_at, expires_at, created_at, sha256(convert_to(id || ' ' || copy, 'UTF8'))
    FROM sessions, generate_series(1, 7) AS copy WHERE expires_at > '2026-01-01'
"""


def make_large(shop):
    """Add thousands of rows to the tables that grow, of which 100 are old, and let the database look at them."""
    old, new = NOON - timedelta(days=500), NOON - timedelta(days=1)
    ids = {
        "merchant_id": shop.merchant.id,
        "application_id": shop.application.application.id,
        "account_id": shop.account.id,
    }
    cookie = ids | {"generation": 0}
    message = {
        "merchant_id": shop.merchant.id,
        "kind": "reset_code",
        "medium": "mail",
        "recipient": EMAIL,
        "attempts": 1,
    }
    count = {"wrong": 1, "budget": 10}
    with shop.core.database.writing() as db:

        def add(table, row, each, rows=3000):
            many = [row | each(number < 100, number) for number in range(rows)]
            db.execute(table.insert(), many)

        def moments(is_old):
            moment = old if is_old else new
            return {"created_at": moment, "expires_at": moment if is_old else NOON + timedelta(days=9)}

        add(
            tables.login_cookies,
            cookie,
            lambda is_old, _: moments(is_old) | {"series_digest": next(_digests), "rotated_at": old},
        )
        first = db.execute(sa.select(sa.func.min(tables.login_cookies.c.id))).scalar_one()
        add(
            tables.sessions,
            ids | {"must_change_password": False},
            lambda is_old, number: (
                moments(is_old)
                | {"token_digest": next(_digests), "last_used_at": old, "login_cookie_id": first + number}
            ),
        )
        add(
            tables.messages,
            message | {"content": {"code": "x"}},
            lambda is_old, _: {
                "state": "abandoned" if is_old else "sending",
                "created_at": old if is_old else new,
                "due_at": old if is_old else new,
            },
        )
        numbers = list(db.scalars(sa.select(tables.messages.c.id)))
        db.execute(
            tables.message_events.insert(),
            [
                {"message_id": each, "merchant_id": shop.merchant.id, "state": "queued", "created_at": new}
                for each in numbers
            ],
        )
        add(
            tables.guess_counts,
            count,
            lambda is_old, _: {
                "key_digest": next(_digests),
                "window_ends_at": old,
                "forgotten_at": old if is_old else NOON + timedelta(days=1),
            },
            rows=15_000,
        )
        if db.dialect.name == "postgresql":  # it chooses by size
            db.execute(sa.text(MORE_SESSIONS))
        db.execute(sa.text("ANALYZE"))
