"""Integrations: partners' servers that call for a merchant, and the secrets that they call with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select

from gatehouse.storage.records import columns, find_all, find_one, insert_one, update_one
from gatehouse.storage.tables import integration_merchants, integration_secrets, integrations


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


@dataclass(frozen=True, slots=True)
class IntegrationSecret:
    """One secret of an integration, of which a digest is kept. It lives until it expires, or for ever."""

    id: int
    integration_id: int
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime

    def is_live(self, now: datetime) -> bool:
        """Whether the integration may call with it."""
        return self.expires_at is None or self.expires_at > now


_SELECT = select(*columns(Integration, integrations))
_SECRETS = select(*columns(IntegrationSecret, integration_secrets)).order_by(integration_secrets.c.id)


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


def lock(db: Connection, integration_id: int) -> None:
    """Keep other calls from changing the integration and its secrets until the transaction ends."""
    db.execute(select(integrations.c.id).where(integrations.c.id == integration_id).with_for_update(key_share=True))


def replace_secret(db: Connection, integration: Integration, secret_digest: bytes, now: datetime) -> None:
    """Make this the only secret of the integration."""
    db.execute(delete(integration_secrets).where(integration_secrets.c.integration_id == integration.id))
    add_secret(db, integration, secret_digest, now)


def add_secret(db: Connection, integration: Integration, secret_digest: bytes, now: datetime) -> None:
    """Insert a secret that does not expire."""
    values = {"merchant_id": integration.merchant_id, "integration_id": integration.id, "created_at": now}
    db.execute(insert(integration_secrets).values(secret_digest=secret_digest, **values))


def find_secrets(db: Connection, integration_id: int) -> Sequence[IntegrationSecret]:
    """Return the secrets of the integration, oldest first, also those that have expired."""
    return find_all(db, _SECRETS.where(integration_secrets.c.integration_id == integration_id), IntegrationSecret)


def expire_secret(db: Connection, secret_id: int, expires_at: datetime) -> None:
    """Let the secret live until then."""
    update_one(db, integration_secrets, secret_id, {"expires_at": expires_at})


def remove_expired_secrets(db: Connection, integration_id: int, before: datetime) -> None:
    """Forget the secrets of the integration that expired before this moment."""
    db.execute(
        delete(integration_secrets).where(
            integration_secrets.c.integration_id == integration_id, integration_secrets.c.expires_at <= before
        )
    )


def find_by_secret(db: Connection, client_id: str, secret_digest: bytes, now: datetime) -> Integration | None:
    """Return the integration that may call under this name with this secret, and note the secret's use; or None.

    The use is written at most once a minute: partners call often.
    """
    found = find_by_client_id(db, client_id)
    if found is None or found.disabled_at is not None:
        return None
    kept = db.execute(
        select(integration_secrets.c.id, integration_secrets.c.last_used_at).where(
            integration_secrets.c.integration_id == found.id,
            integration_secrets.c.secret_digest == secret_digest,
            or_(integration_secrets.c.expires_at.is_(None), integration_secrets.c.expires_at > now),
        )
    ).first()
    if kept is None:
        return None
    if kept.last_used_at is None or kept.last_used_at <= now - timedelta(minutes=1):
        update_one(db, integration_secrets, kept.id, {"last_used_at": now})
    return found


def find_merchants(db: Connection, integration_id: int) -> Sequence[int]:
    """Return the numbers of the merchants that the integration may call for beside its own."""
    statement = select(integration_merchants.c.merchant_id).where(
        integration_merchants.c.integration_id == integration_id
    )
    return list(db.scalars(statement.order_by(integration_merchants.c.merchant_id)))


def add_merchant(db: Connection, integration_id: int, merchant_id: int) -> None:
    """Let the integration call for the merchant as well."""
    db.execute(insert(integration_merchants).values(integration_id=integration_id, merchant_id=merchant_id))


def remove_merchant(db: Connection, integration_id: int, merchant_id: int) -> bool:
    """Let the integration call for the merchant no longer. Returns whether it could."""
    statement = delete(integration_merchants).where(
        integration_merchants.c.integration_id == integration_id, integration_merchants.c.merchant_id == merchant_id
    )
    return db.execute(statement).rowcount == 1
