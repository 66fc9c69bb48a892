"""The audit trail, as an operator reads it and takes it away."""

from collections.abc import Iterator, Sequence

from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import INSTALLATION
from gatehouse.operations import audit as recording
from gatehouse.operations.calls import Call
from gatehouse.operations.merchants import get_merchant
from gatehouse.storage import audit
from gatehouse.storage.audit import AuditEntry as AuditEntry
from gatehouse.storage.audit import AuditFilter as AuditFilter

PAGE = 1000
"""Entries that a list gives at most; the next page begins after the last number of this one."""


def list_entries(call: Call, wanted: AuditFilter, after: int, limit: int) -> Sequence[AuditEntry]:
    """Return a page of entries, by number. Raises AdministrationError."""
    with call.reading():
        _check_merchant(call, wanted)
        return audit.find_page(call.db, wanted, after, None, limit)


def list_newest(call: Call, wanted: AuditFilter, limit: int) -> Sequence[AuditEntry]:
    """Return the newest entries, by number. Raises AdministrationError."""
    with call.reading():
        _check_merchant(call, wanted)
        return audit.find_newest(call.db, wanted, limit)


def export_entries(call: Call, wanted: AuditFilter) -> Iterator[AuditEntry]:
    """Give every entry that is there now, by number; a page of them is in memory. Raises AdministrationError."""
    with call.reading():
        _check_merchant(call, wanted)
        last = audit.newest_number(call.db)
    after = 0
    while True:
        with call.reading():
            found = audit.find_page(call.db, wanted, after, last, PAGE)
        yield from found
        if len(found) < PAGE:
            return
        after = found[-1].id


def device_filter(call: Call, merchant_id: int | None, device_id: str) -> str:
    """Return what entries keep of this device. Raises AdministrationError without a merchant."""
    return recording.device_digest(call.keys, _needed(merchant_id), device_id)


def identity_filter(call: Call, merchant_id: int | None, identity: str) -> str:
    """Return what entries keep of this address, username or the like. Raises AdministrationError without a merchant."""
    return recording.identity_digest(call.keys, _needed(merchant_id), identity)


def _needed(merchant_id: int | None) -> int:
    if merchant_id is None:
        raise AdministrationError("a device or an identity is looked for at one merchant; give its number")
    return merchant_id


def _check_merchant(call: Call, wanted: AuditFilter) -> None:
    if wanted.merchant_id is not None and wanted.merchant_id != INSTALLATION:
        get_merchant(call, wanted.merchant_id)
