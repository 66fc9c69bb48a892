"""What the panel shows of a merchant or an account: newest first, a page at a time, from where the last one ended."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, select, text

from gatehouse.domain.events import AuditEvent
from gatehouse.domain.messages import MessageState
from gatehouse.storage.accounts import Account
from gatehouse.storage.audit import AuditEntry
from gatehouse.storage.devices import Device
from gatehouse.storage.login_cookies import LoginCookie
from gatehouse.storage.merchants import Merchant
from gatehouse.storage.outbox import Message
from gatehouse.storage.paging import newest_within
from gatehouse.storage.records import columns, find_all
from gatehouse.storage.tables import (
    DEVICE_IS_ACTIVATED,
    DEVICE_IS_BLOCKED,
    DEVICE_IS_REGISTERED,
    MESSAGE_IS_NOT_SENT,
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

_STATES = {"blocked": DEVICE_IS_BLOCKED, "activated": DEVICE_IS_ACTIVATED, "registered": DEVICE_IS_REGISTERED}


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
    if application_id is not None and device_id is None and account_id is None:
        return _find_devices_of_application(db, merchant_id, application_id, before, limit, state)
    statement = select(*columns(Device, devices))
    if state in _STATES:
        statement = statement.where(text(_STATES[state]))
        if account_id is None and device_id is None:
            key = [(devices.c.merchant_id, merchant_id)]
            return find_all(db, newest_within(db, statement, key, devices.c.id, before, limit), Device)
    statement = statement.where(devices.c.merchant_id == merchant_id)
    given: list[tuple[ColumnElement[object], object]] = [
        (devices.c.account_id, account_id),
        (devices.c.device_id, device_id),
        (devices.c.application_id, application_id),
    ]
    statement = statement.where(*(column == value for column, value in given if value is not None))
    if before is not None:
        statement = statement.where(devices.c.id < before)
    return find_all(db, statement.order_by(devices.c.id.desc()).limit(limit), Device)


def _find_devices_of_application(
    db: Connection, merchant_id: int, application_id: int, before: int | None, limit: int, state: str | None
) -> Sequence[Device]:
    """Return the newest registrations of the merchant's application, newest first.

    Each state is asked for by itself, and rows are read when their numbers are known, which an index has.
    """
    is_of_merchant = applications.c.merchant_id == merchant_id
    if db.execute(select(applications.c.id).where(applications.c.id == application_id, is_of_merchant)).first() is None:
        return []
    key = [(devices.c.application_id, application_id)]
    newest = newest_within(db, select(devices.c.id), key, devices.c.id, before, limit)
    wanted = [_STATES[state]] if state in _STATES else list(_STATES.values())
    found = sorted((number for each in wanted for number in db.scalars(newest.where(text(each)))), reverse=True)
    return find_devices_by_number(db, merchant_id, found[:limit])[::-1]


def find_devices_by_number(db: Connection, merchant_id: int, numbers: Collection[int]) -> Sequence[Device]:
    """Return the merchant's registrations of these numbers."""
    statement = select(*columns(Device, devices)).where(devices.c.merchant_id == merchant_id, devices.c.id.in_(numbers))
    return find_all(db, statement.order_by(devices.c.id), Device)


def find_live_sessions(db: Connection, account_id: int, now: datetime, limit: int) -> Sequence[LiveSession]:
    """Return the account's sessions that have neither ended nor expired, the one that lives longest first."""
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
        # As their index is; those of one application were made in the same order.
        .order_by(sessions.c.expires_at.desc(), sessions.c.id.desc())
        .limit(limit)
    )
    found = [LiveSession(*row) for row in db.execute(statement)]
    return [each for each in found if each.last_used_at + each.idle_lifetime > now]


def find_login_cookies(db: Connection, account_id: int, now: datetime, limit: int) -> Sequence[LoginCookie]:
    """Return the account's login cookies that are good, or were replayed, newest first."""
    of_account = select(*columns(LoginCookie, login_cookies)).where(login_cookies.c.account_id == account_id)
    live = of_account.where(login_cookies.c.ended_at.is_(None), login_cookies.c.expires_at > now)
    # One by one, because each has an index of its own, which both together would not use.
    found = {
        each.id: each
        for which in (live, of_account.where(login_cookies.c.replayed_at.is_not(None)))
        for each in find_all(db, which.order_by(login_cookies.c.id.desc()).limit(limit), LoginCookie)
    }
    return [found[number] for number in sorted(found, reverse=True)[:limit]]


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
    statement = select(*columns(Message, messages))
    if account_id is None and state is not None:
        key = [(messages.c.merchant_id, merchant_id), (messages.c.state, state)]
        return find_all(db, newest_within(db, statement, key, messages.c.id, before, limit), Message)
    statement = statement.where(messages.c.merchant_id == merchant_id)
    if account_id is not None:
        statement = statement.where(messages.c.account_id == account_id)
    if state is not None:
        statement = statement.where(messages.c.state == state)
    if before is not None:
        statement = statement.where(messages.c.id < before)
    # By the moment for an account, which is what its index is in the order of; numbers are given in the same order.
    order = [messages.c.created_at.desc()] if account_id is not None else []
    return find_all(db, statement.order_by(*order, messages.c.id.desc()).limit(limit), Message)


def find_entries_of_account(db: Connection, merchant_id: int, account_id: int, limit: int) -> Sequence[AuditEntry]:
    """Return the newest audit entries about the merchant's account, newest first."""
    statement = select(*columns(AuditEntry, audit_entries)).where(
        audit_entries.c.merchant_id == merchant_id, audit_entries.c.account_id == account_id
    )
    return find_all(db, statement.order_by(audit_entries.c.id.desc()).limit(limit), AuditEntry)


def count_messages_not_sent(
    db: Connection, merchant_ids: Collection[int] | None, since: datetime
) -> Mapping[tuple[int, str], int]:
    """Return how many of the messages since then are not sent, by merchant and state."""
    statement = (
        select(messages.c.merchant_id, messages.c.state, func.count())
        .where(messages.c.created_at >= since, text(MESSAGE_IS_NOT_SENT))
        .group_by(messages.c.merchant_id, messages.c.state)
    )
    if merchant_ids is not None:
        statement = statement.where(messages.c.merchant_id.in_(sorted(merchant_ids)))
    return {(merchant_id, state): count for merchant_id, state, count in db.execute(statement)}


def count_overdue(db: Connection, merchant_ids: Collection[int] | None, due_before: datetime, most: int) -> int:
    """Return how many messages are queued whose time was before then, and no more than `most`."""
    found = select(messages.c.id).where(messages.c.state == MessageState.QUEUED.value, messages.c.due_at < due_before)
    if merchant_ids is not None:
        found = found.where(messages.c.merchant_id.in_(sorted(merchant_ids)))
    return db.execute(select(func.count()).select_from(found.limit(most).subquery())).scalar_one()


def find_merchant_names(db: Connection, merchant_ids: Collection[int] | None) -> Mapping[int, str]:
    """Return the names of these merchants, or of all, by number and in the order of the numbers."""
    statement = select(merchants.c.id, merchants.c.name).order_by(merchants.c.id)
    if merchant_ids is not None:
        statement = statement.where(merchants.c.id.in_(sorted(merchant_ids)))
    return {number: name for number, name in db.execute(statement)}


def find_merchant_beginnings(
    db: Connection, merchant_ids: Collection[int] | None, limit: int
) -> Sequence[tuple[int, bool, bool, bool]]:
    """Return the first of these merchants, or of all: number, whether it has an application, account, login."""
    has_login = (audit_entries.c.merchant_id == merchants.c.id) & (
        audit_entries.c.event == AuditEvent.SESSION_STARTED.value
    )
    statement = select(
        merchants.c.id,
        select(applications.c.id).where(applications.c.merchant_id == merchants.c.id).exists(),
        select(accounts.c.id).where(accounts.c.merchant_id == merchants.c.id).exists(),
        select(audit_entries.c.id).where(has_login).exists(),
    ).order_by(merchants.c.id)
    if merchant_ids is not None:
        statement = statement.where(merchants.c.id.in_(sorted(merchant_ids)))
    return [(number, *map(bool, has)) for number, *has in db.execute(statement.limit(limit))]


def find_merchants(db: Connection, merchant_ids: Collection[int]) -> Sequence[Merchant]:
    """Return these merchants by number."""
    statement = select(*columns(Merchant, merchants)).where(merchants.c.id.in_(sorted(merchant_ids)))
    return find_all(db, statement.order_by(merchants.c.id), Merchant)


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
        .where(integrations.c.disabled_at.is_(None), ~has_other)
        .group_by(integrations.c.merchant_id, integrations.c.name, integrations.c.id)
        .order_by(integrations.c.id)
    )
    if merchant_ids is not None:
        statement = statement.where(integrations.c.merchant_id.in_(sorted(merchant_ids)))
    return [EndingSecret(*row) for row in db.execute(statement)]
