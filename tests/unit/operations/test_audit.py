"""Tests of operations/audit.py: what is recorded of calls and of operators' changes, and that no secret is."""

import base64
import json
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from werkzeug.test import Client

from gatehouse.app import create_app
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.fronts.account_calls import AccountCall, answer, open_call
from gatehouse.operations import accounts, applications, audit, devices, integrations, merchants, messages
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.login_cookies import decode_login_cookie
from gatehouse.operations.reset_codes import generate_and_send
from gatehouse.security.keys import Keys
from gatehouse.storage import tables
from tests.factories import EMAIL, NOON, PASSWORD, make_application, make_shop
from tests.partner import make_partner


def entries(shop, since=0):
    """Return the rows of the trail besides the first ones."""
    return shop.rows(tables.audit_entries)[since:]


def ask(shop, method, session=None, **members):
    """Perform a call as a front does, and return its outcome."""
    members = {"applicationToken": shop.application.token} | members
    request = AccountCall(
        method=method,
        members=list(members.items()),
        application_tokens=[],
        credentials_token=session,
        source="192.0.2.7",
        request_id=str(uuid.uuid4()),
    )
    return answer(open_call(shop.core, request), request).return_code


def operator(shop):
    """Return an operator's call."""
    return Call(shop.core, Caller(source="cli:root"))


def test_who_tried_an_identity_is_found_without_keeping_it(shop):
    """What was typed may be a password in the wrong field, so that a keyed digest is kept."""
    typed = "Hunter2 is my password"
    shop.login(email=typed, device_id="till-9")
    shop.login(email=EMAIL.upper(), username="nobody")

    first, second = entries(shop)[-2:]
    keys, merchant = shop.core.keys, shop.merchant.id
    assert first.identity == audit.identity_digest(keys, merchant, f" {typed.lower()}")
    assert first.device == audit.device_digest(keys, merchant, "till-9")
    assert first.account_id is None
    assert second.identity.split() == [
        audit.identity_digest(keys, merchant, EMAIL),
        audit.identity_digest(keys, merchant, "nobody"),
    ]
    assert not any("hunter2" in str(value).casefold() for value in first)


def test_digests_belong_to_one_merchant_and_one_key():
    """Nobody can tell from two trails that somebody is in both, nor try names without the key."""
    keys = Keys("0" * 32)
    found = {
        audit.identity_digest(keys, 1, EMAIL),
        audit.identity_digest(keys, 2, EMAIL),
        audit.device_digest(keys, 1, EMAIL),
        audit.identity_digest(Keys("1" * 32), 1, EMAIL),
    }

    assert len(found) == 4
    assert {len(each) for each in found} == {32}


def test_entry_names_the_device_of_the_session(shop):
    """Also where the call does not send it."""
    session = shop.log_in(device_id="till-1")

    assert ask(shop, "UpdatePincode", session, Password="wrong", newPincode="4711") is ReturnCode.INVALID_CREDENTIALS

    entry = entries(shop)[-1]
    assert (entry.event, entry.outcome) == ("pincode.change_refused", "InvalidCredentials")
    assert entry.device == audit.device_digest(shop.core.keys, shop.merchant.id, "till-1")
    assert entry.application_id == shop.application.application.id


REFUSED = [
    ("UpdatePassword", {"oldPassword": PASSWORD}, ReturnCode.MISSING_FIELD, " newPassword"),
    ("UpdatePincode", {"Password": PASSWORD}, ReturnCode.MISSING_FIELD, " newPincode"),
    ("RegisterDevice", {}, ReturnCode.MISSING_FIELD, " deviceId"),
    ("RegisterDevice", {"deviceId": "till-1", "phoneNumber": "none"}, ReturnCode.INVALID_FIELD, " phoneNumber"),
    ("DeviceSendActivationCode", {"deviceId": "till-2"}, ReturnCode.DEVICE_NOT_REGISTERED, ""),
    ("DeviceActivate", {"deviceId": "till-2", "activationCode": "1"}, ReturnCode.DEVICE_NOT_REGISTERED, ""),
]


@pytest.mark.parametrize(
    ("method", "members", "outcome", "member"), REFUSED, ids=[f"{each[0]}-{each[2].key}" for each in REFUSED]
)
def test_every_refusal_of_somebody_known_leaves_one_entry(shop, method, members, outcome, member):
    """Whichever operation refuses, and without it having to think of that; with the member that it is about."""
    session = shop.log_in()
    since = len(entries(shop))

    assert ask(shop, method, session, **members) is outcome

    [entry] = entries(shop, since)
    assert (entry.event, entry.outcome, entry.subject) == ("call.refused", outcome.key, method + member)
    assert (entry.account_id, entry.merchant_id) == (shop.account.id, shop.merchant.id)
    assert entry.application_id == shop.application.application.id
    assert len(entry.mac) == 40


def test_refusal_for_want_of_a_device_or_a_password_leaves_an_entry(shop):
    """The caller has a session, and is sent away all the same."""
    session = shop.log_in()
    shop.set_application(requires_devices=True)
    since = len(entries(shop))

    outcome = ask(shop, "UpdatePincode", session, Password=PASSWORD, newPincode="4711")

    assert outcome is ReturnCode.DEVICE_NOT_ACTIVATED
    assert [(each.event, each.outcome) for each in entries(shop, since)] == [("call.refused", "DeviceNotActivated")]


@pytest.mark.parametrize(
    ("method", "session", "members", "outcome"),
    [
        ("Login", None, {"Password": "x"}, ReturnCode.MISSING_FIELD),
        ("Login", None, {"Email": EMAIL, "Password": "x", "userrole": "99"}, ReturnCode.INVALID_FIELD),
        ("UpdatePassword", None, {}, ReturnCode.SESSION_REQUIRED),
        ("UpdatePassword", "nothing", {}, ReturnCode.SESSION_EXPIRED),
        ("DecodeLoginCookie", None, {"Cookie": "nothing"}, ReturnCode.INVALID_COOKIE),
        ("LogOff", None, {}, ReturnCode.SUCCESS),
        ("Login", None, {"applicationToken": "nothing"}, ReturnCode.INVALID_APPLICATION_TOKEN),
    ],
)
def test_refusal_of_somebody_unknown_leaves_none(shop, method, session, members, outcome):
    """A flood of calls that prove nothing must not fill the disk; the log has them."""
    since = len(entries(shop))

    assert ask(shop, method, session, **members) is outcome

    assert entries(shop, since) == []


def test_cookie_of_another_merchant_is_recorded_where_it_was_shown(core):
    """Without the account, which is none of that merchant's business."""
    shop, other = make_shop(core), make_shop(core)
    cookie = shop.login(set_cookie=True).encoded_cookie
    since = len(entries(shop))

    assert decode_login_cookie(other.call(), cookie).return_code is ReturnCode.INVALID_COOKIE

    [entry] = entries(shop, since)
    assert (entry.event, entry.outcome) == ("login_cookie.refused", "InvalidCookie")
    assert (entry.merchant_id, entry.account_id) == (other.merchant.id, None)


def test_cookie_of_another_application_of_the_merchant_is_recorded_with_its_account(shop):
    """There it is known whose it is."""
    cookie = shop.login(set_cookie=True).encoded_cookie
    token = make_application(shop.core, shop.merchant).token

    decode_login_cookie(shop.call(token=token), cookie)

    assert (entries(shop)[-1].event, entries(shop)[-1].account_id) == ("login_cookie.refused", shop.account.id)


def test_wrong_secret_of_a_partner_is_recorded(shop):
    """Somebody who knows its name tries to be it."""
    partner = make_partner(shop)

    generate_and_send(partner.call("wrong"), partner.request())

    entry = entries(shop)[-1]
    assert (entry.event, entry.outcome) == ("integration.refused", "InvalidClientCredentials")
    assert (entry.subject, entry.source) == (str(partner.integration.id), "192.0.2.9")


def test_calls_of_partners_name_the_integration(shop):
    """Who asked for a code matters as much as whom it was for."""
    partner = make_partner(shop)
    partner.generate("b2b")

    entry = entries(shop)[-1]
    assert (entry.event, entry.integration_id) == ("reset_code.sent", partner.integration.id)
    assert entry.identity == audit.identity_digest(shop.core.keys, shop.merchant.id, "jane")


def test_what_is_done_after_the_call_names_who_asked_for_it(shop):
    """A stranger's request is fulfilled by the worker, under the id of the request."""
    partner = make_partner(shop)
    call = partner.call()
    generate_and_send(call, partner.request("anonymous"))

    entry = entries(shop)[-1]
    assert (entry.event, entry.integration_id) == ("reset_code.sent", partner.integration.id)
    assert (entry.source, entry.request_id) == ("192.0.2.9", call.caller.request_id)
    assert entry.identity == audit.identity_digest(shop.core.keys, shop.merchant.id, "jane")


@pytest.mark.parametrize(
    ("members", "outcome"),
    [({"authentication": "magic"}, "InvalidField"), ({"merchantId": 99}, "MerchantNotFound")],
)
def test_refused_call_of_a_partner_leaves_an_entry(shop, members, outcome):
    """Its secret was right, so that it is known."""
    partner = make_partner(shop)
    body = {"merchantId": shop.merchant.id, "username": "jane", "authentication": "b2b"} | members
    credentials = base64.b64encode(f"{partner.integration.client_id}:{partner.secret}".encode()).decode()
    since = len(entries(shop))

    done = Client(create_app(shop.core.settings, shop.core)).post(
        "/guestmanagement/generateAndSendGuestResetPasswordCode.json",
        json=body,
        headers={"Authorization": f"Basic {credentials}"},
    )

    assert done.json["result"] == "failure"
    [entry] = entries(shop, since)
    assert (entry.event, entry.outcome, entry.integration_id) == ("call.refused", outcome, partner.integration.id)


def test_changes_have_the_value_before_and_after(shop):
    """So that an operator's mistake can be put right, and a fraud be told from one."""
    accounts.change_account(operator(shop), shop.account.id, phone="+12015550199", date_of_birth=date(1980, 12, 31))
    accounts.set_account_status(operator(shop), shop.account.id, AccountStatus.LOCKED)
    merchants.change_merchant(operator(shop), shop.merchant.id, temporary_password_lifetime=timedelta(hours=1))
    applications.set_application_disabled(operator(shop), shop.application.application.id, True)

    changed, locked, merchant, application = entries(shop)[-4:]
    assert changed.changes == {"phone": ["+12015550123", "+12015550199"], "date_of_birth": [None, "1980-12-31"]}
    assert locked.changes == {"status": ["Active", "Locked"]}
    assert merchant.changes == {"temporary_password_lifetime": [1800, 3600]}
    assert application.changes == {"disabled_at": [None, NOON.isoformat()]}
    assert changed.source == "cli:root"


def test_what_was_added_is_in_the_entry(shop):
    """With nothing before it."""
    by_event = {each.event: each.changes for each in entries(shop)}

    assert by_event["merchant.added"]["region"] == [None, "US"]
    assert by_event["application.added"]["signature"] == [None, "optional"]
    assert by_event["account.added"]["email"] == [None, EMAIL]
    assert by_event["account.added"]["role"] == [None, 15]


def test_changes_of_integrations_are_told(shop):
    """Merchants, secrets by their numbers, and whether it may call."""
    partner = make_partner(shop)
    number, other = partner.integration.id, make_shop(shop.core).merchant.id
    since = len(entries(shop))
    integrations.allow_merchant(operator(shop), number, other)
    integrations.deny_merchant(operator(shop), number, other)
    secret = integrations.add_integration_secret(operator(shop), number)
    integrations.renew_integration_secret(operator(shop), number)
    integrations.set_integration_disabled(operator(shop), number, True)

    found = [each.changes for each in entries(shop, since)]
    assert found[0] == {"merchants": [[shop.merchant.id], [shop.merchant.id, other]]}
    assert found[1] == {"merchants": [[shop.merchant.id, other], [shop.merchant.id]]}
    assert found[2]["secret"] == [None, "added"]
    assert found[3] == {"secret": ["replaced", "new"]}
    assert found[4] == {"disabled_at": [None, NOON.isoformat()]}
    assert secret not in json.dumps(found)


def test_no_secret_is_ever_among_the_changes(shop):
    """That one was changed is told, and neither the old nor the new one, nor a digest of them."""
    since = len(entries(shop))
    token = applications.renew_application_token(operator(shop), shop.application.application.id)
    hash_key = applications.renew_application_hash_key(operator(shop), shop.application.application.id)
    accounts.set_account_password(operator(shop), shop.account.id, "quite another password")

    found = [each.changes for each in entries(shop, since)]
    assert found == [
        {"token_digest": ["hidden", "hidden"]},
        {"hash_key_sealed": ["hidden", "hidden"]},
        {"password_hash": ["hidden", "hidden"]},
    ]
    everything = str([tuple(each) for each in entries(shop)])
    for secret in (token, hash_key, PASSWORD, "quite another password", shop.present_account().password_hash, "argon2"):
        assert secret not in everything


def test_blocked_device_and_resent_message_are_recorded(shop):
    """What an operator does to them is a change, too."""
    session = shop.log_in()
    number = shop.register(session, "till-1")
    shop.send_code(session, "till-1")
    message = shop.messages("activation_code")[0]
    with shop.core.database.writing() as db:
        db.execute(tables.messages.update().values(state="abandoned"))
    devices.set_device_blocked(operator(shop), number, True)
    messages.resend_message(operator(shop), message.id)

    blocked, resent = entries(shop)[-2:]
    assert (blocked.event, blocked.changes) == ("device.blocked", {"blocked_at": [None, NOON.isoformat()]})
    assert blocked.device == audit.device_digest(shop.core.keys, shop.merchant.id, "till-1")
    assert (resent.event, resent.subject) == ("message.requeued", str(message.id))


def test_changes_are_as_json_gives_them_back(shop):
    """Otherwise an entry would not verify after it was read again."""
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    values = {"a": (1, 2), "b": moment, "c": AccountStatus.LOCKED, "d": timedelta(minutes=1), "e": "ü", "f": True}

    found = audit.changes_of(None, values)

    assert json.loads(json.dumps(found)) == found
    assert found["a"] == [None, [1, 2]]


def test_long_texts_are_cut_to_their_columns(shop):
    """PostgreSQL would refuse the entry, and with it the call."""
    call = Call(shop.core, Caller(source="x" * 200))
    with call.writing():
        audit.record(call, AuditEvent.CALL_REFUSED, merchant_id=shop.merchant.id, subject="y" * 200)

    assert (entries(shop)[-1].source, entries(shop)[-1].subject) == ("x" * 64, "y" * 40)
