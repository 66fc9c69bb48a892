"""Explains the calls of guest management, each in the order of its operation. Reads only."""

from dataclasses import dataclass

from gatehouse.domain.codes import ReturnCode
from gatehouse.operations import guessing, outbox, reset_codes
from gatehouse.operations.calls import Call
from gatehouse.operations.explanations.callers import explain_merchant, explain_partner, refuse_status
from gatehouse.operations.explanations.course import Course, sentence, utc_text, wait_text
from gatehouse.operations.explanations.values import NOT_TRIED, VALUES
from gatehouse.operations.passwords import names_of, weakness_of_new_password
from gatehouse.operations.reset_codes import MAX_RESET_CODE_LENGTH, UNGUESSABLE, GuestRequest
from gatehouse.operations.signed_in import SignedIn
from gatehouse.storage import accounts
from gatehouse.storage import reset_codes as kept_codes
from gatehouse.storage.accounts import Account
from gatehouse.storage.merchants import Merchant

GUEST, CODE = "The guest", "The reset code"
"""Names of steps."""


@dataclass(frozen=True, kw_only=True, repr=False)
class CodeRequest:
    """What a call to send a code asks. `is_own_code` is that of the call which partners alone may make, for a code of
    their own; `code` is that one, where it is given."""

    request: GuestRequest
    is_own_code: bool
    code: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Redemption:
    """What a call to set a password by a code asks."""

    merchant_id: int
    authentication: str | None
    code: str
    new_password: str


@dataclass(frozen=True)
class RefusedMembers:
    """Members that break a rule: the outcome, and the name of the member or what to do."""

    code: ReturnCode
    detail: str


def explain_guest_call(call: Call, who: SignedIn, asked: CodeRequest | Redemption | RefusedMembers) -> Course:
    """Return the course that this call would take now. `call` is the partner's, of whom nothing is verified."""
    course = Course()
    account: Account | None = None
    with call.reading():
        integration = explain_partner(call, who, course)
        if integration is None:
            return course
        if isinstance(asked, RefusedMembers):
            course.refuses(
                VALUES, asked.code, f"{sentence(asked.detail)} Only partners are told so much.", asked.detail
            )
            return course
        if isinstance(asked, CodeRequest):
            request, kinds = asked.request, ("b2b",) if asked.is_own_code else ("anonymous", "b2b")
            found = explain_merchant(call, who, course, integration, request.merchant_id, request.authentication, kinds)
            if found is not None:
                _explain_code_request(call, course, asked, *found)
            return course
        found = explain_merchant(call, who, course, integration, asked.merchant_id, asked.authentication, ("b2b",))
        if found is not None:
            account = _explain_code(call, course, asked, found[0])
    if account is not None and found is not None and isinstance(asked, Redemption):
        _explain_password(call, course, found[0], account, asked.new_password)
    return course


def _lacks_third_party(course: Course, merchant: Merchant) -> bool:
    if merchant.third_party_accounts_of_record:
        return False
    text = "The merchant keeps its accounts of record itself, as its settings say: partners may not set passwords."
    course.refuses("The merchant", ReturnCode.NOT_THIRD_PARTY_ACCOUNT_OF_RECORD, text)
    return True


def _explain_code_request(
    call: Call, course: Course, asked: CodeRequest, merchant: Merchant, is_anonymous: bool
) -> None:
    least = merchant.reset_code_min_length
    if asked.is_own_code:
        if _lacks_third_party(course, merchant):
            return
        if asked.code is not None and not least <= len(asked.code) <= MAX_RESET_CODE_LENGTH:
            text = f"The code has {len(asked.code)} characters, and must have {least} to {MAX_RESET_CODE_LENGTH}."
            course.refuses(VALUES, ReturnCode.INVALID_FIELD, text, "resetCode")
            return
    course.passes(VALUES, "A merchant and a guest.")
    found, refusal = reset_codes.look_ahead(call, merchant, asked.request)
    course.accounts += found
    if refusal is not None and refusal.return_code is ReturnCode.MORE_INFO_REQUIRED and not found:
        text = f"The merchant asks for more before it sends a code: {', '.join(refusal.fields)}."
        course.refuses(GUEST, ReturnCode.MORE_INFO_REQUIRED, text)
    elif refusal is not None and is_anonymous:
        text = f"The answer is success, and no code is sent: {_why(refusal.return_code)} A stranger is not told."
        course.passes(GUEST, text)
    elif refusal is not None:
        course.refuses(GUEST, refusal.return_code, _why(refusal.return_code))
    elif outbox.is_mail_limit_reached(call, found[0]):
        text = "The account was mailed so often in the last minutes that one more mail would be a nuisance."
        if is_anonymous:
            course.passes(GUEST, f"The answer is success, and no code is sent: {text}")
        else:
            course.refuses(GUEST, ReturnCode.TOO_MANY_REQUESTS, text)
    else:
        course.passes(GUEST, "A mail with a link is sent. Whether it arrived is told under Messages.")


def _why(code: ReturnCode) -> str:
    return {
        ReturnCode.MORE_INFO_REQUIRED: "Several accounts have this e-mail address.",
        ReturnCode.ACCOUNT_NOT_FOUND: "No account has this identity, or not what the merchant asks for beside it.",
        ReturnCode.ACCOUNT_DISABLED: "The account is disabled.",
        ReturnCode.ACCOUNT_LOCKED: "The account is locked.",
        ReturnCode.EMAIL_MISSING: "The account has no e-mail address.",
    }[code]


def _explain_code(call: Call, course: Course, asked: Redemption, merchant: Merchant) -> Account | None:
    """Add the steps up to the code; return the account that it is of, or None where the call ends or nobody knows."""
    if _lacks_third_party(course, merchant):
        return None
    if not UNGUESSABLE.fullmatch(asked.code):
        # It may be short enough to be guessed, so that it is looked for no more than a password is tried.
        if wait := guessing.wait(call, [reset_codes.budget_of(merchant)]):
            text = (
                f"Codes of partners' own making wait {wait_text(wait)}: there were too many wrong ones at the merchant."
            )
            course.refuses(CODE, ReturnCode.TOO_MANY_REQUESTS, text)
        else:
            course.leaves_open(
                CODE, f"It is a partner's own. {NOT_TRIED} A wrong one is answered with InvalidResetCode."
            )
        return None
    kept = kept_codes.find(call.db, merchant.id, call.keys.reset_code_digest(asked.code))
    if kept is None:
        text = "No account of the merchant has this code: a newer one took its place, or it was cut on its way."
        course.refuses(CODE, ReturnCode.INVALID_RESET_CODE, text)
        return None
    account = accounts.find(call.db, kept.account_id)
    assert account is not None, "a code's account is kept as long as the code"
    course.accounts.append(account)
    if kept.used_at is not None:
        text = f"It was used at {utc_text(kept.used_at)}, and is good once."
        course.refuses(CODE, ReturnCode.INVALID_RESET_CODE, text)
        return None
    if kept.expires_at <= call.now:
        course.refuses(CODE, ReturnCode.RESET_CODE_EXPIRED, f"It expired at {utc_text(kept.expires_at)}.")
        return None
    course.passes(CODE, f"It is good until {utc_text(kept.expires_at)}.")
    return None if refuse_status(course, account.status) else account


def _explain_password(call: Call, course: Course, merchant: Merchant, account: Account, new: str) -> None:
    names = names_of(merchant, account.username, account.email, account.full_name)
    refusal = weakness_of_new_password(call, merchant, names, new)
    if refusal is None:
        text = "It is long and hard enough. Whether it was used before, or is known from a breach, is not tried here."
        course.leaves_open("The new password", text)
        return
    text = sentence(refusal.detail) if refusal.detail else "It is one of the most used."
    course.refuses("The new password", refusal.return_code, f"{text} The code stays good.", refusal.detail)
