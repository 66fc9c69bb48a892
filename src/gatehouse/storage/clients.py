"""Which client stacks call, by method, and what was tolerated of them: counted, not listed one by one."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, case, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from gatehouse.storage.records import find_all
from gatehouse.storage.tables import client_calls, tolerances


@dataclass(frozen=True, slots=True)
class Counted:
    """How often, and from when to when, calls of one stack were of one method, or needed one kind of tolerance.

    `subject` is the method, or the kind.
    """

    merchant_id: int
    application_id: int
    stack: str
    subject: str
    calls: int
    first_seen_at: datetime
    last_seen_at: datetime


def add_calls(db: Connection, counted: Iterable[Counted]) -> None:
    """Add to the counts of calls by method."""
    _add(db, client_calls, "method", counted)


def add_tolerances(db: Connection, counted: Iterable[Counted]) -> None:
    """Add to the counts of calls by what was tolerated of them."""
    _add(db, tolerances, "kind", counted)


def find_stacks(db: Connection, application_ids: Collection[int]) -> dict[tuple[int, str], datetime]:
    """Return when each stack of these applications was last seen, by application and stack."""
    statement = (
        select(client_calls.c.application_id, client_calls.c.stack, func.max(client_calls.c.last_seen_at))
        .where(client_calls.c.application_id.in_(application_ids))
        .group_by(client_calls.c.application_id, client_calls.c.stack)
    )
    return {(application_id, stack): last_seen_at for application_id, stack, last_seen_at in db.execute(statement)}


def forget(db: Connection, application_id: int, stack: str) -> None:
    """Delete what was counted of one stack."""
    for table in (client_calls, tolerances):
        db.execute(delete(table).where(table.c.application_id == application_id, table.c.stack == stack))


def find_calls(db: Connection, merchant_id: int | None, application_id: int | None) -> Sequence[Counted]:
    """Return the counts by method, of one merchant, of one application, or all."""
    return _find(db, client_calls, "method", merchant_id, application_id)


def find_tolerances(db: Connection, merchant_id: int | None, application_id: int | None) -> Sequence[Counted]:
    """Return the counts by kind of tolerance, of one merchant, of one application, or all."""
    return _find(db, tolerances, "kind", merchant_id, application_id)


def _add(db: Connection, table: Table, subject: str, counted: Iterable[Counted]) -> None:
    rows = [
        {
            "merchant_id": each.merchant_id,
            "application_id": each.application_id,
            "stack": each.stack,
            subject: each.subject,
            "calls": each.calls,
            "first_seen_at": each.first_seen_at,
            "last_seen_at": each.last_seen_at,
        }
        for each in counted
    ]
    if not rows:
        return
    # The two dialects have the same statement, but SQLAlchemy has no name for both.
    insert: Any = postgresql.insert(table) if db.dialect.name == "postgresql" else sqlite.insert(table)
    new, old = insert.excluded, table.c
    db.execute(
        insert.on_conflict_do_update(
            index_elements=[old.application_id, old.stack, old[subject]],
            set_={
                "calls": old.calls + new.calls,
                # Processes write at moments of their own, so that the later count may be the one that comes first.
                "first_seen_at": case(
                    (new.first_seen_at < old.first_seen_at, new.first_seen_at), else_=old.first_seen_at
                ),
                "last_seen_at": case((new.last_seen_at > old.last_seen_at, new.last_seen_at), else_=old.last_seen_at),
            },
        ),
        rows,
    )


def _find(
    db: Connection, table: Table, subject: str, merchant_id: int | None, application_id: int | None
) -> Sequence[Counted]:
    statement: Select[Any] = select(
        table.c.merchant_id,
        table.c.application_id,
        table.c.stack,
        table.c[subject],
        table.c.calls,
        table.c.first_seen_at,
        table.c.last_seen_at,
    )
    if merchant_id is not None:
        statement = statement.where(table.c.merchant_id == merchant_id)
    if application_id is not None:
        statement = statement.where(table.c.application_id == application_id)
    # Databases differ in how they order letters.
    return sorted(find_all(db, statement, Counted), key=lambda each: (each.application_id, each.stack, each.subject))
