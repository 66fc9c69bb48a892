"""Accounts, their printed cards, and the passwords that they had."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, bindparam, delete, insert, select, update

from gatehouse.storage.prepared import Prepared
from gatehouse.storage.records import columns, find_all, find_one, insert_one, update_one
from gatehouse.storage.tables import accounts, cards, former_passwords


@dataclass(frozen=True, slots=True)
class Account:
    """One account: a person, or a program of one, in one role at one merchant."""

    id: int
    merchant_id: int
    role: int
    email: str | None
    username: str | None
    phone: str | None
    full_name: str | None
    customer_number: str | None
    postal_code: str | None
    date_of_birth: date | None
    status: str
    password_hash: str | None
    pincode_hash: str | None
    password_changed_at: datetime | None
    last_login_at: datetime | None
    created_at: datetime


_SELECT = select(*columns(Account, accounts))
_BY_NUMBER = Prepared(_SELECT.where(accounts.c.id == bindparam("account_id")))
_OF_MERCHANT = _SELECT.where(accounts.c.merchant_id == bindparam("merchant_id"))
_BY_EMAIL = Prepared(_OF_MERCHANT.where(accounts.c.email_key == bindparam("email_key")).order_by(accounts.c.id))
_BY_USERNAME = Prepared(_OF_MERCHANT.where(accounts.c.username_key == bindparam("username_key")))
_BY_CARD = Prepared(
    _SELECT.join(cards, cards.c.account_id == accounts.c.id).where(
        cards.c.merchant_id == bindparam("merchant_id"), cards.c.number_key == bindparam("number_key")
    )
)


def find(db: Connection, account_id: int) -> Account | None:
    """Return the account of this number, or None."""
    return find_one(db, _BY_NUMBER, Account, account_id=account_id)


def find_by_email(db: Connection, merchant_id: int, email_key: str) -> Sequence[Account]:
    """Return the merchant's accounts under this normalised address, oldest first."""
    return find_all(db, _BY_EMAIL, Account, merchant_id=merchant_id, email_key=email_key)


def find_by_username(db: Connection, merchant_id: int, username_key: str) -> Account | None:
    """Return the merchant's account under this normalised username, or None."""
    return find_one(db, _BY_USERNAME, Account, merchant_id=merchant_id, username_key=username_key)


def find_by_card(db: Connection, merchant_id: int, number_key: str) -> Account | None:
    """Return the merchant's account that has this card, or None. One statement, also for a card of somebody."""
    return find_one(db, _BY_CARD, Account, merchant_id=merchant_id, number_key=number_key)


def has_customer_number(db: Connection, merchant_id: int, customer_number: str, besides: int = 0) -> bool:
    """Whether an account of the merchant has this customer number, besides the one of this number."""
    statement = select(accounts.c.id).where(
        accounts.c.merchant_id == merchant_id,
        accounts.c.customer_number == customer_number,
        accounts.c.id != besides,
    )
    return db.execute(statement).one_or_none() is not None


def has_lookalike_email(
    db: Connection, merchant_id: int, email_key: str, digests: Collection[bytes], besides: int = 0
) -> bool:
    """Whether an account of the merchant, besides this one, has another address with one of these skeletons."""
    differs = (accounts.c.email_key != email_key) & (accounts.c.id != besides)
    return _has_lookalike(db, merchant_id, differs, accounts.c.email_skeleton_digest, digests)


def has_lookalike_username(
    db: Connection, merchant_id: int, username_key: str, digests: Collection[bytes], besides: int = 0
) -> bool:
    """Whether an account of the merchant, besides this one, has another username with one of these skeletons."""
    differs = (accounts.c.username_key != username_key) & (accounts.c.id != besides)
    return _has_lookalike(db, merchant_id, differs, accounts.c.username_skeleton_digest, digests)


def _has_lookalike(
    db: Connection, merchant_id: int, differs: ColumnElement[bool], column: Column[bytes], digests: Collection[bytes]
) -> bool:
    statement = select(accounts.c.id).where(accounts.c.merchant_id == merchant_id, column.in_(digests), differs)
    return db.execute(statement.limit(1)).first() is not None


def find_page(db: Connection, merchant_id: int | None, after: int, limit: int) -> Sequence[Account]:
    """Return up to `limit` accounts with numbers above `after`, by number."""
    statement = _SELECT.where(accounts.c.id > after).order_by(accounts.c.id).limit(limit)
    if merchant_id is not None:
        statement = statement.where(accounts.c.merchant_id == merchant_id)
    return find_all(db, statement, Account)


def lock(db: Connection, account_id: int) -> None:
    """Keep other calls from changing the account until the transaction ends.

    Rows that refer to it may still be added: a decode that holds a login cookie and adds a session would otherwise
    wait for us, while we wait for its cookie.
    """
    db.execute(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update(key_share=True))


def add(db: Connection, **values: Any) -> int:
    """Insert an account and return its number."""
    return insert_one(db, accounts, values)


def change(db: Connection, account_id: int, **values: Any) -> None:
    """Set these columns of the account."""
    update_one(db, accounts, account_id, values)


def change_if_same(db: Connection, seen: Account, **values: Any) -> bool:
    """Set these columns unless password or status have changed since the account was read.

    A password is verified while no transaction is open; this closes the gap. Returns whether it was set.
    """
    as_seen = {"seen_id": seen.id, "seen_status": seen.status, "seen_hash": seen.password_hash}
    return _change_if_same(tuple(values)).run(db, values | as_seen) == 1


@cache
def _change_if_same(names: tuple[str, ...]) -> Prepared:
    is_same = accounts.c.password_hash.is_not_distinct_from(bindparam("seen_hash"))
    statement = update(accounts).where(accounts.c.id == bindparam("seen_id"), is_same)
    return Prepared(statement.where(accounts.c.status == bindparam("seen_status")), names)


def add_card(db: Connection, account: Account, printed_number: str, number_key: str) -> None:
    """Insert a printed card of this account."""
    db.execute(
        insert(cards).values(
            merchant_id=account.merchant_id,
            account_id=account.id,
            printed_number=printed_number,
            number_key=number_key,
        )
    )


def keep_cards(db: Connection, account_id: int, number_keys: Sequence[str]) -> None:
    """Remove the cards of this account besides those of these normalised numbers."""
    db.execute(delete(cards).where(cards.c.account_id == account_id, cards.c.number_key.not_in(number_keys)))


def find_cards(db: Connection, account_ids: Sequence[int]) -> Sequence[tuple[int, str]]:
    """Return account number and printed number of these accounts' cards."""
    statement = select(cards.c.account_id, cards.c.printed_number).where(cards.c.account_id.in_(account_ids))
    return [(account_id, number) for account_id, number in db.execute(statement.order_by(cards.c.id))]


def find_card(db: Connection, merchant_id: int, number_key: str) -> int | None:
    """Return the number of the account that has this card, or None."""
    return db.execute(
        select(cards.c.account_id).where(cards.c.merchant_id == merchant_id, cards.c.number_key == number_key)
    ).scalar_one_or_none()


def find_former_passwords(db: Connection, account_id: int, count: int) -> Sequence[str]:
    """Return the hashes of the account's last passwords before the present one, newest first."""
    statement = (
        select(former_passwords.c.password_hash)
        .where(former_passwords.c.account_id == account_id)
        .order_by(former_passwords.c.id.desc())
        .limit(count)
    )
    return list(db.scalars(statement))


def add_former_password(db: Connection, account: Account, keep: int, now: datetime) -> None:
    """Remember the account's present password as a former one, and forget all but the last `keep`."""
    if account.password_hash is not None and keep:
        db.execute(
            insert(former_passwords).values(
                merchant_id=account.merchant_id,
                account_id=account.id,
                password_hash=account.password_hash,
                created_at=now,
            )
        )
    kept = (
        select(former_passwords.c.id)
        .where(former_passwords.c.account_id == account.id)
        .order_by(former_passwords.c.id.desc())
        .limit(keep)
    )
    db.execute(
        delete(former_passwords).where(
            former_passwords.c.account_id == account.id, former_passwords.c.id.not_in(kept.scalar_subquery())
        )
    )
