"""Operators, as an owner or a command adds and changes them. How they sign in is in operator_sign_in.py."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

from gatehouse.domain import identity
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.operators import (
    MAX_OPERATOR_NAME_LENGTH,
    START_PASSWORD_LIFETIME,
    OperatorEvent,
    OperatorRole,
    Right,
)
from gatehouse.operations import audit, authority, operator_events, operator_passwords, revisions, second_factors
from gatehouse.operations.calls import Call
from gatehouse.operations.merchants import get_merchant
from gatehouse.operations.signed_in import SignedIn
from gatehouse.security import tokens
from gatehouse.storage import locks, operators
from gatehouse.storage.operators import Operator as Operator
from gatehouse.storage.operators import OperatorHappening as OperatorHappening
from gatehouse.storage.operators import OperatorSession as OperatorSession

EVENTS_SHOWN = 50


def add_operator(
    call: Call, username: str, role: OperatorRole, password: str, merchant_ids: Sequence[int] = ()
) -> Operator:
    """Add an operator with this password, for these merchants unless it is an owner. Raises AdministrationError."""
    _require_proven_owner(call)
    name = _name(username)
    if refusal := operator_passwords.refusal_of_password(call, name, password):
        raise AdministrationError(f"the password is refused: {refusal}")
    return _add(call, name, role, merchant_ids, password_hash=call.passwords.hash(password))


def invite_operator(
    call: Call, username: str, role: OperatorRole, merchant_ids: Sequence[int] = ()
) -> tuple[Operator, str]:
    """Add an operator, and return it with a start password, which is shown this once. Raises AdministrationError.

    The password is good for START_PASSWORD_LIFETIME, and for nothing but choosing another one. Source: NIST
    SP 800-63B-4, 3.1.1.2: nobody but its owner knows a password for longer than it takes to replace it.
    """
    _require_proven_owner(call)
    name, password = _name(username), tokens.draw_temporary_password()
    values = {
        "password_hash": call.passwords.hash(password),
        "start_password_expires_at": call.now + START_PASSWORD_LIFETIME,
    }
    return _add(call, name, role, merchant_ids, **values), password


def change_operator(
    call: Call,
    operator_id: int,
    role: OperatorRole | None = None,
    merchant_ids: Sequence[int] | None = None,
    seen: str | None = None,
) -> Operator:
    """Give an operator another role or other merchants, from the next page on. Raises AdministrationError.

    Nobody changes its own role, and an owner is left. `seen` is the revision that the operator was seen in.
    """
    _require_proven_owner(call)
    authority.require_another(call, operator_id)
    with call.writing():
        found = _lock(call, operator_id)
        before = list(operators.find_merchants(call.db, operator_id))
        revisions.check_revision(seen, values_of(found, before))
        new_role = role or OperatorRole(found.role)
        new_merchants = sorted(set(before if merchant_ids is None else merchant_ids))
        if new_role is OperatorRole.OWNER and merchant_ids is None:
            new_merchants = []
        _check_merchants(call, new_role, new_merchants)
        if new_role is not OperatorRole.OWNER:
            _check_owner_is_left(call, found)
        changes = audit.changes_of(found, {"role": new_role})
        if before != new_merchants:
            changes["merchants"] = [before, new_merchants]
        if changes:
            operators.change(call.db, operator_id, role=new_role.value)
            operators.replace_merchants(call.db, operator_id, new_merchants)
            operator_events.note(call, operator_id, OperatorEvent.CHANGED, changes)
        return _get(call, operator_id)


def set_operator_disabled(call: Call, operator_id: int, is_disabled: bool) -> Operator:
    """Let an operator sign in no longer, which ends all sessions, or again. Raises AdministrationError."""
    _require_proven_owner(call)
    authority.require_another(call, operator_id)
    with call.writing():
        found = _lock(call, operator_id)
        disabled_at = call.now if is_disabled else None
        if is_disabled:
            _check_owner_is_left(call, found)
            operators.end_sessions(call.db, operator_id, call.now)
        operators.change(call.db, operator_id, disabled_at=disabled_at)
        changes = audit.changes_of(found, {"disabled_at": disabled_at})
        operator_events.note(call, operator_id, OperatorEvent.CHANGED, changes)
        return _get(call, operator_id)


def set_operator_password(call: Call, operator_id: int, password: str) -> Operator:
    """Give an operator another password; all sessions end. Raises AdministrationError."""
    _require_proven_owner(call)
    authority.require_another(call, operator_id)
    with call.reading():
        found = _get(call, operator_id)
    if refusal := operator_passwords.refusal_of_password(call, found.username, password):
        raise AdministrationError(f"the password is refused: {refusal}")
    return _replace_password(call, operator_id, password_hash=call.passwords.hash(password))


def renew_start_password(call: Call, operator_id: int) -> str:
    """Give an operator who has lost its password a start password; all sessions end. Raises AdministrationError.

    Returns the password, which is shown this once and is good as that of `invite_operator`.
    """
    _require_proven_owner(call)
    authority.require_another(call, operator_id)
    password = tokens.draw_temporary_password()
    password_hash = call.passwords.hash(password)
    with call.writing():
        _check_owner_is_left(call, _lock(call, operator_id))
        expires_at = call.now + START_PASSWORD_LIFETIME
        _replace_password(call, operator_id, password_hash=password_hash, start_password_expires_at=expires_at)
    return password


def remove_second_factor(call: Call, operator_id: int) -> Operator:
    """Ask the operator for no code any more, for one who has lost it; all sessions end. Raises AdministrationError."""
    _require_proven_owner(call)
    authority.require_another(call, operator_id)
    with call.writing():
        found = _get(call, operator_id)
        second_factors.remove(call, found)
        operators.end_sessions(call.db, operator_id, call.now)
        return _get(call, operator_id)


def end_operator_sessions(call: Call, operator_id: int) -> int:
    """Sign the operator out everywhere. Returns of how many sessions. Raises AdministrationError."""
    _require_proven_owner(call)
    authority.require_another(call, operator_id)
    with call.writing():
        _get(call, operator_id)
        count = operators.end_sessions(call.db, operator_id, call.now)
        operator_events.note(call, operator_id, OperatorEvent.SIGNED_OUT, {"sessions": [count, 0]})
        return count


def set_time_zone(call: Call, who: SignedIn, name: str) -> None:
    """Let the operator's pages show times of this zone (IANA). Raises AdministrationError."""
    if name != "UTC" and name not in available_timezones():
        raise AdministrationError("there is no time zone of this name; write it as Europe/Vienna")
    with call.writing():
        operators.change(call.db, who.operator.id, time_zone=name)
        changes = audit.changes_of(who.operator, {"time_zone": name})
        operator_events.note(call, who.operator.id, OperatorEvent.CHANGED, changes)


def list_operators(call: Call) -> Sequence[tuple[Operator, Sequence[int]]]:
    """Return every operator with the merchants that were given to it, by number."""
    authority.require(call, Right.MANAGE_OPERATORS)
    with call.reading():
        return [(each, operators.find_merchants(call.db, each.id)) for each in operators.find_every(call.db)]


def show_operator(call: Call, operator_id: int) -> tuple[Operator, Sequence[int], Sequence[OperatorHappening]]:
    """Return the operator, its merchants, and what happened to it of late. Raises AdministrationError."""
    authority.require(call, Right.MANAGE_OPERATORS)
    with call.reading():
        found = _get(call, operator_id)
        happened = operators.find_events(call.db, operator_id, EVENTS_SHOWN)
        return found, operators.find_merchants(call.db, operator_id), happened


def values_of(operator: Operator, merchant_ids: Sequence[int]) -> Mapping[str, Any]:
    """Return what `change_operator` may change, by name."""
    return {"role": operator.role, "merchant_ids": list(merchant_ids)}


def _require_proven_owner(call: Call) -> None:
    authority.require(call, Right.MANAGE_OPERATORS)
    authority.require_proof(call)


def _name(username: str) -> str:
    name = identity.username_key(username)
    if not 1 <= len(name) <= MAX_OPERATOR_NAME_LENGTH or not name.isprintable():
        text = f"a name has 1 to {MAX_OPERATOR_NAME_LENGTH} characters that can be printed"
        raise AdministrationError(text, "username")
    return name


def _add(call: Call, name: str, role: OperatorRole, merchant_ids: Sequence[int], **values: Any) -> Operator:
    with call.writing():
        if operators.exists(call.db, name):
            raise AdministrationError("there is an operator of this name", "username")
        _check_merchants(call, role, merchant_ids)
        number = operators.add(call.db, username=name, role=role.value, created_at=call.now, **values)
        operators.replace_merchants(call.db, number, sorted(set(merchant_ids)))
        changes = {"username": [None, name], "role": [None, role.value], "merchants": [None, sorted(set(merchant_ids))]}
        operator_events.note(call, number, OperatorEvent.ADDED, changes)
        return _get(call, number)


def _replace_password(call: Call, operator_id: int, **values: Any) -> Operator:
    with call.writing():
        operators.change(call.db, operator_id, **({"start_password_expires_at": None} | values))
        operators.end_sessions(call.db, operator_id, call.now)
        operator_events.note(call, operator_id, OperatorEvent.PASSWORD_CHANGED)
        return _get(call, operator_id)


def _check_merchants(call: Call, role: OperatorRole, merchant_ids: Sequence[int]) -> None:
    if role is OperatorRole.OWNER:
        if merchant_ids:
            raise AdministrationError("an owner works for every merchant; name none", "merchant_ids")
        return
    if not merchant_ids:
        raise AdministrationError(f"a {role.value} works for some merchants; name them", "merchant_ids")
    for each in merchant_ids:
        get_merchant(call, each)


def _check_owner_is_left(call: Call, besides: Operator) -> None:
    """Refuse what would leave nobody who may do everything, with a password of its own."""
    if besides.role != OperatorRole.OWNER or not _is_good_owner(besides):
        return
    if not any(_is_good_owner(each) for each in operators.find_every(call.db) if each.id != besides.id):
        raise AdministrationError("this is the only owner; add another one first")


def _is_good_owner(operator: Operator) -> bool:
    is_lasting = operator.disabled_at is None and operator.start_password_expires_at is None
    return operator.role == OperatorRole.OWNER and is_lasting


def _lock(call: Call, operator_id: int) -> Operator:
    """Return the operator, with every other change of operators held back: two owners could each end the other."""
    locks.take(call.db, locks.OPERATORS)
    operators.lock(call.db, operator_id)
    return _get(call, operator_id)


def _get(call: Call, operator_id: int) -> Operator:
    found = operators.find(call.db, operator_id)
    if found is None:
        raise AdministrationError("there is no operator of this number")
    return found
