"""Tests of operations/known_applications.py and what callers.py makes of it, on both databases."""

import json
from contextlib import contextmanager
from io import BytesIO
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from gatehouse.app import create_app
from gatehouse.domain.codes import ReturnCode
from gatehouse.operations import known_applications
from gatehouse.operations.applications import change_application, set_application_disabled
from gatehouse.operations.known_applications import KnownApplications
from gatehouse.operations.passwords import update_password

DIGEST = b"d" * 32


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """What is remembered is remembered for as long as this clock stands still, however slow the machine is."""
    stopped = SimpleNamespace(moment=1000.0)
    monkeypatch.setattr(known_applications, "time", SimpleNamespace(monotonic=lambda: stopped.moment))
    return stopped


@contextmanager
def counted(shop):
    """Give a list that has an item for each statement inside the block."""
    statements = []

    def note(*arguments):
        statements.append(arguments)

    sa.event.listen(shop.core.database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(shop.core.database.engine, "before_cursor_execute", note)


def refused(shop, session=None):
    """Return what a call that needs a session says, and how many statements it took."""
    with counted(shop) as statements:
        found = update_password(shop.call(session), "old", "new")
    return found.return_code, len(statements)


def refused_as_json(app, shop, method="UpdatePassword", signature=None):
    """Return status and body of a JSON call without a session, and how many statements it took."""
    body, told = b"{}", []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/v2/account.svc/{method}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_APPLICATIONTOKEN": shop.application.token,
        "REMOTE_ADDR": "192.0.2.7",
        "wsgi.input": BytesIO(body),
        **({"HTTP_SIGNATURE": signature} if signature else {}),
    }
    with counted(shop) as statements:
        answer = b"".join(app(environ, lambda status, headers: told.append(status)))
    return told[0], json.loads(answer), len(statements)


def test_second_call_without_a_session_does_not_ask_the_database(shop):
    """Which is why it is remembered."""
    first, second = refused(shop), refused(shop)

    assert first[0] is second[0] is ReturnCode.SESSION_REQUIRED
    assert first[1] > 0
    assert second[1] == 0


def test_second_json_call_without_a_session_does_not_ask_the_database(shop):
    """Neither for the signature that its application may want, nor for what the answer looks like."""
    app = create_app(shop.core.settings, shop.core)
    first, second = refused_as_json(app, shop), refused_as_json(app, shop)

    assert first[1]["d"]["Key"] == second[1]["d"]["Key"] == "SessionRequired"
    assert first[2] > 0
    assert second[2] == 0


def test_calls_that_need_no_session_read_their_application_each_time(shop):
    """What would be allowed must not rest on a moment ago: a signature that is wanted now is wanted at once."""
    app = create_app(shop.core.settings, shop.core)
    refused_as_json(app, shop)
    change_application(shop.call(), shop.application.application.id, signature="required")

    for method in ("Login", "DecodeLoginCookie", "ResetPassword", "LogOff", "RegisterDevice"):
        _, answer, _ = refused_as_json(app, shop, method)
        result = answer["d"]
        assert result is False or result["Key"] == "InvalidSignature", method


def test_what_is_taken_back_allows_nothing_at_once(shop):
    """A disabled application is only told another refusal for a moment."""
    session = shop.log_in()
    refused(shop)
    set_application_disabled(shop.call(), shop.application.application.id, True)

    assert shop.login().return_code is ReturnCode.INVALID_APPLICATION_TOKEN
    assert refused(shop, session)[0] in (ReturnCode.SESSION_EXPIRED, ReturnCode.INVALID_APPLICATION_TOKEN)
    assert refused(shop)[0] is ReturnCode.SESSION_REQUIRED


def test_it_is_forgotten_after_a_moment(shop, clock):
    """Then the refusal is the right one."""
    refused(shop)
    set_application_disabled(shop.call(), shop.application.application.id, True)
    clock.moment += 1.1

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
