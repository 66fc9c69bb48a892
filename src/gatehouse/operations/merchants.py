"""Merchants, as an operator adds and changes them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.lifetimes import RESET_CODE_LIFETIME, TEMPORARY_PASSWORD_LIFETIME
from gatehouse.domain.operators import Right
from gatehouse.domain.password_policy import PasswordPolicy
from gatehouse.operations import audit, authority, revisions
from gatehouse.operations.calls import Call
from gatehouse.storage import merchants
from gatehouse.storage.merchants import Merchant as Merchant

LANGUAGES = ("en", "de", "es", "fr")
"""Languages of messages and pages (ISO 639-1)."""

MAX_PASSWORD_STRENGTH = 4
"""What zxcvbn gives the passwords that are hardest to guess; the easiest have 0."""
MAX_PASSWORD_HISTORY = 24
"""Former passwords that may be remembered."""

_RULES = PasswordPolicy()

DEFAULTS: Mapping[str, Any] = {
    "region": "US",
    "password_min_length": _RULES.min_length,
    "password_max_length": _RULES.max_length,
    "password_min_strength": _RULES.min_strength,
    "password_history": _RULES.history,
    "temporary_password_lifetime": TEMPORARY_PASSWORD_LIFETIME,
    "reset_page_parameter": "resetCode",
    "reset_code_lifetime": RESET_CODE_LIFETIME,
    "reset_code_min_length": 8,
    "reset_replaces_password": False,
    "third_party_accounts_of_record": False,
    "verification_fields": [],
    "shows_masked_email": False,
    "language": "en",
    "colour": "#1d4ed8",
}
"""The settings of a merchant of which nothing else was said."""

_UNCHANGEABLE = frozenset({"id", "created_at"})


def add_merchant(call: Call, name: str, **policies: Any) -> Merchant:
    """Add a merchant with default policies where none are given. Raises AdministrationError."""
    authority.require(call, Right.ADD_MERCHANTS)
    values: dict[str, Any] = {**DEFAULTS, **policies}
    _check_lengths(values["password_min_length"], values["password_max_length"])
    with call.writing():
        if merchants.find_by_name(call.db, name):
            raise AdministrationError("a merchant of this name exists", "name")
        number = merchants.add(call.db, name=name, created_at=call.now, **values)
        changes = audit.changes_of(None, {"name": name, **values})
        audit.record(call, AuditEvent.MERCHANT_ADDED, merchant_id=number, changes=changes)
        return merchants.get(call.db, number)


def change_merchant(call: Call, merchant_id: int, seen: str | None = None, **values: Any) -> Merchant:
    """Change the policies given, and return the merchant. Raises AdministrationError.

    `seen` is the revision that the merchant was seen in, where it must be the same still.
    """
    authority.require(call, Right.CHANGE_MERCHANT, merchant_id)
    with call.writing():
        merchants.lock(call.db, merchant_id)
        merchant = get_merchant(call, merchant_id)
        revisions.check_revision(seen, values_of(merchant))
        _check_lengths(
            values.get("password_min_length", merchant.password_min_length),
            values.get("password_max_length", merchant.password_max_length),
        )
        namesake = merchants.find_by_name(call.db, values["name"]) if "name" in values else None
        if namesake is not None and namesake.id != merchant_id:
            raise AdministrationError("a merchant of this name exists", "name")
        if changes := audit.changes_of(merchant, values):
            merchants.change(call.db, merchant_id, **values)
            audit.record(call, AuditEvent.MERCHANT_CHANGED, merchant_id=merchant_id, changes=changes)
        return get_merchant(call, merchant_id)


def show_merchant(call: Call, merchant_id: int) -> Merchant:
    """Return the merchant. Raises AdministrationError."""
    authority.require(call, Right.READ, merchant_id)
    with call.reading():
        return get_merchant(call, merchant_id)


def list_merchants(call: Call) -> Sequence[Merchant]:
    """Return all merchants by number, of an operator those that it works for."""
    with call.reading():
        found = merchants.find_every(call.db)
    return [each for each in found if call.authority is None or call.authority.works_for(each.id)]


def values_of(merchant: Merchant) -> Mapping[str, Any]:
    """Return what `change_merchant` may change, by name."""
    return {each.name: getattr(merchant, each.name) for each in fields(Merchant) if each.name not in _UNCHANGEABLE}


def get_merchant(call: Call, merchant_id: int) -> Merchant:
    """Return the merchant, on the call's open connection. Raises AdministrationError."""
    found = merchants.find(call.db, merchant_id)
    if found is None:
        raise AdministrationError("there is no merchant of this number")
    return found


def _check_lengths(least: int, most: int) -> None:
    if not 1 <= least <= most:
        text = "the longest password must not be shorter than the shortest one"
        raise AdministrationError(text, "password_max_length")
