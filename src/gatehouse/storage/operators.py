"""Operators: the people who administer this installation, their sessions and recovery codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, or_, select, update

from gatehouse.domain.events import INSTALLATION
from gatehouse.storage.records import columns, find_all, find_one, insert_one, update_one
from gatehouse.storage.tables import (
    audit_entries,
    operator_merchants,
    operator_recovery_codes,
    operator_sessions,
    operators,
)


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator. The second factor counts from `totp_confirmed_at` on.

    A password that was drawn for the operator, and not yet replaced by its own, ends at `start_password_expires_at`.
    """

    id: int
    username: str
    role: str
    password_hash: str
    time_zone: str
    totp_secret_sealed: bytes | None
    totp_confirmed_at: datetime | None
    start_password_expires_at: datetime | None
    disabled_at: datetime | None
    last_signed_in_at: datetime | None
    created_at: datetime

    def may_sign_in(self, now: datetime) -> bool:
        """Whether the operator's password is good for anything."""
        return self.disabled_at is None and (
            self.start_password_expires_at is None or self.start_password_expires_at > now
        )


@dataclass(frozen=True, slots=True)
class OperatorSession:
    """A session of an operator. While it `owes_code` it is good for nothing but the second factor."""

    id: int
    operator_id: int
    owes_code: bool
    source: str | None
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OperatorHappening:
    """One thing that happened to an operator; `changes` are the values before and after, by field."""

    id: int
    event: str
    source: str | None
    request_id: str | None
    changes: Mapping[str, Any] | None
    created_at: datetime


_SELECT = select(*columns(Operator, operators))
_SESSIONS = select(*columns(OperatorSession, operator_sessions))
_LIVE = _SESSIONS.where(
    operator_sessions.c.token_digest == bindparam("token_digest"),
    operator_sessions.c.ended_at.is_(None),
    operator_sessions.c.expires_at > bindparam("now"),
    operator_sessions.c.last_used_at > bindparam("idle_since"),
)
_MERCHANTS = select(operator_merchants.c.merchant_id).where(
    operator_merchants.c.operator_id == bindparam("operator_id")
)


def exists(db: Connection, username: str) -> bool:
    """Whether there is an operator of this name."""
    return find_by_username(db, username) is not None


def add(db: Connection, **values: Any) -> int:
    """Insert an operator and return its number."""
    return insert_one(db, operators, values)


def find(db: Connection, operator_id: int) -> Operator | None:
    """Return the operator of this number, or None."""
    return find_one(db, _SELECT.where(operators.c.id == bindparam("operator_id")), Operator, operator_id=operator_id)


def find_by_username(db: Connection, username: str) -> Operator | None:
    """Return the operator of this normalised name, or None."""
    return find_one(db, _SELECT.where(operators.c.username == bindparam("name")), Operator, name=username)


def find_every(db: Connection) -> Sequence[Operator]:
    """Return all operators by number."""
    return find_all(db, _SELECT.order_by(operators.c.id), Operator)


def lock(db: Connection, operator_id: int) -> None:
    """Keep other calls from changing the operator until the transaction ends."""
    db.execute(select(operators.c.id).where(operators.c.id == operator_id).with_for_update(key_share=True))


def change(db: Connection, operator_id: int, **values: Any) -> None:
    """Set these columns of the operator."""
    update_one(db, operators, operator_id, values)


def change_if_same(db: Connection, seen: Operator, **values: Any) -> bool:
    """Set these columns unless the password was changed, or the operator disabled, since it was read."""
    statement = update(operators).where(
        operators.c.id == seen.id,
        operators.c.password_hash == seen.password_hash,
        operators.c.disabled_at.is_(None),
    )
    return db.execute(statement.values(**values)).rowcount == 1


def use_step(db: Connection, operator_id: int, step: int) -> bool:
    """Note that the code of this time step was used. Returns False when it, or a later one, was used before."""
    last = operators.c.totp_last_step
    statement = update(operators).where(operators.c.id == operator_id, or_(last.is_(None), last < step))
    return db.execute(statement.values(totp_last_step=step)).rowcount == 1


def find_merchants(db: Connection, operator_id: int) -> Sequence[int]:
    """Return the numbers of the merchants that were given to the operator."""
    return sorted(db.scalars(_MERCHANTS, {"operator_id": operator_id}))


def replace_merchants(db: Connection, operator_id: int, merchant_ids: Sequence[int]) -> None:
    """Make these the merchants of the operator."""
    db.execute(delete(operator_merchants).where(operator_merchants.c.operator_id == operator_id))
    if merchant_ids:
        rows = [{"operator_id": operator_id, "merchant_id": each} for each in merchant_ids]
        db.execute(insert(operator_merchants), rows)


def replace_recovery_codes(db: Connection, operator_id: int, digests: Sequence[bytes], now: datetime) -> None:
    """Make these the recovery codes of the operator."""
    db.execute(delete(operator_recovery_codes).where(operator_recovery_codes.c.operator_id == operator_id))
    if digests:
        rows = [{"operator_id": operator_id, "code_digest": each, "created_at": now} for each in digests]
        db.execute(insert(operator_recovery_codes), rows)


def use_recovery_code(db: Connection, operator_id: int, digest: bytes, now: datetime) -> bool:
    """Use a recovery code up. Returns False when there is none like it that was not used."""
    statement = update(operator_recovery_codes).where(
        operator_recovery_codes.c.operator_id == operator_id,
        operator_recovery_codes.c.code_digest == digest,
        operator_recovery_codes.c.used_at.is_(None),
    )
    return db.execute(statement.values(used_at=now)).rowcount == 1


def count_recovery_codes(db: Connection, operator_id: int) -> int:
    """Return how many recovery codes of the operator were not used."""
    statement = select(func.count()).where(
        operator_recovery_codes.c.operator_id == operator_id, operator_recovery_codes.c.used_at.is_(None)
    )
    return db.execute(statement).scalar_one()


def add_session(db: Connection, **values: Any) -> int:
    """Insert a session and return its number."""
    return insert_one(db, operator_sessions, values)


def find_session(db: Connection, token_digest: bytes, now: datetime, idle_since: datetime) -> OperatorSession | None:
    """Return the session of this token, or None when it is unknown, ended, expired or idle for too long."""
    return find_one(db, _LIVE, OperatorSession, token_digest=token_digest, now=now, idle_since=idle_since)


def find_sessions(db: Connection, operator_id: int, now: datetime, idle_since: datetime) -> Sequence[OperatorSession]:
    """Return the operator's live sessions, newest first."""
    statement = _SESSIONS.where(
        operator_sessions.c.operator_id == operator_id,
        operator_sessions.c.ended_at.is_(None),
        operator_sessions.c.owes_code.is_(False),
        operator_sessions.c.expires_at > now,
        operator_sessions.c.last_used_at > idle_since,
    )
    return find_all(db, statement.order_by(operator_sessions.c.id.desc()), OperatorSession)


def note_use(db: Connection, session_id: int, now: datetime) -> None:
    """Begin the session's idle time anew."""
    update_one(db, operator_sessions, session_id, {"last_used_at": now})


def end_session(db: Connection, session_id: int, now: datetime) -> bool:
    """End the session. Returns False when it had ended before."""
    return _end(db, now, operator_sessions.c.id == session_id) == 1


def end_sessions(db: Connection, operator_id: int, now: datetime, besides: int | None = None) -> int:
    """End every session of the operator, besides one; return how many."""
    return _end(db, now, operator_sessions.c.operator_id == operator_id, operator_sessions.c.id != (besides or 0))


def find_events(db: Connection, operator_id: int, limit: int) -> Sequence[OperatorHappening]:
    """Return the newest of what happened to the operator, from the audit trail of the installation, newest first."""
    statement = (
        select(*columns(OperatorHappening, audit_entries))
        .where(audit_entries.c.merchant_id == INSTALLATION, audit_entries.c.subject == str(operator_id))
        .order_by(audit_entries.c.id.desc())
        .limit(limit)
    )
    return find_all(db, statement, OperatorHappening)


def _end(db: Connection, now: datetime, *which: ColumnElement[bool]) -> int:
    statement = update(operator_sessions).where(operator_sessions.c.ended_at.is_(None), *which)
    return db.execute(statement.values(ended_at=now)).rowcount
