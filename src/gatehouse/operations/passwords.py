"""Passwords and pincodes: changed by their owner, or replaced by a temporary password that arrives by mail."""

from collections.abc import Sequence
from datetime import timedelta

from gatehouse.domain import identity, password_policy
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.messages import MessageKind
from gatehouse.domain.password_policy import PasswordPolicy, Weakness
from gatehouse.domain.results import ServiceResult
from gatehouse.operations import account_requests, audit, callers, credentials, guessing, outbox, owner_warnings
from gatehouse.operations.account_requests import RequestKind
from gatehouse.operations.callers import LoggedIn
from gatehouse.operations.calls import Call
from gatehouse.security import tokens
from gatehouse.security.password_strength import strength
from gatehouse.security.passwords import is_same
from gatehouse.storage import accounts, login_cookies, merchants, reset_codes, sessions, temporary_passwords
from gatehouse.storage.account_requests import AccountRequest
from gatehouse.storage.accounts import Account
from gatehouse.storage.merchants import Merchant
from gatehouse.storage.temporary_passwords import TemporaryPassword

MAX_ACCOUNTS_OF_AN_ADDRESS = 5
"""Accounts under one address that ResetPassword serves, so that one call cannot send mails without end."""


def update_password(call: Call, old: str | None, new: str | None) -> ServiceResult:
    """Replace the password of the caller's account, end its other sessions and login cookies, tell its owner.

    Returns SUCCESS; what `callers.find_logged_in` says; MISSING_FIELD; INVALID_CREDENTIALS when `old` is wrong;
    TOO_MANY_REQUESTS when it was too often; TEMPORARY_PASSWORD_EXPIRED; PASSWORD_TOO_WEAK; PASSWORD_REUSED;
    PASSWORD_COMPROMISED.
    Source: Account Service seed, UpdatePassword; ASVS 5.0, 6.2.3 and 7.4.3.
    """
    with call.reading():
        who = callers.find_logged_in(call, may_owe_password=True)
        if isinstance(who, ReturnCode):
            return ServiceResult(return_code=who)
        if not old or not new:
            missing = "newPassword" if old else "oldPassword"
            return ServiceResult(return_code=ReturnCode.MISSING_FIELD, detail=missing)
        if limited := _limit_of_guesses(call, who):
            return limited
        merchant = merchants.get(call.db, who.account.merchant_id)
        temporary = temporary_passwords.find(call.db, who.account.id)
        former = accounts.find_former_passwords(call.db, who.account.id, merchant.password_history)

    names = names_of(merchant, who.account.username, who.account.email, who.account.full_name)
    wrong = _proof_refusal(call, who.account, temporary, old)
    refusal = wrong or refusal_of_new_password(call, merchant, names, new, former, present=old)
    new_hash = None if refusal else call.passwords.hash(new)
    with call.writing():
        if limited := _count_guess(call, who, is_wrong=_is_wrong_guess(wrong)):
            return limited
        if new_hash and not accounts.change_if_same(
            call.db, who.account, password_hash=new_hash, password_changed_at=call.now
        ):
            refusal = ServiceResult(return_code=ReturnCode.INVALID_CREDENTIALS)
        if refusal:
            _record(call, AuditEvent.PASSWORD_CHANGE_REFUSED, who, refusal.return_code)
            return refusal
        accounts.add_former_password(call.db, who.account, merchant.password_history, call.now)
        end_other_access(call, who.account, besides=who.session.id)
        sessions.lift_password_change(call.db, who.session.id)
        outbox.queue_mail(call, MessageKind.PASSWORD_CHANGED, who.account)
        return _succeed(call, AuditEvent.PASSWORD_CHANGED, who)


def update_pincode(call: Call, password: str | None, new_pincode: str | None) -> ServiceResult:
    """Replace the pincode of the caller's account, and tell its owner.

    Returns SUCCESS; what `callers.find_logged_in` says; MISSING_FIELD; INVALID_CREDENTIALS when the password is
    wrong; TOO_MANY_REQUESTS after too many wrong ones; INVALID_PINCODE. Source: Account Service seed, UpdatePincode.
    """
    with call.reading():
        who = callers.find_logged_in(call)
        if isinstance(who, ReturnCode):
            return ServiceResult(return_code=who)
        if not password or not new_pincode:
            missing = "newPincode" if password else "Password"
            return ServiceResult(return_code=ReturnCode.MISSING_FIELD, detail=missing)
        if limited := _limit_of_guesses(call, who):
            return limited

    refusal = wrong = _proof_refusal(call, who.account, None, password)
    if refusal is None and (weakness := password_policy.pincode_weakness(new_pincode)):
        refusal = ServiceResult(return_code=ReturnCode.INVALID_PINCODE, detail=weakness)
    new_hash = None if refusal else call.passwords.hash(new_pincode)
    with call.writing():
        if limited := _count_guess(call, who, is_wrong=_is_wrong_guess(wrong)):
            return limited
        if new_hash and not accounts.change_if_same(call.db, who.account, pincode_hash=new_hash):
            refusal = ServiceResult(return_code=ReturnCode.INVALID_CREDENTIALS)
        if refusal:
            _record(call, AuditEvent.PINCODE_CHANGE_REFUSED, who, refusal.return_code)
            return refusal
        outbox.queue_mail(call, MessageKind.PINCODE_CHANGED, who.account)
        return _succeed(call, AuditEvent.PINCODE_CHANGED, who)


def reset_password(call: Call, email: str | None) -> ServiceResult:
    """Send a temporary password to the owner of this address. The answer is the same when there is none.

    The call only notes what is asked; `send_temporary_passwords` does it soon after. The password that the account has
    keeps working until the temporary one was used, because anybody may ask; a merchant may choose that it is replaced
    at once. Returns SUCCESS; MISSING_FIELD; or what is wrong with the application's token.
    Source: contract, return codes; Account Service seed, ResetPassword.
    """
    with call.reading():
        application = callers.find_application(call)
    if isinstance(application, ReturnCode):
        return ServiceResult(return_code=application)
    if not email:
        return ServiceResult(return_code=ReturnCode.MISSING_FIELD, detail="Email")
    with call.writing():
        account_requests.note(
            call,
            RequestKind.TEMPORARY_PASSWORD,
            application.merchant_id,
            application.id,
            email_key=identity.email_key(email),
        )
        return ServiceResult(return_code=ReturnCode.SUCCESS)


def send_temporary_passwords(call: Call, request: AccountRequest) -> None:
    """Mail a temporary password to the accounts under the address of a request, in its transaction."""
    merchant = merchants.get(call.db, request.merchant_id)
    call.known.identities = (request.identity["email_key"],)
    found = accounts.find_by_email(call.db, merchant.id, request.identity["email_key"])
    for account in found[:MAX_ACCOUNTS_OF_AN_ADDRESS]:
        if account.status == AccountStatus.ACTIVE and not is_outdated(request, account):
            _send_temporary_password(call, merchant, account)
    audit.record(
        call,
        AuditEvent.PASSWORD_RESET_REQUESTED,
        merchant_id=merchant.id,
        application_id=request.application_id,
        account_id=found[0].id if found else None,
    )


def is_outdated(request: AccountRequest, account: Account) -> bool:
    """Whether the password was changed after this was asked for, which ended every other way in."""
    return account.password_changed_at is not None and account.password_changed_at > request.created_at


def names_of(merchant: Merchant, username: str | None, email: str | None, full_name: str | None) -> list[str]:
    """Return the words that a person's password may not be made from."""
    local_part = email.partition("@")[0] if email else None
    return [name for name in (username, email, local_part, full_name, merchant.name) if name]


def policy_of(merchant: Merchant) -> PasswordPolicy:
    """Return the merchant's rules for passwords."""
    return PasswordPolicy(
        min_length=merchant.password_min_length,
        max_length=merchant.password_max_length,
        min_strength=merchant.password_min_strength,
        history=merchant.password_history,
    )


def refusal_of_new_password(
    call: Call, merchant: Merchant, names: list[str], new: str, former: Sequence[str], present: str | None = None
) -> ServiceResult | None:
    """Return why this may not become a password, or None. `former` are hashes; this waits and works."""
    if refusal := weakness_of_new_password(call, merchant, names, new):
        return refusal
    if (present and is_same(new, present)) or any(call.passwords.verify(each, new) for each in former):
        return ServiceResult(return_code=ReturnCode.PASSWORD_REUSED)
    if call.compromised.is_breached(new):
        return ServiceResult(return_code=ReturnCode.PASSWORD_COMPROMISED)
    return None


def weakness_of_new_password(call: Call, merchant: Merchant, names: list[str], new: str) -> ServiceResult | None:
    """Return why this may become nobody's password here, or None. Waits for no other service and hashes nothing."""
    policy = policy_of(merchant)
    weakness = password_policy.weakness(policy, new, names)
    if weakness is None and call.compromised.is_common(new):
        return ServiceResult(return_code=ReturnCode.PASSWORD_COMPROMISED)
    if weakness is None and policy.min_strength and strength(new, names) < policy.min_strength:
        weakness = Weakness.GUESSABLE
    if weakness:
        return ServiceResult(return_code=ReturnCode.PASSWORD_TOO_WEAK, detail=weakness.text(policy), weakness=weakness)
    return None


def take_temporary_password(call: Call, account: Account, temporary: TemporaryPassword) -> bool:
    """Let a temporary password that logged its owner in take the place of the account's password.

    Returns False when it was replaced or ended while it was verified. Reset code, sessions and login cookies end.
    """
    if not temporary_passwords.use(call.db, temporary, call.now):
        return False
    reset_codes.end(call.db, account.id)
    _forget_password(call, merchants.get(call.db, account.merchant_id), account)
    return True


def end_other_access(call: Call, account: Account, besides: int | None = None) -> None:
    """End temporary password, reset code, login cookies and sessions of the account, besides one session.

    Cookies go first: a decode that is under way holds its cookie, and so cannot add a session behind our back.
    """
    temporary_passwords.end(call.db, account.id)
    reset_codes.end(call.db, account.id)
    login_cookies.end_of_account(call.db, account.id, call.now)
    sessions.end_of_account(call.db, account.id, call.now, besides=besides)


def _send_temporary_password(call: Call, merchant: Merchant, account: Account) -> None:
    accounts.lock(call.db, account.id)
    if outbox.is_mail_limit_reached(call, account):
        return
    if merchant.reset_replaces_password:
        _forget_password(call, merchant, account)
    password = tokens.draw_temporary_password()
    expires_at = call.now + merchant.temporary_password_lifetime
    temporary_passwords.replace(call.db, account, tokens.digest(password), expires_at, call.now)
    outbox.queue_mail(
        call,
        MessageKind.TEMPORARY_PASSWORD,
        account,
        expires_at=expires_at,
        temporary_password=password,
        minutes=str(int(merchant.temporary_password_lifetime.total_seconds() // 60)),
        replaces_password="yes" if merchant.reset_replaces_password else "",
    )


def _forget_password(call: Call, merchant: Merchant, account: Account) -> None:
    accounts.add_former_password(call.db, account, merchant.password_history, call.now)
    accounts.change(call.db, account.id, password_hash=None)
    login_cookies.end_of_account(call.db, account.id, call.now)
    sessions.end_of_account(call.db, account.id, call.now)


def _proof_refusal(
    call: Call, account: Account, temporary: TemporaryPassword | None, given: str
) -> ServiceResult | None:
    match credentials.prove(call, account, temporary, given):
        case credentials.Proof.WRONG:
            return ServiceResult(return_code=ReturnCode.INVALID_CREDENTIALS)
        case credentials.Proof.TEMPORARY_EXPIRED:
            return ServiceResult(return_code=ReturnCode.TEMPORARY_PASSWORD_EXPIRED)
        case _:
            return None


def _limit_of_guesses(call: Call, who: LoggedIn) -> ServiceResult | None:
    """Return the refusal where somebody with this account's session guessed wrong too often, or None."""
    return _limited(guessing.wait(call, guessing.of_owner(call, "session", who.account.id)))


def _count_guess(call: Call, who: LoggedIn, is_wrong: bool) -> ServiceResult | None:
    """Count a wrong old password, or forgive the wrong ones before a right one; return the refusal if there is one."""
    budgets = guessing.of_owner(call, "session", who.account.id)
    if not is_wrong:
        return _limited(guessing.forgive(call, budgets))
    verdict = guessing.count_wrong(call, budgets)
    if verdict.used_up:
        owner_warnings.warn_owner(call, who.account)
    return _limited(verdict.wait)


def _is_wrong_guess(refusal: ServiceResult | None) -> bool:
    """Whether the old password was wrong, not only too late."""
    return refusal is not None and refusal.return_code is ReturnCode.INVALID_CREDENTIALS


def _limited(wait: timedelta | None) -> ServiceResult | None:
    return None if wait is None else ServiceResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=wait)


def _record(call: Call, event: AuditEvent, who: LoggedIn, outcome: ReturnCode | None) -> None:
    audit.record(
        call,
        event,
        merchant_id=who.account.merchant_id,
        application_id=who.session.application_id,
        account_id=who.account.id,
        outcome=outcome,
    )


def _succeed(call: Call, event: AuditEvent, who: LoggedIn) -> ServiceResult:
    callers.note_use(call, who.session)
    _record(call, event, who, None)
    return ServiceResult(return_code=ReturnCode.SUCCESS, number=str(who.account.id))
