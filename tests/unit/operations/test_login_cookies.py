"""Tests of operations/login_cookies.py, on both databases."""

import base64
import threading
from datetime import timedelta

import pytest

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.results import DecodeCookieResult
from gatehouse.operations import callers, devices
from gatehouse.operations.accounts import set_account_status
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.login_cookies import decode_login_cookie
from gatehouse.operations.passwords import update_password, update_pincode
from gatehouse.storage import tables
from tests.factories import EMAIL, NOON, PASSWORD, make_application, make_shop


def is_live(shop, session):
    """Whether a session still lets its caller in."""
    call = shop.call(session)
    with call.reading():
        return not isinstance(callers.find_session(call), ReturnCode)


def first_cookie(shop, **members):
    """Log in and return the first cookie of a series."""
    return shop.login(set_cookie=True, **members).encoded_cookie


def decode(shop, cookie, **caller):
    """Decode a cookie and return the result."""
    return decode_login_cookie(shop.call(**caller), cookie)


def test_decode_gives_a_session_and_the_next_cookie(shop):
    """The browser comes back without a password."""
    cookie = first_cookie(shop)
    since = len(shop.events())

    result = decode(shop, cookie)

    assert result.return_code is ReturnCode.SUCCESS
    assert result.number == str(shop.account.id)
    assert result.email == "jane@example.com"
    assert result.full_name == "Jane Doe"
    assert result.encoded_cookie not in (None, cookie)
    assert result.cookie_lifetime == timedelta(days=30)
    assert is_live(shop, result.credentials_token)
    assert shop.events(since) == [("login_cookie.rotated", None)]
    assert shop.messages() == []


def test_cookie_says_nothing_in_the_clear(shop):
    """Its name is its whole content: a series and a signature, in characters that cookies may have."""
    cookie = first_cookie(shop)
    raw = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))

    assert len(raw) == 52
    assert cookie.isascii()
    assert cookie.replace("-", "").replace("_", "").isalnum()
    assert raw[:16] not in [row.series_digest[:16] for row in shop.rows(tables.login_cookies)]


def test_each_cookie_is_followed_by_the_next(shop):
    """A month of visits, each with the cookie that the one before gave."""
    cookie = first_cookie(shop)
    for _ in range(5):
        shop.clock.advance(days=20)
        result = decode(shop, cookie)
        assert result.return_code is ReturnCode.SUCCESS
        cookie = result.encoded_cookie

    assert len(shop.rows(tables.login_cookies)) == 1


def test_cookie_before_is_answered_within_the_grace_time(shop):
    """A lost answer must not lock its owner out: the same next cookie, and no alarm."""
    cookie = first_cookie(shop)
    first = decode(shop, cookie)
    shop.clock.advance(seconds=59)

    again = decode(shop, cookie)

    assert again.return_code is ReturnCode.SUCCESS
    assert again.encoded_cookie == first.encoded_cookie
    assert again.credentials_token != first.credentials_token
    assert is_live(shop, first.credentials_token)
    assert decode(shop, again.encoded_cookie).return_code is ReturnCode.SUCCESS
    assert shop.messages() == []


def test_parallel_decodes_get_the_same_next_cookie(shop):
    """A page that opens with eight requests at once is no theft."""
    cookie = first_cookie(shop)
    barrier, results = threading.Barrier(8), []

    def run():
        barrier.wait()
        results.append(decode(shop, cookie))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [result.return_code for result in results] == [ReturnCode.SUCCESS] * 8
    assert len({result.encoded_cookie for result in results}) == 1
    assert len({result.credentials_token for result in results}) == 8
    assert shop.rows(tables.login_cookies)[0].generation == 1
    assert shop.messages() == []
    assert decode(shop, results[0].encoded_cookie).return_code is ReturnCode.SUCCESS


def test_replay_after_the_grace_time_ends_the_series_and_tells_the_owner_once(shop):
    """One of the two who hold the cookie stole it, and nobody knows which."""
    login = shop.login(set_cookie=True)
    first = decode(shop, login.encoded_cookie)
    unrelated = shop.login(set_cookie=True)
    shop.clock.advance(seconds=60)
    since = len(shop.events())

    assert decode(shop, login.encoded_cookie) == DecodeCookieResult(return_code=ReturnCode.COOKIE_REPLAYED)

    assert not is_live(shop, login.credentials_token)
    assert not is_live(shop, first.credentials_token)
    assert decode(shop, first.encoded_cookie) == DecodeCookieResult(return_code=ReturnCode.COOKIE_REPLAYED)
    assert decode(shop, login.encoded_cookie).return_code is ReturnCode.COOKIE_REPLAYED
    assert [(message.kind, message.recipient) for message in shop.messages()] == [("login_cookie_replayed", EMAIL)]
    assert shop.events(since) == [("login_cookie.replayed", "CookieReplayed")] * 3
    assert is_live(shop, unrelated.credentials_token)
    assert decode(shop, unrelated.encoded_cookie).return_code is ReturnCode.SUCCESS


def test_parallel_replays_tell_the_owner_once(shop):
    """A thief's program may try many times at once."""
    cookie = first_cookie(shop)
    decode(shop, cookie)
    shop.clock.advance(minutes=2)
    barrier, codes = threading.Barrier(6), []

    def run():
        barrier.wait()
        codes.append(decode(shop, cookie).return_code)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert codes == [ReturnCode.COOKIE_REPLAYED] * 6
    assert len(shop.messages()) == 1


def test_cookie_two_before_is_a_replay_at_once(shop):
    """The grace time is for the one before, and for no other."""
    cookie = first_cookie(shop)
    decode(shop, decode(shop, cookie).encoded_cookie)

    assert decode(shop, cookie).return_code is ReturnCode.COOKIE_REPLAYED


def test_application_sets_the_grace_time(shop):
    """Without any, the first replay is the alarm."""
    shop.set_application(cookie_grace=timedelta(0))
    cookie = first_cookie(shop)
    decode(shop, cookie)

    assert decode(shop, cookie).return_code is ReturnCode.COOKIE_REPLAYED


def test_cookie_that_was_not_used_for_a_month_has_expired(shop):
    """Each use gives another month."""
    cookie = first_cookie(shop)
    shop.clock.advance(days=29)
    cookie = decode(shop, cookie).encoded_cookie
    shop.clock.advance(days=30, seconds=-1)
    cookie = decode(shop, cookie).encoded_cookie
    shop.clock.advance(days=30)
    since = len(shop.events())

    assert decode(shop, cookie) == DecodeCookieResult(return_code=ReturnCode.COOKIE_EXPIRED)
    assert shop.events(since) == [("login_cookie.refused", "CookieExpired")]


def test_application_sets_the_lifetime_of_its_cookies(shop):
    """The result carries it for the front's Set-Cookie."""
    shop.set_application(cookie_lifetime=timedelta(hours=1))
    login = shop.login(set_cookie=True)
    shop.clock.advance(hours=1)

    assert login.cookie_lifetime == timedelta(hours=1)
    assert decode(shop, login.encoded_cookie).return_code is ReturnCode.COOKIE_EXPIRED


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cookie: cookie[:-4],
        lambda cookie: cookie + "AAAA",
        lambda cookie: ("B" if cookie[0] != "B" else "C") + cookie[1:],
        lambda cookie: cookie[:24] + ("B" if cookie[24] != "B" else "C") + cookie[25:],
        lambda cookie: cookie[:40] + ("B" if cookie[40] != "B" else "C") + cookie[41:],
        lambda cookie: "no cookie at all",
        lambda cookie: "ü",
        lambda cookie: "A",
        lambda cookie: "A" * 70,
    ],
    ids=["cut", "longer", "series", "generation", "signature", "text", "not ASCII", "one letter", "zeros"],
)
def test_spoiled_cookie_is_invalid_and_raises_no_alarm(shop, spoil):
    """Proxies and people spoil cookies; only one that we made and that comes back too late is a theft."""
    cookie = first_cookie(shop)
    decode(shop, cookie)

    assert decode(shop, spoil(cookie)) == DecodeCookieResult(return_code=ReturnCode.INVALID_COOKIE)

    assert shop.messages() == []
    assert shop.rows(tables.login_cookies)[0].ended_at is None


def test_cookie_of_another_application_is_invalid(core):
    """Also of another merchant's; the series is left alone."""
    shop, stranger = make_shop(core), make_shop(core)
    sibling = make_application(core, shop.merchant)
    cookie = first_cookie(shop)

    assert decode(shop, cookie, token=sibling.token) == DecodeCookieResult(return_code=ReturnCode.INVALID_COOKIE)
    assert decode(stranger, cookie) == DecodeCookieResult(return_code=ReturnCode.INVALID_COOKIE)
    assert decode(shop, cookie).return_code is ReturnCode.SUCCESS


@pytest.mark.parametrize("cookie", [None, ""])
def test_missing_cookie_is_named(shop, cookie):
    """An empty text is a missing one."""
    assert decode(shop, cookie) == DecodeCookieResult(return_code=ReturnCode.MISSING_FIELD, detail="Cookie")


def test_decode_needs_an_application(shop):
    """The cookie is bound to its token."""
    cookie = first_cookie(shop)

    anonymous = decode_login_cookie(Call(shop.core, Caller()), cookie)
    assert anonymous.return_code is ReturnCode.APPLICATION_TOKEN_REQUIRED
    assert decode(shop, cookie, token="no-such-token").return_code is ReturnCode.INVALID_APPLICATION_TOKEN


def test_stale_session_beside_the_cookie_is_ignored(shop):
    """Cookie jars never forget."""
    cookie = first_cookie(shop)

    assert decode(shop, cookie, session="no-such-session").return_code is ReturnCode.SUCCESS
    assert shop.login(password=PASSWORD).return_code is ReturnCode.SUCCESS


@pytest.mark.parametrize("status", [AccountStatus.DISABLED, AccountStatus.LOCKED])
def test_cookie_of_an_account_that_may_not_log_in_is_over(shop, status):
    """Its series ended when the operator said so."""
    cookie = first_cookie(shop)
    set_account_status(shop.call(), shop.account.id, status)

    assert decode(shop, cookie).return_code is ReturnCode.INVALID_COOKIE
    set_account_status(shop.call(), shop.account.id, AccountStatus.ACTIVE)
    assert decode(shop, cookie).return_code is ReturnCode.INVALID_COOKIE


@pytest.mark.parametrize(
    ("status", "code"), [("Disabled", ReturnCode.ACCOUNT_DISABLED), ("Locked", ReturnCode.ACCOUNT_LOCKED)]
)
def test_cookie_is_refused_by_the_accounts_status_itself(shop, status, code):
    """A status that came from elsewhere, such as an import, counts as well."""
    cookie = first_cookie(shop)
    with shop.core.database.writing() as db:
        db.execute(tables.accounts.update().values(status=status))
    since = len(shop.events())

    assert decode(shop, cookie) == DecodeCookieResult(return_code=code)
    assert shop.events(since) == [("login_cookie.refused", code.key)]


def test_changed_password_ends_the_cookie(shop):
    """That is what a person who was robbed does first."""
    login = shop.login(set_cookie=True)
    update_password(shop.call(login.credentials_token), PASSWORD, "a new long password")

    assert decode(shop, login.encoded_cookie).return_code is ReturnCode.INVALID_COOKIE


def test_blocked_device_ends_its_cookies(shop):
    """Whoever found it is not let in by the browser."""
    number = shop.register(shop.log_in())
    cookie = first_cookie(shop, device_id="till-1")
    other = first_cookie(shop, device_id="till-2")
    devices.set_device_blocked(shop.call(), number, True)

    assert decode(shop, cookie).return_code is ReturnCode.DEVICE_BLOCKED
    assert decode(shop, other).return_code is ReturnCode.SUCCESS
    devices.set_device_blocked(shop.call(), number, False)
    assert decode(shop, cookie).return_code is ReturnCode.INVALID_COOKIE


def test_cookie_of_a_device_blocked_before_is_refused(shop):
    """A device may be blocked for another account, under a name that this cookie has, too."""
    number = shop.register(shop.log_in())
    cookie = first_cookie(shop, device_id="till-1")
    with shop.core.database.writing() as db:
        db.execute(tables.devices.update().where(tables.devices.c.id == number).values(blocked_at=NOON))
    since = len(shop.events())

    assert decode(shop, cookie) == DecodeCookieResult(return_code=ReturnCode.DEVICE_BLOCKED)
    assert shop.events(since) == [("login_cookie.refused", "DeviceBlocked")]


def test_cookie_belongs_to_the_device_that_its_session_registered(shop):
    """Where Login named none; blocking the device ends the cookie then, too."""
    login = shop.login(set_cookie=True)
    number = shop.register(login.credentials_token)
    devices.set_device_blocked(shop.call(), number, True)

    assert decode(shop, login.encoded_cookie).return_code is ReturnCode.DEVICE_BLOCKED


def test_decoded_session_is_from_the_cookies_device(shop):
    """Where activated devices are required, a person who comes back need not activate again."""
    shop.set_application(requires_devices=True)
    login = shop.login(set_cookie=True, device_id="till-1")
    shop.register(login.credentials_token)
    shop.activate(login.credentials_token)

    session = decode(shop, login.encoded_cookie).credentials_token

    assert update_pincode(shop.call(session), PASSWORD, "1593").return_code is ReturnCode.SUCCESS
