"""What was asked for whoever an identity means, until the worker has looked whether it means anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from gatehouse.storage.records import columns
from gatehouse.storage.tables import account_requests


@dataclass(frozen=True, slots=True)
class AccountRequest:
    """One request: its kind, the identity given, and the call that made it."""

    id: int
    merchant_id: int
    application_id: int | None
    kind: str
    identity: Mapping[str, Any]
    source: str | None
    request_id: str | None
    created_at: datetime


_INSERT = insert(account_requests)

_OLDEST = select(account_requests.c.id).order_by(account_requests.c.id).limit(1)
_TAKE = (
    delete(account_requests)
    .where(account_requests.c.id.in_(select(_OLDEST.with_for_update(skip_locked=True).cte("oldest").c.id)))
    .returning(*columns(AccountRequest, account_requests))
)


def add(db: Connection, **values: Any) -> None:
    """Insert a request."""
    db.execute(_INSERT, values)


def has_any(db: Connection) -> bool:
    """Whether there is one to take; asked first because it takes no lock."""
    return db.execute(_OLDEST).one_or_none() is not None


def take(db: Connection) -> AccountRequest | None:
    """Remove the oldest request that no other worker is at, and return it; it is back when the transaction fails."""
    row = db.execute(_TAKE).one_or_none()
    return None if row is None else AccountRequest(*row)


def remove(db: Connection, number: int) -> None:
    """Remove the request of this number."""
    db.execute(delete(account_requests).where(account_requests.c.id == number))
