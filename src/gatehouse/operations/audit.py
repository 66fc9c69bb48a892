"""Writes the audit trail: one row for an event, in the transaction of the call."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.identity import email_key
from gatehouse.domain.operators import OperatorEvent
from gatehouse.operations.audit_macs import new_entry_mac
from gatehouse.operations.calls import Call
from gatehouse.security.keys import Keys
from gatehouse.storage import audit

HIDDEN = "hidden"
"""What an entry says in the place of a secret that was changed."""

_SECRETS = frozenset({"password_hash", "pincode_hash", "token_digest", "hash_key_sealed", "secret_digest"})
_NEVER_RECORDED = frozenset(
    {ReturnCode.SUCCESS, ReturnCode.TOO_MANY_REQUESTS, ReturnCode.SERVICE_UNAVAILABLE, ReturnCode.INTERNAL_ERROR}
)
"""Outcomes for which `record_refusal` adds nothing: each is recorded where it arises, or is in the log alone."""

_LONGEST_SUBJECT, _LONGEST_SOURCE = 40, 64
"""Characters of the columns."""


def record(
    call: Call,
    event: AuditEvent | OperatorEvent,
    *,
    merchant_id: int,
    application_id: int | None = None,
    account_id: int | None = None,
    outcome: ReturnCode | None = None,
    subject: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry: what happened, to which account, and with which outcome where it was refused.

    `merchant_id` is INSTALLATION for what belongs to no merchant. `subject` is the number of the record that was
    worked on, where that is not the account; `changes` is what `changes_of` returns. Who calls, from where and
    on which device is taken from the call.
    """
    known = call.known
    values = {
        "merchant_id": merchant_id,
        "application_id": application_id if application_id is not None else known.application_id,
        "account_id": account_id,
        "integration_id": known.integration_id,
        "event": event.value,
        "outcome": outcome.key if outcome else None,
        "subject": subject[:_LONGEST_SUBJECT] if subject else None,
        "device": device_digest(call.keys, merchant_id, known.device_id) if known.device_id else None,
        "identity": _identity(call.keys, merchant_id, known.identities),
        "source": call.caller.source[:_LONGEST_SOURCE] if call.caller.source else None,
        "request_id": call.caller.request_id,
        "changes": changes or None,
        "created_at": call.now,
    }
    audit.add(call.db, **values, mac=new_entry_mac(call.keys, **values))
    known.is_audited = True


def record_refusal(call: Call, method: str, outcome: ReturnCode, detail: str = "") -> None:
    """Add an entry for a refused call that left none, if its caller had proved who he is. Call it when all is done.

    `detail` is the result's: of a member that is missing or wrong, its name is recorded with the method's.

    A refusal of somebody unknown leaves none here: who need not prove anything could fill the disk with them. The
    operations record those that matter, such as a wrong password, and limit how many there can be.
    """
    known = call.known
    if known.merchant_id is None or known.is_audited or outcome in _NEVER_RECORDED:
        return
    with call.writing():
        record(
            call,
            AuditEvent.CALL_REFUSED,
            merchant_id=known.merchant_id,
            account_id=known.account_id,
            outcome=outcome,
            subject=_subject(method, outcome, detail),
        )


def _subject(method: str, outcome: ReturnCode, detail: str) -> str:
    """Return the method, with the name of the member that it was refused for where there is one and room for both."""
    named = f"{method} {detail}"
    is_member = outcome in (ReturnCode.MISSING_FIELD, ReturnCode.INVALID_FIELD) and detail.isalpha()
    return named if is_member and len(named) <= _LONGEST_SUBJECT else method


def changes_of(before: object | None, after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the value before and after of each field that is another one; of a secret, that it is.

    `before` is the record with these fields, or None where there was none.
    """
    found: dict[str, list[Any]] = {}
    for name, new in after.items():
        if name in _SECRETS or isinstance(new, bytes):
            found[name] = [None if before is None else HIDDEN, None if new is None else HIDDEN]
            continue
        old = None if before is None else getattr(before, name, None)
        if _plain(old) != _plain(new):
            found[name] = [_plain(old), _plain(new)]
    return found


def device_digest(keys: Keys, merchant_id: int, device_id: str) -> str:
    """Return what the merchant's entries keep of the name that a device gave itself."""
    return keys.audit_search_digest(f"device {merchant_id} {device_id}")


def identity_digest(keys: Keys, merchant_id: int, identity: str) -> str:
    """Return what the merchant's entries keep of an address, username or other identity that was sent."""
    return keys.audit_search_digest(f"identity {merchant_id} {email_key(identity)}")


def _identity(keys: Keys, merchant_id: int, sent: Sequence[str | None]) -> str | None:
    return " ".join(identity_digest(keys, merchant_id, each) for each in sent[:2] if each) or None


def _plain(value: Any) -> Any:
    """Return the value as JSON gives it back."""
    match value:
        case Enum():
            return _plain(value.value)
        case None | bool() | int() | str():
            return value
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return int(value.total_seconds())
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
        case _:
            return str(value)
