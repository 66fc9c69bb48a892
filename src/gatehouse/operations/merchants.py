"""Merchants, as an operator adds and changes them."""

from collections.abc import Sequence
from typing import Any

from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.lifetimes import RESET_CODE_LIFETIME, TEMPORARY_PASSWORD_LIFETIME
from gatehouse.domain.password_policy import PasswordPolicy
from gatehouse.operations import audit
from gatehouse.operations.calls import Call
from gatehouse.storage import merchants
from gatehouse.storage.merchants import Merchant as Merchant

LANGUAGES = ("en", "de", "es", "fr")
"""Languages of messages and pages (ISO 639-1)."""


def add_merchant(call: Call, name: str, **policies: Any) -> Merchant:
    """Add a merchant with default policies where none are given. Raises AdministrationError."""
    rules = PasswordPolicy()
    values: dict[str, Any] = {
        "region": "US",
        "password_min_length": rules.min_length,
        "password_max_length": rules.max_length,
        "password_min_strength": rules.min_strength,
        "password_history": rules.history,
        "temporary_password_lifetime": TEMPORARY_PASSWORD_LIFETIME,
        "reset_code_lifetime": RESET_CODE_LIFETIME,
        "reset_replaces_password": False,
        "third_party_accounts_of_record": False,
    } | policies
    _check_lengths(values["password_min_length"], values["password_max_length"])
    with call.writing():
        if merchants.find_by_name(call.db, name):
            raise AdministrationError("a merchant of this name exists")
        number = merchants.add(call.db, name=name, created_at=call.now, **values)
        changes = audit.changes_of(None, {"name": name, **values})
        audit.record(call, AuditEvent.MERCHANT_ADDED, merchant_id=number, changes=changes)
        return merchants.get(call.db, number)


def change_merchant(call: Call, merchant_id: int, **values: Any) -> Merchant:
    """Change the policies given, and return the merchant. Raises AdministrationError."""
    with call.writing():
        merchant = get_merchant(call, merchant_id)
        _check_lengths(
            values.get("password_min_length", merchant.password_min_length),
            values.get("password_max_length", merchant.password_max_length),
        )
        namesake = merchants.find_by_name(call.db, values["name"]) if "name" in values else None
        if namesake is not None and namesake.id != merchant_id:
            raise AdministrationError("a merchant of this name exists")
        if values:
            merchants.change(call.db, merchant_id, **values)
            changes = audit.changes_of(merchant, values)
            audit.record(call, AuditEvent.MERCHANT_CHANGED, merchant_id=merchant_id, changes=changes)
        return get_merchant(call, merchant_id)


def show_merchant(call: Call, merchant_id: int) -> Merchant:
    """Return the merchant. Raises AdministrationError."""
    with call.reading():
        return get_merchant(call, merchant_id)


def list_merchants(call: Call) -> Sequence[Merchant]:
    """Return all merchants by number."""
    with call.reading():
        return merchants.find_every(call.db)


def get_merchant(call: Call, merchant_id: int) -> Merchant:
    """Return the merchant, on the call's open connection. Raises AdministrationError."""
    found = merchants.find(call.db, merchant_id)
    if found is None:
        raise AdministrationError("there is no merchant of this number")
    return found


def _check_lengths(least: int, most: int) -> None:
    if not 1 <= least <= most:
        raise AdministrationError("the longest password must not be shorter than the shortest one")
