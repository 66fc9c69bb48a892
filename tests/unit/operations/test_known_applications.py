"""Tests of operations/known_applications.py and what callers.py makes of it, on both databases."""

import sqlalchemy as sa

from gatehouse.domain.codes import ReturnCode
from gatehouse.operations import known_applications
from gatehouse.operations.applications import set_application_disabled
from gatehouse.operations.known_applications import KnownApplications
from gatehouse.operations.passwords import update_password

DIGEST = b"d" * 32


def refused(shop, session=None):
    """Return what a call that needs a session says, and how many statements it took."""
    statements = []

    def note(*arguments):
        statements.append(arguments)

    sa.event.listen(shop.core.database.engine, "before_cursor_execute", note)
    try:
        found = update_password(shop.call(session), "old", "new")
    finally:
        sa.event.remove(shop.core.database.engine, "before_cursor_execute", note)
    return found.return_code, len(statements)


def test_second_call_without_a_session_does_not_ask_the_database(shop):
    """Which is why it is remembered."""
    first, second = refused(shop), refused(shop)

    assert first[0] is second[0] is ReturnCode.SESSION_REQUIRED
    assert first[1] > 0
    assert second[1] == 0


def test_what_is_taken_back_allows_nothing_at_once(shop):
    """A disabled application is only told another refusal for a moment."""
    session = shop.log_in()
    refused(shop)
    set_application_disabled(shop.call(), shop.application.application.id, True)

    assert shop.login().return_code is ReturnCode.INVALID_APPLICATION_TOKEN
    assert refused(shop, session)[0] in (ReturnCode.SESSION_EXPIRED, ReturnCode.INVALID_APPLICATION_TOKEN)
    assert refused(shop)[0] is ReturnCode.SESSION_REQUIRED


def test_it_is_forgotten_after_a_moment(shop, monkeypatch):
    """Then the refusal is the right one."""
    refused(shop)
    set_application_disabled(shop.call(), shop.application.application.id, True)
    later = known_applications.time.monotonic() + 1.1
    monkeypatch.setattr(known_applications.time, "monotonic", lambda: later)

    assert refused(shop)[0] is ReturnCode.INVALID_APPLICATION_TOKEN


def test_no_more_than_so_many_are_remembered():
    """Nobody fills the memory, not even with tokens that are good."""
    known = KnownApplications()
    for number in range(2500):
        known.note(number.to_bytes(32, "big"), (1, number))

    assert known.find((2499).to_bytes(32, "big")) == (1, 2499)
    assert len(known._found) <= 1000


def test_unknown_is_none():
    """Nothing is made up."""
    assert KnownApplications().find(DIGEST) is None
