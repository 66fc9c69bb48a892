"""Explains the calls of `account.svc`, each in the order of its operation. Reads only."""

from collections.abc import Callable, Mapping

from gatehouse.domain import identity, password_policy
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.operations import guessing, passwords
from gatehouse.operations.calls import Call
from gatehouse.operations.explanations import device_calls, logins
from gatehouse.operations.explanations.callers import explain_application, explain_session
from gatehouse.operations.explanations.course import Course, sentence, wait_text
from gatehouse.operations.explanations.values import NOT_TRIED, PASSWORD, Values, lacks, text_of
from gatehouse.operations.signed_in import SignedIn
from gatehouse.storage import accounts, merchants


def explain_account_call(call: Call, who: SignedIn, method: str, values: Values) -> Course:
    """Return the course that this call would take now. `call` is the caller's, of whom nothing is verified."""
    course = Course()
    if method == "UpdatePassword" or method == "UpdatePincode":
        _explain_new_secret(call, who, course, method, values)
        return course
    with call.reading():
        _EXPLAINED[method](call, who, course, values)
    return course


def _explain_log_off(call: Call, who: SignedIn, course: Course, values: Values) -> None:
    if not call.caller.credentials_token:
        if call.caller.application_token and explain_application(call, who, course) is None:
            return
        course.passes("The session", "There is none to end, and the answer is Success all the same.")
        return
    explain_session(call, who, course, may_owe_password=True, may_lack_device=True)


def _explain_reset(call: Call, who: SignedIn, course: Course, values: Values) -> None:
    application = explain_application(call, who, course)
    if application is None or lacks(course, values, "Email"):
        return
    given = identity.email_key(text_of(values, "Email") or "")
    found = accounts.find_by_email(call.db, application.merchant_id, given)
    course.accounts += found[: passwords.MAX_ACCOUNTS_OF_AN_ADDRESS]
    active = [each for each in course.accounts if each.status == AccountStatus.ACTIVE]
    if not found:
        text = "No account of the merchant has this e-mail address: the answer is Success, and no mail is sent."
    elif not active:
        text = (
            "No account of this e-mail address is active, so that no mail is sent. The answer is Success all the same."
        )
    else:
        text = (
            "A mail with a temporary password is sent, unless the account was mailed too often of late. See Messages."
        )
    course.passes("The account", text)


def _explain_new_secret(call: Call, who: SignedIn, course: Course, method: str, values: Values) -> None:
    """Explain UpdatePassword and UpdatePincode, which prove the password and judge a new secret."""
    is_password = method == "UpdatePassword"
    names = ("oldPassword", "newPassword") if is_password else ("Password", "newPincode")
    with call.reading():
        found = explain_session(call, who, course, may_owe_password=is_password)
        if found is None or lacks(course, values, *names):
            return
        account = found.account
        merchant = merchants.get(call.db, account.merchant_id)
        if wait := guessing.wait(call, guessing.of_owner(call, "session", account.id)):
            text = f"Who has this account's session waits {wait_text(wait)} after too many wrong passwords."
            course.refuses(PASSWORD, ReturnCode.TOO_MANY_REQUESTS, text)
            return
    course.leaves_open(PASSWORD, f"{NOT_TRIED} A wrong one is answered with InvalidCredentials, whatever comes below.")
    new = text_of(values, names[1]) or ""
    if not is_password:
        weakness = password_policy.pincode_weakness(new)
        if weakness:
            course.refuses("The new pincode", ReturnCode.INVALID_PINCODE, sentence(weakness), weakness)
        else:
            course.passes("The new pincode", "It is allowed.")
        return
    own_names = passwords.names_of(merchant, account.username, account.email, account.full_name)
    refusal = passwords.weakness_of_new_password(call, merchant, own_names, new)
    if refusal is not None:
        text = sentence(refusal.detail) if refusal.detail else "It is one of the most used."
        course.refuses("The new password", refusal.return_code, text, refusal.detail)
        return
    text = "It is long and hard enough. Whether it was used before, or is known from a breach, is not tried here."
    course.leaves_open("The new password", text)


_EXPLAINED: Mapping[str, Callable[[Call, SignedIn, Course, Values], None]] = {
    "Login": logins.explain_login,
    "DecodeLoginCookie": logins.explain_decode,
    "DeviceActivate": device_calls.explain_activate,
    "DeviceSendActivationCode": device_calls.explain_send_code,
    "LogOff": _explain_log_off,
    "RegisterDevice": device_calls.explain_register,
    "ResetPassword": _explain_reset,
}
