"""Login cookies: one row for a series, whose cookies follow one another by generation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from gatehouse.storage.accounts import Account
from gatehouse.storage.prepared import Prepared
from gatehouse.storage.records import columns, find_one, insert_one, update_one
from gatehouse.storage.tables import accounts, login_cookies


@dataclass(frozen=True, slots=True)
class LoginCookie:
    """One series. `generation` counts its cookies: the newest has this number."""

    id: int
    merchant_id: int
    application_id: int
    account_id: int
    device_id: str | None
    generation: int
    rotated_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    replayed_at: datetime | None


_OF_COOKIE, _OF_OWNER = columns(LoginCookie, login_cookies), columns(Account, accounts)
_IS_SERIES = login_cookies.c.series_digest == bindparam("series_digest")
_BY_SERIES = Prepared(select(*_OF_COOKIE).where(_IS_SERIES))
_BY_SERIES_LOCKED = Prepared(
    select(*_OF_COOKIE, *_OF_OWNER)
    .join(accounts, accounts.c.id == login_cookies.c.account_id)
    .where(_IS_SERIES)
    .with_for_update(of=login_cookies)
)


def find(db: Connection, series_digest: bytes) -> LoginCookie | None:
    """Return the series, ended or not, or None."""
    return find_one(db, _BY_SERIES, LoginCookie, series_digest=series_digest)


def find_and_lock(db: Connection, series_digest: bytes) -> tuple[LoginCookie, Account] | None:
    """Return the series, ended or not, and its account; or None. No other call changes it in this transaction."""
    row = _BY_SERIES_LOCKED.one(db, {"series_digest": series_digest})
    if row is None:
        return None
    size = len(_OF_COOKIE)
    return LoginCookie(*row[:size]), Account(*row[size:])


def add(db: Connection, **values: Any) -> int:
    """Insert a series and return its number."""
    return insert_one(db, login_cookies, values)


def rotate(db: Connection, locked: LoginCookie, expires_at: datetime, now: datetime) -> None:
    """Make the next generation of a locked series the newest."""
    values = {"generation": locked.generation + 1, "rotated_at": now, "expires_at": expires_at}
    update_one(db, login_cookies, locked.id, values)


def set_device(db: Connection, login_cookie_id: int, device_id: str) -> None:
    """Say from which device the series is, where Login did not; blocking the device then ends it."""
    db.execute(
        update(login_cookies)
        .where(login_cookies.c.id == login_cookie_id, login_cookies.c.device_id.is_(None))
        .values(device_id=device_id)
    )


def end(db: Connection, login_cookie_id: int, now: datetime) -> None:
    """End the series."""
    _end(db, now, login_cookies.c.id == login_cookie_id)


def end_as_replayed(db: Connection, login_cookie_id: int, now: datetime) -> bool:
    """End the series as stolen. Returns False when it had ended before, so that its owner is told once."""
    return _end(db, now, login_cookies.c.id == login_cookie_id, replayed_at=now) == 1


def end_of_account(db: Connection, account_id: int, now: datetime) -> None:
    """End every series of the account."""
    _end(db, now, login_cookies.c.account_id == account_id)


def end_of_device(db: Connection, merchant_id: int, device_id: str, now: datetime) -> None:
    """End every series that began on the device."""
    _end(db, now, login_cookies.c.merchant_id == merchant_id, login_cookies.c.device_id == device_id)


def _end(db: Connection, now: datetime, *which: ColumnElement[bool], **values: Any) -> int:
    statement = update(login_cookies).where(login_cookies.c.ended_at.is_(None), *which)
    return db.execute(statement.values(ended_at=now, **values)).rowcount
