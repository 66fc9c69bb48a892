"""Rows that explain a refusal: what is known of tokens, codes and requests that no call would take. Reads only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from gatehouse.storage.applications import Application
from gatehouse.storage.audit import AuditEntry
from gatehouse.storage.devices import Device
from gatehouse.storage.records import columns, find_all, find_one
from gatehouse.storage.tables import (
    activation_codes,
    applications,
    audit_entries,
    devices,
    integration_secrets,
    sessions,
)


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session, live or not."""

    id: int
    merchant_id: int
    application_id: int
    account_id: int
    device_id: str | None
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeptActivationCode:
    """The newest activation code of a device, used or not, with how often codes were tried against it."""

    tries: int
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """A secret of an integration, live or not."""

    id: int
    expires_at: datetime | None


def find_application(db: Connection, token_digest: bytes) -> Application | None:
    """Return the application of this token, disabled or not, or None."""
    statement = select(*columns(Application, applications)).where(applications.c.token_digest == token_digest)
    return find_one(db, statement, Application)


def find_session(db: Connection, token_digest: bytes) -> KeptSession | None:
    """Return the session of this token, live or not, or None."""
    statement = select(*columns(KeptSession, sessions)).where(sessions.c.token_digest == token_digest)
    return find_one(db, statement, KeptSession)


def find_activation_code(db: Connection, device_number: int) -> KeptActivationCode | None:
    """Return the device's activation code, or None."""
    statement = select(*columns(KeptActivationCode, activation_codes))
    return find_one(db, statement.where(activation_codes.c.device_number == device_number), KeptActivationCode)


def find_secret(db: Connection, integration_id: int, secret_digest: bytes) -> KeptSecret | None:
    """Return the secret of the integration with this digest, live or not, or None."""
    statement = select(*columns(KeptSecret, integration_secrets)).where(
        integration_secrets.c.integration_id == integration_id, integration_secrets.c.secret_digest == secret_digest
    )
    return next(iter(find_all(db, statement, KeptSecret)), None)


def find_devices(db: Connection, merchant_id: int, device_id: str, limit: int) -> Sequence[Device]:
    """Return up to `limit` registrations of the merchant under this name, newest first."""
    statement = select(*columns(Device, devices)).where(
        devices.c.merchant_id == merchant_id, devices.c.device_id == device_id
    )
    return find_all(db, statement.order_by(devices.c.id.desc()).limit(limit), Device)


def find_entries_of_request(
    db: Connection, request_id: str, merchant_ids: Collection[int] | None, limit: int
) -> Sequence[AuditEntry]:
    """Return up to `limit` entries of a request at these merchants, or at all of them, by number.

    Those of the installation itself are no merchant's.
    """
    statement = select(*columns(AuditEntry, audit_entries)).where(
        audit_entries.c.request_id == request_id, audit_entries.c.merchant_id > 0
    )
    if merchant_ids is not None:
        statement = statement.where(audit_entries.c.merchant_id.in_(sorted(merchant_ids)))
    return find_all(db, statement.order_by(audit_entries.c.id).limit(limit), AuditEntry)


def find_entries_around(
    db: Connection, entry: AuditEntry, limit: int
) -> tuple[Sequence[AuditEntry], Sequence[AuditEntry]]:
    """Return up to `limit` entries before and after this one, by number: of its account, else of its merchant."""
    statement = select(*columns(AuditEntry, audit_entries)).where(audit_entries.c.merchant_id == entry.merchant_id)
    if entry.account_id is not None:
        statement = statement.where(audit_entries.c.account_id == entry.account_id)
    before = statement.where(audit_entries.c.id < entry.id).order_by(audit_entries.c.id.desc()).limit(limit)
    after = statement.where(audit_entries.c.id > entry.id).order_by(audit_entries.c.id).limit(limit)
    return list(reversed(find_all(db, before, AuditEntry))), find_all(db, after, AuditEntry)


def find_newest_refusals(
    db: Connection, outcome: str, merchant_ids: Collection[int] | None, limit: int, looked_through: int
) -> Sequence[AuditEntry]:
    """Return up to `limit` entries with this outcome at these merchants, or at all of them, newest first.

    They are looked for among the newest `looked_through` numbers, so that a trail of any size takes no longer.
    """
    newest = select(func.max(audit_entries.c.id)).scalar_subquery()
    statement = select(*columns(AuditEntry, audit_entries)).where(
        audit_entries.c.id > newest - looked_through,
        audit_entries.c.outcome == outcome,
        audit_entries.c.merchant_id > 0,
    )
    if merchant_ids is not None:
        statement = statement.where(audit_entries.c.merchant_id.in_(sorted(merchant_ids)))
    return find_all(db, statement.order_by(audit_entries.c.id.desc()).limit(limit), AuditEntry)
