"""Tests of operations/calls.py and operations/phone_numbers.py."""

import pytest

from gatehouse.domain.messages import MessageKind
from gatehouse.operations import outbox
from gatehouse.operations.phone_numbers import normalised_phone


def test_worker_is_woken_after_the_commit_and_not_before(shop):
    """It would look, find nothing, and sleep again."""
    call = shop.call()

    with call.writing():
        outbox.queue_mail(call, MessageKind.PASSWORD_CHANGED, shop.account)
        assert not shop.core.message_queued.is_set()

    assert shop.core.message_queued.is_set()


def test_call_that_queued_nothing_wakes_nobody(shop):
    """Most calls send no message."""
    shop.log_in()

    assert not shop.core.message_queued.is_set()


def test_no_password_is_hashed_while_a_connection_is_held(shop):
    """Argon2 is slow, and SQLite has one write lock."""
    call = shop.call()

    with call.reading(), pytest.raises(AssertionError, match="no connection may be held"):
        _ = call.passwords
    with call.writing(), pytest.raises(AssertionError, match="no connection may be held"):
        _ = call.passwords
    assert call.passwords


def test_rows_are_out_of_reach_outside_of_a_block(shop):
    """A connection is held only while it is used."""
    call = shop.call()
    with call.reading():
        pass

    with pytest.raises(AssertionError, match="neither reading nor writing"):
        _ = call.db


def test_call_is_one_moment(shop):
    """Everything that it writes has the same time."""
    call = shop.call()
    before = call.now
    shop.clock.advance(minutes=1)

    assert call.now == before


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("+1 201 555 0123", "US", "+12015550123"),
        ("(201) 555-0123", "US", "+12015550123"),
        ("079 123 45 67", "CH", "+41791234567"),
        ("0041 79 123 45 67", "CH", "+41791234567"),
        ("+41 79 123 45 67", "US", "+41791234567"),
        ("12", "US", None),
        ("", "US", None),
        ("call me", "US", None),
    ],
)
def test_phone_numbers_are_what_a_gateway_dials(text, region, expected):
    """People write them as they dial them at home."""
    assert normalised_phone(text, region) == expected
