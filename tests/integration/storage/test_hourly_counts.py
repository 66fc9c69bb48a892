"""Tests of counting what happened in each hour, on both databases."""

import contextlib
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from gatehouse.domain.messages import MessageKind
from gatehouse.operations import outbox, overview
from gatehouse.operations.hourly_counts import KEPT, HourlyCounter
from gatehouse.operations.operators import OperatorRole, add_operator
from gatehouse.storage import hourly_counts
from gatehouse.storage.tables import counted_to, messages
from gatehouse.storage.tables import hourly_counts as table
from tests import factories

HOUR = 3600


@pytest.fixture
def counter(core):
    """Counts all that is there in one go, as two rounds of the background do."""
    return HourlyCounter(core)


def _count(counter):
    counter.step()
    counter.step()


def _found(shop, merchant_ids=None, hours=24):
    """Return what the panel is told, by hour before now, kind and detail."""
    now = shop.clock.moment
    with shop.core.database.reading() as db:
        found = hourly_counts.find_counts(db, merchant_ids, now - timedelta(hours=hours))
    counted = {}
    for each in found:
        key = (int(now.timestamp()) // HOUR - each.hour, each.kind, each.detail)
        counted[key] = counted.get(key, 0) + each.count
    return counted


def _rows(shop):
    """Return what the table has of the merchant, as kind and how many; it has the same of all merchants together."""
    statement = sa.select(table.c.kind, table.c["count"]).order_by(table.c.kind)
    with shop.core.database.reading() as db:
        mine, all_together = (
            [tuple(row) for row in db.execute(statement.where(table.c.merchant_id == number))]
            for number in (shop.merchant.id, 0)
        )
    assert mine == all_together
    return mine


def _last_ids(shop):
    with shop.core.database.reading() as db:
        return dict(db.execute(sa.select(counted_to.c.source, counted_to.c.last_id)).all())


def _mail(shop):
    call = shop.call()
    with call.writing():
        outbox.queue_mail(call, MessageKind.PASSWORD_CHANGED, shop.account)


def test_what_is_counted_and_what_is_not_yet_are_the_same_to_who_asks(shop, counter):
    """Nothing is missing and nothing is there twice, before, between and after the rounds."""
    shop.log_in(email=shop.account.email)
    shop.login(email=shop.account.email, password="wrong")
    shop.clock.advance(minutes=60)
    shop.log_in(email=shop.account.email)
    _mail(shop)
    expected = {
        (1, "login", ""): 1,
        (1, "refusal", "InvalidCredentials"): 1,
        (0, "login", ""): 1,
        (0, "message", ""): 1,
    }
    assert _found(shop) == expected
    counter.step()
    assert _found(shop) == expected
    counter.step()
    assert _found(shop) == expected
    shop.log_in(email=shop.account.email)
    assert _found(shop) == expected | {(0, "login", ""): 2}
    _count(counter)
    assert _found(shop) == expected | {(0, "login", ""): 2}

    assert sum(count for _, count in _rows(shop)) == 5
    assert _last_ids(shop)["messages"] == max(row.id for row in shop.rows(messages))


def test_an_hour_ends_with_its_last_microsecond(shop, counter):
    """PostgreSQL has the fractions of a second, and would round them up into the next hour."""
    shop.clock.moment += timedelta(minutes=59, seconds=59, microseconds=999_999)
    shop.log_in(email=shop.account.email)

    assert _found(shop) == {(0, "login", ""): 1}
    _count(counter)
    assert _found(shop) == {(0, "login", ""): 1}


def test_merchants_are_counted_apart(core, shop, counter):
    """A manager is shown what happened at merchants of his own."""
    other = factories.make_shop(core)
    shop.log_in(email=shop.account.email)
    for _ in range(2):
        other.log_in(email=other.account.email)
    for _ in range(2):
        assert _found(shop, {other.merchant.id}) == {(0, "login", ""): 2}
        assert _found(shop, set()) == {}
        assert _found(shop) == {(0, "login", ""): 3}
        _count(counter)


def test_what_operators_do_is_no_login_of_a_merchant(core, shop, counter):
    """Their trail has refusals, too, and no merchant that a count could belong to."""
    add_operator(shop.call(), "olga", OperatorRole.OWNER, "seven quiet otters swim", [])
    _count(counter)

    assert _found(shop) == {}


def test_several_count_each_row_once(core, shop):
    """Each process of the service counts."""
    counters = [HourlyCounter(core) for _ in range(4)]
    for each in counters:
        each.step()
    for _ in range(5):
        shop.log_in(email=shop.account.email)
    for each in counters:
        each.step()
    barrier, errors = threading.Barrier(4), []

    def count(counter):
        barrier.wait()
        try:
            counter.step()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=count, args=(each,)) for each in counters]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert errors == []
    assert _rows(shop) == [("login", 5)]
    assert _found(shop) == {(0, "login", ""): 5}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_row_of_a_transaction_that_ends_late_is_counted(shop, counter):
    """There a row with a lower number may come after one with a higher one; SQLite has one writer."""
    shop.log_in(email=shop.account.email)
    _count(counter)
    call = shop.call()
    with call.writing():
        outbox.queue_mail(call, MessageKind.PASSWORD_CHANGED, shop.account)
        _mail(shop)
        counter.step()
        counter.step()
        assert _last_ids(shop)["messages"] == 0
    _count(counter)
    _count(counter)

    assert _found(shop)[0, "message", ""] == 2
    assert _rows(shop) == [("login", 1), ("message", 2)]


def test_old_hours_are_removed(shop, counter):
    """The table stays as large as what the panel shows of it."""
    shop.log_in(email=shop.account.email)
    _count(counter)
    assert _rows(shop) == [("login", 1)]
    shop.clock.moment += KEPT + timedelta(hours=1)
    counter.step()

    assert _rows(shop) == []
    assert overview.SHOWN < KEPT


def test_a_count_that_was_rolled_back_is_made_again(shop, counter, database):
    """A process that dies while it counts leaves neither a part of it nor a gap."""
    shop.log_in(email=shop.account.email)
    shop.log_in(email=shop.account.email)
    with database.reading() as db:
        after, last = hourly_counts.find_last(db, "audit_entries"), 10**6
    with contextlib.suppress(InterruptedError), database.writing() as db:
        assert hourly_counts.count_up_to(db, "audit_entries", after, last)
        assert db.execute(sa.select(sa.func.sum(table.c["count"]))).scalar_one() == 4
        raise InterruptedError
    assert _found(shop) == {(0, "login", ""): 2}
    _count(counter)

    assert _found(shop) == {(0, "login", ""): 2}
