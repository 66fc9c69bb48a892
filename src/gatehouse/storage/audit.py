"""The audit trail: rows are added and read, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

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


_INSERT = insert(audit_entries)


def add(db: Connection, **values: Any) -> None:
    """Insert an entry."""
    db.execute(_INSERT, values)


def find_every(db: Connection, merchant_id: int) -> Sequence[AuditEntry]:
    """Return the merchant's entries in the order in which they were made."""
    statement = select(*columns(AuditEntry, audit_entries)).where(audit_entries.c.merchant_id == merchant_id)
    return find_all(db, statement.order_by(audit_entries.c.id), AuditEntry)


def count_since(db: Connection, merchant_id: int, event: str, since: datetime) -> int:
    """Return how often the event was recorded for the merchant since then."""
    statement = select(func.count()).where(
        audit_entries.c.merchant_id == merchant_id, audit_entries.c.event == event, audit_entries.c.created_at >= since
    )
    return db.execute(statement).scalar_one()


def count_of_account_since(db: Connection, merchant_id: int, account_id: int, event: str, since: datetime) -> int:
    """Return how often the event was recorded for this account of the merchant since then."""
    statement = select(func.count()).where(
        audit_entries.c.merchant_id == merchant_id,
        audit_entries.c.account_id == account_id,
        audit_entries.c.event == event,
        audit_entries.c.created_at >= since,
    )
    return db.execute(statement).scalar_one()
