"""How long each thing lives, to the second: by default and as an operator sets it; and what ends it sooner."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from gatehouse.domain.codes import ReturnCode
from gatehouse.operations import callers, devices, fulfilment, hosted_reset, passwords, reset_codes
from gatehouse.operations.accounts import set_account_password
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.login_cookies import decode_login_cookie
from gatehouse.operations.sessions import log_off
from gatehouse.storage import column_types, tables
from tests.factories import EMAIL, PASSWORD, Shop, make_application
from tests.partner import CODE, NEW, make_partner

SECOND = timedelta(seconds=1)
MUCH = timedelta(days=3650)
CHOSEN = "a new one & four magpies"


def live_session(shop: Shop, token: str) -> ReturnCode:
    """Return SUCCESS for a session that a call may use, without using it; else why not."""
    call = shop.call(token)
    with call.reading():
        found = callers.find_session(call)
    return found if isinstance(found, ReturnCode) else ReturnCode.SUCCESS


def cookie(shop: Shop) -> str:
    """Log in and return the login cookie."""
    return str(shop.login(set_cookie=True).encoded_cookie)


def replaced_cookie(shop: Shop) -> str:
    """Return a login cookie that another one has just replaced."""
    replaced = cookie(shop)
    assert decode_login_cookie(shop.call(), replaced).is_success
    return replaced


def decode(shop: Shop, given: str) -> ReturnCode:
    """Return the outcome of DecodeLoginCookie."""
    return decode_login_cookie(shop.call(), given).return_code


def temporary_password(shop: Shop) -> str:
    """Ask for a temporary password and read it in the mail."""
    assert passwords.reset_password(shop.call(), EMAIL).is_success
    while fulfilment.fulfil_next(shop.core):
        pass
    return str(shop.messages("temporary_password")[-1].content["temporary_password"])


def reset_code(shop: Shop) -> str:
    """Have a partner send a code of its own."""
    partner = make_partner(shop)
    assert partner.send(CODE).is_success
    return partner.secret


def redeem(shop: Shop, secret: str) -> ReturnCode:
    """Redeem the partner's code."""
    call = Call(shop.core, Caller(client_id="partner", client_secret=secret, source="192.0.2.9"))
    return reset_codes.redeem(call, shop.merchant.id, None, CODE, CHOSEN).return_code


def activation_code(shop: Shop) -> str:
    """Register a device and have a code sent to it."""
    shop.set_application(session_lifetime=MUCH, session_idle_lifetime=MUCH)
    session = shop.log_in()
    shop.register(session)
    return f"{session} {shop.send_code(session)}"


def activate(shop: Shop, session_and_code: str) -> ReturnCode:
    """Activate the device."""
    session, code = session_and_code.split()
    return devices.device_activate(shop.call(session), "till-1", code).return_code


@dataclass(frozen=True)
class Lifetime:
    """How a thing is issued and used, how long it lives by default, and who sets that; the outcome when it is over."""

    issue: Callable[[Shop], str]
    use: Callable[[Shop, str], ReturnCode]
    default: timedelta
    over: ReturnCode
    application: str | None = None
    merchant: str | None = None
    setting: str | None = None

    def set(self, shop: Shop, lifetime: timedelta) -> Shop:
        """Let an operator set the lifetime; return the shop to go on with."""
        if self.application:
            shop.set_application(**{self.application: lifetime})
        if self.merchant:
            shop.set_merchant(**{self.merchant: lifetime})
        if self.setting:
            settings: Any = {self.setting: lifetime // timedelta(minutes=1)}
            return replace(shop, core=replace(shop.core, settings=replace(shop.core.settings, **settings)))
        return shop


def session_that_is_used(shop: Shop) -> str:
    """Log in where idleness ends nothing."""
    shop.set_application(session_idle_lifetime=MUCH)
    return shop.log_in()


LIFETIMES = {
    "session, idle": Lifetime(
        Shop.log_in,
        live_session,
        timedelta(minutes=30),
        ReturnCode.SESSION_EXPIRED,
        application="session_idle_lifetime",
    ),
    "session, at most": Lifetime(
        session_that_is_used,
        live_session,
        timedelta(hours=24),
        ReturnCode.SESSION_EXPIRED,
        application="session_lifetime",
    ),
    "login cookie": Lifetime(
        cookie, decode, timedelta(days=30), ReturnCode.COOKIE_EXPIRED, application="cookie_lifetime"
    ),
    "replaced login cookie": Lifetime(
        replaced_cookie, decode, timedelta(seconds=60), ReturnCode.COOKIE_REPLAYED, application="cookie_grace"
    ),
    "activation code": Lifetime(
        activation_code,
        activate,
        timedelta(minutes=10),
        ReturnCode.ACTIVATION_CODE_EXPIRED,
        setting="activation_code_minutes",
    ),
    "temporary password": Lifetime(
        temporary_password,
        lambda shop, password: shop.login(password=password).return_code,
        timedelta(minutes=30),
        ReturnCode.TEMPORARY_PASSWORD_EXPIRED,
        merchant="temporary_password_lifetime",
    ),
    "reset code": Lifetime(
        reset_code, redeem, timedelta(hours=1), ReturnCode.RESET_CODE_EXPIRED, merchant="reset_code_lifetime"
    ),
    "reset code on the page": Lifetime(
        reset_code,
        lambda shop, _: hosted_reset.choose(shop.call(), CODE, CHOSEN).return_code,
        timedelta(hours=1),
        ReturnCode.RESET_CODE_EXPIRED,
        merchant="reset_code_lifetime",
    ),
}


@pytest.mark.parametrize("is_set", [False, True], ids=["default", "set"])
@pytest.mark.parametrize("name", LIFETIMES)
def test_lives_to_the_last_second_and_not_one_longer(shop: Shop, name: str, is_set: bool):
    """Source: contract, and issue of the lifetimes: session, login cookie, activation code, password, reset code."""
    of = LIFETIMES[name]
    lifetime = timedelta(minutes=7) if is_set else of.default
    if is_set:
        shop = of.set(shop, lifetime)
    thing = of.issue(shop)

    shop.clock.moment += lifetime - SECOND
    before = of.use(shop, thing)

    assert before is ReturnCode.SUCCESS


@pytest.mark.parametrize("is_set", [False, True], ids=["default", "set"])
@pytest.mark.parametrize("name", LIFETIMES)
def test_is_over_at_its_end(shop: Shop, name: str, is_set: bool):
    """And says so where its owner is to know why."""
    of = LIFETIMES[name]
    lifetime = timedelta(minutes=7) if is_set else of.default
    if is_set:
        shop = of.set(shop, lifetime)
    thing = of.issue(shop)

    shop.clock.moment += lifetime

    assert of.use(shop, thing) is of.over


def test_everything_that_expires_has_a_lifetime_here():
    """A new kind of thing that expires must be put to the test above, and be set by somebody."""
    expiring = {table.name for table in tables.metadata.sorted_tables if "expires_at" in table.c}
    durations = {
        (table.name, column.name)
        for table in tables.metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, column_types.Duration)
    }

    # Messages expire with what they bring; how long an older secret lives, an operator says each time. The sessions of
    # operators are those of another service, and have tests of their own.
    assert expiring - {"messages", "integration_secrets", "operator_sessions"} == {
        "activation_codes",
        "login_cookies",
        "reset_codes",
        "sessions",
        "temporary_passwords",
    }
    assert durations == {
        (owner, name)
        for of in LIFETIMES.values()
        for owner, name in (("applications", of.application), ("merchants", of.merchant))
        if name
    }


def change_by_method(shop: Shop) -> None:
    """UpdatePassword, from a session that began after all others."""
    assert passwords.update_password(shop.call(shop.log_in()), PASSWORD, CHOSEN).is_success


def change_by_partner(shop: Shop) -> None:
    """A reset code that a partner redeems."""
    partner = make_partner(shop, "another-partner")
    assert partner.send("another code").is_success
    assert partner.redeem("another code", CHOSEN).is_success


def change_on_the_page(shop: Shop) -> None:
    """A reset code on the hosted page."""
    assert make_partner(shop, "another-partner").send("another code").is_success
    assert hosted_reset.choose(shop.call(), "another code", CHOSEN).is_success


def change_by_operator(shop: Shop) -> None:
    """`gatehouse account set-password`."""
    set_account_password(shop.call(), shop.account.id, CHOSEN)


def log_in_with_another_temporary_password(shop: Shop) -> None:
    """A temporary password that takes the place of the password."""
    shop.log_in(password=temporary_password(shop))


CHANGES = [
    change_by_method,
    change_by_partner,
    change_on_the_page,
    change_by_operator,
    log_in_with_another_temporary_password,
]

ENDED = {
    "session": (Shop.log_in, live_session, ReturnCode.SESSION_EXPIRED),
    "login cookie": (cookie, decode, ReturnCode.INVALID_COOKIE),
    "temporary password": (
        temporary_password,
        lambda shop, password: shop.login(password=password).return_code,
        ReturnCode.INVALID_CREDENTIALS,
    ),
    "reset code": (reset_code, redeem, ReturnCode.INVALID_RESET_CODE),
    "reset code on the page": (
        reset_code,
        lambda shop, _: hosted_reset.choose(shop.call(), CODE, CHOSEN).return_code,
        ReturnCode.INVALID_RESET_CODE,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ENDED)
def test_a_change_of_the_password_ends_every_other_way_in(shop: Shop, name: str, change: Callable[[Shop], None]):
    """Whoever got hold of one of them is out. Source: ASVS 5.0, 7.4.3."""
    issue, use, refusal = ENDED[name]
    thing = issue(shop)

    change(shop)

    assert use(shop, thing) is refusal


def test_a_request_before_a_change_of_the_password_brings_nothing_after_it(shop: Shop):
    """What the worker had not yet done when the password was changed is not done later."""
    assert passwords.reset_password(shop.call(), EMAIL).is_success
    partner = make_partner(shop)
    assert partner.generate("anonymous").is_success
    shop.clock.advance(seconds=1)
    change_by_method(shop)

    while fulfilment.fulfil_next(shop.core):
        pass

    assert shop.messages("temporary_password") == []
    assert shop.messages("reset_code") == []


def test_an_account_has_one_live_reset_code(shop: Shop):
    """The newest, whoever sent it."""
    partner = make_partner(shop)
    codes = ["first code", "second code", "third code"]
    for code in codes:
        assert partner.send(code).is_success

    outcomes = [partner.redeem(code, NEW).return_code for code in codes]

    assert outcomes == [ReturnCode.INVALID_RESET_CODE, ReturnCode.INVALID_RESET_CODE, ReturnCode.SUCCESS]


def test_log_off_ends_the_login_cookie_of_its_login_alone(shop: Shop):
    """The other devices of the person stay logged in."""
    here, elsewhere = shop.login(set_cookie=True), shop.login(set_cookie=True)
    again = decode_login_cookie(shop.call(), here.encoded_cookie)

    assert log_off(shop.call(here.credentials_token)).is_success

    assert decode(shop, str(again.encoded_cookie)) is ReturnCode.INVALID_COOKIE
    assert decode(shop, str(elsewhere.encoded_cookie)) is ReturnCode.SUCCESS
    assert live_session(shop, str(elsewhere.credentials_token)) is ReturnCode.SUCCESS


def test_a_session_and_a_cookie_work_only_with_their_application(shop: Shop):
    """Both ways, for two applications of one merchant."""
    other = make_application(shop.core, shop.merchant)
    for own, foreign in ((shop.application.token, other.token), (other.token, shop.application.token)):
        issued = shop.login(token=own, set_cookie=True)
        outcomes = []
        for token in (foreign, own):
            call = shop.call(issued.credentials_token, token=token)
            with call.reading():
                found = callers.find_session(call)
            decoded = decode_login_cookie(shop.call(token=token), issued.encoded_cookie).return_code
            outcomes.append((found if isinstance(found, ReturnCode) else ReturnCode.SUCCESS, decoded))
        assert outcomes == [
            (ReturnCode.SESSION_EXPIRED, ReturnCode.INVALID_COOKIE),
            (ReturnCode.SUCCESS, ReturnCode.SUCCESS),
        ]
