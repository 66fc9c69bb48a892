"""Tests of storage/outbox.py, on both databases."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from gatehouse.domain.messages import MessageKind, MessageState
from gatehouse.operations import accounts
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.outbox import queue_mail
from gatehouse.storage import outbox, tables
from tests.factories import NOON, make_merchant

LONG_AGO = NOON - timedelta(minutes=5)


@pytest.fixture
def queue(shop):
    """A function that queues so many messages."""

    def add(count, **values):
        with shop.core.database.writing() as db:
            return [
                outbox.add(
                    db,
                    **{
                        "merchant_id": shop.merchant.id,
                        "kind": "password_changed",
                        "medium": "mail",
                        "recipient": "jane@example.com",
                        "content": {"merchant": "Acme"},
                        "state": "queued",
                        "attempts": 0,
                        "due_at": NOON,
                        "created_at": NOON,
                    }
                    | values,
                )
                for _ in range(count)
            ]

    return add


def claim(shop, name, limit=10, now=NOON, abandoned_after=LONG_AGO):
    """Claim messages, and return their numbers."""
    with shop.core.database.writing() as db:
        return [message.id for message in outbox.claim(db, name, limit, now, abandoned_after)]


def test_claim_takes_what_is_due_up_to_the_limit(shop, queue):
    """The oldest first, and each once."""
    late = queue(3)
    early = queue(2, due_at=NOON - timedelta(minutes=1))
    queue(2, due_at=NOON + timedelta(seconds=1))

    assert claim(shop, "one", limit=3) == sorted([*early, late[0]])
    assert claim(shop, "two") == late[1:]
    assert claim(shop, "three") == []


def test_claimed_message_is_sending_and_counted(shop, queue):
    """An operator sees who has it."""
    [number] = queue(1)
    claim(shop, "one")

    [row] = shop.messages()
    assert (row.id, row.state, row.claim, row.attempts) == (number, "sending", "one", 1)
    assert row.content == {"merchant": "Acme"}


def test_large_outbox_is_not_claimed_beyond_the_limit(shop, queue):
    """A worker that takes more than it can send keeps the others from sending them."""
    queue(300)
    with shop.core.database.writing() as db:
        db.exec_driver_sql("ANALYZE")

    assert len(claim(shop, "one", limit=7)) == 7
    assert sum(row.state == "sending" for row in shop.messages()) == 7


def test_parallel_workers_never_claim_twice(shop, queue):
    """Otherwise a person gets two mails with two temporary passwords."""
    numbers = queue(60)
    barrier, claimed, errors = threading.Barrier(6), [], []

    def work(name):
        barrier.wait()
        try:
            while taken := claim(shop, name, limit=4):
                claimed.extend(taken)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claimed.extend(claim(shop, "last", limit=100))

    assert errors == []
    assert sorted(claimed) == numbers
    assert {row.attempts for row in shop.messages()} == {1}


def test_message_of_a_worker_that_died_is_claimed_again(shop, queue):
    """After the time in which it would have finished, and not before."""
    numbers = queue(2)
    claim(shop, "dead")

    assert claim(shop, "early", now=NOON + timedelta(minutes=5), abandoned_after=NOON - timedelta(seconds=1)) == []
    assert claim(shop, "next", now=NOON + timedelta(minutes=5), abandoned_after=NOON) == numbers
    assert {row.attempts for row in shop.messages()} == {2}


@pytest.mark.parametrize("state", [MessageState.SENT, MessageState.ABANDONED])
def test_finished_message_is_wiped_and_not_claimed_again(shop, queue, state):
    """Its content may hold a secret."""
    [number] = queue(1)
    claim(shop, "one")
    with shop.core.database.writing() as db:
        outbox.finish(db, number, "one", state, NOON, None if state is MessageState.SENT else "refused")

    [row] = shop.messages()
    assert (row.state, row.content, row.claim) == (state.value, None, None)
    assert row.sent_at == (NOON if state is MessageState.SENT else None)
    assert claim(shop, "two", now=NOON + timedelta(days=1), abandoned_after=NOON + timedelta(days=1)) == []


def test_postponed_message_comes_back_in_its_time(shop, queue):
    """A mail server that is away for a minute costs no mail."""
    [number] = queue(1)
    claim(shop, "one")
    with shop.core.database.writing() as db:
        outbox.postpone(db, number, "one", NOON + timedelta(minutes=1), "ConnectionRefusedError", NOON)

    assert claim(shop, "two", now=NOON + timedelta(seconds=59)) == []
    assert claim(shop, "two", now=NOON + timedelta(minutes=1)) == [number]
    assert shop.messages()[0].failure == "ConnectionRefusedError"


def test_worker_that_lost_its_claim_changes_nothing(shop, queue):
    """It was slow, another one took over, and its word comes too late."""
    [number] = queue(1)
    claim(shop, "slow")
    claim(shop, "next", abandoned_after=NOON)
    with shop.core.database.writing() as db:
        outbox.finish(db, number, "slow", MessageState.ABANDONED, NOON, "too late")
        outbox.postpone(db, number, "slow", NOON, "too late", NOON)

    [row] = shop.messages()
    assert (row.state, row.claim, row.failure) == ("sending", "next", None)
    assert row.content == {"merchant": "Acme"}


def test_has_due_says_what_claim_would_find(shop, queue):
    """It is asked first, because it takes no lock."""

    def has_due(now=NOON, abandoned_after=LONG_AGO):
        with shop.core.database.reading() as db:
            return outbox.has_due(db, now, abandoned_after)

    assert not has_due()
    queue(1, due_at=NOON + timedelta(minutes=1))
    assert not has_due()
    assert has_due(now=NOON + timedelta(minutes=1))
    claim(shop, "one", now=NOON + timedelta(minutes=1))
    assert not has_due(now=NOON + timedelta(minutes=2), abandoned_after=NOON)
    assert has_due(now=NOON + timedelta(minutes=9), abandoned_after=NOON + timedelta(minutes=2))


def test_message_leaves_with_the_transaction_that_queued_it(shop):
    """A change that was rolled back must not be told of."""
    call = shop.call()

    def queue_and_break():
        with call.writing():
            queue_mail(call, MessageKind.PASSWORD_CHANGED, shop.account)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        queue_and_break()

    assert shop.messages() == []
    assert not shop.core.message_queued.is_set()


def test_former_address_is_told_once_of_parallel_changes(shop):
    """Each change tells the address that it took away, and no other."""
    wanted = ["one@example.com", "two@example.com", "three@example.com"]
    begin = threading.Barrier(len(wanted))

    def change(email):
        begin.wait()
        accounts.change_account(Call(shop.core, Caller()), shop.account.id, email=email)

    threads = [threading.Thread(target=change, args=(each,)) for each in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    told = [each.recipient for each in shop.messages("email_changed")]
    left = shop.present_account().email
    assert sorted([*told, left]) == sorted(["jane@example.com", *wanted])


HOUR = timedelta(hours=1)


def count_sms(shop, recipient="+41791234567", country="CH"):
    """Return what counts for an SMS to this number, as an installation with many SMS counts it."""
    with shop.core.database.reading() as db:
        return outbox.count_sms(db, recipient, shop.merchant.id, country, NOON - HOUR / 4, NOON - HOUR)


@pytest.fixture
def many_sms(shop, queue):
    """Of another merchant to many countries within the hour, and a few of the shop's."""
    other = make_merchant(shop.core)
    sms = {"medium": "sms", "kind": "activation_code", "state": "sent", "attempts": 1, "due_at": NOON}
    with shop.core.database.writing() as db:
        db.execute(
            tables.messages.insert(),
            [
                sms
                | {
                    "merchant_id": other.id,
                    "recipient": f"+99{each:08}",
                    "country": f"{chr(65 + each % 26)}{chr(65 + each // 26 % 26)}",
                    "created_at": NOON - timedelta(seconds=each % 3000),
                }
                for each in range(20_000)
            ],
        )
    for age, number, country in [(5, 7, "CH"), (5, 8, "CH"), (20, 7, "CH"), (70, 7, "CH"), (5, 9, "HC")]:
        at = NOON - timedelta(minutes=age)
        queue(1, **sms, country=country, recipient=f"+4179123456{number}", created_at=at)
    queue(1, **(sms | {"state": "abandoned"}), country=None, recipient="+41791234567")


def test_sms_are_counted(shop, many_sms):
    """For the number in a quarter of an hour, for the merchant and the country in an hour; not those refused."""
    counts = count_sms(shop)

    assert (counts.number, counts.merchant) == (1, 4)
    assert counts.country == 3 + 30  # of the other merchant
    assert count_sms(shop, "+41790000000", "--") == outbox.SmsCounts(number=0, merchant=4, country=0)


def test_sms_of_others_are_not_looked_at(shop, many_sms):
    """Each SMS is counted before the next: with the whole hour of everybody, a busy one would hold up every call."""
    executed = []

    def note(_connection, _cursor, statement, parameters, _context, _is_many):
        executed.append((statement, parameters))

    with shop.core.database.writing() as db:
        db.exec_driver_sql("ANALYZE")
    sa.event.listen(shop.core.database.engine, "before_cursor_execute", note)
    count_sms(shop)
    sa.event.remove(shop.core.database.engine, "before_cursor_execute", note)

    (statement, parameters) = next(each for each in executed if "messages" in each[0])
    explain = "EXPLAIN QUERY PLAN " if shop.core.database.is_sqlite else "EXPLAIN "
    with shop.core.database.reading() as db:
        plan = [str(row[-1]) for row in db.exec_driver_sql(explain + statement, parameters)]
    for subject in ("recipient", "merchant_id", "country"):
        assert any(f"ix_messages_counted_{subject}_created_at" in line for line in plan), plan
