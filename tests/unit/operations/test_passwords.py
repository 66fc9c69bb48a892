"""Tests of operations/passwords.py, on both databases."""

import itertools
import re
from datetime import timedelta

import pytest

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.results import ServiceResult
from gatehouse.operations import callers
from gatehouse.operations.accounts import set_account_password, set_account_status
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.devices import device_activate, device_send_activation_code, register_device
from gatehouse.operations.passwords import reset_password, update_password, update_pincode
from gatehouse.operations.sessions import log_off
from gatehouse.storage import tables
from tests.factories import EMAIL, NOON, PASSWORD, make_account, make_shop

NEW = "a new long password"


def is_live(shop, session):
    """Whether a session still lets its caller in."""
    call = shop.call(session)
    with call.reading():
        return not isinstance(callers.find_session(call), ReturnCode)


def reset(shop):
    """Ask for a temporary password, and return it as its receiver reads it."""
    assert reset_password(shop.call(), EMAIL) == ServiceResult(return_code=ReturnCode.SUCCESS)
    return shop.messages("temporary_password")[-1].content["temporary_password"]


def test_update_password_replaces_the_password(shop):
    """The owner is told by mail, in case it was somebody else."""
    session = shop.log_in()
    since = len(shop.events())

    result = update_password(shop.call(session), PASSWORD, NEW)

    assert result == ServiceResult(return_code=ReturnCode.SUCCESS, number=str(shop.account.id))
    assert shop.events(since) == [("password.changed", None)]
    assert [(message.kind, message.recipient) for message in shop.messages()] == [("password_changed", EMAIL)]
    assert shop.login().return_code is ReturnCode.INVALID_CREDENTIALS
    assert shop.login(password=NEW).return_code is ReturnCode.SUCCESS


def test_update_password_ends_other_sessions_and_all_cookies(shop):
    """Whoever stole the old password is out; the person who changed it is not."""
    session, other = shop.log_in(set_cookie=True), shop.log_in(set_cookie=True)

    update_password(shop.call(session), PASSWORD, NEW)

    assert is_live(shop, session)
    assert not is_live(shop, other)
    assert [cookie.ended_at for cookie in shop.rows(tables.login_cookies)] == [NOON, NOON]


def test_update_password_leaves_other_accounts_alone(shop):
    """Only the account's own sessions end."""
    make_account(shop.core, shop.merchant, username="joan")
    other = shop.log_in(email=None, username="joan", set_cookie=True)

    update_password(shop.call(shop.log_in()), PASSWORD, NEW)

    assert is_live(shop, other)
    assert shop.rows(tables.login_cookies)[0].ended_at is None


def test_wrong_old_password_is_refused_and_audited(shop):
    """A refusal still leaves its audit entry, and tells nobody by mail."""
    session, other = shop.log_in(), shop.log_in()
    since = len(shop.events())

    result = update_password(shop.call(session), "wrong horse", NEW)

    assert result == ServiceResult(return_code=ReturnCode.INVALID_CREDENTIALS)
    assert shop.events(since) == [("password.change_refused", "InvalidCredentials")]
    assert shop.messages() == []
    assert is_live(shop, other)
    assert shop.login().return_code is ReturnCode.SUCCESS


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        (None, NEW, "oldPassword"),
        ("", NEW, "oldPassword"),
        (PASSWORD, None, "newPassword"),
        (PASSWORD, "", "newPassword"),
    ],
)
def test_update_password_names_the_missing_field(shop, old, new, name):
    """An empty text is a missing one."""
    result = update_password(shop.call(shop.log_in()), old, new)

    assert result == ServiceResult(return_code=ReturnCode.MISSING_FIELD, detail=name)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("short", "The new password is too weak: it is shorter than 8 characters."),
        ("x" * 1025, "The new password is too weak: it is longer than 1024 characters."),
        ("abababababab", "The new password is too weak: it repeats one or two characters."),
        ("jane@example.com1", "The new password is too weak: it is made from the user's own name or address."),
        ("elephant77", "The new password is too weak: it is too easy to guess."),
    ],
)
def test_weak_password_is_refused_with_the_reason(shop, new, message):
    """The contract promises the reason in Message."""
    session = shop.log_in()
    since = len(shop.events())

    result = update_password(shop.call(session), PASSWORD, new)

    assert result.return_code is ReturnCode.PASSWORD_TOO_WEAK
    assert result.message == message
    assert shop.events(since) == [("password.change_refused", "PasswordTooWeak")]
    assert shop.login().return_code is ReturnCode.SUCCESS


def test_reason_is_told_only_with_the_right_old_password(shop):
    """The rules look at the account's names, which a stolen session should not learn."""
    result = update_password(shop.call(shop.log_in()), "wrong horse", "short")

    assert result.return_code is ReturnCode.INVALID_CREDENTIALS


def test_merchant_may_not_ask_for_strength(shop):
    """Its rules are its own."""
    shop.set_merchant(password_min_strength=0)

    assert update_password(shop.call(shop.log_in()), PASSWORD, "elephant77").return_code is ReturnCode.SUCCESS


@pytest.mark.parametrize("new", ["password123", "PassWord123", "P@ssw0rd", "\uff49loveyou"])
def test_common_password_is_refused_whatever_the_merchant_asks_for(shop, new):
    """It is what strangers try first, at every account."""
    shop.set_merchant(password_min_strength=0)
    session = shop.log_in()
    since = len(shop.events())

    result = update_password(shop.call(session), PASSWORD, new)

    assert result.return_code is ReturnCode.PASSWORD_COMPROMISED
    assert result.message == "The new password is known from a data breach."
    assert shop.events(since) == [("password.change_refused", "PasswordCompromised")]
    assert shop.login().return_code is ReturnCode.SUCCESS


def test_same_password_is_no_new_one(shop):
    """Also without a history; a letter composed in another way does not make it new."""
    session = shop.log_in()
    assert update_password(shop.call(session), PASSWORD, PASSWORD).return_code is ReturnCode.PASSWORD_REUSED

    composed, decomposed = "caf\u00e9 noir et froid", "cafe\u0301 noir et froid"
    assert update_password(shop.call(session), PASSWORD, composed).return_code is ReturnCode.SUCCESS
    assert update_password(shop.call(session), composed, decomposed).return_code is ReturnCode.PASSWORD_REUSED


def test_history_refuses_the_last_passwords_and_no_older(shop):
    """A history of two: the present one and the two before it."""
    shop.set_merchant(password_history=2)
    session = shop.log_in()
    passwords = [PASSWORD, "first of the phrases", "second of the phrases", "third of the phrases"]
    for old, new in itertools.pairwise(passwords):
        assert update_password(shop.call(session), old, new).return_code is ReturnCode.SUCCESS
    present = passwords[-1]
    since = len(shop.events())

    for reused in passwords[1:]:
        assert update_password(shop.call(session), present, reused).return_code is ReturnCode.PASSWORD_REUSED

    assert shop.events(since) == [("password.change_refused", "PasswordReused")] * 3
    assert len(shop.rows(tables.former_passwords)) == 2
    assert update_password(shop.call(session), present, passwords[0]).return_code is ReturnCode.SUCCESS


def test_no_history_keeps_no_hashes(shop):
    """What is not needed is not kept."""
    session = shop.log_in()
    update_password(shop.call(session), PASSWORD, NEW)

    assert shop.rows(tables.former_passwords) == []
    assert update_password(shop.call(session), NEW, PASSWORD).return_code is ReturnCode.SUCCESS


@pytest.mark.parametrize("method", [update_password, update_pincode])
def test_methods_need_a_session(shop, method):
    """And tell a missing one from one that has ended."""
    session = shop.log_in()
    log_off(shop.call(session))

    assert method(shop.call(), PASSWORD, NEW).return_code is ReturnCode.SESSION_REQUIRED
    assert method(shop.call("no-such-session"), PASSWORD, NEW).return_code is ReturnCode.SESSION_EXPIRED
    assert method(shop.call(session), PASSWORD, NEW).return_code is ReturnCode.SESSION_EXPIRED
    anonymous = Call(shop.core, Caller())
    assert method(anonymous, PASSWORD, NEW).return_code is ReturnCode.APPLICATION_TOKEN_REQUIRED


def test_update_pincode_keeps_a_hash(shop):
    """A pincode is proved by the password, and nobody is told by mail."""
    session, other = shop.log_in(), shop.log_in()
    since = len(shop.events())

    result = update_pincode(shop.call(session), PASSWORD, "1593")

    assert result == ServiceResult(return_code=ReturnCode.SUCCESS, number=str(shop.account.id))
    assert shop.events(since) == [("pincode.changed", None)]
    assert [message.kind for message in shop.messages()] == ["pincode_changed"]
    assert shop.core.passwords.verify(shop.present_account().pincode_hash, "1593")
    assert is_live(shop, other)


@pytest.mark.parametrize(
    ("password", "pincode", "expected"),
    [
        (None, "1593", ServiceResult(return_code=ReturnCode.MISSING_FIELD, detail="Password")),
        (PASSWORD, "", ServiceResult(return_code=ReturnCode.MISSING_FIELD, detail="newPincode")),
        ("wrong", "1593", ServiceResult(return_code=ReturnCode.INVALID_CREDENTIALS)),
        ("wrong", "1234", ServiceResult(return_code=ReturnCode.INVALID_CREDENTIALS)),
        (PASSWORD, "1234", ServiceResult(return_code=ReturnCode.INVALID_PINCODE, detail="it is too easy to guess")),
        (PASSWORD, "159", ServiceResult(return_code=ReturnCode.INVALID_PINCODE, detail="it must have 4 to 12 digits")),
        (PASSWORD, "15a3", ServiceResult(return_code=ReturnCode.INVALID_PINCODE, detail="it must have digits only")),
    ],
)
def test_update_pincode_refuses(shop, password, pincode, expected):
    """What was there stays there."""
    session = shop.log_in()

    assert update_pincode(shop.call(session), password, pincode) == expected

    assert shop.present_account().pincode_hash is None


def test_refused_pincode_is_audited(shop):
    """With its outcome, as a refused password is."""
    session = shop.log_in()
    since = len(shop.events())

    update_pincode(shop.call(session), "wrong", "1593")
    update_pincode(shop.call(session), PASSWORD, "1234")

    assert shop.events(since) == [
        ("pincode.change_refused", "InvalidCredentials"),
        ("pincode.change_refused", "InvalidPincode"),
    ]


def test_reset_mails_a_temporary_password(shop):
    """The mail knows when it becomes useless, so that it is not sent after that."""
    since = len(shop.events())

    result = reset_password(shop.call(), " JANE@example.com")

    assert result == ServiceResult(return_code=ReturnCode.SUCCESS)
    [message] = shop.messages()
    assert (message.kind, message.medium, message.recipient) == ("temporary_password", "mail", "jane@example.com")
    assert re.fullmatch(r"[2-9A-Za-z]{24}", message.content["temporary_password"])
    assert message.content["minutes"] == "30"
    assert message.content["merchant"] == shop.merchant.name
    assert message.expires_at == NOON + timedelta(minutes=30)
    assert shop.events(since) == [("password.reset_requested", None)]
    assert shop.core.message_queued.is_set()


@pytest.mark.parametrize("status", [None, AccountStatus.DISABLED, AccountStatus.LOCKED])
def test_reset_answers_alike_where_no_mail_goes(shop, status):
    """An unknown address and a disabled account: the answer does not tell them from a known one."""
    if status is not None:
        set_account_status(shop.call(), shop.account.id, status)
    email = "nobody@example.com" if status is None else EMAIL
    since = len(shop.events())

    assert reset_password(shop.call(), email) == ServiceResult(return_code=ReturnCode.SUCCESS)

    assert shop.messages() == []
    assert shop.rows(tables.temporary_passwords) == []
    assert shop.events(since) == [("password.reset_requested", None)]


@pytest.mark.parametrize("email", [None, ""])
def test_reset_needs_an_address(shop, email):
    """And an application."""
    assert reset_password(shop.call(), email) == ServiceResult(return_code=ReturnCode.MISSING_FIELD, detail="Email")
    unknown = reset_password(shop.call(token="no-such-token"), EMAIL)
    assert unknown.return_code is ReturnCode.INVALID_APPLICATION_TOKEN
    assert reset_password(Call(shop.core, Caller()), EMAIL).return_code is ReturnCode.APPLICATION_TOKEN_REQUIRED


def test_reset_serves_a_few_accounts_of_an_address(shop):
    """Each gets its own mail with its username; one call cannot send mails without end."""
    for number in range(6):
        make_account(shop.core, shop.merchant, email=EMAIL, username=f"jane-{number}")

    reset_password(shop.call(), EMAIL)

    messages = shop.messages("temporary_password")
    assert [message.content["username"] for message in messages] == ["jane", "jane-0", "jane-1", "jane-2", "jane-3"]
    assert len({message.content["temporary_password"] for message in messages}) == 5


def test_old_password_keeps_working_until_the_temporary_one_was_used(shop):
    """A stranger cannot lock a person out by asking."""
    session = shop.log_in(set_cookie=True)
    temporary = reset(shop)

    assert is_live(shop, session)
    assert shop.login().return_code is ReturnCode.SUCCESS
    result = shop.login(password=temporary)

    assert result.return_code is ReturnCode.SUCCESS
    assert result.is_password_change_required is True
    assert not is_live(shop, session)
    assert shop.rows(tables.login_cookies)[0].ended_at == NOON
    assert shop.login().return_code is ReturnCode.INVALID_CREDENTIALS


def test_temporary_password_logs_in_again_until_it_expires(shop):
    """A person who closed the window has not lost the way in; the older session ends."""
    temporary = reset(shop)
    first = shop.log_in(password=temporary)
    second = shop.log_in(password=temporary)

    assert not is_live(shop, first)
    assert is_live(shop, second)


def test_temporary_password_gives_no_cookie(shop):
    """It would outlive the duty to change the password."""
    result = shop.login(password=reset(shop), set_cookie=True)

    assert result.return_code is ReturnCode.SUCCESS
    assert result.encoded_cookie is None
    assert shop.rows(tables.login_cookies) == []


@pytest.mark.parametrize(
    "operation",
    [
        lambda call: update_pincode(call, PASSWORD, "1593"),
        lambda call: register_device(call, "till-1", None),
        lambda call: device_send_activation_code(call, "till-1"),
        lambda call: device_activate(call, "till-1", "123456"),
    ],
    ids=["UpdatePincode", "RegisterDevice", "DeviceSendActivationCode", "DeviceActivate"],
)
def test_session_that_owes_a_password_may_do_nothing_else(shop, operation):
    """A temporary password passed through a mailbox."""
    session = shop.log_in(password=reset(shop))

    assert operation(shop.call(session)).return_code is ReturnCode.PASSWORD_CHANGE_REQUIRED


def test_session_that_owes_a_password_registers_no_device_by_token_either(shop):
    """The session's duty is not lifted by what the application may do without one."""
    shop.set_application(registers_devices_by_token=True)
    session = shop.log_in(password=reset(shop))

    result = register_device(shop.call(session), "till-1", "+12015550123")

    assert result.return_code is ReturnCode.PASSWORD_CHANGE_REQUIRED


def test_changing_the_password_lifts_the_duty(shop):
    """The same session goes on; the temporary password is over."""
    temporary = reset(shop)
    session = shop.log_in(password=temporary)

    assert update_password(shop.call(session), temporary, NEW).return_code is ReturnCode.SUCCESS

    assert update_pincode(shop.call(session), NEW, "1593").return_code is ReturnCode.SUCCESS
    assert shop.login(password=temporary).return_code is ReturnCode.INVALID_CREDENTIALS
    assert shop.login(password=NEW).is_password_change_required is False


def test_password_is_changed_also_where_a_device_is_required(shop):
    """Otherwise neither duty could be met before the other."""
    shop.set_application(requires_devices=True)
    temporary = reset(shop)
    session = shop.log_in(password=temporary)

    assert update_password(shop.call(session), temporary, NEW).return_code is ReturnCode.SUCCESS


def test_log_off_is_allowed_to_who_owes_a_password(shop):
    """Nobody must stay."""
    session = shop.log_in(password=reset(shop))

    assert log_off(shop.call(session)).return_code is ReturnCode.SUCCESS


def test_temporary_password_expires_after_half_an_hour(shop):
    """Only its receiver learns that it was right."""
    temporary = reset(shop)
    shop.clock.advance(minutes=29, seconds=59)
    assert shop.login(password=temporary).return_code is ReturnCode.SUCCESS
    shop.clock.advance(seconds=1)
    since = len(shop.events())

    assert shop.login(password=temporary).return_code is ReturnCode.TEMPORARY_PASSWORD_EXPIRED
    assert shop.login(password="wrong").return_code is ReturnCode.INVALID_CREDENTIALS
    assert shop.events(since)[0] == ("login.refused", "TemporaryPasswordExpired")


def test_expired_temporary_password_does_not_touch_the_old_one(shop):
    """Nobody read the mail; nothing has happened."""
    temporary = reset(shop)
    shop.clock.advance(minutes=30)
    session = shop.log_in()

    refused = update_password(shop.call(session), temporary, NEW)

    assert refused.return_code is ReturnCode.TEMPORARY_PASSWORD_EXPIRED
    assert shop.login().return_code is ReturnCode.SUCCESS


def test_new_temporary_password_ends_the_older(shop):
    """Only the newest mail counts."""
    older, newer = reset(shop), reset(shop)

    assert shop.login(password=older).return_code is ReturnCode.INVALID_CREDENTIALS
    assert shop.login(password=newer).return_code is ReturnCode.SUCCESS


def test_changed_password_ends_an_unused_temporary_one(shop):
    """It may be lying in a mailbox that a thief reads."""
    temporary = reset(shop)

    update_password(shop.call(shop.log_in()), PASSWORD, NEW)

    assert shop.login(password=temporary).return_code is ReturnCode.INVALID_CREDENTIALS


def test_merchant_may_choose_that_a_reset_replaces_at_once(shop):
    """The literal replacement of the seed."""
    shop.set_merchant(reset_replaces_password=True)
    session = shop.log_in(set_cookie=True)

    temporary = reset(shop)

    assert shop.login().return_code is ReturnCode.INVALID_CREDENTIALS
    assert not is_live(shop, session)
    assert shop.rows(tables.login_cookies)[0].ended_at == NOON
    assert shop.login(password=temporary).is_password_change_required is True


def test_password_that_was_reset_stays_in_the_history(shop):
    """A reset is no way around the rule."""
    shop.set_merchant(password_history=1)
    temporary = reset(shop)
    session = shop.log_in(password=temporary)

    assert update_password(shop.call(session), temporary, PASSWORD).return_code is ReturnCode.PASSWORD_REUSED
    assert update_password(shop.call(session), temporary, temporary).return_code is ReturnCode.PASSWORD_REUSED
    assert update_password(shop.call(session), temporary, NEW).return_code is ReturnCode.SUCCESS


def test_merchant_sets_the_lifetime_of_temporary_passwords(shop):
    """And the mail says it."""
    shop.set_merchant(temporary_password_lifetime=timedelta(minutes=5))
    temporary = reset(shop)
    shop.clock.advance(minutes=5)

    assert shop.messages()[0].content["minutes"] == "5"
    assert shop.login(password=temporary).return_code is ReturnCode.TEMPORARY_PASSWORD_EXPIRED


def test_no_secret_is_kept_in_the_clear(shop):
    """The outbox alone holds a temporary password, until it was sent."""
    temporary = reset(shop)
    shop.log_in(password=temporary, set_cookie=False)

    for table in (tables.accounts, tables.temporary_passwords, tables.sessions, tables.audit_entries):
        assert temporary not in repr(shop.rows(table))
        assert PASSWORD not in repr(shop.rows(table))


def test_owner_without_an_address_changes_the_password_untold(core):
    """There is nowhere to send the mail, and that is no error."""
    shop = make_shop(core, email=None)
    session = shop.log_in(email=None, username="jane")

    assert update_password(shop.call(session), PASSWORD, NEW).return_code is ReturnCode.SUCCESS
    assert shop.messages() == []


def test_operators_password_ends_everything_else(shop):
    """Sessions, cookies and an unused temporary password, as when the owner changes it."""
    session = shop.log_in(set_cookie=True)
    temporary = reset(shop)
    since = len(shop.events())

    set_account_password(shop.call(), shop.account.id, NEW)

    assert not is_live(shop, session)
    assert shop.rows(tables.login_cookies)[0].ended_at == NOON
    assert shop.login(password=temporary).return_code is ReturnCode.INVALID_CREDENTIALS
    assert shop.login(password=NEW).return_code is ReturnCode.SUCCESS
    assert shop.events(since)[0] == ("password.changed", None)
