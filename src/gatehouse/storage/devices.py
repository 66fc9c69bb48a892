"""Devices and their activation codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gatehouse.storage.prepared import Prepared
from gatehouse.storage.records import columns, find_all, find_one, update_one
from gatehouse.storage.tables import activation_codes, devices


@dataclass(frozen=True, slots=True)
class Device:
    """One registration. `id` is its number; `device_id` is what the device calls itself.

    Without an account it was registered by an application's token, and the first Login from it binds it.
    """

    id: int
    merchant_id: int
    application_id: int
    account_id: int | None
    device_id: str
    phone: str | None
    push_token: str | None
    activated_at: datetime | None
    blocked_at: datetime | None
    last_seen_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ActivationCode:
    """The code that a device waits for."""

    id: int
    code_digest: bytes
    expires_at: datetime
    used_at: datetime | None


_SELECT = select(*columns(Device, devices))
_IS_BLOCKED = Prepared(
    select(devices.c.id)
    .where(devices.c.merchant_id == bindparam("merchant_id"), devices.c.device_id == bindparam("device_id"))
    .where(devices.c.blocked_at.is_not(None))
    .limit(1)
)


def find(db: Connection, device_number: int) -> Device | None:
    """Return the registration of this number, or None."""
    return find_one(db, _SELECT.where(devices.c.id == device_number), Device)


def find_registered(
    db: Connection, application_id: int, device_id: str, account_id: int | None, lock: bool = False
) -> Device | None:
    """Return the account's registration of this device in the application, or the one without an account, or None.

    With `lock`, no other call changes it until the transaction ends.
    """
    values = {"application_id": application_id, "device_id": device_id}
    if account_id is not None:
        values["account_id"] = account_id
    return find_one(db, _registered(account_id is not None, lock), Device, **values)


@cache
def _registered(has_account: bool, lock: bool) -> Prepared:
    owner = devices.c.account_id == bindparam("account_id") if has_account else devices.c.account_id.is_(None)
    statement = _SELECT.where(
        devices.c.application_id == bindparam("application_id"), devices.c.device_id == bindparam("device_id"), owner
    )
    return Prepared(statement.with_for_update() if lock else statement)


def is_blocked(db: Connection, merchant_id: int, device_id: str) -> bool:
    """Whether an operator blocked this device, under whichever account and application of the merchant."""
    return _IS_BLOCKED.one(db, {"merchant_id": merchant_id, "device_id": device_id}) is not None


def find_page(
    db: Connection, merchant_id: int | None, account_id: int | None, after: int, limit: int
) -> Sequence[Device]:
    """Return up to `limit` registrations with numbers above `after`, by number."""
    statement = _SELECT.where(devices.c.id > after).order_by(devices.c.id).limit(limit)
    if merchant_id is not None:
        statement = statement.where(devices.c.merchant_id == merchant_id)
    if account_id is not None:
        statement = statement.where(devices.c.account_id == account_id)
    return find_all(db, statement, Device)


def find_or_add(
    db: Connection,
    merchant_id: int,
    application_id: int,
    account_id: int | None,
    device_id: str,
    phone: str,
    now: datetime,
) -> Device:
    """Return the registration of this device in the application, for the account or for none; add one if needed."""
    found = find_registered(db, application_id, device_id, account_id, lock=True)
    if found is not None:
        return found
    statement = insert(devices).values(
        merchant_id=merchant_id,
        application_id=application_id,
        account_id=account_id,
        device_id=device_id,
        phone=phone,
        last_seen_at=now,
        created_at=now,
    )
    try:
        with db.begin_nested():
            added = db.execute(statement.returning(*columns(Device, devices))).one()
    except IntegrityError:
        # A parallel call added it after we looked, which only PostgreSQL lets happen.
        found = find_registered(db, application_id, device_id, account_id, lock=True)
        assert found is not None
        return found
    return Device(*added)


def change(db: Connection, device_number: int, **values: Any) -> None:
    """Set these columns of the registration."""
    update_one(db, devices, device_number, values)


def bind(db: Connection, device_number: int, account_id: int) -> bool:
    """Give a registration without an account to this one. Returns False when it has one by now."""
    statement = update(devices).where(devices.c.id == device_number, devices.c.account_id.is_(None))
    return db.execute(statement.values(account_id=account_id)).rowcount == 1


def set_blocked(db: Connection, merchant_id: int, device_id: str, blocked_at: datetime | None) -> int:
    """Block every registration of this device, or lift the block; return how many were changed."""
    statement = update(devices).where(*_is(merchant_id, device_id)).values(blocked_at=blocked_at)
    return db.execute(statement).rowcount


def remove(db: Connection, device_number: int) -> None:
    """Remove the registration and its activation code."""
    end_activation_code(db, device_number)
    db.execute(delete(devices).where(devices.c.id == device_number))


def replace_activation_code(
    db: Connection, device: Device, code_digest: bytes, expires_at: datetime, now: datetime
) -> None:
    """Make this the only activation code of the device, with its tries unspent."""
    end_activation_code(db, device.id)
    db.execute(
        insert(activation_codes).values(
            merchant_id=device.merchant_id,
            device_number=device.id,
            code_digest=code_digest,
            tries=0,
            expires_at=expires_at,
            created_at=now,
        )
    )


def end_activation_code(db: Connection, device_number: int) -> None:
    """Remove the device's activation code."""
    db.execute(delete(activation_codes).where(activation_codes.c.device_number == device_number))


def try_activation_code(db: Connection, device: Device, max_tries: int) -> ActivationCode | None:
    """Spend one try and return the code to compare with, or None when there is none or its tries are spent.

    The count is raised in the statement that checks it, so that parallel guesses have no more tries than one by one.
    """
    statement = (
        update(activation_codes)
        .where(activation_codes.c.device_number == device.id, activation_codes.c.tries < max_tries)
        .where(activation_codes.c.used_at.is_(None))
        .values(tries=activation_codes.c.tries + 1)
        .returning(*columns(ActivationCode, activation_codes))
    )
    row = db.execute(statement).one_or_none()
    return None if row is None else ActivationCode(*row)


def use_activation_code(db: Connection, code: ActivationCode, now: datetime) -> None:
    """Note that the code was used; it was taken for this call by `try_activation_code`."""
    db.execute(update(activation_codes).where(activation_codes.c.id == code.id).values(used_at=now))


def _is(merchant_id: int, device_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return devices.c.merchant_id == merchant_id, devices.c.device_id == device_id


def _belongs_to(account_id: int | None) -> ColumnElement[bool]:
    return devices.c.account_id.is_(None) if account_id is None else devices.c.account_id == account_id
