"""The audit trail: rows are added and read, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from gatehouse.storage.records import columns, find_all
from gatehouse.storage.tables import audit_entries


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One event: what happened to whom, from where, and with which outcome."""

    id: int
    merchant_id: int
    account_id: int | None
    application_id: int | None
    event: str
    outcome: str | None
    subject: str | None
    source: str | None
    request_id: str | None
    created_at: datetime


def add(db: Connection, **values: Any) -> None:
    """Insert an entry."""
    db.execute(insert(audit_entries).values(**values))


def find_every(db: Connection, merchant_id: int) -> Sequence[AuditEntry]:
    """Return the merchant's entries in the order in which they were made."""
    statement = select(*columns(AuditEntry, audit_entries)).where(audit_entries.c.merchant_id == merchant_id)
    return find_all(db, statement.order_by(audit_entries.c.id), AuditEntry)
