"""Explains Login and DecodeLoginCookie, in the order of their operations. Reads only."""

from gatehouse.domain import versions
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.roles import UserRole
from gatehouse.operations import login_cookies
from gatehouse.operations.calls import Call
from gatehouse.operations.explanations.callers import explain_application, note_device, refuse_status
from gatehouse.operations.explanations.course import Course, utc_text, wait_text
from gatehouse.operations.explanations.values import (
    BLOCKED,
    DEVICE,
    NOT_TRIED,
    PASSWORD,
    VALUES,
    Values,
    lacks,
    text_of,
)
from gatehouse.operations.login import LoginRequest, Prospect, look_ahead
from gatehouse.operations.signed_in import SignedIn
from gatehouse.storage import accounts, devices, temporary_passwords
from gatehouse.storage.accounts import Account
from gatehouse.storage.applications import Application


def explain_login(call: Call, who: SignedIn, course: Course, values: Values) -> None:
    """Add the steps of Login."""
    application = explain_application(call, who, course)
    if application is None:
        return
    request = LoginRequest(
        email=text_of(values, "Email"),
        username=text_of(values, "username"),
        password=text_of(values, "Password"),
        user_role=text_of(values, "userrole"),
        application_name=text_of(values, "appName"),
        device_id=text_of(values, "deviceId"),
    )
    note_device(call, course, application.merchant_id, request.device_id)
    found = look_ahead(call, application, request)
    if not isinstance(found, Prospect):
        name = found.detail
        if found.return_code is ReturnCode.INVALID_FIELD:
            text = f"{name} is none of the roles that there are: 15, 20, 21, 25, or their names."
        elif name == "userrole":
            text = "userrole is absent, null or empty, and the application has no default role."
        elif name == "Email":
            text = "Neither Email nor username is given: both are absent, null or empty."
        else:
            text = f"{name} is absent, null or empty, which is all the same."
        course.refuses(VALUES, found.return_code, text, name)
        return
    course.passes(VALUES, f"Who it is, a password and the role {found.role.wire_name}.")
    course.accounts += list({each.id: each for each in found.accounts if each is not None}.values())
    _explain_password_of_login(course, request, found)
    if course.refusal is None:
        _explain_after_password(call, course, application, request, course.accounts[0], found.role)


def _explain_password_of_login(course: Course, request: LoginRequest, found: Prospect) -> None:
    if found.wait is not None:
        text = (
            f"No password is looked at for {wait_text(found.wait)}: there were too many wrong ones, under this name or "
            "from the caller's network."
        )
        course.refuses(PASSWORD, ReturnCode.TOO_MANY_REQUESTS, text)
    elif None in found.accounts:
        named = "one of the two names given" if len(found.accounts) > 1 else "this e-mail address"
        named = "this username" if not request.email else named
        text = f"No account of the merchant has {named}. The caller is not told, and gets what a wrong password gets."
        course.refuses(PASSWORD, ReturnCode.INVALID_CREDENTIALS, text)
    elif len(course.accounts) > 1 or not found.is_sole:
        both = (
            "E-mail and username belong to two accounts"
            if len(course.accounts) > 1
            else ("Several accounts have this e-mail address in this role")
        )
        text = (
            f"{both}. With the right password of one of them this is the answer, with a wrong one InvalidCredentials."
        )
        course.refuses(PASSWORD, ReturnCode.AMBIGUOUS_IDENTITY, text)
    else:
        course.leaves_open(
            PASSWORD, f"{NOT_TRIED} A wrong one is answered with InvalidCredentials, whatever comes below."
        )


def _explain_after_password(
    call: Call, course: Course, application: Application, request: LoginRequest, account: Account, role: UserRole
) -> None:
    """Add the steps that only who knows the password comes to."""
    temporary = temporary_passwords.find(call.db, account.id)
    if temporary is not None and temporary.used_at is not None:
        temporary = None
    if account.password_hash is None and temporary is None:
        text = "The account has no password: no login can succeed before a new one was set, by a reset for example."
        course.refuses("The account", ReturnCode.INVALID_CREDENTIALS, text)
        return
    if refuse_status(course, account.status):
        return
    if temporary is not None:
        state = "is good until" if temporary.expires_at > call.now else "has expired at"
        text = f"It is active. The temporary password that it was mailed {state} {utc_text(temporary.expires_at)}."
        course.passes("The account", text)
    else:
        course.passes("The account", "It is active.")
    if account.role != role:
        own = UserRole(account.role).wire_name
        text = f"The call asks for the role {role.wire_name}, and the account is {own}."
        course.refuses("The role", ReturnCode.ROLE_NOT_ALLOWED, text)
        return
    course.passes("The role", f"The account is {role.wire_name}.")
    if request.device_id and devices.is_blocked(call.db, application.merchant_id, request.device_id):
        course.refuses(DEVICE, ReturnCode.DEVICE_BLOCKED, BLOCKED)
        return
    _explain_device_of_login(call, course, application, request, account)
    if versions.is_older(request.application_name, application.minimum_version):
        text = f"The login succeeds, and VersionUpdateRequired is true: {application.minimum_version} is asked for."
        course.passes("The version", text)


def _explain_device_of_login(
    call: Call, course: Course, application: Application, request: LoginRequest, account: Account
) -> None:
    device = None
    if request.device_id:
        device = devices.find_registered(call.db, application.id, request.device_id, account.id)
        device = device or devices.find_registered(call.db, application.id, request.device_id, None)
    if device is not None and device.activated_at is not None:
        course.passes(DEVICE, "It is registered and activated.")
    elif application.requires_devices:
        what = "is not activated" if device else "is not registered for this account"
        what = what if request.device_id else "is not named by the call"
        text = (
            f"The login succeeds, but the application wants an activated device, and it {what}: until then the session "
            "is good for RegisterDevice, DeviceSendActivationCode and DeviceActivate alone."
        )
        course.passes(DEVICE, text)
    elif request.device_id:
        what = "registered, and not activated" if device else "not registered for this account"
        course.passes(DEVICE, f"It is {what}, which this application does not ask for.")


def explain_decode(call: Call, who: SignedIn, course: Course, values: Values) -> None:
    """Add the steps of DecodeLoginCookie."""
    application = explain_application(call, who, course)
    if application is None or lacks(course, values, "Cookie"):
        return
    kept, refusal = login_cookies.look_at(call, application, text_of(values, "Cookie") or "")
    if kept is not None and (account := accounts.find(call.db, kept.account_id)) is not None:
        course.accounts.append(account)
        note_device(call, course, kept.merchant_id, kept.device_id)
    ended = "It was ended: by LogOff, a new password or an operator."
    unknown = "It was spoiled on its way, or this application was never given it."
    texts = {
        ReturnCode.INVALID_COOKIE: ended if kept else unknown,
        ReturnCode.COOKIE_EXPIRED: "It was not used for as long as login cookies of this application live.",
        ReturnCode.COOKIE_REPLAYED: "A newer cookie of its series was given out, and the time in which the one before "
        "it is still taken is over; or the series was ended for that before. It counts as stolen.",
        ReturnCode.DEVICE_BLOCKED: "An operator has blocked the device that it is from.",
        ReturnCode.ACCOUNT_DISABLED: "The account is disabled.",
        ReturnCode.ACCOUNT_LOCKED: "The account is locked.",
    }
    if refusal is None:
        course.passes("The login cookie", "It would be answered now, with a new session and the next cookie.")
    else:
        course.refuses("The login cookie", refusal, texts[refusal])
