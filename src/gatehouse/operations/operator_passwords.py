"""Operators' passwords: what one must be, the proof that one is known, and changing one's own."""

from gatehouse.domain import password_policy
from gatehouse.domain.operators import OPERATOR_PASSWORDS, OperatorEvent
from gatehouse.operations import guessing, operator_events
from gatehouse.operations.calls import Call
from gatehouse.operations.signed_in import SignedIn
from gatehouse.security.password_strength import strength
from gatehouse.storage import operators

ISSUER = "Gatehouse"
"""What an authenticator application calls this installation."""


def change_own_password(call: Call, who: SignedIn, old: str, new: str) -> str | None:
    """Replace the operator's password and end all other sessions. Returns why it is refused, or None."""
    if refusal := refusal_of_proof(call, who, old):
        return refusal
    if old == new:
        return "The new password is the old one."
    if refusal := refusal_of_password(call, who.operator.username, new):
        return f"The new password is refused: {refusal}."
    new_hash = call.passwords.hash(new)
    with call.writing():
        if not operators.change_if_same(call.db, who.operator, password_hash=new_hash, start_password_expires_at=None):
            return "The password was changed elsewhere in the meantime."
        operators.end_sessions(call.db, who.operator.id, call.now, besides=who.session.id)
        operator_events.note(call, who.operator.id, OperatorEvent.PASSWORD_CHANGED)
    return None


def refusal_of_proof(call: Call, who: SignedIn, password: str) -> str | None:
    """Return why this is not taken as the operator's own password, or None. Wrong ones are counted."""
    budgets = guessing.of_owner(call, "operator session", who.operator.id)
    too_many = "There were too many wrong passwords. Wait a quarter of an hour."
    with call.reading():
        if guessing.wait(call, budgets):
            return too_many
    is_right = is_hashable(password) and call.passwords.verify(who.operator.password_hash, password)
    with call.writing():
        if not is_right:
            if guessing.count_wrong(call, budgets).wait:
                return too_many
            operator_events.note(call, who.operator.id, OperatorEvent.CONFIRMATION_REFUSED)
            return "Your present password is wrong."
        return too_many if guessing.forgive(call, budgets) else None


def refusal_of_password(call: Call, username: str, password: str) -> str | None:
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


def is_hashable(password: str) -> bool:
    return bool(password) and not password_policy.is_too_long(password)
