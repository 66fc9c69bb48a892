"""Applications: the programs that call, each known by the digest of its token."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select

from gatehouse.storage.prepared import Prepared
from gatehouse.storage.records import columns, find_all, find_one, insert_one, update_one
from gatehouse.storage.tables import applications


@dataclass(frozen=True, slots=True)
class Application:
    """One application and its policies. `signature` is `off`, `optional` or `required`.

    `origins` are those of the web pages whose scripts may call; `hash_key_sealed` is the hash key as it is kept.
    """

    id: int
    merchant_id: int
    name: str
    minimum_version: str | None
    default_role: int | None
    session_lifetime: timedelta
    session_idle_lifetime: timedelta
    cookie_lifetime: timedelta
    cookie_grace: timedelta
    requires_devices: bool
    registers_devices_by_token: bool
    signature: str
    boolean_results: bool
    origins: list[str]
    disabled_at: datetime | None
    created_at: datetime
    hash_key_sealed: bytes | None = field(repr=False)


_SELECT = select(*columns(Application, applications))
_BY_TOKEN = Prepared(
    _SELECT.where(applications.c.token_digest == bindparam("token_digest"), applications.c.disabled_at.is_(None))
)


def find_by_token(db: Connection, token_digest: bytes) -> Application | None:
    """Return the application that may call with this token, or None."""
    return find_one(db, _BY_TOKEN, Application, token_digest=token_digest)


def has_token(db: Connection, token_digest: bytes) -> bool:
    """Whether there is an application with this token, be it a disabled one."""
    return db.execute(select(applications.c.id).where(applications.c.token_digest == token_digest)).first() is not None


def find(db: Connection, application_id: int) -> Application | None:
    """Return the application of this number, or None."""
    return find_one(db, _SELECT.where(applications.c.id == application_id), Application)


def find_by_name(db: Connection, merchant_id: int, name: str) -> Application | None:
    """Return the merchant's application of this name, or None."""
    return find_one(
        db, _SELECT.where(applications.c.merchant_id == merchant_id, applications.c.name == name), Application
    )


def find_every(db: Connection, merchant_id: int | None) -> Sequence[Application]:
    """Return the merchant's applications, or those of all merchants, by number."""
    statement = _SELECT.order_by(applications.c.id)
    if merchant_id is not None:
        statement = statement.where(applications.c.merchant_id == merchant_id)
    return find_all(db, statement, Application)


def lock(db: Connection, application_id: int) -> None:
    """Keep other calls from changing the application until the transaction ends."""
    db.execute(select(applications.c.id).where(applications.c.id == application_id).with_for_update(key_share=True))


def add(db: Connection, **values: Any) -> int:
    """Insert an application and return its number."""
    return insert_one(db, applications, values)


def change(db: Connection, application_id: int, **values: Any) -> None:
    """Set these columns of the application."""
    update_one(db, applications, application_id, values)


def find_origins(db: Connection) -> set[str]:
    """Return every origin that an application which may call has listed."""
    statement = select(applications.c.origins).where(applications.c.disabled_at.is_(None))
    return {origin for listed in db.execute(statement).scalars() for origin in listed}
