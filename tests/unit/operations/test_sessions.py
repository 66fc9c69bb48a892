"""Tests of operations/sessions.py, on both databases. How long sessions live is in test_login.py."""

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.results import ServiceResult
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.login_cookies import decode_login_cookie
from gatehouse.operations.passwords import update_pincode
from gatehouse.operations.sessions import log_off
from gatehouse.storage import tables
from tests.factories import NOON, PASSWORD, make_application


def test_log_off_ends_the_session(shop):
    """And no other one."""
    session, other = shop.log_in(), shop.log_in()
    since = len(shop.events())

    result = log_off(shop.call(session))

    assert result == ServiceResult(return_code=ReturnCode.SUCCESS, number=str(shop.account.id))
    assert shop.events(since) == [("session.ended", None)]
    assert update_pincode(shop.call(session), PASSWORD, "1593").return_code is ReturnCode.SESSION_EXPIRED
    assert update_pincode(shop.call(other), PASSWORD, "1593").return_code is ReturnCode.SUCCESS


def test_log_off_ends_the_cookie_that_came_with_the_session(shop):
    """A person who leaves does not want to be let in again by the browser."""
    kept = shop.login(set_cookie=True)
    left = shop.login(set_cookie=True)

    log_off(shop.call(left.credentials_token))

    assert decode_login_cookie(shop.call(), left.encoded_cookie).return_code is ReturnCode.INVALID_COOKIE
    assert decode_login_cookie(shop.call(), kept.encoded_cookie).return_code is ReturnCode.SUCCESS


def test_log_off_after_a_decoded_cookie_ends_the_series(shop):
    """The session of the decode belongs to the same series."""
    cookie = shop.login(set_cookie=True).encoded_cookie
    decoded = decode_login_cookie(shop.call(), cookie)

    assert log_off(shop.call(decoded.credentials_token)).return_code is ReturnCode.SUCCESS

    assert decode_login_cookie(shop.call(), decoded.encoded_cookie).return_code is ReturnCode.INVALID_COOKIE
    assert [row.ended_at for row in shop.rows(tables.login_cookies)] == [NOON]


def test_log_off_without_a_session_succeeds(shop):
    """What was asked for is so already; nothing is written."""
    since = len(shop.events())

    assert log_off(shop.call()) == ServiceResult(return_code=ReturnCode.SUCCESS)
    assert shop.events(since) == []


def test_log_off_of_an_ended_session_says_so(shop):
    """A client that logs off twice learns that it was out."""
    session = shop.log_in()
    log_off(shop.call(session))

    assert log_off(shop.call(session)).return_code is ReturnCode.SESSION_EXPIRED
    assert log_off(shop.call("no-such-session")).return_code is ReturnCode.SESSION_EXPIRED


def test_log_off_looks_at_the_application_token(shop):
    """A wrong one is told before anything else; another application's ends nothing; without any there is no harm."""
    session = shop.log_in()
    other = make_application(shop.core, shop.merchant)

    assert log_off(Call(shop.core, Caller())).return_code is ReturnCode.SUCCESS
    assert log_off(shop.call(session, token="no-such-token")).return_code is ReturnCode.INVALID_APPLICATION_TOKEN
    assert log_off(shop.call(session, token=other.token)).return_code is ReturnCode.SESSION_EXPIRED
    assert update_pincode(shop.call(session), PASSWORD, "1593").return_code is ReturnCode.SUCCESS
