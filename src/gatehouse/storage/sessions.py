"""Sessions: what a person has after Login, known by the digest of its token."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from gatehouse.domain.accounts import AccountStatus
from gatehouse.storage.accounts import Account
from gatehouse.storage.prepared import Prepared
from gatehouse.storage.records import columns, insert, update_one
from gatehouse.storage.tables import accounts, applications, sessions


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has not ended, with what its application asks of devices."""

    id: int
    merchant_id: int
    application_id: int
    account_id: int
    login_cookie_id: int | None
    device_id: str | None
    must_change_password: bool
    last_used_at: datetime
    requires_devices: bool


_OF_ACCOUNT = columns(Account, accounts)
_LIVE = Prepared(
    select(
        *_OF_ACCOUNT,
        sessions.c.id,
        sessions.c.merchant_id,
        sessions.c.application_id,
        sessions.c.account_id,
        sessions.c.login_cookie_id,
        sessions.c.device_id,
        sessions.c.must_change_password,
        sessions.c.last_used_at,
        applications.c.requires_devices,
        applications.c.session_idle_lifetime,
    )
    .join(applications, applications.c.id == sessions.c.application_id)
    .join(accounts, accounts.c.id == sessions.c.account_id)
    .where(sessions.c.ended_at.is_(None), applications.c.disabled_at.is_(None))
    .where(accounts.c.status == AccountStatus.ACTIVE.value)
    .where(sessions.c.token_digest == bindparam("token_digest"), sessions.c.expires_at > bindparam("now"))
)


def find_live(db: Connection, token_digest: bytes, now: datetime) -> tuple[Session, Account] | None:
    """Return the session of this token and whose it is, or None when it is unknown, ended, expired or idle too long."""
    row = _LIVE.one(db, {"token_digest": token_digest, "now": now})
    if row is None:
        return None
    size = len(_OF_ACCOUNT)
    *values, idle_lifetime = row[size:]
    session = Session(*values)
    return (session, Account(*row[:size])) if session.last_used_at + idle_lifetime > now else None


def add(db: Connection, **values: Any) -> None:
    """Insert a session."""
    insert(db, sessions, values)


def note_use(db: Connection, session_id: int, now: datetime) -> None:
    """Begin the session's idle time anew."""
    update_one(db, sessions, session_id, {"last_used_at": now})


def set_device(db: Connection, session_id: int, device_id: str) -> None:
    """Say from which device the session is, where Login did not."""
    db.execute(
        update(sessions).where(sessions.c.id == session_id, sessions.c.device_id.is_(None)).values(device_id=device_id)
    )


def lift_password_change(db: Connection, session_id: int) -> None:
    """Let the session do everything again."""
    update_one(db, sessions, session_id, {"must_change_password": False})


def end(db: Connection, session_id: int, now: datetime) -> bool:
    """End the session. Returns False when another call ended it first."""
    return _end(db, now, sessions.c.id == session_id) == 1


def end_of_login_cookie(db: Connection, login_cookie_id: int, now: datetime) -> int:
    """End every session of a login cookie's series; return how many."""
    return _end(db, now, sessions.c.login_cookie_id == login_cookie_id)


def end_of_account(db: Connection, account_id: int, now: datetime, besides: int | None = None) -> int:
    """End every session of the account, besides one; return how many."""
    return _end(db, now, sessions.c.account_id == account_id, sessions.c.id != (besides or 0))


def end_of_device(db: Connection, merchant_id: int, device_id: str, now: datetime) -> int:
    """End every session from the device; return how many."""
    return _end(db, now, sessions.c.merchant_id == merchant_id, sessions.c.device_id == device_id)


def _end(db: Connection, now: datetime, *which: ColumnElement[bool]) -> int:
    return db.execute(update(sessions).where(sessions.c.ended_at.is_(None), *which).values(ended_at=now)).rowcount
