"""The seals of the audit trail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, literal, select, union_all
from sqlalchemy.exc import IntegrityError

from gatehouse.domain.events import INSTALLATION
from gatehouse.storage import horizons
from gatehouse.storage.horizons import Horizon
from gatehouse.storage.records import columns, find_all, find_one, update_one
from gatehouse.storage.tables import audit_entries, audit_seals, merchants

_AT_A_TIME = 100
"""Seals that are held in memory when many are read; one may hold 24 kB."""


@dataclass(frozen=True, slots=True)
class AuditSeal:
    """One link of a merchant's chain. Its entries have numbers from the first to the last, with others' between them.

    `entries` lists them, until they are removed because they are old; `removal_mac` proves that the service did that.
    """

    id: int
    merchant_id: int
    number: int
    first_entry_id: int
    last_entry_id: int
    entry_count: int
    entries: bytes | None
    entries_digest: bytes
    digest: bytes
    removal_mac: bytes | None
    removed_at: datetime | None
    sealed_at: datetime


_SELECT = select(*columns(AuditSeal, audit_seals))


def look_at_horizon(db: Connection) -> Horizon:
    """Return the horizon of the audit trail."""
    return horizons.look(db, audit_entries)


def find_last(db: Connection, merchant_id: int) -> AuditSeal | None:
    """Return the merchant's newest seal, or None."""
    statement = _SELECT.where(audit_seals.c.merchant_id == merchant_id)
    return find_one(db, statement.order_by(audit_seals.c.number.desc()).limit(1), AuditSeal)


def find_page(db: Connection, merchant_id: int, after: int, limit: int) -> Sequence[AuditSeal]:
    """Return up to `limit` seals of the merchant with numbers above `after`, by number."""
    statement = _SELECT.where(audit_seals.c.merchant_id == merchant_id, audit_seals.c.number > after)
    return find_all(db, statement.order_by(audit_seals.c.number).limit(limit), AuditSeal)


def each_seal(db: Connection, merchant_id: int, after: int = -1) -> Iterator[AuditSeal]:
    """Give every seal of the merchant with a number above `after`, by number."""
    while found := find_page(db, merchant_id, after, _AT_A_TIME):
        yield from found
        after = found[-1].number


def find_sizes(db: Connection, merchant_id: int, last: int | None, limit: int) -> Sequence[tuple[int, int]]:
    """Return the numbers of up to `limit` seals, and how many entries each has: the newest first, from `last` down."""
    statement = select(audit_seals.c.number, audit_seals.c.entry_count).where(audit_seals.c.merchant_id == merchant_id)
    if last is not None:
        statement = statement.where(audit_seals.c.number <= last)
    statement = statement.order_by(audit_seals.c.number.desc()).limit(limit)
    return [(number, count) for number, count in db.execute(statement)]


def find_expired(db: Connection, before: datetime, limit: int) -> Sequence[AuditSeal]:
    """Return up to `limit` seals that are older than this and whose entries are still there, oldest first."""
    statement = _SELECT.where(audit_seals.c.removed_at.is_(None)).order_by(audit_seals.c.id).limit(limit)
    # Judged here: the database would look through all the others for one that is older.
    return [each for each in find_all(db, statement, AuditSeal) if each.sealed_at < before]


def find_unsealed_merchants(db: Connection, horizon: int) -> Sequence[int]:
    """Return the merchants that have entries up to the horizon which no seal holds, by number.

    The installation itself is among them, as INSTALLATION.
    """
    trails = union_all(select(merchants.c.id), select(literal(INSTALLATION, merchants.c.id.type))).subquery()
    sealed_to = (
        select(audit_seals.c.last_entry_id)
        .where(audit_seals.c.merchant_id == trails.c.id)
        .order_by(audit_seals.c.number.desc())
        .limit(1)
        .correlate(trails)  # by itself it would look no further out than to the entries
        .scalar_subquery()
    )
    unsealed = exists().where(
        audit_entries.c.merchant_id == trails.c.id,
        audit_entries.c.id > func.coalesce(sealed_to, 0),
        audit_entries.c.id <= horizon,
    )
    return list(db.scalars(select(trails.c.id).where(unsealed).order_by(trails.c.id)))


def add(db: Connection, **values: Any) -> bool:
    """Insert a seal. Returns False when another process was first with this number: no chain has two ends."""
    try:
        with db.begin_nested():
            db.execute(insert(audit_seals), values)
    except IntegrityError:
        return False
    return True


def note_removal(db: Connection, seal_id: int, removed_at: datetime, removal_mac: bytes) -> None:
    """Mark a seal whose entries are removed."""
    update_one(db, audit_seals, seal_id, {"removed_at": removed_at, "removal_mac": removal_mac, "entries": None})


def remove_before(db: Connection, merchant_id: int, number: int) -> None:
    """Remove the merchant's seals with numbers below this one."""
    db.execute(delete(audit_seals).where(audit_seals.c.merchant_id == merchant_id, audit_seals.c.number < number))
