"""Explanations of calls of account.svc: each says what the call itself is answered, and changes nothing.

On SQLite; what an explanation reads beside the operations is read on both in tests/unit/operations.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.operators import OperatorRole
from gatehouse.domain.roles import UserRole
from gatehouse.fronts import account_calls
from gatehouse.fronts.account_calls import AccountCall
from gatehouse.fronts.pasted_account_calls import read_account_call
from gatehouse.fronts.read_requests import parse
from gatehouse.operations.accounts import set_account_status
from gatehouse.operations.applications import set_application_disabled
from gatehouse.operations.devices import set_device_blocked
from gatehouse.operations.explanations.course import Course
from gatehouse.operations.passwords import reset_password
from gatehouse.storage import tables
from tests.factories import EMAIL, PASSWORD, PHONE, USERNAME, Shop, make_account, make_application, make_shop
from tests.operators import make_signed_in

HERE = "192.0.2.7"
LOGIN = {"Email": EMAIL, "Password": PASSWORD, "userrole": "15"}


@dataclass
class Asked:
    """A call: what is sent. Without `token`, that of the shop's application."""

    method: str
    members: dict[str, str] = field(default_factory=dict)
    session: str | None = None
    token: str | None = None
    twice: tuple[str, str] | None = None

    def request(self, shop: Shop) -> AccountCall:
        """Return it as a front reads it."""
        token = shop.application.token if self.token is None else self.token
        return AccountCall(
            method=self.method,
            members=[*self.members.items(), *([self.twice] if self.twice else [])],
            application_tokens=[token] if token else [],
            credentials_token=self.session,
            source=HERE,
            request_id="a-request",
        )


Prepare = Callable[[Shop], Asked]


def login_with(**members: str) -> Prepare:
    """Return a login with other members than the right ones."""
    return lambda _: Asked("Login", {name: value for name, value in (LOGIN | members).items() if value})


def login_of(status: AccountStatus) -> Prepare:
    """Return a right login of an account in this state."""

    def prepare(shop: Shop) -> Asked:
        set_account_status(shop.call(), shop.account.id, status)
        return Asked("Login", LOGIN)

    return prepare


def login_of_disabled_application(shop: Shop) -> Asked:
    set_application_disabled(shop.call(), shop.application.application.id, True)
    return Asked("Login", LOGIN)


def login_after_wrong_ones(shop: Shop) -> Asked:
    for _ in range(5):
        shop.login(password="wrong")
    return Asked("Login", LOGIN)


def login_of_two(shop: Shop) -> Asked:
    make_account(shop.core, shop.merchant, username="other")
    return Asked("Login", LOGIN | {"username": "other"})


def login_of_shared_address(shop: Shop) -> Asked:
    make_account(shop.core, shop.merchant, email=EMAIL, username="second")
    return Asked("Login", LOGIN)


def login_of_account_without_password(shop: Shop) -> Asked:
    make_account(shop.core, shop.merchant, username="bare", password=None)
    return Asked("Login", {"username": "bare", "Password": "anything at all", "userrole": "15"})


def login_from_blocked_device(shop: Shop) -> Asked:
    _block(shop)
    return Asked("Login", LOGIN | {"deviceId": "till-1"})


def _block(shop: Shop) -> str:
    """Register a device and block it; return a session that is not from it."""
    number = shop.register(shop.log_in())
    set_device_blocked(shop.call(), number, True)
    return shop.log_in()


def cookie_of(shop: Shop) -> str:
    result = shop.login(set_cookie=True)
    assert result.encoded_cookie is not None
    return result.encoded_cookie


def decode(shop: Shop, cookie: str) -> Asked:
    return Asked("DecodeLoginCookie", {"Cookie": cookie})


def decode_good(shop: Shop) -> Asked:
    return decode(shop, cookie_of(shop))


def decode_ended(shop: Shop) -> Asked:
    cookie = cookie_of(shop)
    set_account_status(shop.call(), shop.account.id, AccountStatus.LOCKED)
    return decode(shop, cookie)


def decode_expired(shop: Shop) -> Asked:
    cookie = cookie_of(shop)
    shop.clock.advance(days=31)
    return decode(shop, cookie)


def decode_replayed(shop: Shop) -> Asked:
    cookie = cookie_of(shop)
    account_calls.answer(shop.call(), decode(shop, cookie).request(shop))
    shop.clock.advance(minutes=5)
    return decode(shop, cookie)


def decode_foreign(shop: Shop) -> Asked:
    return decode(shop, cookie_of(make_shop(shop.core)))


def in_session(method: str, **members: str) -> Prepare:
    """Return a call of who is logged in."""
    return lambda shop: Asked(method, members, session=shop.log_in())


def after(duration: timedelta) -> Prepare:
    """Return a call with a session that began so long ago."""

    def prepare(shop: Shop) -> Asked:
        session = shop.log_in()
        shop.clock.moment += duration
        return Asked("UpdatePincode", {"Password": PASSWORD, "newPincode": "4711"}, session=session)

    return prepare


def after_log_off(shop: Shop) -> Asked:
    session = shop.log_in()
    account_calls.answer(shop.call(session), Asked("LogOff", session=session).request(shop))
    return Asked("DeviceSendActivationCode", {"deviceId": "till-1"}, session=session)


def of_another_application(shop: Shop) -> Asked:
    token = make_application(shop.core, shop.merchant).token
    return Asked("UpdatePincode", {"Password": PASSWORD, "newPincode": "4711"}, session=shop.log_in(), token=token)


def with_temporary_password(shop: Shop) -> Asked:
    reset_password(shop.call(), EMAIL)
    temporary = shop.messages("temporary_password")[-1].content["temporary_password"]
    session = shop.log_in(password=temporary)
    return Asked("UpdatePincode", {"Password": temporary, "newPincode": "4711"}, session=session)


def without_device(shop: Shop) -> Asked:
    shop.set_application(requires_devices=True)
    return Asked("UpdatePincode", {"Password": PASSWORD, "newPincode": "4711"}, session=shop.log_in())


def register_without_phone(shop: Shop) -> Asked:
    make_account(shop.core, shop.merchant, username="mute")
    session = shop.log_in(email=None, username="mute")
    return Asked("RegisterDevice", {"deviceId": "till-1"}, session=session)


def register_blocked(shop: Shop) -> Asked:
    return Asked("RegisterDevice", {"deviceId": "till-1"}, session=_block(shop))


def register_by_token(shop: Shop) -> Asked:
    shop.set_application(registers_devices_by_token=True)
    return Asked("RegisterDevice", {"deviceId": "till-1", "phoneNumber": PHONE})


def activate(shop: Shop, code: str | None = None) -> Asked:
    session = shop.log_in()
    shop.register(session)
    right = shop.send_code(session)
    return Asked("DeviceActivate", {"deviceId": "till-1", "activationCode": code or right}, session=session)


def activate_without_code(shop: Shop) -> Asked:
    session = shop.log_in()
    shop.register(session)
    return Asked("DeviceActivate", {"deviceId": "till-1", "activationCode": "123456"}, session=session)


def activate_twice(shop: Shop) -> Asked:
    asked = activate(shop)
    account_calls.answer(shop.call(asked.session), asked.request(shop))
    return asked


def activate_late(shop: Shop) -> Asked:
    asked = activate(shop)
    shop.clock.advance(minutes=shop.core.settings.activation_code_minutes)
    return asked


def activate_after_tries(shop: Shop) -> Asked:
    asked = activate(shop)
    for number in range(5):
        wrong = Asked("DeviceActivate", asked.members | {"activationCode": f"x{number}"}, session=asked.session)
        account_calls.answer(shop.call(asked.session), wrong.request(shop))
    return asked


REFUSED: dict[str, Prepare] = {
    "no token": lambda _: Asked("Login", LOGIN, token=""),
    "unknown token": lambda _: Asked("Login", LOGIN, token="nobody's"),
    "disabled application": login_of_disabled_application,
    "no identity": login_with(Email=""),
    "no password": login_with(Password=""),
    "no role": login_with(userrole=""),
    "no such role": login_with(userrole="Emperor"),
    "no such account": login_with(Email="nobody@example.com"),
    "no such username beside": login_with(username="nobody"),
    "another role": login_with(userrole="20"),
    "no boolean": login_with(setCookie="perhaps"),
    "too long": login_with(deviceId="x" * 300),
    "two values": lambda _: Asked("Login", LOGIN, twice=("Email", "other@example.com")),
    "two tokens": lambda _: Asked("Login", LOGIN | {"applicationToken": "another"}),
    "locked": login_of(AccountStatus.LOCKED),
    "disabled": login_of(AccountStatus.DISABLED),
    "too many wrong ones": login_after_wrong_ones,
    "two accounts": login_of_two,
    "shared address": login_of_shared_address,
    "account without password": login_of_account_without_password,
    "login from a blocked device": login_from_blocked_device,
    "no cookie": lambda shop: decode(shop, ""),
    "spoiled cookie": lambda shop: decode(shop, "spoiled"),
    "ended cookie": decode_ended,
    "expired cookie": decode_expired,
    "replayed cookie": decode_replayed,
    "another application's cookie": decode_foreign,
    "no session": lambda _: Asked("UpdatePincode", {"Password": PASSWORD, "newPincode": "4711"}),
    "unknown session": lambda _: Asked("UpdatePincode", session="nobody's"),
    "idle session": after(timedelta(minutes=30)),
    "old session": after(timedelta(hours=24)),
    "ended session": after_log_off,
    "another application's session": of_another_application,
    "owes a password": with_temporary_password,
    "lacks a device": without_device,
    "no device": in_session("RegisterDevice"),
    "no phone number": in_session("RegisterDevice", deviceId="till-1", phoneNumber="what"),
    "phone number required": register_without_phone,
    "registering a blocked device": register_blocked,
    "registering without session": lambda _: Asked("RegisterDevice", {"deviceId": "till-1", "phoneNumber": PHONE}),
    "device not registered": in_session("DeviceSendActivationCode", deviceId="till-9"),
    "code for a blocked device": lambda shop: Asked("DeviceSendActivationCode", {"deviceId": "till-1"}, _block(shop)),
    "no code was sent": activate_without_code,
    "code is used": activate_twice,
    "code has expired": activate_late,
    "code was tried too often": activate_after_tries,
    "logging off with an unknown token": lambda _: Asked("LogOff", token="nobody's"),
    "logging off an unknown session": lambda _: Asked("LogOff", session="nobody's"),
    "no address": lambda _: Asked("ResetPassword"),
    "no old password": in_session("UpdatePassword", newPassword="a new long password"),
    "weak password": in_session("UpdatePassword", oldPassword=PASSWORD, newPassword="short"),
    "common password": in_session("UpdatePassword", oldPassword=PASSWORD, newPassword="password1234"),
    "weak pincode": in_session("UpdatePincode", Password=PASSWORD, newPincode="1234"),
}
"""Calls with the right secrets that are refused for something else."""

TAKEN: dict[str, Prepare] = {
    "login": login_with(),
    "login by username": login_with(Email="", username=USERNAME),
    "login from an unknown device": login_with(deviceId="till-9"),
    "decode": decode_good,
    "register": in_session("RegisterDevice", deviceId="till-1", phoneNumber=PHONE),
    "register by token": register_by_token,
    "send code": lambda shop: Asked("DeviceSendActivationCode", {"deviceId": "till-1"}, _registered(shop)),
    "activate": activate,
    "log off": in_session("LogOff"),
    "log off without session": lambda _: Asked("LogOff", token=""),
    "reset": lambda _: Asked("ResetPassword", {"Email": EMAIL}),
    "reset of nobody": lambda _: Asked("ResetPassword", {"Email": "nobody@example.com"}),
    "new password": in_session("UpdatePassword", oldPassword=PASSWORD, newPassword="a new long password"),
    "new pincode": in_session("UpdatePincode", Password=PASSWORD, newPincode="4711"),
}
"""Calls with the right secrets that succeed."""


def _registered(shop: Shop) -> str:
    session = shop.log_in()
    shop.register(session)
    return session


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated file of the test's own."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'test.db')}"


def explain(shop: Shop, asked: Asked, role: OperatorRole = OperatorRole.OWNER, *merchant_ids: int) -> Course:
    """Return the explanation; nothing may have changed by it."""
    who = make_signed_in(role, *merchant_ids)
    before = everything(shop)
    read = read_account_call("SOAP 1.1", asked.request(shop), parse("", HERE), [])
    assert read.explain is not None
    course = read.explain(shop.call(), who)
    assert everything(shop) == before
    return course


def everything(shop: Shop) -> dict[str, list[object]]:
    """Return every row of every table."""
    with shop.core.database.reading() as db:
        return {table.name: sorted(map(repr, db.execute(sa.select(table)))) for table in tables.metadata.sorted_tables}


@pytest.mark.parametrize("name", REFUSED)
def test_the_explanation_of_a_refused_call_is_what_the_caller_gets(name: str, shop: Shop):
    """Code and message alike; where it depends on a secret, the right one is taken for granted."""
    asked = REFUSED[name](shop)

    course = explain(shop, asked)

    request = asked.request(shop)
    answer = account_calls.answer(account_calls.open_call(shop.core, request), request)
    assert course.refusal is not None
    assert (course.refusal.code, course.refusal.message) == (answer.return_code, answer.message)
    assert not answer.is_success
    assert course.refusal.text.endswith((".", ")"))


@pytest.mark.parametrize("name", TAKEN)
def test_a_call_that_succeeds_is_refused_by_no_step(name: str, shop: Shop):
    """What is not tried is said to be open, and only that."""
    asked = TAKEN[name](shop)

    course = explain(shop, asked)

    request = asked.request(shop)
    assert account_calls.answer(account_calls.open_call(shop.core, request), request).is_success
    assert course.refusal is None
    assert course.steps
    has_secret = {"Password", "oldPassword", "activationCode"} & asked.members.keys()
    assert bool(course.open_steps) == bool(has_secret)


def test_a_wrong_password_looks_like_a_right_one(shop: Shop):
    """It is not tried: an explanation must be no place to guess at."""
    right = explain(shop, Asked("Login", LOGIN))
    wrong = explain(shop, Asked("Login", LOGIN | {"Password": "wrong"}))

    assert right.steps == wrong.steps


def test_the_wait_is_told_in_minutes(shop: Shop):
    """As an operator tells it to who calls: of the eighth wrong password from one place, eight minutes are left."""
    for minutes in (0, 0, 0, 0, 0, 1, 2, 4):
        shop.clock.advance(minutes=minutes)
        shop.login(password="wrong")

    course = explain(shop, Asked("Login", LOGIN))

    assert course.refusal is not None
    assert course.refusal.text.startswith("No password is looked at for 8 more minutes")


@pytest.mark.parametrize("name", ["token", "session"])
def test_what_is_another_merchants_looks_like_what_is_not_there(name: str, shop: Shop):
    """A manager learns nothing from a token that somebody pasted, not even that it is one."""
    theirs = make_shop(shop.core)
    foreign = theirs.application.token if name == "token" else theirs.log_in()
    explained = []
    for value in (foreign, "nobody's"):
        asked = Asked("Login", LOGIN, token=value) if name == "token" else Asked("LogOff", session=value, token="")
        explained.append(explain(shop, asked, OperatorRole.MANAGER, shop.merchant.id))

    assert explained[0] == explained[1]
    assert explained[0].refusal is not None
    assert "at the merchants that you look after" in explained[0].refusal.text


def test_it_names_what_the_call_names(shop: Shop):
    """The merchant, the application, the account and the device."""
    session = shop.log_in()
    number = shop.register(session)

    course = explain(shop, Asked("DeviceSendActivationCode", {"deviceId": "till-1"}, session=session))

    assert course.merchant is not None
    assert course.application is not None
    assert (course.merchant.id, course.application.id) == (shop.merchant.id, shop.application.application.id)
    assert [each.id for each in course.accounts] == [shop.account.id]
    assert [each.id for each in course.devices] == [number]


def test_no_step_holds_a_secret_or_a_personal_value(shop: Shop):
    """Support sees the steps as they are."""
    account = make_account(shop.core, shop.merchant, UserRole.MERCHANT, email="zoe@example.org", phone="+12015550144")
    asked = Asked("Login", {"Email": "zoe@example.org", "Password": PASSWORD, "userrole": "15"})

    text = " ".join(f"{step.name} {step.text} {step.message}" for step in explain(shop, asked).steps)

    assert ReturnCode.ROLE_NOT_ALLOWED.message in text
    for value in ("zoe", PASSWORD, shop.application.token, "0144", str(account.id)):
        assert value not in text
