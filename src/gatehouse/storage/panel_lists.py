"""What the panel shows of a merchant or an account: newest first, a page at a time, from where the last one ended."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, cast, extract, func, select

from gatehouse.domain.messages import MessageState
from gatehouse.storage.accounts import Account
from gatehouse.storage.audit import AuditEntry
from gatehouse.storage.devices import Device
from gatehouse.storage.login_cookies import LoginCookie
from gatehouse.storage.outbox import Message
from gatehouse.storage.records import columns, find_all
from gatehouse.storage.tables import (
    accounts,
    applications,
    audit_entries,
    devices,
    integration_secrets,
    integrations,
    login_cookies,
    merchants,
    messages,
    sessions,
)

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that has neither ended nor expired, with the name of its application."""

    id: int
    application: str
    device_id: str | None
    last_used_at: datetime
    expires_at: datetime
    created_at: datetime
    idle_lifetime: timedelta


@dataclass(frozen=True, slots=True)
class EventCount:
    """How often an event had this outcome in an hour, which is counted from 1970."""

    event: str
    outcome: str | None
    hour: int
    count: int


@dataclass(frozen=True, slots=True)
class EndingSecret:
    """A secret of an integration that ends soon."""

    merchant_id: int
    integration: str
    integration_id: int
    expires_at: datetime


def find_accounts(db: Connection, merchant_id: int, before: int | None, limit: int) -> Sequence[Account]:
    """Return the merchant's newest accounts, below a number where given, newest first."""
    statement = select(*columns(Account, accounts)).where(accounts.c.merchant_id == merchant_id)
    if before is not None:
        statement = statement.where(accounts.c.id < before)
    return find_all(db, statement.order_by(accounts.c.id.desc()).limit(limit), Account)


def find_accounts_by_phone(db: Connection, merchant_id: int, phone: str, limit: int) -> Sequence[Account]:
    """Return the merchant's accounts that have this number, oldest first."""
    statement = select(*columns(Account, accounts)).where(
        accounts.c.merchant_id == merchant_id, accounts.c.phone == phone
    )
    return find_all(db, statement.order_by(accounts.c.id).limit(limit), Account)


def find_account_names(db: Connection, account_ids: Collection[int]) -> dict[int, tuple[str | None, str | None]]:
    """Return e-mail address and username of these accounts, by number."""
    statement = select(accounts.c.id, accounts.c.email, accounts.c.username).where(accounts.c.id.in_(account_ids))
    return {number: (email, username) for number, email, username in db.execute(statement)}


def find_devices(
    db: Connection,
    merchant_id: int,
    before: int | None,
    limit: int,
    *,
    account_id: int | None = None,
    device_id: str | None = None,
    application_id: int | None = None,
    state: str | None = None,
) -> Sequence[Device]:
    """Return the merchant's newest registrations that agree in all that is given, newest first.

    `state` is `blocked`, `activated` or `registered`.
    """
    statement = select(*columns(Device, devices)).where(devices.c.merchant_id == merchant_id, *_in_state(state))
    given: list[tuple[ColumnElement[object], object]] = [
        (devices.c.account_id, account_id),
        (devices.c.device_id, device_id),
        (devices.c.application_id, application_id),
    ]
    statement = statement.where(*(column == value for column, value in given if value is not None))
    if before is not None:
        statement = statement.where(devices.c.id < before)
    return find_all(db, statement.order_by(devices.c.id.desc()).limit(limit), Device)


def find_devices_by_number(db: Connection, merchant_id: int, numbers: Collection[int]) -> Sequence[Device]:
    """Return the merchant's registrations of these numbers."""
    statement = select(*columns(Device, devices)).where(devices.c.merchant_id == merchant_id, devices.c.id.in_(numbers))
    return find_all(db, statement.order_by(devices.c.id), Device)


def find_live_sessions(db: Connection, account_id: int, now: datetime, limit: int) -> Sequence[LiveSession]:
    """Return the account's sessions that have neither ended nor expired, newest first."""
    statement = (
        select(
            sessions.c.id,
            applications.c.name,
            sessions.c.device_id,
            sessions.c.last_used_at,
            sessions.c.expires_at,
            sessions.c.created_at,
            applications.c.session_idle_lifetime,
        )
        .join(applications, applications.c.id == sessions.c.application_id)
        .where(sessions.c.account_id == account_id, sessions.c.ended_at.is_(None), sessions.c.expires_at > now)
        .order_by(sessions.c.id.desc())
        .limit(limit)
    )
    found = [LiveSession(*row) for row in db.execute(statement)]
    return [each for each in found if each.last_used_at + each.idle_lifetime > now]


def find_login_cookies(db: Connection, account_id: int, now: datetime, limit: int) -> Sequence[LoginCookie]:
    """Return the account's login cookies that are good, or were replayed, newest first."""
    is_live = login_cookies.c.ended_at.is_(None) & (login_cookies.c.expires_at > now)
    statement = select(*columns(LoginCookie, login_cookies)).where(
        login_cookies.c.account_id == account_id, is_live | login_cookies.c.replayed_at.is_not(None)
    )
    return find_all(db, statement.order_by(login_cookies.c.id.desc()).limit(limit), LoginCookie)


def find_messages(
    db: Connection,
    merchant_id: int,
    before: int | None,
    limit: int,
    *,
    account_id: int | None = None,
    state: str | None = None,
) -> Sequence[Message]:
    """Return the merchant's newest messages, of one account or in one state where given, newest first."""
    statement = select(*columns(Message, messages)).where(messages.c.merchant_id == merchant_id)
    if account_id is not None:
        statement = statement.where(messages.c.account_id == account_id)
    if state is not None:
        statement = statement.where(messages.c.state == state)
    if before is not None:
        statement = statement.where(messages.c.id < before)
    # By the moment for an account, which is what its index is in the order of; numbers are given in the same order.
    order = [messages.c.created_at.desc()] if account_id is not None else []
    return find_all(db, statement.order_by(*order, messages.c.id.desc()).limit(limit), Message)


def find_entries_of_account(db: Connection, account_id: int, before: int | None, limit: int) -> Sequence[AuditEntry]:
    """Return the newest audit entries about the account, newest first."""
    statement = select(*columns(AuditEntry, audit_entries)).where(audit_entries.c.account_id == account_id)
    if before is not None:
        statement = statement.where(audit_entries.c.id < before)
    return find_all(db, statement.order_by(audit_entries.c.id.desc()).limit(limit), AuditEntry)


def count_events(db: Connection, merchant_ids: Collection[int] | None, since: datetime) -> Sequence[EventCount]:
    """Return how often each event was recorded with which outcome since then, by hour."""
    hour = cast(extract("epoch", audit_entries.c.created_at), BigInteger) // _HOUR
    statement = (
        select(audit_entries.c.event, audit_entries.c.outcome, hour, func.count())
        .where(*_of(audit_entries, merchant_ids), audit_entries.c.created_at >= since)
        .group_by(audit_entries.c.event, audit_entries.c.outcome, hour)
    )
    return [EventCount(event, outcome, int(at), count) for event, outcome, at, count in db.execute(statement)]


def count_messages(db: Connection, merchant_ids: Collection[int] | None, since: datetime) -> dict[str, int]:
    """Return how many of the messages since then are in which state."""
    statement = (
        select(messages.c.state, func.count())
        .where(*_of(messages, merchant_ids), messages.c.created_at >= since)
        .group_by(messages.c.state)
    )
    return {state: count for state, count in db.execute(statement)}


def count_abandoned(db: Connection, merchant_ids: Collection[int] | None, since: datetime) -> dict[int, int]:
    """Return how many of the messages since then were given up, by merchant."""
    statement = (
        select(messages.c.merchant_id, func.count())
        .where(*_of(messages, merchant_ids), messages.c.created_at >= since)
        .where(messages.c.state == MessageState.ABANDONED.value)
        .group_by(messages.c.merchant_id)
    )
    return {merchant_id: count for merchant_id, count in db.execute(statement)}


def count_overdue(db: Connection, merchant_ids: Collection[int] | None, due_before: datetime) -> int:
    """Return how many messages are queued whose time was before then."""
    statement = select(func.count()).where(
        *_of(messages, merchant_ids),
        messages.c.state == MessageState.QUEUED.value,
        messages.c.due_at < due_before,
    )
    return db.execute(statement).scalar_one()


def find_ending_secrets(
    db: Connection, merchant_ids: Collection[int] | None, after: datetime, before: datetime
) -> Sequence[EndingSecret]:
    """Return the secrets of integrations that end between these moments and are the only ones that live so long."""
    later = integration_secrets.alias()
    has_other = (
        select(later.c.id)
        .where(later.c.integration_id == integrations.c.id)
        .where(later.c.expires_at.is_(None) | (later.c.expires_at > before))
        .exists()
    )
    statement = (
        select(
            integrations.c.merchant_id,
            integrations.c.name,
            integrations.c.id,
            func.max(integration_secrets.c.expires_at),
        )
        .join(integrations, integrations.c.id == integration_secrets.c.integration_id)
        .where(integration_secrets.c.expires_at > after, integration_secrets.c.expires_at <= before)
        .where(*_of(integrations, merchant_ids), integrations.c.disabled_at.is_(None), ~has_other)
        .group_by(integrations.c.merchant_id, integrations.c.name, integrations.c.id)
        .order_by(integrations.c.id)
    )
    return [EndingSecret(*row) for row in db.execute(statement)]


def _of(table: Table, merchant_ids: Collection[int] | None) -> Sequence[ColumnElement[bool]]:
    """Return the condition of these merchants. Of all, they are still named, so that their indexes serve."""
    wanted = select(merchants.c.id) if merchant_ids is None else sorted(merchant_ids)
    return [table.c.merchant_id.in_(wanted)]


def _in_state(state: str | None) -> Sequence[ColumnElement[bool]]:
    blocked, activated = devices.c.blocked_at, devices.c.activated_at
    match state:
        case "blocked":
            return [blocked.is_not(None)]
        case "activated":
            return [blocked.is_(None), activated.is_not(None)]
        case "registered":
            return [blocked.is_(None), activated.is_(None)]
        case _:
            return []
