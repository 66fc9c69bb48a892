"""Integrations: partners' servers that call for a merchant, and the secrets that they call with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from gatehouse.storage.records import columns, find_all, find_one, insert_one, update_one
from gatehouse.storage.tables import integration_secrets, integrations


@dataclass(frozen=True, slots=True)
class Integration:
    """One integration. `authentication` lists the kinds that it may use: `anonymous`, `b2b`."""

    id: int
    merchant_id: int
    name: str
    client_id: str
    authentication: list[str]
    disabled_at: datetime | None
    created_at: datetime


_SELECT = select(*columns(Integration, integrations))


def find(db: Connection, integration_id: int) -> Integration | None:
    """Return the integration of this number, or None."""
    return find_one(db, _SELECT.where(integrations.c.id == integration_id), Integration)


def find_by_client_id(db: Connection, client_id: str) -> Integration | None:
    """Return the integration that calls under this name, or None."""
    return find_one(db, _SELECT.where(integrations.c.client_id == client_id), Integration)


def find_by_name(db: Connection, merchant_id: int, name: str) -> Integration | None:
    """Return the merchant's integration of this name, or None."""
    return find_one(
        db, _SELECT.where(integrations.c.merchant_id == merchant_id, integrations.c.name == name), Integration
    )


def find_every(db: Connection, merchant_id: int | None) -> Sequence[Integration]:
    """Return the merchant's integrations, or those of all merchants, by number."""
    statement = _SELECT.order_by(integrations.c.id)
    if merchant_id is not None:
        statement = statement.where(integrations.c.merchant_id == merchant_id)
    return find_all(db, statement, Integration)


def add(db: Connection, **values: Any) -> int:
    """Insert an integration and return its number."""
    return insert_one(db, integrations, values)


def change(db: Connection, integration_id: int, **values: Any) -> None:
    """Set these columns of the integration."""
    update_one(db, integrations, integration_id, values)


def replace_secret(db: Connection, integration: Integration, secret_digest: bytes, now: datetime) -> None:
    """Make this the only secret of the integration."""
    db.execute(delete(integration_secrets).where(integration_secrets.c.integration_id == integration.id))
    db.execute(
        insert(integration_secrets).values(
            merchant_id=integration.merchant_id,
            integration_id=integration.id,
            secret_digest=secret_digest,
            created_at=now,
        )
    )
