"""Tests of operations/login.py, on both databases."""

from datetime import UTC, datetime, timedelta

import argon2
import pytest

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.results import LoginResult
from gatehouse.domain.roles import UserRole
from gatehouse.operations import callers, devices
from gatehouse.operations.accounts import set_account_status
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core
from gatehouse.operations.login import LoginRequest, login
from gatehouse.operations.passwords import reset_password, update_pincode
from gatehouse.operations.sessions import log_off
from gatehouse.security import tokens
from gatehouse.storage import tables
from tests.factories import EMAIL, NOON, PASSWORD, make_account, make_application, make_hasher, make_merchant, make_shop

INVALID_CREDENTIALS = LoginResult(return_code=ReturnCode.INVALID_CREDENTIALS)
"""All of the answer: nothing in it tells what was wrong."""


def test_login_by_email_starts_a_session(shop):
    """The first thing that any client does."""
    since = len(shop.events())

    result = shop.login()

    assert result.return_code is ReturnCode.SUCCESS
    assert result.number == str(shop.account.id)
    assert result.account_status is AccountStatus.ACTIVE
    assert result.email == "jane@example.com"
    assert result.customer_number == str(shop.account.id)
    assert result.encoded_cookie is None
    assert result.is_password_change_required is False
    assert result.is_device_registration_required is False
    assert shop.events(since) == [("session.started", None)]
    assert shop.messages() == []
    [session] = shop.rows(tables.sessions)
    assert session.token_digest == tokens.digest(result.credentials_token)
    assert session.merchant_id == shop.merchant.id
    assert session.expires_at == NOON + timedelta(hours=24)


def test_audit_entry_says_who_and_from_where(shop):
    """An operator looks for an account or an address."""
    shop.log_in()

    entry = shop.rows(tables.audit_entries)[-1]

    assert entry.account_id == shop.account.id
    assert entry.application_id == shop.application.application.id
    assert entry.source == "192.0.2.7"
    assert len(entry.request_id) == 36
    assert entry.created_at == NOON


@pytest.mark.parametrize(
    "identity",
    [
        {"email": "JANE@Example.COM"},
        {"email": " jane@example.com "},
        {"email": None, "username": "jane"},
        {"email": None, "username": "JANE"},
        {"email": "jane@example.com", "username": "Jane"},
    ],
    ids=["email case", "email blanks", "username", "username case", "both"],
)
def test_each_identity_of_the_account_logs_in(shop, identity):
    """A person knows one of them, and types it as it comes."""
    result = shop.login(**identity)

    assert result.return_code is ReturnCode.SUCCESS
    assert result.number == str(shop.account.id)


def test_customer_number_is_the_merchants_own_where_there_is_one(core):
    """Old clients look orders up by it."""
    assert make_shop(core, customer_number="C-77").login().customer_number == "C-77"


def test_username_does_not_log_in_as_an_address(shop):
    """The two are different members; a username in Email is an unknown address."""
    assert shop.login(email="jane").return_code is ReturnCode.INVALID_CREDENTIALS


@pytest.mark.parametrize("password", [PASSWORD, "correct horse battery staple"], ids=["one password", "two passwords"])
def test_two_accounts_are_ambiguous_after_a_right_password(shop, password):
    """E-mail and username of different people: neither may be picked for the caller."""
    make_account(shop.core, shop.merchant, username="joan", password=password)
    since = len(shop.events())

    result = shop.login(username="joan")

    assert result == LoginResult(return_code=ReturnCode.AMBIGUOUS_IDENTITY)
    assert shop.events(since) == [("login.refused", "AmbiguousIdentity")]


def test_two_accounts_with_a_wrong_password_are_wrong_like_any(shop):
    """Before the password was right, a stranger learns nothing about who exists."""
    make_account(shop.core, shop.merchant, username="joan")

    assert shop.login(username="joan", password="wrong") == INVALID_CREDENTIALS


@pytest.mark.parametrize(
    "identity", [{"username": "nobody"}, {"email": "nobody@example.com", "username": "jane"}], ids=["username", "email"]
)
def test_identity_that_nobody_has_spoils_the_other_one(shop, identity):
    """A right password for one of them does not tell whether the other exists."""
    assert shop.login(**identity) == INVALID_CREDENTIALS


def test_two_accounts_of_one_address_and_role_are_ambiguous(shop):
    """Families share an address; the username says who is meant."""
    make_account(shop.core, shop.merchant, email=EMAIL, username="joan", password="another long phrase")

    assert shop.login().return_code is ReturnCode.AMBIGUOUS_IDENTITY
    assert shop.login(password="wrong") == INVALID_CREDENTIALS


def test_username_decides_between_accounts_of_one_address(shop):
    """E-mail and username of one account are fine together, whoever else has the address."""
    joan = make_account(shop.core, shop.merchant, email=EMAIL, username="joan", password="another long phrase")

    assert shop.login(username="jane").number == str(shop.account.id)
    assert shop.login(username="joan", password="another long phrase").number == str(joan.id)


def test_role_decides_between_accounts_of_one_address(shop):
    """A shopkeeper is often a customer, too."""
    keeper = make_account(shop.core, shop.merchant, UserRole.MERCHANT, email=EMAIL, password="another long phrase")

    assert shop.login().number == str(shop.account.id)
    assert shop.login(user_role="20", password="another long phrase").number == str(keeper.id)


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"email": "nobody@example.com"}, AccountStatus.ACTIVE),
        ({"email": None, "username": "nobody"}, AccountStatus.ACTIVE),
        ({"password": "wrong"}, AccountStatus.ACTIVE),
        ({"password": "wrong"}, AccountStatus.DISABLED),
        ({"password": "wrong"}, AccountStatus.LOCKED),
        ({"password": "wrong", "user_role": "20"}, AccountStatus.ACTIVE),
        ({"password": PASSWORD.upper()}, AccountStatus.ACTIVE),
        ({"password": PASSWORD + " "}, AccountStatus.ACTIVE),
    ],
    ids=["unknown e-mail", "unknown username", "wrong", "disabled", "locked", "other role", "other case", "blank"],
)
def test_refusals_before_the_right_password_are_one_answer(shop, members, status):
    """The contract: the same answer byte for byte. The audit alone knows more."""
    set_account_status(shop.call(), shop.account.id, status)
    since = len(shop.events())

    assert shop.login(**members) == INVALID_CREDENTIALS

    assert shop.events(since) == [("login.refused", "InvalidCredentials")]
    assert shop.rows(tables.sessions) == []


@pytest.mark.parametrize(
    ("members", "hashes"),
    [
        ({"password": "wrong"}, 1),
        ({"email": "nobody@example.com"}, 1),
        ({"password": "wrong", "username": "jane"}, 2),
        ({"password": "wrong", "username": "nobody"}, 2),
        ({"password": "wrong", "email": "nobody@example.com", "username": "jane"}, 2),
        ({"password": "wrong", "email": "nobody@example.com", "username": "nobody"}, 2),
    ],
    ids=["known", "unknown", "same account", "unknown username", "unknown e-mail", "both unknown"],
)
def test_refusals_cost_the_same_hashes(shop, members, hashes, monkeypatch):
    """The time of an answer must not tell who exists: it is the count of Argon2 runs."""
    runs = []
    real = argon2.PasswordHasher.verify
    monkeypatch.setattr(argon2.PasswordHasher, "verify", lambda *given: runs.append(1) or real(*given))

    assert shop.login(**members) == INVALID_CREDENTIALS

    assert len(runs) == hashes


@pytest.mark.parametrize(
    ("status", "code"),
    [(AccountStatus.DISABLED, ReturnCode.ACCOUNT_DISABLED), (AccountStatus.LOCKED, ReturnCode.ACCOUNT_LOCKED)],
)
def test_right_password_learns_the_accounts_status(shop, status, code):
    """Its owner may know why, and gets no session."""
    set_account_status(shop.call(), shop.account.id, status)
    since = len(shop.events())

    result = shop.login()

    assert result == LoginResult(return_code=code, number=str(shop.account.id), account_status=status)
    assert shop.events(since) == [("login.refused", code.key)]
    assert shop.rows(tables.sessions) == []


@pytest.mark.parametrize("role", ["15", "Customer", "customer", " 15 "])
def test_role_is_taken_by_number_and_by_name(shop, role):
    """Clients of both kinds exist."""
    assert shop.login(user_role=role).return_code is ReturnCode.SUCCESS


def test_role_that_the_account_does_not_have_is_refused(shop):
    """Only after the password was right, which the refusals above show."""
    since = len(shop.events())

    result = shop.login(user_role="Merchant")

    assert result.return_code is ReturnCode.ROLE_NOT_ALLOWED
    assert result.credentials_token is None
    assert shop.events(since) == [("login.refused", "RoleNotAllowed")]


def test_default_role_stands_in_for_a_missing_one(shop):
    """Mobile clients send none."""
    shop.set_application(default_role=15)

    assert shop.login(user_role=None).return_code is ReturnCode.SUCCESS
    assert shop.login(user_role="20").return_code is ReturnCode.ROLE_NOT_ALLOWED

    shop.set_application(default_role=20)
    assert shop.login(user_role=None).return_code is ReturnCode.ROLE_NOT_ALLOWED


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"email": None}, "Email"),
        ({"email": ""}, "Email"),
        ({"password": None}, "Password"),
        ({"password": ""}, "Password"),
        ({"user_role": None}, "userrole"),
        ({"user_role": ""}, "userrole"),
    ],
)
def test_missing_field_is_named(shop, members, name):
    """An empty text is a missing one; nothing is audited, because nobody was asked for."""
    since = len(shop.events())

    assert shop.login(**members) == LoginResult(return_code=ReturnCode.MISSING_FIELD, detail=name)
    assert shop.events(since) == []


def test_role_that_is_none_is_an_invalid_field(shop):
    """It is told apart from a role that the account lacks."""
    assert shop.login(user_role="16") == LoginResult(return_code=ReturnCode.INVALID_FIELD, detail="userrole")


def test_application_token_is_asked_for(shop):
    """It names the merchant; without it there is nobody to look for."""
    request = LoginRequest(email=EMAIL, password=PASSWORD, user_role="15")

    assert login(Call(shop.core, Caller()), request).return_code is ReturnCode.APPLICATION_TOKEN_REQUIRED
    assert shop.login(token="no-such-token").return_code is ReturnCode.INVALID_APPLICATION_TOKEN


def test_default_application_serves_callers_without_a_token(shop):
    """The oldest clients know of no token."""
    settings = shop.core.settings.__class__(
        secret_key=shop.core.settings.secret_key, default_application=shop.application.token
    )
    core = Core(settings, shop.core.database, shop.core.passwords, shop.core.keys, shop.core.now)

    result = login(Call(core, Caller()), LoginRequest(email=EMAIL, password=PASSWORD, user_role="15"))

    assert result.return_code is ReturnCode.SUCCESS


def test_disabled_application_is_no_application(shop):
    """An operator ends a lost token so; its sessions end with it."""
    session = shop.log_in()
    shop.set_application(disabled_at=NOON)

    assert shop.login().return_code is ReturnCode.INVALID_APPLICATION_TOKEN
    call = Call(shop.core, Caller(credentials_token=session))
    assert update_pincode(call, PASSWORD, "1593").return_code is ReturnCode.SESSION_EXPIRED


def test_last_login_is_the_one_before(shop):
    """A person sees from it whether somebody else was there."""
    first = shop.login()
    shop.clock.advance(hours=2)
    second = shop.login()
    shop.clock.advance(hours=1)
    shop.login(password="wrong")
    third = shop.login()

    assert (first.is_first_login, first.last_login) == (True, None)
    assert (second.is_first_login, second.last_login) == (False, datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    assert (third.is_first_login, third.last_login) == (False, datetime(2026, 3, 1, 14, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("name", "required"),
    [("Till/2.9", True), ("Till/2.10", False), ("Till/10.0", False), ("Till", False), (None, False)],
)
def test_version_update_is_required_below_the_minimum(shop, name, required):
    """The login itself succeeds: an old program must still be able to fetch its update."""
    shop.set_application(minimum_version="2.10")

    result = shop.login(application_name=name)

    assert result.return_code is ReturnCode.SUCCESS
    assert result.version_update_required is required


def device_flags(result: LoginResult) -> str:
    """Return the first letters of the device flags that are set: registered, activated, blocked, required."""
    flags = {
        "r": result.is_device_registered,
        "a": result.is_device_activated,
        "b": result.is_device_blocked,
        "q": result.is_device_registration_required,
    }
    return "".join(letter for letter, is_set in flags.items() if is_set)


def test_device_flags_follow_the_device(shop):
    """Clients choose their next screen by them."""
    shop.set_application(requires_devices=True)

    assert device_flags(shop.login()) == "q"
    assert device_flags(shop.login(device_id="till-1")) == "q"
    session = shop.log_in(device_id="till-1")
    number = shop.register(session)
    assert device_flags(shop.login(device_id="till-1")) == "r"
    shop.activate(session)
    assert device_flags(shop.login(device_id="till-1")) == "ra"
    devices.set_device_blocked(shop.call(), number, True)
    assert device_flags(shop.login(device_id="till-1")) == "rb"
    devices.set_device_blocked(shop.call(), number, False)
    assert device_flags(shop.login(device_id="till-1")) == "ra"


def test_blocked_device_is_refused_after_the_right_password(shop):
    """Whoever stole the device learns nothing; whoever owns it learns why."""
    number = shop.register(shop.log_in())
    devices.set_device_blocked(shop.call(), number, True)
    since = len(shop.events())

    assert shop.login(device_id="till-1", password="wrong") == INVALID_CREDENTIALS
    refused = shop.login(device_id="till-1", set_cookie=True)

    assert refused.return_code is ReturnCode.DEVICE_BLOCKED
    assert refused.credentials_token is None
    assert refused.encoded_cookie is None
    assert shop.events(since) == [("login.refused", "InvalidCredentials"), ("login.refused", "DeviceBlocked")]
    assert shop.login(device_id="till-2").return_code is ReturnCode.SUCCESS


def test_device_blocked_for_one_account_is_blocked_for_all(shop):
    """It is the thing that was stolen, not one person's use of it."""
    make_account(shop.core, shop.merchant, username="joan")
    number = shop.register(shop.log_in())
    devices.set_device_blocked(shop.call(), number, True)

    result = shop.login(email=None, username="joan", device_id="till-1")

    assert result.return_code is ReturnCode.DEVICE_BLOCKED


def test_push_token_is_kept_on_the_device(shop):
    """A login without one says nothing about it."""
    shop.register(shop.log_in())

    shop.log_in(device_id="till-1", push_token="push-1")
    shop.log_in(device_id="till-1", push_token="push-2")
    shop.clock.advance(minutes=1)
    shop.log_in(device_id="till-1")

    [device] = shop.rows(tables.devices)
    assert device.push_token == "push-2"
    assert device.last_seen_at == NOON + timedelta(minutes=1)


def test_push_token_of_an_unregistered_device_is_dropped(shop):
    """There is nothing yet to keep it on, and that is no error."""
    assert shop.login(device_id="till-1", push_token="push-1").return_code is ReturnCode.SUCCESS
    assert shop.rows(tables.devices) == []


def test_required_device_lets_device_methods_and_log_off_through(shop):
    """From a device that is not activated, a session may do what activates it, and leave."""
    shop.set_application(requires_devices=True)
    session = shop.log_in(device_id="till-1")

    assert update_pincode(shop.call(session), PASSWORD, "1593").return_code is ReturnCode.DEVICE_NOT_ACTIVATED
    shop.register(session)
    assert update_pincode(shop.call(session), PASSWORD, "1593").return_code is ReturnCode.DEVICE_NOT_ACTIVATED
    shop.activate(session)
    assert update_pincode(shop.call(session), PASSWORD, "1593").return_code is ReturnCode.SUCCESS


def test_required_device_counts_where_login_named_none(shop):
    """RegisterDevice then says from which device the session is."""
    shop.set_application(requires_devices=True)
    session = shop.log_in()
    shop.register(session)
    shop.activate(session)

    assert update_pincode(shop.call(session), PASSWORD, "1593").return_code is ReturnCode.SUCCESS
    other = shop.log_in(device_id="till-2")
    assert update_pincode(shop.call(other), PASSWORD, "1593").return_code is ReturnCode.DEVICE_NOT_ACTIVATED
    assert log_off(shop.call(other)).return_code is ReturnCode.SUCCESS


def test_hash_of_other_parameters_is_replaced(shop):
    """Raised parameters reach everybody who logs in."""
    before = shop.present_account().password_hash
    shop.log_in()
    assert shop.present_account().password_hash == before

    stronger = Core(shop.core.settings, shop.core.database, make_hasher(passes=2), shop.core.keys, shop.core.now)
    call = Call(stronger, Caller(application_token=shop.application.token))
    request = LoginRequest(email=EMAIL, password=PASSWORD, user_role="15")
    assert login(call, request).return_code is ReturnCode.SUCCESS

    assert "$argon2id$v=19$m=8,t=2,p=1$" in shop.present_account().password_hash
    assert shop.login().return_code is ReturnCode.SUCCESS


def test_hash_is_not_replaced_by_a_refused_login(shop):
    """Only the right password may be hashed again."""
    before = shop.present_account().password_hash
    stronger = Core(shop.core.settings, shop.core.database, make_hasher(passes=2), shop.core.keys, shop.core.now)
    call = Call(stronger, Caller(application_token=shop.application.token))

    login(call, LoginRequest(email=EMAIL, password="wrong", user_role="15"))

    assert shop.present_account().password_hash == before


def test_password_changed_while_it_was_verified_is_refused(shop, monkeypatch):
    """No transaction is open while Argon2 works; the gap is closed when the session is written."""
    real = argon2.PasswordHasher.verify
    new_hash = shop.core.passwords.hash("a new long password")

    def verify(self, kept, given):
        with shop.core.database.writing() as db:
            db.execute(tables.accounts.update().values(password_hash=new_hash))
        return real(self, kept, given)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)

    assert shop.login() == INVALID_CREDENTIALS
    assert shop.rows(tables.sessions) == []


def test_same_address_at_two_merchants_is_two_people(core):
    """Every look-up stays inside the application's merchant."""
    one = make_shop(core)
    other = make_shop(core, password="another long phrase")

    assert one.login().number == str(one.account.id)
    assert other.login(password="another long phrase").number == str(other.account.id)
    assert other.login() == INVALID_CREDENTIALS
    assert one.login(password="another long phrase") == INVALID_CREDENTIALS


def test_device_of_another_merchant_is_unknown(core):
    """Device names are the devices' own, and may be the same by chance."""
    one, other = make_shop(core), make_shop(core)
    number = one.register(one.log_in())
    devices.set_device_blocked(one.call(), number, True)

    result = other.login(device_id="till-1")

    assert result.return_code is ReturnCode.SUCCESS
    assert result.is_device_registered is False


def test_reset_at_one_merchant_leaves_the_other_alone(core):
    """The same address, asked for through one application."""
    one, other = make_shop(core), make_shop(core)

    reset_password(one.call(), EMAIL)

    assert {message.merchant_id for message in one.messages()} == {one.merchant.id}
    assert len(one.messages()) == 1
    assert other.login().return_code is ReturnCode.SUCCESS


def test_session_of_another_application_is_refused(shop):
    """A token that was copied from one program does not serve another."""
    other = make_application(shop.core, shop.merchant)
    session = shop.log_in()

    refused = update_pincode(shop.call(session, token=other.token), PASSWORD, "1593")
    unknown = update_pincode(shop.call(session, token="no-such-token"), PASSWORD, "1593")

    assert refused.return_code is ReturnCode.SESSION_EXPIRED
    assert unknown.return_code is ReturnCode.INVALID_APPLICATION_TOKEN
    assert update_pincode(shop.call(session), PASSWORD, "1593").return_code is ReturnCode.SUCCESS


def test_session_names_its_application_by_itself(shop):
    """A caller that has a session need not send the application's token as well."""
    call = Call(shop.core, Caller(credentials_token=shop.log_in()))

    assert update_pincode(call, PASSWORD, "1593").return_code is ReturnCode.SUCCESS


def is_live(shop, session):
    """Whether a session still lets its caller in, without using it."""
    call = shop.call(session)
    with call.reading():
        return not isinstance(callers.find_session(call), ReturnCode)


def test_session_ends_after_half_an_hour_of_idleness(shop):
    """The idle time begins anew with each use."""
    session = shop.log_in()

    shop.clock.advance(minutes=29)
    assert update_pincode(shop.call(session), PASSWORD, "1593").return_code is ReturnCode.SUCCESS
    shop.clock.advance(minutes=29, seconds=59)
    assert is_live(shop, session)
    shop.clock.advance(seconds=1)
    assert update_pincode(shop.call(session), PASSWORD, "1593").return_code is ReturnCode.SESSION_EXPIRED


def test_session_ends_after_a_day_however_much_it_is_used(shop):
    """The absolute lifetime."""
    session = shop.log_in()
    for _ in range(24 * 3 - 1):
        shop.clock.advance(minutes=20)
        shop.register(session)

    shop.clock.advance(minutes=19, seconds=59)
    assert is_live(shop, session)
    shop.clock.advance(seconds=1)
    assert not is_live(shop, session)


def test_application_sets_lifetimes_of_its_sessions(shop):
    """A till keeps its session longer than a web page does."""
    shop.set_application(session_lifetime=timedelta(minutes=10), session_idle_lifetime=timedelta(minutes=5))
    session = shop.log_in()

    shop.clock.advance(minutes=4)
    shop.register(session)
    shop.clock.advance(minutes=4)
    shop.register(session)
    assert is_live(shop, session)
    shop.clock.advance(minutes=2)
    assert not is_live(shop, session)


@pytest.mark.parametrize("status", [AccountStatus.DISABLED, AccountStatus.LOCKED])
def test_account_that_may_not_log_in_loses_its_sessions(shop, status):
    """An operator who disables somebody means at once, and enabling does not bring the sessions back."""
    session = shop.log_in(set_cookie=True)

    set_account_status(shop.call(), shop.account.id, status)
    assert not is_live(shop, session)
    set_account_status(shop.call(), shop.account.id, AccountStatus.ACTIVE)
    assert not is_live(shop, session)
    assert shop.rows(tables.login_cookies)[0].ended_at == NOON


def test_merchant_without_accounts_refuses_like_any(core):
    """Nothing there is nothing special."""
    merchant = make_merchant(core)
    application = make_application(core, merchant)
    request = LoginRequest(email=EMAIL, password=PASSWORD, user_role="15")

    assert login(Call(core, Caller(application_token=application.token)), request) == INVALID_CREDENTIALS


def test_set_cookie_gives_a_cookie_and_only_then(shop):
    """The front puts it into the answer and its headers."""
    assert shop.login().cookie_lifetime is None
    result = shop.login(set_cookie=True)

    assert result.encoded_cookie
    assert result.cookie_lifetime == timedelta(days=30)
    [cookie] = shop.rows(tables.login_cookies)
    assert cookie.expires_at == NOON + timedelta(days=30)
    assert shop.rows(tables.sessions)[-1].login_cookie_id == cookie.id
