"""How operators sign in to the panel and out of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from gatehouse.domain import identity
from gatehouse.domain.operators import (
    CODE_WAIT,
    OPERATOR_IDLE_LIFETIME,
    OPERATOR_SESSION_LIFETIME,
    OperatorEvent,
    OperatorRole,
)
from gatehouse.operations import guessing, operator_events, operator_passwords, second_factors
from gatehouse.operations.calls import Call
from gatehouse.operations.signed_in import SignedIn
from gatehouse.security import tokens
from gatehouse.storage import operators
from gatehouse.storage.operators import Operator, OperatorSession

_USE_NOTED_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class SignIn:
    """What came of a try to sign in: the token of a session; or how long to wait; or neither, when it was refused."""

    token: str | None = None
    owes_code: bool = False
    wait: timedelta | None = None


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
    usable = found if found is not None and found.may_sign_in(call.now) else None
    is_right = operator_passwords.is_hashable(password) and call.passwords.verify(
        usable.password_hash if usable else None, password
    )
    new_hash = None
    if usable is not None and is_right and call.passwords.is_outdated(usable.password_hash):
        new_hash = call.passwords.hash(password)
    with call.writing():
        if usable is None or not is_right:
            wait = guessing.count_wrong(call, budgets).wait
            if found is not None and wait is None:
                operator_events.note(call, found.id, OperatorEvent.SIGN_IN_REFUSED)
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
    with call.writing():
        check = second_factors.use_code(call, found, code, OperatorEvent.CODE_REFUSED)
        if not check.is_right:
            return SignIn(owes_code=True, wait=check.wait)
        # It has ended where the password was changed, or the operator disabled, in the meantime.
        if not operators.end_session(call.db, session.id, call.now):
            return SignIn()
        return SignIn(_start_session(call, found, owes_code=False))


@dataclass(frozen=True)
class Confirmed:
    """An operator who has proved once more who it is, and the token of its new session."""

    who: SignedIn
    token: str


def confirm(call: Call, who: SignedIn, password: str, code: str) -> Confirmed | str:
    """Let the operator prove once more who it is, with the password and, where there is one, the second factor.

    A new session takes the place of the one before. Or returns why it is refused; wrong ones draw from the budgets
    of the pages where an operator changes its own password and of signing in. Source: ASVS 5.0, 7.2.4 and 7.5.3.
    """
    found = who.operator
    if refusal := operator_passwords.refusal_of_proof(call, who, password):
        return refusal
    with call.writing():
        if who.has_second_factor:
            check = second_factors.use_code(call, found, code, OperatorEvent.CONFIRMATION_REFUSED)
            if check.wait is not None:
                return "There were too many wrong codes. Wait a quarter of an hour."
            if not check.is_right:
                return "This code is wrong, or was used before."
        if not operators.end_session(call.db, who.session.id, call.now):
            return "Your session has ended in the meantime."
        token = _add_session(call, found, owes_code=False, source=who.source)
        operator_events.note(call, found.id, OperatorEvent.CONFIRMED)
        session = _find_session(call, token)
    assert session is not None, "it was begun a moment ago"
    confirmed = replace(who, session=session)
    call.authority = confirmed.authority
    return Confirmed(confirmed, token)


def find_signed_in(call: Call, token: str) -> SignedIn | None:
    """Return the operator of a session, or None; the idle time begins anew, and operations know who it is."""
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
    who = SignedIn(found, session, merchant_ids, call.caller.source)
    call.caller = replace(call.caller, source=f"operator:{found.id} {who.source or ''}".rstrip())
    call.authority = who.authority
    return who


def sign_out(call: Call, who: SignedIn) -> None:
    """End this session."""
    with call.writing():
        if operators.end_session(call.db, who.session.id, call.now):
            operator_events.note(call, who.operator.id, OperatorEvent.SIGNED_OUT)


def sign_out_everywhere(call: Call, who: SignedIn) -> int:
    """End every session of the operator, this one too. Returns how many."""
    with call.writing():
        count = operators.end_sessions(call.db, who.operator.id, call.now)
        operator_events.note(call, who.operator.id, OperatorEvent.SIGNED_OUT, {"sessions": [count, 0]})
        return count


def list_own_sessions(call: Call, who: SignedIn) -> Sequence[OperatorSession]:
    """Return where the operator is signed in, newest first."""
    with call.reading():
        return operators.find_sessions(call.db, who.operator.id, call.now, call.now - OPERATOR_IDLE_LIFETIME)


def _start_session(call: Call, operator: Operator, owes_code: bool) -> str:
    token = _add_session(call, operator, owes_code, call.caller.source)
    if not owes_code:
        operators.change(call.db, operator.id, last_signed_in_at=call.now)
        operator_events.note(call, operator.id, OperatorEvent.SIGNED_IN)
    return token


def _add_session(call: Call, operator: Operator, owes_code: bool, source: str | None) -> str:
    token = tokens.draw_token()
    operators.add_session(
        call.db,
        operator_id=operator.id,
        token_digest=tokens.digest(token),
        owes_code=owes_code,
        source=source,
        last_used_at=call.now,
        expires_at=call.now + (CODE_WAIT if owes_code else OPERATOR_SESSION_LIFETIME),
        created_at=call.now,
    )
    return token


def _find_session(call: Call, token: str) -> OperatorSession | None:
    return operators.find_session(call.db, tokens.digest(token), call.now, call.now - OPERATOR_IDLE_LIFETIME)
