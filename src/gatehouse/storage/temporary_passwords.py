"""Temporary passwords: at most one for an account."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gatehouse.storage.accounts import Account
from gatehouse.storage.prepared import Prepared
from gatehouse.storage.records import columns, find_one
from gatehouse.storage.tables import temporary_passwords


@dataclass(frozen=True, slots=True)
class TemporaryPassword:
    """The temporary password of an account. It lives until it expires or the password is changed."""

    id: int
    account_id: int
    password_digest: bytes
    expires_at: datetime
    used_at: datetime | None


_OF_ACCOUNT = Prepared(
    select(*columns(TemporaryPassword, temporary_passwords)).where(
        temporary_passwords.c.account_id == bindparam("account_id")
    )
)


def find(db: Connection, account_id: int) -> TemporaryPassword | None:
    """Return the account's temporary password, or None."""
    return find_one(db, _OF_ACCOUNT, TemporaryPassword, account_id=account_id)


def replace(db: Connection, account: Account, password_digest: bytes, expires_at: datetime, now: datetime) -> None:
    """Make this the account's only temporary password."""
    end(db, account.id)
    db.execute(
        insert(temporary_passwords).values(
            merchant_id=account.merchant_id,
            account_id=account.id,
            password_digest=password_digest,
            expires_at=expires_at,
            created_at=now,
        )
    )


def use(db: Connection, seen: TemporaryPassword, now: datetime) -> bool:
    """Note that it logged its owner in. Returns False when it was ended or replaced meanwhile."""
    statement = (
        update(temporary_passwords)
        .where(temporary_passwords.c.id == seen.id, temporary_passwords.c.password_digest == seen.password_digest)
        .values(used_at=now)
    )
    return db.execute(statement).rowcount == 1


def end(db: Connection, account_id: int) -> None:
    """Remove the account's temporary password."""
    db.execute(delete(temporary_passwords).where(temporary_passwords.c.account_id == account_id))
