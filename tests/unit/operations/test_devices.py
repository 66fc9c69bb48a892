"""Tests of operations/devices.py, on both databases."""

import re
import threading
from datetime import timedelta

import pytest

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.results import ServiceResult
from gatehouse.operations import callers
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.devices import (
    device_activate,
    device_send_activation_code,
    list_devices,
    register_device,
    set_device_blocked,
)
from gatehouse.security import tokens
from gatehouse.storage import tables
from tests.factories import EMAIL, NOON, make_account, make_application, make_shop

OTHER_PHONE = "+12015550199"


def device(shop):
    """Return the only registration's row."""
    [row] = shop.rows(tables.devices)
    return row


def wrong(code):
    """Return six digits that are not the code."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


@pytest.fixture
def session(shop):
    """A session of the account."""
    return shop.log_in()


def test_register_keeps_the_device_under_the_account(shop, session):
    """The result's Number is the registration's."""
    since = len(shop.events())

    result = register_device(shop.call(session), "till-1", "(201) 555-0199")

    row = device(shop)
    assert result == ServiceResult(return_code=ReturnCode.SUCCESS, number=str(row.id))
    assert (row.device_id, row.account_id, row.phone) == ("till-1", shop.account.id, "+12015550199")
    assert (row.activated_at, row.blocked_at) == (None, None)
    assert row.merchant_id == shop.merchant.id
    assert shop.events(since) == [("device.registered", None)]
    assert shop.rows(tables.audit_entries)[-1].subject == str(row.id)
    assert shop.messages() == []


@pytest.mark.parametrize("phone", [None, ""])
def test_register_without_a_number_takes_the_accounts(shop, session, phone):
    """The seed's clients leave it out."""
    assert register_device(shop.call(session), "till-1", phone).return_code is ReturnCode.SUCCESS
    assert device(shop).phone == "+12015550123"


def test_register_again_without_a_number_keeps_the_devices(shop, session):
    """A client that sends it once only must not lose its activation to the account's number."""
    register_device(shop.call(session), "till-1", "+12015550199")

    assert register_device(shop.call(session), "till-1", None).return_code is ReturnCode.SUCCESS
    assert device(shop).phone == "+12015550199"


def test_register_without_any_number_asks_for_one(core):
    """There would be nowhere to send the code."""
    shop = make_shop(core, phone=None)

    result = register_device(shop.call(shop.log_in()), "till-1", None)

    assert result == ServiceResult(return_code=ReturnCode.PHONE_NUMBER_REQUIRED)
    assert shop.rows(tables.devices) == []


@pytest.mark.parametrize("phone", ["12", "not a number", "+1", "+999201555019912345"])
def test_register_refuses_what_is_no_phone_number(shop, session, phone):
    """Its name is told, its value is not."""
    result = register_device(shop.call(session), "till-1", phone)

    assert result == ServiceResult(return_code=ReturnCode.INVALID_FIELD, detail="phoneNumber")


def test_phone_numbers_are_read_as_dialled_in_the_merchants_country(shop, session):
    """A shop in Switzerland has customers who write 079."""
    shop.set_merchant(region="CH")

    register_device(shop.call(session), "till-1", "079 123 45 67")

    assert device(shop).phone == "+41791234567"


@pytest.mark.parametrize("device_id", [None, ""])
def test_missing_device_is_named(shop, session, device_id):
    """In each of the three methods."""
    missing = ServiceResult(return_code=ReturnCode.MISSING_FIELD, detail="deviceId")

    assert register_device(shop.call(session), device_id, None) == missing
    assert device_send_activation_code(shop.call(session), device_id) == missing
    assert device_activate(shop.call(session), device_id, "123456") == missing


@pytest.mark.parametrize(
    "operation",
    [
        lambda call: register_device(call, "till-1", None),
        lambda call: device_send_activation_code(call, "till-1"),
        lambda call: device_activate(call, "till-1", "123456"),
    ],
    ids=["RegisterDevice", "DeviceSendActivationCode", "DeviceActivate"],
)
def test_device_methods_need_a_session(shop, operation):
    """The device belongs to the session's account."""
    assert operation(shop.call()).return_code is ReturnCode.SESSION_REQUIRED
    assert operation(shop.call("no-such-session")).return_code is ReturnCode.SESSION_EXPIRED
    assert operation(shop.call(token="no-such-token")).return_code is ReturnCode.INVALID_APPLICATION_TOKEN
    assert operation(Call(shop.core, Caller())).return_code is ReturnCode.APPLICATION_TOKEN_REQUIRED


def test_registering_again_is_no_error(shop, session):
    """Clients do it at each start; an activated device stays activated."""
    number = shop.register(session)
    shop.activate(session)

    assert shop.register(session) == number
    assert device(shop).activated_at == NOON


def test_another_number_asks_for_another_activation(shop, session):
    """Whoever holds the new number has proved nothing yet."""
    number = shop.register(session)
    shop.activate(session)

    assert shop.register(session, phone=OTHER_PHONE) == number

    assert device(shop).activated_at is None
    shop.send_code(session)
    assert shop.messages()[-1].recipient == OTHER_PHONE


def test_owner_is_told_once_of_a_changed_number(shop, session):
    """A stolen session is enough to change it, so that only the owner can tell whether it should be so."""
    shop.register(session)
    shop.register(session, phone="+12015550150")
    assert shop.messages("device_number_changed") == [], "it was no device that anybody relied on"
    shop.activate(session)
    since = len(shop.events())

    shop.register(session, phone=OTHER_PHONE)
    shop.register(session, phone="+12015550151")
    shop.register(session, phone="+12015550151")

    [mail] = shop.messages("device_number_changed")
    assert mail.recipient == EMAIL
    named = ("device", "phone", "former_phone")
    assert {name: mail.content[name] for name in named} == {"device": "…", "phone": "…0199", "former_phone": "…0150"}
    assert shop.events(since) == [
        ("device.number_changed", None),
        ("device.registered", None),
        ("device.registered", None),
    ]


def test_session_may_do_nothing_more_until_the_device_is_activated_again(shop):
    """Whoever holds it has changed the number, and has as much as before the device was activated."""
    shop.set_application(requires_devices=True)
    session = shop.log_in(device_id="till-1")
    shop.register(session)
    shop.activate(session)
    assert isinstance(_find_logged_in(shop, session), callers.LoggedIn)

    shop.register(session, phone=OTHER_PHONE)

    assert _find_logged_in(shop, session) is ReturnCode.DEVICE_NOT_ACTIVATED
    shop.activate(session)
    assert isinstance(_find_logged_in(shop, session), callers.LoggedIn)


def _find_logged_in(shop, session):
    call = shop.call(session)
    with call.reading():
        return callers.find_logged_in(call)


def test_another_number_ends_the_code_that_was_sent_to_the_old_one(shop, session):
    """Its receiver would vouch for a number that is another's."""
    shop.register(session)
    code = shop.send_code(session)
    shop.register(session, phone=OTHER_PHONE)

    assert device_activate(shop.call(session), "till-1", code).return_code is ReturnCode.INVALID_ACTIVATION_CODE
    assert device(shop).activated_at is None


def test_one_device_may_have_two_accounts(shop, session):
    """A family shares a tablet; each activates for itself."""
    make_account(shop.core, shop.merchant, username="joan", phone=OTHER_PHONE)
    other = shop.log_in(email=None, username="joan")
    first, second = shop.register(session), shop.register(other)
    shop.activate(session)

    assert first != second
    assert [row.activated_at for row in shop.rows(tables.devices)] == [NOON, None]


def test_parallel_registrations_make_one_row(shop, session):
    """A client that lost its patience registers twice at once."""
    barrier, numbers = threading.Barrier(6), []

    def run():
        barrier.wait()
        numbers.append(register_device(shop.call(session), "till-1", None).number)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert numbers == [str(device(shop).id)] * 6


def test_code_is_six_digits_by_sms_to_the_registrations_number(shop, session):
    """It is never in the answer, and kept as a digest under a key."""
    number = shop.register(session, phone=OTHER_PHONE)
    since = len(shop.events())

    result = device_send_activation_code(shop.call(session), "till-1")

    assert result == ServiceResult(return_code=ReturnCode.SUCCESS, number=str(number))
    [message] = shop.messages()
    assert (message.kind, message.medium, message.recipient) == ("activation_code", "sms", OTHER_PHONE)
    code = message.content["code"]
    assert re.fullmatch(r"[0-9]{6}", code)
    assert message.content["minutes"] == "10"
    assert message.expires_at == NOON + timedelta(minutes=10)
    [kept] = shop.rows(tables.activation_codes)
    assert kept.code_digest != tokens.digest(code)
    assert kept.code_digest == shop.core.keys.activation_code_digest(number, code)
    assert shop.events(since) == [("activation_code.sent", None)]


def test_right_code_activates(shop, session):
    """And says so in the device's row, in the audit trail and to the owner, in case it was somebody else."""
    number = shop.register(session)
    code = shop.send_code(session)
    shop.clock.advance(minutes=9, seconds=59)
    since = len(shop.events())

    result = device_activate(shop.call(session), "till-1", f" {code} ")

    assert result == ServiceResult(return_code=ReturnCode.SUCCESS, number=str(number))
    assert device(shop).activated_at == NOON + timedelta(minutes=9, seconds=59)
    assert shop.events(since) == [("device.activated", None)]
    assert [message.recipient for message in shop.messages("device_activated")] == [EMAIL]


def test_wrong_code_is_refused_and_audited(shop, session):
    """The right one still works after it."""
    number = shop.register(session)
    code = shop.send_code(session)
    since = len(shop.events())

    refused = device_activate(shop.call(session), "till-1", wrong(code))

    assert refused == ServiceResult(return_code=ReturnCode.INVALID_ACTIVATION_CODE, number=str(number))
    assert shop.events(since) == [("device.activation_refused", "InvalidActivationCode")]
    assert device_activate(shop.call(session), "till-1", code).return_code is ReturnCode.SUCCESS


@pytest.mark.parametrize("code", [None, ""])
def test_missing_code_is_named_and_costs_no_try(shop, session, code):
    """A form that was sent too early is no guess."""
    number = shop.register(session)
    shop.send_code(session)

    result = device_activate(shop.call(session), "till-1", code)

    assert result == ServiceResult(return_code=ReturnCode.MISSING_FIELD, number=str(number), detail="activationCode")
    assert shop.rows(tables.activation_codes)[0].tries == 0


def test_code_expires_after_ten_minutes(shop, session):
    """Only the right code learns that it was late."""
    shop.register(session)
    code = shop.send_code(session)
    shop.clock.advance(minutes=10)

    late = device_activate(shop.call(session), "till-1", code)
    guessed = device_activate(shop.call(session), "till-1", wrong(code))

    assert late.return_code is ReturnCode.ACTIVATION_CODE_EXPIRED
    assert guessed.return_code is ReturnCode.INVALID_ACTIVATION_CODE
    assert device(shop).activated_at is None


def test_code_works_once(shop, session):
    """A code that was read over a shoulder is worth nothing."""
    shop.register(session)
    code = shop.send_code(session)
    device_activate(shop.call(session), "till-1", code)

    assert device_activate(shop.call(session), "till-1", code).return_code is ReturnCode.INVALID_ACTIVATION_CODE
    assert device(shop).activated_at == NOON


def test_new_code_ends_the_older(shop, session):
    """Only the newest SMS counts, with five tries of its own."""
    shop.register(session)
    older = shop.send_code(session)
    newer = shop.send_code(session)
    while newer == older:
        newer = shop.send_code(session)

    assert device_activate(shop.call(session), "till-1", older).return_code is ReturnCode.INVALID_ACTIVATION_CODE
    assert device_activate(shop.call(session), "till-1", newer).return_code is ReturnCode.SUCCESS


def test_fifth_try_may_be_right(shop, session):
    """Five tries are five."""
    shop.register(session)
    code = shop.send_code(session)
    for _ in range(4):
        device_activate(shop.call(session), "till-1", wrong(code))

    assert device_activate(shop.call(session), "till-1", code).return_code is ReturnCode.SUCCESS


def test_right_code_after_five_wrong_ones_is_refused(shop, session):
    """A new code has to be asked for, which its receiver sees."""
    shop.register(session)
    code = shop.send_code(session)
    for _ in range(5):
        device_activate(shop.call(session), "till-1", wrong(code))

    assert device_activate(shop.call(session), "till-1", code).return_code is ReturnCode.INVALID_ACTIVATION_CODE
    assert device(shop).activated_at is None
    assert device_activate(shop.call(session), "till-1", shop.send_code(session)).return_code is ReturnCode.SUCCESS


def test_parallel_guesses_have_no_more_than_five_tries(shop, session, monkeypatch):
    """The count is raised where it is checked; the comparisons that had a code to compare with are counted."""
    shop.register(session)
    code = shop.send_code(session)
    compared, lock, barrier, codes = [], threading.Lock(), threading.Barrier(16), []
    real = tokens.matches

    def matches(kept, given):
        with lock:
            compared.append(kept is not None)
        return real(kept, given)

    monkeypatch.setattr(tokens, "matches", matches)

    def guess():
        barrier.wait()
        codes.append(device_activate(shop.call(session), "till-1", wrong(code)).return_code)

    threads = [threading.Thread(target=guess) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(each.key for each in codes) == ["InvalidActivationCode"] * 15 + ["TooManyRequests"]
    assert compared.count(True) == 5
    assert device_activate(shop.call(session), "till-1", code).return_code is ReturnCode.TOO_MANY_REQUESTS


def test_parallel_right_codes_activate_once(shop, session):
    """Single use, also at the same moment."""
    shop.register(session)
    code = shop.send_code(session)
    barrier, codes = threading.Barrier(4), []

    def run():
        barrier.wait()
        codes.append(device_activate(shop.call(session), "till-1", code).return_code)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert codes.count(ReturnCode.SUCCESS) == 1
    assert codes.count(ReturnCode.INVALID_ACTIVATION_CODE) == 3


def test_code_without_one_sent_is_wrong(shop, session):
    """Nothing kept matches nothing."""
    shop.register(session)

    assert device_activate(shop.call(session), "till-1", "000000").return_code is ReturnCode.INVALID_ACTIVATION_CODE


def test_device_that_the_account_did_not_register_is_unknown(shop, session):
    """Also where another account did."""
    make_account(shop.core, shop.merchant, username="joan", phone=OTHER_PHONE)
    shop.register(shop.log_in(email=None, username="joan"))
    unknown = ServiceResult(return_code=ReturnCode.DEVICE_NOT_REGISTERED)

    assert device_send_activation_code(shop.call(session), "till-1") == unknown
    assert device_activate(shop.call(session), "till-1", "123456") == unknown
    assert shop.messages() == []


def test_code_without_a_number_to_send_it_to_asks_for_one(shop, session):
    """A registration that came from elsewhere may have none."""
    number = shop.register(session)
    with shop.core.database.writing() as db:
        db.execute(tables.devices.update().values(phone=None))

    result = device_send_activation_code(shop.call(session), "till-1")

    assert result == ServiceResult(return_code=ReturnCode.PHONE_NUMBER_REQUIRED, number=str(number))


def test_blocked_device_stays_blocked(shop, session):
    """Neither registering nor a code that was sent before lifts what the operator did."""
    number = shop.register(session)
    code = shop.send_code(session)
    since = len(shop.events())

    assert set_device_blocked(shop.call(), number, True).blocked_at == NOON

    assert register_device(shop.call(session), "till-1", OTHER_PHONE).return_code is ReturnCode.SESSION_EXPIRED
    blocked = ServiceResult(return_code=ReturnCode.DEVICE_BLOCKED, number=str(number))
    fresh = shop.log_in()
    assert device_send_activation_code(shop.call(fresh), "till-1") == blocked
    assert device_activate(shop.call(fresh), "till-1", code) == blocked
    again = register_device(shop.call(fresh), "till-1", OTHER_PHONE)
    assert again == ServiceResult(return_code=ReturnCode.DEVICE_BLOCKED)
    assert device(shop).blocked_at == NOON
    assert device(shop).phone == "+12015550123"
    assert ("device.blocked", None) in shop.events(since)
    assert ("device.registration_refused", "DeviceBlocked") in shop.events(since)


def test_blocking_ends_the_devices_sessions(shop):
    """And only those."""
    number = shop.register(shop.log_in())
    own, other = shop.log_in(device_id="till-1"), shop.log_in(device_id="till-2")
    set_device_blocked(shop.call(), number, True)

    for session, is_live in ((own, False), (other, True)):
        call = shop.call(session)
        with call.reading():
            assert (not isinstance(callers.find_session(call), ReturnCode)) is is_live


def test_block_is_lifted_by_the_operator(shop):
    """An activated device is then as it was."""
    session = shop.log_in()
    number = shop.register(session)
    shop.activate(session)
    set_device_blocked(shop.call(), number, True)
    since = len(shop.events())

    assert set_device_blocked(shop.call(), number, False).blocked_at is None

    assert shop.events(since) == [("device.unblocked", None)]
    assert shop.login(device_id="till-1").is_device_activated is True


def test_blocking_what_is_not_there_is_an_operators_error(shop):
    """With a text that says so."""
    with pytest.raises(AdministrationError, match="there is no device of this number"):
        set_device_blocked(shop.call(), 4711, True)


def test_application_may_register_devices_by_its_token_alone(shop):
    """Before anybody logs in; the first Login from the device binds it, with its push token."""
    shop.set_application(registers_devices_by_token=True)

    result = register_device(shop.call(), "till-1", OTHER_PHONE)

    assert result == ServiceResult(return_code=ReturnCode.SUCCESS, number=str(device(shop).id))
    assert device(shop).account_id is None
    login = shop.login(device_id="till-1", push_token="push-1")
    assert login.is_device_registered is True
    assert login.is_device_activated is False
    assert (device(shop).account_id, device(shop).push_token) == (shop.account.id, "push-1")
    assert shop.send_code(login.credentials_token)
    assert shop.messages()[-1].recipient == OTHER_PHONE


def test_registration_by_token_needs_a_number_and_a_device(shop):
    """There is no account whose number could stand in."""
    shop.set_application(registers_devices_by_token=True)

    assert register_device(shop.call(), "till-1", None).return_code is ReturnCode.PHONE_NUMBER_REQUIRED
    assert register_device(shop.call(), None, OTHER_PHONE).return_code is ReturnCode.MISSING_FIELD
    assert register_device(shop.call("no-such-session"), "till-1", OTHER_PHONE).return_code is (
        ReturnCode.SESSION_EXPIRED
    )


def test_device_registered_by_token_is_bound_once(shop):
    """The second account that logs in from it has not registered it."""
    make_account(shop.core, shop.merchant, username="joan", phone=OTHER_PHONE)
    shop.set_application(registers_devices_by_token=True)
    register_device(shop.call(), "till-1", OTHER_PHONE)
    register_device(shop.call(), "till-1", OTHER_PHONE)
    assert device(shop).account_id is None

    assert shop.login(device_id="till-1").is_device_registered is True
    assert shop.login(email=None, username="joan", device_id="till-1").is_device_registered is False
    assert device(shop).account_id == shop.account.id


def test_device_blocked_for_an_account_is_not_registered_by_token(shop, session):
    """It is the thing that is blocked."""
    set_device_blocked(shop.call(), shop.register(session), True)
    shop.set_application(registers_devices_by_token=True)

    assert register_device(shop.call(), "till-1", OTHER_PHONE).return_code is ReturnCode.DEVICE_BLOCKED


def test_operator_lists_devices(core):
    """By merchant, by account, and page by page."""
    one, other = make_shop(core), make_shop(core)
    first, second = one.register(one.log_in()), other.register(other.log_in())

    assert [row.id for row in list_devices(one.call(), None, None)] == [first, second]
    assert [row.id for row in list_devices(one.call(), other.merchant.id, None)] == [second]
    assert [row.id for row in list_devices(one.call(), None, one.account.id)] == [first]
    assert [row.id for row in list_devices(one.call(), None, None, after=first)] == [second]


# Applications


def test_device_of_one_application_is_none_in_another(shop, core):
    """It is registered and activated for each by itself; its user may have agreed to one of them only."""
    session = shop.log_in()
    number = shop.register(session)
    shop.activate(session)
    other = make_application(core, shop.merchant, name="Other", requires_devices=True)

    result = shop.login(token=other.token, device_id="till-1")
    assert (result.is_device_registered, result.is_device_activated) == (False, False)
    assert result.is_device_registration_required is True
    there = shop.call(result.credentials_token, other.token)
    assert device_send_activation_code(there, "till-1").return_code is ReturnCode.DEVICE_NOT_REGISTERED
    registered = register_device(shop.call(result.credentials_token, other.token), "till-1", None)
    assert registered.return_code is ReturnCode.SUCCESS
    assert registered.number != str(number)


def test_block_of_a_device_counts_in_every_application(shop, core):
    """An operator who blocks a stolen phone means the phone."""
    number = shop.register(shop.log_in())
    other = make_application(core, shop.merchant, name="Other")
    set_device_blocked(shop.call(), number, True)

    assert shop.login(token=other.token, device_id="till-1").return_code is ReturnCode.DEVICE_BLOCKED
