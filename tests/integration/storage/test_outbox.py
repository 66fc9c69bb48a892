"""Tests of storage/outbox.py, on both databases."""

import threading
from datetime import timedelta

import pytest

from gatehouse.domain.messages import MessageKind, MessageState
from gatehouse.operations import accounts
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.outbox import queue_mail
from gatehouse.storage import outbox
from tests.factories import NOON

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
