"""Operators: how they sign in to the panel, what they may do there, and how they are added and changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from zoneinfo import available_timezones

from gatehouse.domain import identity, password_policy
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.operators import (
    CODE_WAIT,
    MAX_OPERATOR_NAME_LENGTH,
    MAX_WRONG_CODES,
    OPERATOR_IDLE_LIFETIME,
    OPERATOR_PASSWORDS,
    OPERATOR_SESSION_LIFETIME,
    RECOVERY_CODES,
    RIGHTS,
    OperatorEvent,
    OperatorRole,
    Right,
)
from gatehouse.operations import audit, guessing
from gatehouse.operations.calls import Call
from gatehouse.operations.guessing import Budget
from gatehouse.operations.merchants import get_merchant
from gatehouse.security import tokens, totp
from gatehouse.security.password_strength import strength
from gatehouse.storage import operators
from gatehouse.storage.operators import Operator as Operator
from gatehouse.storage.operators import OperatorHappening as OperatorHappening
from gatehouse.storage.operators import OperatorSession as OperatorSession

ISSUER = "Gatehouse"
"""What an authenticator application calls this installation."""

EVENTS_SHOWN = 50

_SEALED_FOR = "operator totp"
_USE_NOTED_AFTER = timedelta(minutes=1)
_CODE_PARTS = 4
"""Characters of each part of a recovery code, as it is shown."""


@dataclass(frozen=True)
class SignIn:
    """What came of a try to sign in: the token of a session; or how long to wait; or neither, when it was refused."""

    token: str | None = None
    owes_code: bool = False
    wait: timedelta | None = None


@dataclass(frozen=True)
class SignedIn:
    """The operator behind a visit, with the merchants that the operator works for, or None for all of them."""

    operator: Operator
    session: OperatorSession
    merchant_ids: frozenset[int] | None

    @property
    def role(self) -> OperatorRole:
        """The operator's role."""
        return OperatorRole(self.operator.role)

    @property
    def has_second_factor(self) -> bool:
        """Whether a code is asked for after the password."""
        return self.operator.totp_confirmed_at is not None

    def may(self, right: Right) -> bool:
        """Whether the role has this right."""
        return right in RIGHTS[self.role]

    def works_for(self, merchant_id: int) -> bool:
        """Whether the operator may know anything of this merchant."""
        return self.merchant_ids is None or merchant_id in self.merchant_ids


@dataclass(frozen=True)
class Enrolment:
    """A second factor that waits for its first code: the secret, and the address that a QR code carries."""

    secret: str
    address: str


def sign_in(call: Call, username: str, password: str) -> SignIn:
    """Begin a session for the operator of this name and password; with a second factor, one that owes its code.

    A name that nobody has, a wrong password and a disabled operator are the same answer, in the same time. Wrong ones
    are counted by name, by name and network, and by network. Source: NIST SP 800-63B-4, 3.2.2; ASVS 5.0, 6.3.1.
    """
    name = identity.username_key(username)
    budgets = guessing.of_names(call, "operator's password", [(name,)])
    with call.reading():
        if wait := guessing.wait(call, budgets):
            return SignIn(wait=wait)
        found = operators.find_by_username(call.db, name)
    usable = found if found is not None and found.disabled_at is None else None
    is_right = _is_hashable(password) and call.passwords.verify(usable.password_hash if usable else None, password)
    new_hash = None
    if usable is not None and is_right and call.passwords.is_outdated(usable.password_hash):
        new_hash = call.passwords.hash(password)
    with call.writing():
        if usable is None or not is_right:
            wait = guessing.count_wrong(call, budgets).wait
            if found is not None and wait is None:
                _note(call, found.id, OperatorEvent.SIGN_IN_REFUSED)
            return SignIn(wait=wait)
        if wait := guessing.forgive(call, budgets):
            return SignIn(wait=wait)
        # Also proves that nobody changed the password, or disabled the operator, while it was verified.
        if not operators.change_if_same(call.db, usable, password_hash=new_hash or usable.password_hash):
            return SignIn()
        owes_code = usable.totp_confirmed_at is not None
        return SignIn(_start_session(call, usable, owes_code), owes_code)


def prove_code(call: Call, token: str, code: str) -> SignIn:
    """Give the second factor that a session owes, a code of the application or a recovery code, for a new session.

    Each code is good once. Wrong ones are counted for the operator, whichever session they come from.
    """
    with call.reading():
        session = _find_session(call, token)
        found = operators.find(call.db, session.operator_id) if session is not None else None
        if session is None or not session.owes_code or found is None or found.disabled_at is not None:
            return SignIn()
        budgets = _code_budgets(found)
        if wait := guessing.wait(call, budgets):
            return SignIn(owes_code=True, wait=wait)
    step = _find_step(call, found, code)
    with call.writing():
        operators.lock(call.db, found.id)
        if not _use_code(call, found, step, code):
            wait = guessing.count_wrong(call, budgets).wait
            if wait is None:
                _note(call, found.id, OperatorEvent.CODE_REFUSED)
            return SignIn(owes_code=True, wait=wait)
        if wait := guessing.forgive(call, budgets):
            return SignIn(owes_code=True, wait=wait)
        # It has ended where the password was changed, or the operator disabled, in the meantime.
        if not operators.end_session(call.db, session.id, call.now):
            return SignIn()
        return SignIn(_start_session(call, found, owes_code=False))


def find_signed_in(call: Call, token: str) -> SignedIn | None:
    """Return the operator of a session, or None; the idle time begins anew, and the audit trail will name who it is."""
    with call.reading():
        session = _find_session(call, token)
        if session is None or session.owes_code:
            return None
        found = operators.find(call.db, session.operator_id)
        if found is None or found.disabled_at is not None:
            return None
        merchant_ids = None
        if found.role != OperatorRole.OWNER:
            merchant_ids = frozenset(operators.find_merchants(call.db, found.id))
    if session.last_used_at + _USE_NOTED_AFTER <= call.now:
        with call.writing():
            operators.note_use(call.db, session.id, call.now)
    call.caller = replace(call.caller, source=f"operator:{found.id} {call.caller.source or ''}".rstrip())
    return SignedIn(found, session, merchant_ids)


def sign_out(call: Call, who: SignedIn) -> None:
    """End this session."""
    with call.writing():
        if operators.end_session(call.db, who.session.id, call.now):
            _note(call, who.operator.id, OperatorEvent.SIGNED_OUT)


def sign_out_everywhere(call: Call, who: SignedIn) -> int:
    """End every session of the operator, this one too. Returns how many."""
    with call.writing():
        count = operators.end_sessions(call.db, who.operator.id, call.now)
        _note(call, who.operator.id, OperatorEvent.SIGNED_OUT, {"sessions": [count, 0]})
        return count


def list_own_sessions(call: Call, who: SignedIn) -> Sequence[OperatorSession]:
    """Return where the operator is signed in, newest first."""
    with call.reading():
        return operators.find_sessions(call.db, who.operator.id, call.now, call.now - OPERATOR_IDLE_LIFETIME)


def change_own_password(call: Call, who: SignedIn, old: str, new: str) -> str | None:
    """Replace the operator's password and end all other sessions. Returns why it is refused, or None."""
    if refusal := _refusal_of_proof(call, who, old):
        return refusal
    if old == new:
        return "The new password is the old one."
    if refusal := _refusal_of_password(call, who.operator.username, new):
        return f"The new password is refused: {refusal}."
    new_hash = call.passwords.hash(new)
    with call.writing():
        if not operators.change_if_same(call.db, who.operator, password_hash=new_hash):
            return "The password was changed elsewhere in the meantime."
        operators.end_sessions(call.db, who.operator.id, call.now, besides=who.session.id)
        _note(call, who.operator.id, OperatorEvent.PASSWORD_CHANGED)
    return None


def set_time_zone(call: Call, who: SignedIn, name: str) -> None:
    """Let the operator's pages show times of this zone (IANA). Raises AdministrationError."""
    if name != "UTC" and name not in available_timezones():
        raise AdministrationError("there is no time zone of this name; write it as Europe/Vienna")
    with call.writing():
        operators.change(call.db, who.operator.id, time_zone=name)
        changes = audit.changes_of(who.operator, {"time_zone": name})
        _note(call, who.operator.id, OperatorEvent.CHANGED, changes)


def begin_second_factor(call: Call, who: SignedIn, password: str) -> Enrolment | str:
    """Draw a secret for an authenticator application; it counts from its first code on. Or return why not."""
    if who.has_second_factor:
        return "There is a second factor; remove it first."
    if refusal := _refusal_of_proof(call, who, password):
        return refusal
    secret = totp.draw_totp_secret()
    with call.writing():
        sealed = call.keys.seal(secret, _SEALED_FOR)
        operators.change(call.db, who.operator.id, totp_secret_sealed=sealed, totp_last_step=None)
    return _enrolment(who.operator, secret)


def find_enrolment(call: Call, who: SignedIn) -> Enrolment | None:
    """Return the second factor that waits for its first code, or None."""
    if who.has_second_factor:
        return None
    secret = _secret(call, who.operator)
    return None if secret is None else _enrolment(who.operator, secret)


def confirm_second_factor(call: Call, who: SignedIn, code: str) -> Sequence[str] | None:
    """Let the second factor count, and return recovery codes, which are shown this once; None for a wrong code."""
    budgets = _code_budgets(who.operator)
    with call.reading():
        if guessing.wait(call, budgets):
            return None
    step = None if who.has_second_factor else _find_step(call, who.operator, code)
    with call.writing():
        operators.lock(call.db, who.operator.id)
        if step is None or not operators.use_step(call.db, who.operator.id, step):
            guessing.count_wrong(call, budgets)
            return None
        operators.change(call.db, who.operator.id, totp_confirmed_at=call.now)
        operators.end_sessions(call.db, who.operator.id, call.now, besides=who.session.id)
        _note(call, who.operator.id, OperatorEvent.SECOND_FACTOR_ADDED)
        return _make_recovery_codes(call, who.operator)


def make_recovery_codes(call: Call, who: SignedIn, password: str) -> Sequence[str] | str:
    """Return new recovery codes, which are shown this once; the old ones end. Or return why not."""
    if not who.has_second_factor:
        return "Recovery codes take the place of a second factor, and there is none."
    if refusal := _refusal_of_proof(call, who, password):
        return refusal
    with call.writing():
        return _make_recovery_codes(call, who.operator)


def remove_own_second_factor(call: Call, who: SignedIn, password: str) -> str | None:
    """Ask for no code any more, and end the recovery codes. Returns why not, or None."""
    if refusal := _refusal_of_proof(call, who, password):
        return refusal
    with call.writing():
        _remove_second_factor(call, who.operator)
    return None


def count_recovery_codes(call: Call, who: SignedIn) -> int:
    """Return how many recovery codes are left."""
    with call.reading():
        return operators.count_recovery_codes(call.db, who.operator.id)


def add_operator(
    call: Call, username: str, role: OperatorRole, password: str, merchant_ids: Sequence[int] = ()
) -> Operator:
    """Add an operator, for these merchants unless it is an owner. Raises AdministrationError."""
    name = identity.username_key(username)
    if not 1 <= len(name) <= MAX_OPERATOR_NAME_LENGTH or not name.isprintable():
        raise AdministrationError(f"a name has 1 to {MAX_OPERATOR_NAME_LENGTH} characters that can be printed")
    if refusal := _refusal_of_password(call, name, password):
        raise AdministrationError(f"the password is refused: {refusal}")
    password_hash = call.passwords.hash(password)
    with call.writing():
        if operators.exists(call.db, name):
            raise AdministrationError("there is an operator of this name")
        _check_merchants(call, role, merchant_ids)
        number = operators.add(
            call.db, username=name, role=role.value, password_hash=password_hash, created_at=call.now
        )
        operators.replace_merchants(call.db, number, sorted(set(merchant_ids)))
        changes = {"username": [None, name], "role": [None, role.value], "merchants": [None, sorted(set(merchant_ids))]}
        _note(call, number, OperatorEvent.ADDED, changes)
        return _get(call, number)


def change_operator(
    call: Call, operator_id: int, role: OperatorRole | None = None, merchant_ids: Sequence[int] | None = None
) -> Operator:
    """Give an operator another role or other merchants, from the next page on. Raises AdministrationError."""
    with call.writing():
        operators.lock(call.db, operator_id)
        found = _get(call, operator_id)
        before = list(operators.find_merchants(call.db, operator_id))
        new_role = role or OperatorRole(found.role)
        new_merchants = sorted(set(before if merchant_ids is None else merchant_ids))
        if new_role is OperatorRole.OWNER and merchant_ids is None:
            new_merchants = []
        _check_merchants(call, new_role, new_merchants)
        if new_role is not OperatorRole.OWNER:
            _check_owner_is_left(call, found)
        operators.change(call.db, operator_id, role=new_role.value)
        operators.replace_merchants(call.db, operator_id, new_merchants)
        changes = audit.changes_of(found, {"role": new_role})
        if before != new_merchants:
            changes["merchants"] = [before, new_merchants]
        _note(call, operator_id, OperatorEvent.CHANGED, changes)
        return _get(call, operator_id)


def set_operator_disabled(call: Call, operator_id: int, is_disabled: bool) -> Operator:
    """Let an operator sign in no longer, which ends all sessions, or again. Raises AdministrationError."""
    with call.writing():
        operators.lock(call.db, operator_id)
        found = _get(call, operator_id)
        disabled_at = call.now if is_disabled else None
        if is_disabled:
            _check_owner_is_left(call, found)
            operators.end_sessions(call.db, operator_id, call.now)
        operators.change(call.db, operator_id, disabled_at=disabled_at)
        _note(call, operator_id, OperatorEvent.CHANGED, audit.changes_of(found, {"disabled_at": disabled_at}))
        return _get(call, operator_id)


def set_operator_password(call: Call, operator_id: int, password: str) -> Operator:
    """Give an operator another password; all sessions end. Raises AdministrationError."""
    with call.reading():
        found = _get(call, operator_id)
    if refusal := _refusal_of_password(call, found.username, password):
        raise AdministrationError(f"the password is refused: {refusal}")
    password_hash = call.passwords.hash(password)
    with call.writing():
        operators.change(call.db, operator_id, password_hash=password_hash)
        operators.end_sessions(call.db, operator_id, call.now)
        _note(call, operator_id, OperatorEvent.PASSWORD_CHANGED)
        return _get(call, operator_id)


def remove_second_factor(call: Call, operator_id: int) -> Operator:
    """Ask the operator for no code any more, for one who has lost it; all sessions end. Raises AdministrationError."""
    with call.writing():
        found = _get(call, operator_id)
        _remove_second_factor(call, found)
        operators.end_sessions(call.db, operator_id, call.now)
        return _get(call, operator_id)


def end_operator_sessions(call: Call, operator_id: int) -> int:
    """Sign the operator out everywhere. Returns of how many sessions. Raises AdministrationError."""
    with call.writing():
        _get(call, operator_id)
        count = operators.end_sessions(call.db, operator_id, call.now)
        _note(call, operator_id, OperatorEvent.SIGNED_OUT, {"sessions": [count, 0]})
        return count


def list_operators(call: Call) -> Sequence[tuple[Operator, Sequence[int]]]:
    """Return every operator with the merchants that were given to it, by number."""
    with call.reading():
        return [(each, operators.find_merchants(call.db, each.id)) for each in operators.find_every(call.db)]


def show_operator(call: Call, operator_id: int) -> tuple[Operator, Sequence[int], Sequence[OperatorHappening]]:
    """Return the operator, its merchants, and what happened to it of late. Raises AdministrationError."""
    with call.reading():
        found = _get(call, operator_id)
        happened = operators.find_events(call.db, operator_id, EVENTS_SHOWN)
        return found, operators.find_merchants(call.db, operator_id), happened


def _code_budgets(operator: Operator) -> Sequence[Budget]:
    return [Budget(("operator code", operator.id), MAX_WRONG_CODES, keeps_window=True, is_forgiven=True)]


def _start_session(call: Call, operator: Operator, owes_code: bool) -> str:
    token = tokens.draw_token()
    operators.add_session(
        call.db,
        operator_id=operator.id,
        token_digest=tokens.digest(token),
        owes_code=owes_code,
        source=call.caller.source,
        last_used_at=call.now,
        expires_at=call.now + (CODE_WAIT if owes_code else OPERATOR_SESSION_LIFETIME),
        created_at=call.now,
    )
    if not owes_code:
        operators.change(call.db, operator.id, last_signed_in_at=call.now)
        _note(call, operator.id, OperatorEvent.SIGNED_IN)
    return token


def _find_session(call: Call, token: str) -> OperatorSession | None:
    return operators.find_session(call.db, tokens.digest(token), call.now, call.now - OPERATOR_IDLE_LIFETIME)


def _secret(call: Call, operator: Operator) -> str | None:
    sealed = operator.totp_secret_sealed
    return None if sealed is None else call.keys.unseal(sealed, _SEALED_FOR)


def _find_step(call: Call, operator: Operator, code: str) -> int | None:
    secret = _secret(call, operator)
    digits = "".join(code.split())
    return None if secret is None else totp.find_step(secret, digits, call.now)


def _use_code(call: Call, operator: Operator, step: int | None, code: str) -> bool:
    """Use up the code of this step, or else a recovery code. Returns False when it is neither, or was used before."""
    if step is not None:
        return operators.use_step(call.db, operator.id, step)
    if operators.use_recovery_code(call.db, operator.id, _recovery_digest(code), call.now):
        _note(call, operator.id, OperatorEvent.RECOVERY_CODE_USED)
        return True
    return False


def _make_recovery_codes(call: Call, operator: Operator) -> Sequence[str]:
    # Of as many bits as a temporary password, so that a plain digest may be kept.
    drawn = [tokens.draw_temporary_password() for _ in range(RECOVERY_CODES)]
    operators.replace_recovery_codes(call.db, operator.id, [tokens.digest(each) for each in drawn], call.now)
    _note(call, operator.id, OperatorEvent.RECOVERY_CODES_MADE)
    return ["-".join(each[at : at + _CODE_PARTS] for at in range(0, len(each), _CODE_PARTS)) for each in drawn]


def _recovery_digest(code: str) -> bytes:
    return tokens.digest("".join(code.replace("-", " ").split()))


def _remove_second_factor(call: Call, operator: Operator) -> None:
    operators.change(call.db, operator.id, totp_secret_sealed=None, totp_confirmed_at=None, totp_last_step=None)
    operators.replace_recovery_codes(call.db, operator.id, [], call.now)
    _note(call, operator.id, OperatorEvent.SECOND_FACTOR_REMOVED)


def _enrolment(operator: Operator, secret: str) -> Enrolment:
    return Enrolment(secret, totp.enrolment_address(secret, operator.username, ISSUER))


def _refusal_of_proof(call: Call, who: SignedIn, password: str) -> str | None:
    """Return why this is not taken as the operator's own password, or None. Wrong ones are counted."""
    budgets = guessing.of_owner(call, "operator session", who.operator.id)
    too_many = "There were too many wrong passwords. Wait a quarter of an hour."
    with call.reading():
        if guessing.wait(call, budgets):
            return too_many
    is_right = _is_hashable(password) and call.passwords.verify(who.operator.password_hash, password)
    with call.writing():
        if not is_right:
            return too_many if guessing.count_wrong(call, budgets).wait else "Your present password is wrong."
        return too_many if guessing.forgive(call, budgets) else None


def _is_hashable(password: str) -> bool:
    return bool(password) and not password_policy.is_too_long(password)


def _refusal_of_password(call: Call, username: str, password: str) -> str | None:
    """Return why this may not be an operator's password, or None. It may wait for another service."""
    names = [username, ISSUER]
    weakness = password_policy.weakness(OPERATOR_PASSWORDS, password, names)
    if weakness is None and strength(password, names) < OPERATOR_PASSWORDS.min_strength:
        weakness = password_policy.Weakness.GUESSABLE
    if weakness is not None:
        return weakness.text(OPERATOR_PASSWORDS)
    if call.compromised.is_common(password) or call.compromised.is_breached(password):
        return "it is known from a data breach"
    return None


def _check_merchants(call: Call, role: OperatorRole, merchant_ids: Sequence[int]) -> None:
    if role is OperatorRole.OWNER:
        if merchant_ids:
            raise AdministrationError("an owner works for every merchant; name none")
        return
    if not merchant_ids:
        raise AdministrationError(f"a {role.value} works for some merchants; name them")
    for each in merchant_ids:
        get_merchant(call, each)


def _check_owner_is_left(call: Call, besides: Operator) -> None:
    """Refuse what would leave nobody who may do everything."""
    if besides.role != OperatorRole.OWNER or besides.disabled_at is not None:
        return
    owners = [
        each
        for each in operators.find_every(call.db)
        if each.role == OperatorRole.OWNER and each.disabled_at is None and each.id != besides.id
    ]
    if not owners:
        raise AdministrationError("this is the only owner; add another one first")


def _get(call: Call, operator_id: int) -> Operator:
    found = operators.find(call.db, operator_id)
    if found is None:
        raise AdministrationError("there is no operator of this number")
    return found


def _note(call: Call, operator_id: int, event: OperatorEvent, changes: dict[str, Any] | None = None) -> None:
    operators.add_event(
        call.db,
        operator_id=operator_id,
        event=event.value,
        source=call.caller.source,
        request_id=call.caller.request_id,
        changes=changes or None,
        created_at=call.now,
    )
