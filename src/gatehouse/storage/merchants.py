"""Merchants: whose accounts these are, and by which rules they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from gatehouse.storage.records import columns, find_all, find_one, insert_one, update_one
from gatehouse.storage.tables import merchants


@dataclass(frozen=True, slots=True)
class Merchant:
    """One merchant.

    `region` is the country whose phone numbers may be written without a prefix (ISO 3166-1); `reset_page` the
    merchant's own page that reset codes are taken to, in the query parameter `reset_page_parameter`; `language`
    (ISO 639-1) and `colour` (`#rrggbb`) are those of its messages and hosted pages.
    """

    id: int
    name: str
    region: str
    password_min_length: int
    password_max_length: int
    password_min_strength: int
    password_history: int
    temporary_password_lifetime: timedelta
    reset_replaces_password: bool
    third_party_accounts_of_record: bool
    reset_page: str | None
    reset_page_parameter: str
    reset_code_lifetime: timedelta
    reset_code_min_length: int
    verification_fields: list[str]
    shows_masked_email: bool
    language: str
    colour: str
    created_at: datetime


_SELECT = select(*columns(Merchant, merchants))


def get(db: Connection, merchant_id: int) -> Merchant:
    """Return the merchant. Raises LookupError."""
    found = find(db, merchant_id)
    if found is None:
        raise LookupError("no such merchant")
    return found


def find(db: Connection, merchant_id: int) -> Merchant | None:
    """Return the merchant of this number, or None."""
    return find_one(db, _SELECT.where(merchants.c.id == merchant_id), Merchant)


def find_by_name(db: Connection, name: str) -> Merchant | None:
    """Return the merchant of this name, or None."""
    return find_one(db, _SELECT.where(merchants.c.name == name), Merchant)


def find_every(db: Connection) -> Sequence[Merchant]:
    """Return all merchants by number."""
    return find_all(db, _SELECT.order_by(merchants.c.id), Merchant)


def lock(db: Connection, merchant_id: int) -> None:
    """Keep other calls from changing the merchant until the transaction ends."""
    db.execute(select(merchants.c.id).where(merchants.c.id == merchant_id).with_for_update(key_share=True))


def add(db: Connection, **values: Any) -> int:
    """Insert a merchant and return its number."""
    return insert_one(db, merchants, values)


def change(db: Connection, merchant_id: int, **values: Any) -> None:
    """Set these columns of the merchant."""
    update_one(db, merchants, merchant_id, values)
