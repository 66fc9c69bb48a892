"""Tests of what is asked for an account by naming it, and done after the call."""

import threading

import pytest
import sqlalchemy as sa

from gatehouse.delivery.worker import Worker
from gatehouse.operations import fulfilment
from gatehouse.operations.fulfilment import fulfil_next
from gatehouse.operations.passwords import reset_password
from gatehouse.storage import tables
from tests.factories import EMAIL, make_account, make_shop
from tests.partner import CODE, make_partner


def waiting(core):
    """Return the requests that are not done yet."""
    with core.database.reading() as db:
        return db.execute(sa.select(tables.account_requests)).all()


def test_call_only_notes_what_is_asked(core):
    """For nobody just as for somebody; then it is done once."""
    shop = make_shop(core)
    for email in (EMAIL, "nobody@example.com"):
        assert reset_password(shop.call(), email).is_success
    assert [row.identity["email_key"] for row in waiting(core)] == [EMAIL, "nobody@example.com"]

    assert [fulfil_next(core) for _ in range(3)] == [True, True, False]
    assert waiting(core) == []
    assert [message.recipient for message in shop.messages()] == [EMAIL]


def test_audit_names_the_call_that_asked(core):
    """Its source and the id of the request, with the account that turned out to be meant."""
    shop = make_shop(core)
    call = shop.call()
    reset_password(call, EMAIL)

    entry = shop.rows(tables.audit_entries)[-1]
    assert (entry.event, entry.account_id) == ("password.reset_requested", shop.account.id)
    assert (entry.source, entry.request_id) == (call.caller.source, call.caller.request_id)


def test_request_that_cannot_be_done_is_removed_and_logged(core, monkeypatch, caplog):
    """It is our fault, and must not keep the others waiting. Nothing that was given is logged."""
    shop = make_shop(core)
    reset_password(shop.call(), EMAIL)
    make_partner(shop).generate("anonymous", email=EMAIL)

    def fail(*_):
        raise RuntimeError("secret words")

    monkeypatch.setitem(fulfilment._FULFIL, fulfilment.RequestKind.TEMPORARY_PASSWORD, fail)
    assert [message.kind for message in shop.messages()] == ["reset_code"]
    assert waiting(core) == []
    assert "RuntimeError" in caplog.text
    assert "secret words" not in caplog.text
    assert EMAIL not in caplog.text


def test_crash_on_the_way_loses_no_request(core, monkeypatch):
    """It is removed in the transaction that does it."""
    shop = make_shop(core)
    reset_password(shop.call(), EMAIL)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setitem(fulfilment._FULFIL, fulfilment.RequestKind.TEMPORARY_PASSWORD, die)
        with pytest.raises(KeyboardInterrupt):
            fulfil_next(core)
    assert len(waiting(core)) == 1
    assert len(shop.messages("temporary_password")) == 1


def test_workers_do_each_request_once(core):
    """However many there are."""
    shop = make_shop(core)
    for number in range(40):
        make_account(core, shop.merchant, email=f"guest{number}@example.com", username=f"guest{number}")
        reset_password(shop.call(), f"guest{number}@example.com")

    def work():
        while fulfil_next(core):
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    recipients = [message.recipient for message in shop.messages("temporary_password")]
    assert sorted(recipients) == sorted({f"guest{number}@example.com" for number in range(40)})


def test_worker_does_it_before_it_delivers(core, tmp_path):
    """So that one round of a worker mails what was asked a moment ago."""
    shop = make_shop(core)
    reset_password(shop.call(), EMAIL)
    worker = Worker(core)

    assert worker.run_once() == 1
    worker.close()


def test_partners_that_draw_the_same_code_for_two_accounts_at_once(core):
    """One of them has it, the other is told; nothing breaks."""
    shop = make_shop(core)
    partner = make_partner(shop)
    for number in range(8):
        make_account(core, shop.merchant, email=f"guest{number}@example.com", username=f"guest{number}")
    barrier, results = threading.Barrier(8), []

    def send(number):
        barrier.wait()
        results.append(partner.send(CODE, username=f"guest{number}").return_code.key)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == ["InvalidField"] * 7 + ["Success"]
    assert len(shop.rows(tables.reset_codes)) == 1
    assert len(partner.links()) == 1


def test_code_that_is_refused_leaves_the_one_before(core):
    """The owner may have that one in the mailbox."""
    shop = make_shop(core)
    partner = make_partner(shop)
    make_account(core, shop.merchant, email="other@example.com", username="other")
    assert partner.send(CODE, username="other").is_success
    assert partner.generate().is_success
    (before,) = (row for row in shop.rows(tables.reset_codes) if row.account_id == shop.account.id)

    assert partner.send(CODE).return_code.key == "InvalidField"
    assert before in shop.rows(tables.reset_codes)
