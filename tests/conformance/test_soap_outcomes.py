"""Every return code that the nine methods can give, as a SOAP client sees it: number, key and message.

How each comes about is tested with the operations; here it must get through to the client, and never as a fault.
"""

from datetime import timedelta

import pytest

from gatehouse.app import create_app
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.roles import UserRole
from gatehouse.fronts import account_calls
from gatehouse.operations.accounts import set_account_status
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.devices import set_device_blocked
from gatehouse.storage.engine import Database
from tests import factories
from tests.conformance.conftest import Front
from tests.conformance.soap import Client
from tests.factories import EMAIL, PASSWORD, USERNAME

METHODS = (
    "Login",
    "DecodeLoginCookie",
    "DeviceActivate",
    "DeviceSendActivationCode",
    "LogOff",
    "RegisterDevice",
    "ResetPassword",
    "UpdatePassword",
    "UpdatePincode",
)
WITH_SESSION = ("DeviceActivate", "DeviceSendActivationCode", "RegisterDevice", "UpdatePassword", "UpdatePincode")

OUTCOMES = {
    "Success": ("0", "The call succeeded."),
    "MissingField": ("11", "A mandatory field is missing: {}."),
    "InvalidField": ("12", "A field has a value that is not allowed: {}."),
    "AmbiguousIdentity": ("13", "The identity given belongs to more than one account."),
    "InvalidApplicationToken": ("20", "The application token is not valid."),
    "ApplicationTokenRequired": ("21", "An application token is required."),
    "InvalidCredentials": ("30", "The account or the password is wrong."),
    "AccountLocked": ("31", "The account is locked."),
    "AccountDisabled": ("32", "The account is disabled."),
    "TemporaryPasswordExpired": ("33", "The temporary password has expired. Ask for a new one."),
    "RoleNotAllowed": ("34", "The account does not have this role."),
    "PasswordChangeRequired": ("35", "The password must be changed before anything else can be done."),
    "SessionRequired": ("40", "A session is required. Log in first."),
    "SessionExpired": ("41", "The session has ended. Log in again."),
    "InvalidCookie": ("42", "The login cookie is not valid."),
    "CookieExpired": ("43", "The login cookie has expired."),
    "CookieReplayed": ("44", "The login cookie was used before. Its sessions have been ended for safety."),
    "DeviceNotRegistered": ("50", "The device is not registered."),
    "DeviceNotActivated": ("51", "The device is not activated."),
    "DeviceBlocked": ("52", "The device is blocked."),
    "InvalidActivationCode": ("53", "The activation code is wrong or was used before."),
    "ActivationCodeExpired": ("54", "The activation code has expired. Ask for a new one."),
    "PhoneNumberRequired": ("55", "A phone number is required for this device."),
    "PasswordTooWeak": ("60", "The new password is too weak: {}."),
    "PasswordReused": ("61", "The new password was used before."),
    "PasswordCompromised": ("62", "The new password is known from a data breach."),
    "InvalidPincode": ("63", "The new pincode is not allowed: {}."),
    "ServiceUnavailable": ("90", "The service is not available. Try again later."),
    "InternalError": ("99", "The service could not handle the request."),
}
"""Key, number and message. Source: contract, return codes."""

ELSEWHERE = {
    "InvalidRequest",
    "RequestTooLarge",
    "InvalidSignature",
    "InvalidClientCredentials",
    "AuthenticationNotAllowed",
    "MerchantNotFound",
    "NotThirdPartyAccountOfRecord",
    "AccountNotFound",
    "EmailMissing",
    "InvalidResetCode",
    "ResetCodeExpired",
    "MoreInfoRequired",
    "TooManyRequests",
}
"""Of other fronts and later issues: malformed and oversized envelopes are faults."""


def assert_outcome(answer, key, detail=""):
    """The client sees this outcome, with HTTP 200, and whether it was a success."""
    result = answer.result
    code, message = OUTCOMES[key]
    assert (result["Code"], result["Key"], result["Message"]) == (code, key, message.format(detail))
    assert result["IsSuccess"] == ("true" if key == "Success" else "false")


def registered(front, session, device_id="till-1", phone=None):
    """Register a device over SOAP and return the number of the registration."""
    answer = front.call("RegisterDevice", {"deviceId": device_id, "phoneNumber": phone}, session=session)
    assert_outcome(answer, "Success")
    return int(answer.result["Number"])


def activation_code(front, session, device_id="till-1"):
    """Have a code sent over SOAP and return what the SMS says."""
    assert_outcome(front.call("DeviceSendActivationCode", {"deviceId": device_id}, session=session), "Success")
    return front.shop.messages("activation_code")[-1].content["code"]


def temporary_password(front):
    """Ask for a temporary password over SOAP and return what the mail says."""
    assert_outcome(front.call("ResetPassword", {"Email": EMAIL}), "Success")
    return front.shop.messages("temporary_password")[-1].content["temporary_password"]


def set_status(front, status):
    """Lock or disable the account."""
    set_account_status(Call(front.shop.core, Caller()), front.shop.account.id, status)


def test_every_code_is_here_or_belongs_elsewhere():
    """A code that is added must get a test here, or a reason."""
    assert {code.key for code in ReturnCode} == set(OUTCOMES) | ELSEWHERE
    assert not set(OUTCOMES) & ELSEWHERE


def test_story_of_successes(front):
    """All nine methods, each with the number of the record that it is about."""
    account = str(front.shop.account.id)
    login = front.login(setCookie=True)
    session = login.result["CredentialsToken"]
    decoded = front.call("DecodeLoginCookie", {"Cookie": login.result["EncodedCookie"]})
    device = registered(front, session)
    code = activation_code(front, session)
    activated = front.call("DeviceActivate", {"deviceId": "till-1", "activationCode": code}, session=session)
    pincode = front.call("UpdatePincode", {"Password": PASSWORD, "newPincode": "8642"}, session=session)
    password = front.call(
        "UpdatePassword", {"oldPassword": PASSWORD, "newPassword": "another horse battery"}, session=session
    )
    reset = front.call("ResetPassword", {"Email": EMAIL})
    seen = front.login(Password="another horse battery", deviceId="till-1").result
    log_off = front.call("LogOff", session=session)

    for answer in (login, decoded, activated, pincode, password, reset, log_off):
        assert_outcome(answer, "Success")
    numbers = [each.result["Number"] for each in (login, decoded, pincode, password, log_off)]
    assert numbers == [account] * 5
    assert activated.result["Number"] == str(device)
    assert reset.result["Number"] is None, "nobody learns who exists"
    assert (seen["IsDeviceRegistered"], seen["IsDeviceActivated"], seen["IsDeviceBlocked"]) == ("true", "true", "false")


@pytest.mark.parametrize(
    ("method", "values", "name"),
    [
        ("Login", {"Email": None}, "Email"),
        ("Login", {"Email": ""}, "Email"),
        ("Login", {"Password": None}, "Password"),
        ("Login", {"Password": ""}, "Password"),
        ("Login", {"userrole": None}, "userrole"),
        ("DecodeLoginCookie", {}, "Cookie"),
        ("RegisterDevice", {"phoneNumber": "+12015550123"}, "deviceId"),
        ("DeviceSendActivationCode", {"deviceId": ""}, "deviceId"),
        ("DeviceActivate", {"activationCode": "123456"}, "deviceId"),
        ("DeviceActivate", {"deviceId": "till-1"}, "activationCode"),
        ("ResetPassword", {}, "Email"),
        ("UpdatePassword", {"newPassword": "x"}, "oldPassword"),
        ("UpdatePassword", {"oldPassword": PASSWORD}, "newPassword"),
        ("UpdatePincode", {"newPincode": "8642"}, "Password"),
        ("UpdatePincode", {"Password": PASSWORD}, "newPincode"),
    ],
)
def test_missing_field(front, method, values, name):
    """With its name, and an empty string is a missing one."""
    session = front.log_in()
    registered(front, session)

    answer = front.login(**values) if method == "Login" else front.call(method, values, session=session)

    assert_outcome(answer, "MissingField", name)


@pytest.mark.parametrize(
    ("method", "values", "name"),
    [
        ("Login", {"Email": f"{'x' * 250}@example.com"}, "Email"),
        ("Login", {"userrole": "99"}, "userrole"),
        ("Login", {"setCookie": "yes"}, "setCookie"),
        ("DecodeLoginCookie", {"Cookie": "x" * 1025}, "Cookie"),
        ("RegisterDevice", {"deviceId": "till-1", "phoneNumber": "call me"}, "phoneNumber"),
        ("RegisterDevice", {"deviceId": "x" * 257}, "deviceId"),
        ("DeviceSendActivationCode", {"deviceId": "x" * 257}, "deviceId"),
        ("DeviceActivate", {"deviceId": "till-1", "activationCode": "1" * 257}, "activationCode"),
        ("ResetPassword", {"Email": "x" * 255}, "Email"),
        ("UpdatePassword", {"oldPassword": PASSWORD, "newPassword": "x" * 1025}, "newPassword"),
        ("UpdatePincode", {"Password": PASSWORD, "newPincode": "1" * 1025}, "newPincode"),
    ],
)
def test_invalid_field(front, method, values, name):
    """With its name, and never with the value."""
    session = front.log_in()

    answer = front.login(**values) if method == "Login" else front.call(method, values, session=session)

    assert_outcome(answer, "InvalidField", name)


def test_ambiguous_identity(front):
    """E-mail and username of two accounts."""
    factories.make_account(front.shop.core, front.shop.merchant, username="john")

    assert_outcome(front.login(username="john"), "AmbiguousIdentity")
    assert_outcome(front.login(username=USERNAME), "Success")


@pytest.mark.parametrize("method", METHODS)
def test_invalid_application_token(front, method):
    """Nothing is done for a program that nobody knows."""
    values = {"Email": EMAIL, "Password": PASSWORD, "userrole": "15"} if method == "Login" else {}

    assert_outcome(front.call(method, values, token="unknown"), "InvalidApplicationToken")


@pytest.mark.parametrize("method", METHODS)
def test_application_token_required(front, method):
    """Without one, without a session and without a default; but for LogOff, which has no member for one."""
    expected = "Success" if method == "LogOff" else "ApplicationTokenRequired"
    assert_outcome(front.call(method, token=None), expected)


def test_invalid_credentials(front):
    """Unknown, wrong, and disabled with a wrong password are one answer, byte for byte."""
    wrong = front.login(Password="wrong")
    unknown = front.login(Email="nobody@example.com")
    unknown_name = front.login(Email=None, username="nobody")
    set_status(front, AccountStatus.DISABLED)
    disabled = front.login(Password="wrong")

    assert_outcome(wrong, "InvalidCredentials")
    assert {each.body for each in (wrong, unknown, unknown_name, disabled)} == {wrong.body}


@pytest.mark.parametrize(
    ("method", "values"),
    [
        ("UpdatePassword", {"oldPassword": "wrong", "newPassword": "another horse battery"}),
        ("UpdatePincode", {"Password": "wrong", "newPincode": "8642"}),
    ],
)
def test_invalid_credentials_of_a_session(front, method, values):
    """A session does not prove that its user knows the password."""
    assert_outcome(front.call(method, values, session=front.log_in()), "InvalidCredentials")


@pytest.mark.parametrize(
    ("status", "key"), [(AccountStatus.LOCKED, "AccountLocked"), (AccountStatus.DISABLED, "AccountDisabled")]
)
def test_account_that_may_not_log_in(front, status, key):
    """Said only to who knows the password; what it had begun has ended."""
    before = front.login(setCookie=True).result
    set_status(front, status)

    answer = front.login()

    assert_outcome(answer, key)
    assert answer.result["AccountStatus"] == key.removeprefix("Account")
    assert_outcome(front.call("DecodeLoginCookie", {"Cookie": before["EncodedCookie"]}), "InvalidCookie")
    assert_outcome(front.call("RegisterDevice", session=before["CredentialsToken"]), "SessionExpired")


def test_temporary_password_expired(front):
    """At Login, and when the password is changed by it too late."""
    temporary = temporary_password(front)
    front.shop.clock.advance(minutes=31)

    assert_outcome(front.login(Password=temporary), "TemporaryPasswordExpired")


def test_temporary_password_expired_during_its_session(front):
    """Who logged in with it and waits too long has to ask for another."""
    front.shop.set_application(session_idle_lifetime=timedelta(hours=2))
    temporary = temporary_password(front)
    session = front.log_in(Password=temporary)
    front.shop.clock.advance(minutes=31)

    answer = front.call(
        "UpdatePassword", {"oldPassword": temporary, "newPassword": "another horse battery"}, session=session
    )

    assert_outcome(answer, "TemporaryPasswordExpired")


@pytest.mark.parametrize("role", ["20", "Merchant", "21", "merchantsub", "25", "Affiliate"])
def test_role_not_allowed(front, role):
    """Only after the password was right."""
    assert_outcome(front.login(userrole=role), "RoleNotAllowed")
    assert_outcome(front.login(userrole=role, Password="wrong"), "InvalidCredentials")


def test_role_that_the_account_has(front):
    """By number and by name."""
    factories.make_account(front.shop.core, front.shop.merchant, UserRole.MERCHANT_SUB, username="till")

    for role in ("21", "MerchantSub"):
        assert_outcome(front.login(Email=None, username="till", userrole=role), "Success")


def test_default_role_serves_who_sends_none(front):
    """Where the application has one."""
    front.shop.set_application(default_role=15)

    assert_outcome(front.login(userrole=None), "Success")


@pytest.mark.parametrize("method", [each for each in WITH_SESSION if each != "UpdatePassword"])
def test_password_change_required(front, method):
    """A session of a temporary password may change it and log off, and nothing else."""
    answer = front.login(Password=temporary_password(front))

    assert answer.result["IsPasswordChangeRequired"] == "true"
    assert_outcome(front.call(method, session=answer.result["CredentialsToken"]), "PasswordChangeRequired")


@pytest.mark.parametrize("method", WITH_SESSION)
def test_session_required(front, method):
    """With the application's token alone."""
    assert_outcome(front.call(method), "SessionRequired")


def test_log_off_without_session_succeeds(front):
    """There is nothing to end."""
    assert_outcome(front.call("LogOff"), "Success")


@pytest.mark.parametrize("method", [*WITH_SESSION, "LogOff"])
@pytest.mark.parametrize("end", ["unknown", "ended", "expired"])
def test_session_expired(front, method, end):
    """One that is unknown, ended or expired is one answer."""
    session = "unknown" if end == "unknown" else front.log_in()
    if end == "ended":
        front.call("LogOff", session=session)
    if end == "expired":
        front.shop.clock.advance(days=400)

    assert_outcome(front.call(method, session=session), "SessionExpired")


@pytest.mark.parametrize("spoil", [lambda _: "x", lambda it: it + "x", lambda it: it[:-4] + "AAAA", lambda _: "ü ; <"])
def test_invalid_cookie(front, spoil):
    """One that this service did not make, or that was spoiled on its way."""
    cookie = front.login(setCookie=True).result["EncodedCookie"]

    assert_outcome(front.call("DecodeLoginCookie", {"Cookie": spoil(cookie)}), "InvalidCookie")


def test_login_cookie_of_another_application_is_invalid(front):
    """A cookie is bound to the application's token."""
    cookie = front.login(setCookie=True).result["EncodedCookie"]
    other = factories.make_application(front.shop.core, front.shop.merchant)

    assert_outcome(front.call("DecodeLoginCookie", {"Cookie": cookie}, token=other.token), "InvalidCookie")


def test_login_cookie_ends_with_its_session(front):
    """LogOff ends both."""
    login = front.login(setCookie=True).result
    front.call("LogOff", session=login["CredentialsToken"])

    assert_outcome(front.call("DecodeLoginCookie", {"Cookie": login["EncodedCookie"]}), "InvalidCookie")


def test_cookie_expired(front):
    """Later than the application lets its cookies live."""
    front.shop.set_application(cookie_lifetime=timedelta(days=30))
    cookie = front.login(setCookie=True).result["EncodedCookie"]
    front.shop.clock.advance(days=31)

    assert_outcome(front.call("DecodeLoginCookie", {"Cookie": cookie}), "CookieExpired")


def test_cookie_replayed(front):
    """In the grace time the one before is answered; after it, series and sessions end and the owner is told."""
    first = front.login(setCookie=True).result["EncodedCookie"]
    second = front.call("DecodeLoginCookie", {"Cookie": first}).result
    again = front.call("DecodeLoginCookie", {"Cookie": first})
    front.shop.clock.advance(seconds=61)

    assert_outcome(again, "Success")
    assert_outcome(front.call("DecodeLoginCookie", {"Cookie": first}), "CookieReplayed")
    assert_outcome(front.call("DecodeLoginCookie", {"Cookie": second["EncodedCookie"]}), "CookieReplayed")
    assert_outcome(front.call("RegisterDevice", session=second["CredentialsToken"]), "SessionExpired")
    assert len(front.shop.messages("login_cookie_replayed")) == 1


@pytest.mark.parametrize("method", ["DeviceSendActivationCode", "DeviceActivate"])
def test_device_not_registered(front, method):
    """Nobody registered it, or somebody else did."""
    values = {"deviceId": "till-9", "activationCode": "123456"}

    assert_outcome(front.call(method, values, session=front.log_in()), "DeviceNotRegistered")


@pytest.mark.parametrize("method", ["UpdatePassword", "UpdatePincode"])
def test_device_not_activated(front, method):
    """Where the application wants it, until the device of the session is activated."""
    front.shop.set_application(requires_devices=True)
    login = front.login(deviceId="till-1").result
    session = login["CredentialsToken"]

    refused = front.call(method, session=session)
    registered(front, session)
    still_refused = front.call(method, session=session)
    code = activation_code(front, session)
    front.call("DeviceActivate", {"deviceId": "till-1", "activationCode": code}, session=session)

    assert login["IsDeviceRegistrationRequired"] == "true"
    assert_outcome(refused, "DeviceNotActivated")
    assert_outcome(still_refused, "DeviceNotActivated")
    assert front.call(method, session=session).outcome == ("11", "MissingField")


@pytest.mark.parametrize("method", ["Login", "DecodeLoginCookie", *WITH_SESSION[:3]])
def test_device_blocked(front, method):
    """Once an operator blocked it, nothing is begun from it, and what was begun has ended."""
    device = registered(front, front.log_in())
    cookie = front.login(deviceId="till-1", setCookie=True).result["EncodedCookie"]
    set_device_blocked(Call(front.shop.core, Caller()), device, True)
    match method:
        case "Login":
            answer = front.login(deviceId="till-1")
        case "DecodeLoginCookie":
            answer = front.call(method, {"Cookie": cookie})
        case _:
            values = {"deviceId": "till-1", "activationCode": "123456"}
            answer = front.call(method, values, session=front.log_in())

    assert_outcome(answer, "DeviceBlocked")


def test_blocked_device_is_reported_by_login(front):
    """A client shows it to its user."""
    device = registered(front, front.log_in())
    set_device_blocked(Call(front.shop.core, Caller()), device, True)

    result = front.login(deviceId="till-1").result

    assert (result["Key"], result["IsDeviceBlocked"], result["CredentialsToken"]) == ("DeviceBlocked", "true", None)


def test_invalid_activation_code(front):
    """Wrong, used, or tried too often."""
    session = front.log_in()
    registered(front, session)
    code = activation_code(front, session)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"

    def activate(given):
        return front.call("DeviceActivate", {"deviceId": "till-1", "activationCode": given}, session=session)

    assert_outcome(activate(wrong), "InvalidActivationCode")
    assert_outcome(activate(f" {code} "), "Success")
    assert_outcome(activate(code), "InvalidActivationCode")
    code = activation_code(front, session)
    for _ in range(5):
        activate("x")
    assert_outcome(activate(code), "InvalidActivationCode")


def test_activation_code_expired(front):
    """The right one, too late."""
    session = front.log_in()
    registered(front, session)
    code = activation_code(front, session)
    front.shop.clock.advance(minutes=11)

    answer = front.call("DeviceActivate", {"deviceId": "till-1", "activationCode": code}, session=session)

    assert_outcome(answer, "ActivationCodeExpired")


def test_phone_number_required(front):
    """Neither the call nor the account has one."""
    factories.make_account(front.shop.core, front.shop.merchant, username="silent")
    session = front.log_in(Email=None, username="silent")

    assert_outcome(front.call("RegisterDevice", {"deviceId": "till-1"}, session=session), "PhoneNumberRequired")


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("short", "it is shorter than 8 characters"),
        ("abababababab", "it repeats one or two characters"),
        ("elephant77", "it is too easy to guess"),
        (f"{EMAIL}1", "it is made from the user's own name or address"),
    ],
)
def test_password_too_weak(front, new, reason):
    """The message says why."""
    answer = front.call("UpdatePassword", {"oldPassword": PASSWORD, "newPassword": new}, session=front.log_in())

    assert_outcome(answer, "PasswordTooWeak", reason)


def test_password_reused(front):
    """The present one always, the last ones where the merchant says so."""
    front.shop.set_merchant(password_history=3)
    session = front.log_in()

    def change(old, new):
        return front.call("UpdatePassword", {"oldPassword": old, "newPassword": new}, session=session)

    assert_outcome(change(PASSWORD, PASSWORD), "PasswordReused")
    assert_outcome(change(PASSWORD, "another horse battery"), "Success")
    assert_outcome(change("another horse battery", PASSWORD), "PasswordReused")


def test_password_longer_than_the_merchant_allows(front):
    """Anything up to what is taken at all may be allowed, or less."""
    front.shop.set_merchant(password_max_length=128)
    session = front.log_in()

    answer = front.call("UpdatePassword", {"oldPassword": PASSWORD, "newPassword": "xyz" * 43}, session=session)

    assert_outcome(answer, "PasswordTooWeak", "it is longer than 128 characters")


@pytest.mark.parametrize("new", ["iloveyou", "Sunshine1", "P@ssw0rd", "qwertyuiop"])
def test_password_compromised(front, new):
    """One of those that are tried first, in whatever case and with digits for letters."""
    answer = front.call("UpdatePassword", {"oldPassword": PASSWORD, "newPassword": new}, session=front.log_in())

    assert_outcome(answer, "PasswordCompromised")


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("zwölf", "it must have digits only"),
        ("\uff18\uff16\uff14\uff12", "it must have digits only"),
        ("864", "it must have 4 to 12 digits"),
        ("8642097531864", "it must have 4 to 12 digits"),
        ("1234", "it is too easy to guess"),
    ],
)
def test_invalid_pincode(front, new, reason):
    """The message says why."""
    answer = front.call("UpdatePincode", {"Password": PASSWORD, "newPincode": new}, session=front.log_in())

    assert_outcome(answer, "InvalidPincode", reason)


@pytest.mark.parametrize("method", METHODS)
def test_service_unavailable(front, method):
    """The database does not answer: a result, because clients read results."""
    gone = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    core = factories.make_core(gone)
    values = {"Email": EMAIL, "Password": PASSWORD, "userrole": "15"} if method == "Login" else {}

    answer = Front(front.shop, Client(create_app(core.settings, core))).call(method, values)

    assert_outcome(answer, "ServiceUnavailable")
    gone.close()


@pytest.mark.parametrize("method", METHODS)
def test_internal_error(front, method, monkeypatch, caplog):
    """A bug is a result without a word of it, and the log says where it is but not what was sent."""

    def fail(*_):
        raise KeyError(PASSWORD)

    monkeypatch.setitem(account_calls._OPERATIONS, method, fail)
    answer = front.login() if method == "Login" else front.call(method)

    assert_outcome(answer, "InternalError")
    assert f"{method} failed: KeyError at" in caplog.text
    assert answer.header("X-Request-Id") in caplog.text
    assert PASSWORD not in caplog.text
