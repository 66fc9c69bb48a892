"""The outbox: messages that were queued with the change that they tell of, until a worker has sent them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select, update

from gatehouse.domain.messages import MessageState
from gatehouse.storage.records import columns, find_all, insert_one
from gatehouse.storage.tables import messages


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `content` holds the values for its template until it is sent."""

    id: int
    merchant_id: int
    account_id: int | None
    kind: str
    medium: str
    recipient: str
    content: dict[str, str] | None
    state: str
    attempts: int
    expires_at: datetime | None
    created_at: datetime


def add(db: Connection, **values: Any) -> int:
    """Insert a queued message and return its number."""
    return insert_one(db, messages, values)


def claim(db: Connection, claim: str, limit: int, now: datetime, abandoned_after: datetime) -> Sequence[Message]:
    """Take up to `limit` due messages for one worker, so that no other worker sends them.

    Due is what is queued and whose time has come, and what a worker took for sending before
    `abandoned_after` and never finished. On PostgreSQL rows that another worker is taking are passed over.
    """
    due = (
        select(messages.c.id)
        .where(_is_due(now, abandoned_after))
        .order_by(messages.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        # PostgreSQL may run a subquery that locks more than once, and so take more than the limit; never a CTE.
        .cte("due")
    )
    taken = (
        update(messages)
        .where(messages.c.id.in_(select(due.c.id)))
        .values(state=MessageState.SENDING.value, claim=claim, due_at=now, attempts=messages.c.attempts + 1)
        .returning(messages.c.id)
    )
    numbers = list(db.scalars(taken))
    statement = select(*columns(Message, messages)).where(messages.c.id.in_(numbers))
    return find_all(db, statement.order_by(messages.c.id), Message)


def has_due(db: Connection, now: datetime, abandoned_after: datetime) -> bool:
    """Whether `claim` would find something; asked first because it takes no lock."""
    statement = select(messages.c.id).where(_is_due(now, abandoned_after))
    return db.execute(statement.limit(1)).one_or_none() is not None


def finish(
    db: Connection, message_id: int, claim: str, state: MessageState, now: datetime, failure: str | None
) -> None:
    """Close a claimed message as sent or abandoned, and wipe its content, which may hold a secret."""
    db.execute(
        _claimed(message_id, claim).values(
            state=state.value,
            content=None,
            claim=None,
            failure=failure,
            sent_at=now if state is MessageState.SENT else None,
        )
    )


def postpone(db: Connection, message_id: int, claim: str, due_at: datetime, failure: str) -> None:
    """Queue a claimed message again for later."""
    db.execute(
        _claimed(message_id, claim).values(state=MessageState.QUEUED.value, claim=None, due_at=due_at, failure=failure)
    )


def _is_due(now: datetime, abandoned_after: datetime) -> ColumnElement[bool]:
    return or_(
        (messages.c.state == MessageState.QUEUED.value) & (messages.c.due_at <= now),
        (messages.c.state == MessageState.SENDING.value) & (messages.c.due_at <= abandoned_after),
    )


def _claimed(message_id: int, claim: str) -> Any:
    return update(messages).where(messages.c.id == message_id, messages.c.claim == claim)
