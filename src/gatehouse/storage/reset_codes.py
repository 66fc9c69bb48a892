"""Reset codes: at most one for an account, found by the digest of the code."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gatehouse.storage.accounts import Account
from gatehouse.storage.records import columns, find_all, find_one
from gatehouse.storage.tables import merchants, reset_codes


@dataclass(frozen=True, slots=True)
class ResetCode:
    """The newest reset code of an account, used or not."""

    id: int
    merchant_id: int
    account_id: int
    code_digest: bytes
    expires_at: datetime
    used_at: datetime | None


_SELECT = select(*columns(ResetCode, reset_codes))


def find(db: Connection, merchant_id: int, code_digest: bytes) -> ResetCode | None:
    """Return the merchant's code of this digest, used or not, or None."""
    statement = _SELECT.where(reset_codes.c.merchant_id == merchant_id, reset_codes.c.code_digest == code_digest)
    return find_one(db, statement, ResetCode)


def find_for_hosted_page(db: Connection, code_digest: bytes) -> ResetCode | None:
    """Return the code of this digest of a merchant that has no page of its own, or None.

    A partner's own code may be in use at two merchants, and then means nobody here.
    """
    statement = _SELECT.join(merchants, merchants.c.id == reset_codes.c.merchant_id).where(
        reset_codes.c.code_digest == code_digest, merchants.c.reset_page.is_(None)
    )
    found = find_all(db, statement, ResetCode)
    return found[0] if len(found) == 1 else None


def replace(db: Connection, account: Account, code_digest: bytes, expires_at: datetime, now: datetime) -> bool:
    """Make this the account's only reset code. Returns False, with nothing changed, when it is another account's."""
    taken = select(reset_codes.c.id).where(
        reset_codes.c.merchant_id == account.merchant_id,
        reset_codes.c.code_digest == code_digest,
        reset_codes.c.account_id != account.id,
    )
    if db.execute(taken).first() is not None:
        return False
    values = {
        "merchant_id": account.merchant_id,
        "account_id": account.id,
        "code_digest": code_digest,
        "expires_at": expires_at,
        "created_at": now,
    }
    try:
        with db.begin_nested():
            db.execute(delete(reset_codes).where(reset_codes.c.account_id == account.id))
            db.execute(insert(reset_codes).values(values))
    except IntegrityError:
        # Another call gave it to another account at this very moment.
        return False
    return True


def use(db: Connection, code: ResetCode, now: datetime) -> bool:
    """Use the code up. Returns False when another call did so first, or a newer code took its place."""
    statement = update(reset_codes).where(
        reset_codes.c.id == code.id, reset_codes.c.code_digest == code.code_digest, reset_codes.c.used_at.is_(None)
    )
    return db.execute(statement.values(used_at=now)).rowcount == 1


def end(db: Connection, account_id: int) -> None:
    """Remove the account's reset code, unless it was used: a used one stays to say so."""
    db.execute(delete(reset_codes).where(reset_codes.c.account_id == account_id, reset_codes.c.used_at.is_(None)))
