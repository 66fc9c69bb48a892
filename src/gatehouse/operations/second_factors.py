"""The second factor of operators: codes of an authenticator application (TOTP), and recovery codes in their place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gatehouse.domain.operators import MAX_WRONG_CODES, RECOVERY_CODES, OperatorEvent
from gatehouse.operations import guessing, operator_events, operator_passwords
from gatehouse.operations.calls import Call
from gatehouse.operations.guessing import Budget
from gatehouse.operations.operator_passwords import ISSUER
from gatehouse.operations.signed_in import SignedIn
from gatehouse.security import tokens, totp
from gatehouse.storage import operators
from gatehouse.storage.operators import Operator

_SEALED_FOR = "operator totp"
_CODE_PARTS = 4
"""Characters of each part of a recovery code, as it is shown."""


@dataclass(frozen=True)
class Enrolment:
    """A second factor that waits for its first code: the secret, and the address that a QR code carries."""

    secret: str
    address: str


def begin_second_factor(call: Call, who: SignedIn, password: str) -> Enrolment | str:
    """Draw a secret for an authenticator application; it counts from its first code on. Or return why not."""
    if who.has_second_factor:
        return "There is a second factor; remove it first."
    if refusal := operator_passwords.refusal_of_proof(call, who, password):
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
        operator_events.note(call, who.operator.id, OperatorEvent.SECOND_FACTOR_ADDED)
        return _make_recovery_codes(call, who.operator)


def make_recovery_codes(call: Call, who: SignedIn, password: str) -> Sequence[str] | str:
    """Return new recovery codes, which are shown this once; the old ones end. Or return why not."""
    if not who.has_second_factor:
        return "Recovery codes take the place of a second factor, and there is none."
    if refusal := operator_passwords.refusal_of_proof(call, who, password):
        return refusal
    with call.writing():
        return _make_recovery_codes(call, who.operator)


def remove_own_second_factor(call: Call, who: SignedIn, password: str) -> str | None:
    """Ask for no code any more, and end the recovery codes. Returns why not, or None."""
    if refusal := operator_passwords.refusal_of_proof(call, who, password):
        return refusal
    with call.writing():
        remove(call, who.operator)
    return None


def count_recovery_codes(call: Call, who: SignedIn) -> int:
    """Return how many recovery codes are left."""
    with call.reading():
        return operators.count_recovery_codes(call.db, who.operator.id)


def remove(call: Call, operator: Operator) -> None:
    operators.change(call.db, operator.id, totp_secret_sealed=None, totp_confirmed_at=None, totp_last_step=None)
    operators.replace_recovery_codes(call.db, operator.id, [], call.now)
    operator_events.note(call, operator.id, OperatorEvent.SECOND_FACTOR_REMOVED)


@dataclass(frozen=True)
class CodeCheck:
    """Whether a code was right; where there were too many wrong ones, how long to wait before any is looked at."""

    is_right: bool = False
    wait: timedelta | None = None


def use_code(call: Call, operator: Operator, code: str, refused: OperatorEvent) -> CodeCheck:
    """Look at a code of the application, or a recovery code, and use it up: each is good once. Writes.

    Wrong ones are counted for the operator, wherever they are given, and noted as the event `refused`.
    Source: ASVS 5.0, 6.3.1 and 6.5.1.
    """
    budgets = _code_budgets(operator)
    if wait := guessing.wait(call, budgets):
        return CodeCheck(wait=wait)
    operators.lock(call.db, operator.id)
    if not _use_up(call, operator, code):
        wait = guessing.count_wrong(call, budgets).wait
        if wait is None:
            operator_events.note(call, operator.id, refused)
        return CodeCheck(wait=wait)
    wait = guessing.forgive(call, budgets)
    return CodeCheck(is_right=wait is None, wait=wait)


def _code_budgets(operator: Operator) -> Sequence[Budget]:
    return [Budget(("operator code", operator.id), MAX_WRONG_CODES, keeps_window=True, is_forgiven=True)]


def _find_step(call: Call, operator: Operator, code: str) -> int | None:
    secret = _secret(call, operator)
    digits = "".join(code.split())
    return None if secret is None else totp.find_step(secret, digits, call.now)


def _use_up(call: Call, operator: Operator, code: str) -> bool:
    """Use up a code of the application, or else a recovery code. Returns False when it is neither, or used before."""
    step = _find_step(call, operator, code)
    if step is not None:
        return operators.use_step(call.db, operator.id, step)
    if operators.use_recovery_code(call.db, operator.id, _recovery_digest(code), call.now):
        operator_events.note(call, operator.id, OperatorEvent.RECOVERY_CODE_USED)
        return True
    return False


def _secret(call: Call, operator: Operator) -> str | None:
    sealed = operator.totp_secret_sealed
    return None if sealed is None else call.keys.unseal(sealed, _SEALED_FOR)


def _make_recovery_codes(call: Call, operator: Operator) -> Sequence[str]:
    # Of as many bits as a temporary password, so that a plain digest may be kept.
    drawn = [tokens.draw_temporary_password() for _ in range(RECOVERY_CODES)]
    operators.replace_recovery_codes(call.db, operator.id, [tokens.digest(each) for each in drawn], call.now)
    operator_events.note(call, operator.id, OperatorEvent.RECOVERY_CODES_MADE)
    return ["-".join(each[at : at + _CODE_PARTS] for at in range(0, len(each), _CODE_PARTS)) for each in drawn]


def _recovery_digest(code: str) -> bytes:
    return tokens.digest("".join(code.replace("-", " ").split()))


def _enrolment(operator: Operator, secret: str) -> Enrolment:
    return Enrolment(secret, totp.enrolment_address(secret, operator.username, ISSUER))
