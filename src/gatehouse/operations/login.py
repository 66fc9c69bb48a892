"""Login: who it is, whether the password is right, and what the session may do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from gatehouse.domain import identity, roles, versions
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.results import LoginResult
from gatehouse.domain.roles import UserRole
from gatehouse.operations import account_requests, audit, callers, credentials, guessing, login_cookies, passwords
from gatehouse.operations.account_requests import RequestKind
from gatehouse.operations.calls import Call
from gatehouse.operations.credentials import Proof
from gatehouse.operations.guessing import Budget
from gatehouse.operations.sessions import start_session
from gatehouse.storage import accounts, devices, temporary_passwords
from gatehouse.storage.accounts import Account
from gatehouse.storage.applications import Application
from gatehouse.storage.devices import Device
from gatehouse.storage.temporary_passwords import TemporaryPassword


@dataclass(frozen=True, kw_only=True)
class LoginRequest:
    """What a client sent. Empty texts are None by now."""

    email: str | None = None
    username: str | None = None
    password: str | None = None
    user_role: str | None = None
    application_name: str | None = None
    device_id: str | None = None
    push_token: str | None = None
    set_cookie: bool = False


@dataclass(frozen=True)
class _Candidate:
    """An account that the identity may mean. `is_sole` is False where another one has the same address and role."""

    account: Account | None
    temporary: TemporaryPassword | None
    is_sole: bool = True


@dataclass(frozen=True)
class Prospect:
    """What is known of a login before its password is looked at.

    `accounts` are those that the identities given mean, with None for one that nobody has; `is_sole` is False where
    another account has the same address and role. `wait` is how long no password is looked at, or None.
    """

    role: UserRole
    accounts: Sequence[Account | None]
    is_sole: bool
    wait: timedelta | None


def login(call: Call, request: LoginRequest) -> LoginResult:
    """Log an account in by e-mail or username, and start its session.

    Returns SUCCESS; APPLICATION_TOKEN_REQUIRED or INVALID_APPLICATION_TOKEN; MISSING_FIELD or INVALID_FIELD;
    INVALID_CREDENTIALS, which says no more and takes as long when there is no such account; TOO_MANY_REQUESTS
    after too many wrong ones, which says nothing of the one given; and only after a right password
    AMBIGUOUS_IDENTITY, TEMPORARY_PASSWORD_EXPIRED, ACCOUNT_DISABLED, ACCOUNT_LOCKED, ROLE_NOT_ALLOWED or
    DEVICE_BLOCKED. Source: contract, Methods; Account Service seed, Login.
    """
    call.known.device_id, call.known.identities = request.device_id, (request.email, request.username)
    with call.reading():
        application = callers.find_application(call)
        if isinstance(application, ReturnCode):
            return LoginResult(return_code=application)
        role = _role_asked(application, request)
        if isinstance(role, LoginResult):
            return role
        candidates = _find_candidates(call, application, request, role)
        budgets = _budgets(call, application, request, candidates)
        if wait := guessing.wait(call, budgets):
            return LoginResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=wait)

    proof, candidate = _prove(call, candidates, request.password or "")
    new_hash = _renewed_hash(call, candidate, proof, request.password or "")

    with call.writing():
        if wait := _count(call, application, request, budgets, proof, candidate):
            return LoginResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=wait)
        return _decide(call, application, request, role, candidate, proof, new_hash)


def look_ahead(call: Call, application: Application, request: LoginRequest) -> Prospect | LoginResult:
    """Return what is known before the password is looked at, or the refusal that comes before it. Reads."""
    role = _role_asked(application, request)
    if isinstance(role, LoginResult):
        return role
    candidates = _find_candidates(call, application, request, role)
    wait = guessing.wait(call, _budgets(call, application, request, candidates))
    accounts_meant = [each.account for each in candidates]
    return Prospect(role, accounts_meant, all(each.is_sole for each in candidates), wait)


def _role_asked(application: Application, request: LoginRequest) -> UserRole | LoginResult:
    """Return the role to log in with, or what is missing or wrong in the request."""
    if not (request.email or request.username):
        return LoginResult(return_code=ReturnCode.MISSING_FIELD, detail="Email")
    if not request.password:
        return LoginResult(return_code=ReturnCode.MISSING_FIELD, detail="Password")
    if not request.user_role:
        if application.default_role is None:
            return LoginResult(return_code=ReturnCode.MISSING_FIELD, detail="userrole")
        return UserRole(application.default_role)
    return roles.find_role(request.user_role) or LoginResult(return_code=ReturnCode.INVALID_FIELD, detail="userrole")


def _find_candidates(
    call: Call, application: Application, request: LoginRequest, role: UserRole
) -> tuple[_Candidate, ...]:
    """Return the account that each identity given means: one, or two where both e-mail and username came.

    An identity that nobody has is a candidate without an account, so that it costs the same to refuse.
    Where several accounts share the address, a username that is one of theirs says which is meant.
    """
    found: list[_Candidate] = []
    named: Account | None = None
    if request.username:
        named = accounts.find_by_username(call.db, application.merchant_id, identity.username_key(request.username))
        found.append(_candidate(call, named))
    if request.email:
        same = accounts.find_by_email(call.db, application.merchant_id, identity.email_key(request.email))
        in_role = [account for account in same if account.role == role]
        if named in same:
            found.append(_candidate(call, named))
        else:
            found.append(_candidate(call, next(iter(in_role or same), None), is_sole=len(in_role) < 2))
    return tuple(found)


def _candidate(call: Call, account: Account | None, is_sole: bool = True) -> _Candidate:
    return _Candidate(account, temporary_passwords.find(call.db, _number(account)), is_sole)


def _number(account: Account | None) -> int:
    """Return the account's number, or one that none has, so that nobody is looked for like somebody."""
    return account.id if account else 0


def _keys(request: LoginRequest) -> dict[str, str]:
    """Return the identities given as they are compared, by what they are."""
    return {
        name: key(given)
        for name, key, given in (
            ("email_key", identity.email_key, request.email),
            ("username_key", identity.username_key, request.username),
        )
        if given
    }


def _budgets(
    call: Call, application: Application, request: LoginRequest, candidates: tuple[_Candidate, ...]
) -> Sequence[Budget]:
    """Return the budgets that a wrong password is counted in: the owner's own, or those of strangers."""
    numbers = {_number(each.account) for each in candidates}
    # With two accounts, the proof that one is the caller's would open the way to guess at the other.
    number = numbers.pop() if len(numbers) == 1 else 0
    if request.device_id:
        device = devices.find_registered(call.db, application.id, request.device_id, number)
        if device is not None and device.activated_at is not None and device.blocked_at is None:
            return guessing.of_owner(call, "device", device.id)
    if call.caller.login_cookie:
        series = login_cookies.find_valid(call, application, call.caller.login_cookie)
        if series is not None and series.account_id == number:
            return guessing.of_owner(call, "login cookie", series.id)
    said = [f"{name}: {key}" for name, key in _keys(request).items()]
    return guessing.of_password(call, application.merchant_id, application.id, said)


def _count(
    call: Call,
    application: Application,
    request: LoginRequest,
    budgets: Sequence[Budget],
    proof: Proof,
    candidate: _Candidate | None,
) -> timedelta | None:
    """Count a wrong password, or forgive those before a right one. Returns how long to wait where there was no room."""
    if candidate is None:
        # The owner of one of two accounts, who must not make the guesses at the other forgotten.
        return guessing.wait(call, budgets)
    if proof is not Proof.WRONG:
        return guessing.forgive(call, budgets)
    verdict = guessing.count_wrong(call, budgets)
    if any(budget.is_forgiven and budget.keeps_window for budget in verdict.used_up):
        # For whoever is meant, if anybody: this call must not take longer for one who exists.
        account_requests.note(
            call, RequestKind.MANY_WRONG_GUESSES, application.merchant_id, application.id, **_keys(request)
        )
    return verdict.wait


def _prove(call: Call, candidates: tuple[_Candidate, ...], given: str) -> tuple[Proof, _Candidate | None]:
    """Return what the password proved, and of whom; None where it was right but two accounts were meant.

    With two identities a wrong password is tried against both, also where they are of one account, so
    that neither the answer nor its time tells a stranger which of them exist or belong together.
    """
    proofs: list[Proof] = []
    for candidate in candidates:
        proof = credentials.prove(call, candidate.account, candidate.temporary, given)
        proofs.append(proof)
        if proof.is_right:
            break
    decisive = max(range(len(proofs)), key=lambda each: (proofs[each].is_right, proofs[each] is not Proof.WRONG))
    proof, candidate = proofs[decisive], candidates[decisive]
    numbers = {each.account.id if each.account else None for each in candidates}
    if proof is Proof.WRONG or None in numbers:
        # An identity that nobody has makes the pair wrong, whatever the other one is.
        return Proof.WRONG, candidate
    if len(numbers) > 1 or not candidate.is_sole:
        return proof, None
    return proof, candidate


def _renewed_hash(call: Call, candidate: _Candidate | None, proof: Proof, given: str) -> str | None:
    """Return a hash with today's parameters where the kept one has others, else None."""
    kept = candidate.account.password_hash if candidate and candidate.account else None
    if proof is Proof.PASSWORD and kept and call.passwords.is_outdated(kept):
        return call.passwords.hash(given)
    return None


def _decide(
    call: Call,
    application: Application,
    request: LoginRequest,
    role: UserRole,
    candidate: _Candidate | None,
    proof: Proof,
    new_hash: str | None,
) -> LoginResult:
    """Refuse or log in, with its audit entry, in the writing part of the call."""
    if candidate is None:
        return _refuse(call, application, None, ReturnCode.AMBIGUOUS_IDENTITY)
    account = candidate.account
    if account is None or proof is Proof.WRONG:
        return _refuse(call, application, account, ReturnCode.INVALID_CREDENTIALS, shows_account=False)
    if refusal := callers.status_refusal(account):
        return _refuse(call, application, account, refusal)
    if proof is Proof.TEMPORARY_EXPIRED:
        return _refuse(call, application, account, ReturnCode.TEMPORARY_PASSWORD_EXPIRED)
    if account.role != role:
        return _refuse(call, application, account, ReturnCode.ROLE_NOT_ALLOWED)
    if request.device_id and devices.is_blocked(call.db, application.merchant_id, request.device_id):
        refused = _refuse(call, application, account, ReturnCode.DEVICE_BLOCKED)
        return replace(refused, is_device_registered=True, is_device_blocked=True)

    # Locks the account's row, so that a password that is changed at the same time ends this session, too.
    values = {"last_login_at": call.now} | ({"password_hash": new_hash} if new_hash else {})
    if not accounts.change_if_same(call.db, account, **values):
        return _refuse(call, application, account, ReturnCode.INVALID_CREDENTIALS, shows_account=False)
    if proof is Proof.TEMPORARY:
        assert candidate.temporary is not None
        if not passwords.take_temporary_password(call, account, candidate.temporary):
            return _refuse(call, application, account, ReturnCode.INVALID_CREDENTIALS, shows_account=False)
    return _log_in(call, application, request, account, owes_password=proof is Proof.TEMPORARY)


def _refuse(
    call: Call, application: Application, account: Account | None, code: ReturnCode, shows_account: bool = True
) -> LoginResult:
    audit.record(
        call,
        AuditEvent.LOGIN_REFUSED,
        merchant_id=application.merchant_id,
        application_id=application.id,
        account_id=account.id if account else None,
        outcome=code,
    )
    if account is None or not shows_account:
        return LoginResult(return_code=code)
    return LoginResult(return_code=code, number=str(account.id), account_status=AccountStatus(account.status))


def _log_in(
    call: Call, application: Application, request: LoginRequest, account: Account, owes_password: bool
) -> LoginResult:
    device = _device_seen(call, application, request, account)
    cookie_number, cookie = None, None
    # A login cookie would outlive the duty to change the password, so there is none before.
    if request.set_cookie and not owes_password:
        cookie_number, cookie = login_cookies.start_series(call, application, account, request.device_id)
    token = start_session(
        call,
        application,
        account,
        request.device_id,
        login_cookie_id=cookie_number,
        must_change_password=owes_password,
    )
    audit.record(
        call,
        AuditEvent.SESSION_STARTED,
        merchant_id=application.merchant_id,
        application_id=application.id,
        account_id=account.id,
    )
    return LoginResult(
        return_code=ReturnCode.SUCCESS,
        number=str(account.id),
        account_status=AccountStatus.ACTIVE,
        credentials_token=token,
        customer_number=account.customer_number or str(account.id),
        email=account.email,
        encoded_cookie=cookie,
        cookie_lifetime=application.cookie_lifetime if cookie else None,
        is_device_registered=device is not None,
        is_device_activated=device is not None and device.activated_at is not None,
        is_device_registration_required=application.requires_devices and device is None,
        is_first_login=account.last_login_at is None,
        is_password_change_required=owes_password,
        last_login=account.last_login_at,
        version_update_required=versions.is_older(request.application_name, application.minimum_version),
    )


def _device_seen(call: Call, application: Application, request: LoginRequest, account: Account) -> Device | None:
    """Return the account's registration of the device, with its push token kept; bind one that has no account yet."""
    if not request.device_id:
        return None
    device = devices.find_registered(call.db, application.id, request.device_id, account.id)
    if device is None:
        device = devices.find_registered(call.db, application.id, request.device_id, None)
        if device is None or not devices.bind(call.db, device.id, account.id):
            return None
    devices.change(call.db, device.id, last_seen_at=call.now, push_token=request.push_token or device.push_token)
    return device
