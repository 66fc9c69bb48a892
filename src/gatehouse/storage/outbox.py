"""The outbox: messages that were queued with the change that they tell of, until a worker has sent them.

Every step of a message adds a row to its history. Statements are made once and given their values when they
are executed, because a worker executes some of them for each message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from gatehouse.domain.messages import MessageState
from gatehouse.storage.records import columns, find_all, find_one, insert_one
from gatehouse.storage.tables import SMS_IS_COUNTED, message_events, messages


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
    failure: str | None
    due_at: datetime
    expires_at: datetime | None
    requeued_at: datetime | None
    sent_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """One step of a message: the state that it came into, when, and why if there is more to say."""

    state: str
    detail: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SmsCounts:
    """How many SMS were accepted of late for the same number, merchant and country."""

    number: int
    merchant: int
    country: int


_SELECT = select(*columns(Message, messages))

_DUE = or_(
    and_(messages.c.state == MessageState.QUEUED.value, messages.c.due_at <= bindparam("now")),
    and_(messages.c.state == MessageState.SENDING.value, messages.c.due_at <= bindparam("abandoned_after")),
)


def add(db: Connection, **values: Any) -> int:
    """Insert a message, queued unless the values say otherwise, and return its number."""
    number = insert_one(db, messages, values)
    _note(db, [(number, values["merchant_id"])], values["state"], values["created_at"], values.get("failure"))
    return number


def claim(
    db: Connection, claim: str, limit: int, now: datetime, abandoned_after: datetime, medium: str | None = None
) -> Sequence[Message]:
    """Take up to `limit` due messages, of one medium where given, for one worker, so that no other sends them.

    Due is what is queued and whose time has come, and what a worker took for sending before
    `abandoned_after` and never finished. On PostgreSQL rows that another worker is taking are passed over.
    """
    values = {"now": now, "abandoned_after": abandoned_after, "limit": limit, "new_claim": claim}
    taken = [Message(*row) for row in db.execute(_claim(medium), values)]
    _note(db, [(each.id, each.merchant_id) for each in taken], MessageState.SENDING.value, now, None)
    return sorted(taken, key=lambda each: each.id)


def has_due(db: Connection, now: datetime, abandoned_after: datetime, medium: str | None = None) -> bool:
    """Whether `claim` would find something; asked first because it takes no lock."""
    values = {"now": now, "abandoned_after": abandoned_after}
    return db.execute(_has_due(medium), values).one_or_none() is not None


def renew(db: Connection, message_id: int, claim: str, now: datetime) -> bool:
    """Keep a claimed message for longer. Returns False when it is another worker's by now."""
    return db.execute(_RENEW, {"of_id": message_id, "of_claim": claim, "new_due_at": now}).one_or_none() is not None


def finish(
    db: Connection,
    message_id: int,
    claim: str,
    state: MessageState,
    now: datetime,
    failure: str | None,
    wiped_at: datetime | None = None,
) -> bool:
    """Close a claimed message as sent or abandoned. Returns False when it is another worker's by now.

    Its content, which may hold a secret, is wiped: at once, or by `wipe_content` from `wiped_at` on.
    """
    values = {
        "of_id": message_id,
        "of_claim": claim,
        "new_state": state.value,
        "new_failure": failure,
        "new_sent_at": now if state is MessageState.SENT else None,
        "new_due_at": wiped_at or now,
    }
    return _step(db, _FINISH if wiped_at is None else _FINISH_KEEPING_CONTENT, values, state, now, failure)


def postpone(db: Connection, message_id: int, claim: str, due_at: datetime, failure: str, now: datetime) -> bool:
    """Queue a claimed message again for later. Returns False when it is another worker's by now."""
    values = {"of_id": message_id, "of_claim": claim, "new_due_at": due_at, "new_failure": failure}
    return _step(db, _POSTPONE, values, MessageState.QUEUED, now, failure)


def release(db: Connection, message_ids: Sequence[int], claim: str, now: datetime) -> None:
    """Queue claimed messages again that were not tried, so that others can send them at once."""
    for number in message_ids:
        values = {"of_id": number, "of_claim": claim, "new_due_at": now}
        _step(db, _RELEASE, values, MessageState.QUEUED, now, "given back untried")


def requeue(db: Connection, message_id: int, now: datetime) -> bool:
    """Queue an abandoned message again whose content is still there. Returns False when there is no such message."""
    values = {"of_id": message_id, "new_due_at": now, "new_requeued_at": now}
    return _step(db, _REQUEUE, values, MessageState.QUEUED, now, "sent again by an operator")


def has_content_to_wipe(db: Connection, now: datetime) -> bool:
    """Whether `wipe_content` would find something; asked first because it takes no lock."""
    return db.execute(_TO_WIPE, {"now": now, "limit": 1}).one_or_none() is not None


def wipe_content(db: Connection, now: datetime, limit: int) -> int:
    """Wipe the content of up to `limit` abandoned messages whose time for being sent again has passed; return how many.

    Those that an operator has sent again at this moment are left for the next time.
    """
    numbers = list(db.scalars(_TO_WIPE.with_for_update(skip_locked=True), {"now": now, "limit": limit}))
    return db.execute(_WIPE, {"numbers": numbers}).rowcount


def count_mails(db: Connection, account_id: int, kinds: Sequence[str], since: datetime) -> int:
    """Count the account's messages of these kinds from then on."""
    statement = select(func.count()).where(
        messages.c.account_id == account_id, messages.c.created_at >= since, messages.c.kind.in_(kinds)
    )
    return db.execute(statement).scalar_one()


def count_sms(
    db: Connection,
    recipient: str,
    merchant_id: int,
    country: str,
    number_since: datetime,
    others_since: datetime,
) -> SmsCounts:
    """Count what was accepted for this number since one moment, and for the merchant and the country since another.

    Each has an index with all that is asked for: there are as many at most as the limits allow, and may be thousands.
    """

    def count(of_subject: ColumnElement[bool], since: datetime) -> ScalarSelect[int]:
        counted = select(func.count()).where(of_subject, messages.c.created_at >= since, text(SMS_IS_COUNTED))
        return counted.scalar_subquery()

    statement = select(
        count(messages.c.recipient == recipient, number_since),
        count(messages.c.merchant_id == merchant_id, others_since),
        count(messages.c.country == country, others_since),
    )
    return SmsCounts(*db.execute(statement).one())


def find(db: Connection, message_id: int) -> Message | None:
    """Return the message of this number, or None."""
    return find_one(db, _SELECT.where(messages.c.id == message_id), Message)


def find_page(db: Connection, merchant_id: int | None, state: str | None, after: int, limit: int) -> Sequence[Message]:
    """Return up to `limit` messages above this number, by number: all, or a merchant's, or those in a state."""
    statement = _SELECT.where(messages.c.id > after).order_by(messages.c.id).limit(limit)
    if merchant_id is not None:
        statement = statement.where(messages.c.merchant_id == merchant_id)
    if state is not None:
        statement = statement.where(messages.c.state == state)
    return find_all(db, statement, Message)


def find_events(db: Connection, message_id: int) -> Sequence[MessageEvent]:
    """Return the history of a message, oldest first."""
    statement = select(*columns(MessageEvent, message_events)).where(message_events.c.message_id == message_id)
    return find_all(db, statement.order_by(message_events.c.id), MessageEvent)


@cache
def _claim(medium: str | None) -> ReturningUpdate[Any]:
    due = (
        select(messages.c.id)
        .where(_DUE, *_of_medium(medium))
        .order_by(messages.c.due_at)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
        # PostgreSQL may run a subquery that locks more than once, and so take more than the limit; never a CTE.
        .cte("due")
    )
    return (
        update(messages)
        .where(messages.c.id.in_(select(due.c.id)))
        .values(
            state=MessageState.SENDING.value,
            claim=bindparam("new_claim"),
            due_at=bindparam("now"),
            attempts=messages.c.attempts + 1,
        )
        .returning(*columns(Message, messages))
    )


@cache
def _has_due(medium: str | None) -> Select[Any]:
    return select(messages.c.id).where(_DUE, *_of_medium(medium)).limit(1)


def _of_medium(medium: str | None) -> Sequence[ColumnElement[bool]]:
    return [] if medium is None else [messages.c.medium == medium]


def _of_claim(**values: Any) -> ReturningUpdate[Any]:
    """Return a statement that changes a message as long as the claim is still the worker's."""
    of_claim = and_(messages.c.id == bindparam("of_id"), messages.c.claim == bindparam("of_claim"))
    return update(messages).where(of_claim).values(values).returning(messages.c.id, messages.c.merchant_id)


_RENEW = _of_claim(due_at=bindparam("new_due_at"))

_FINISHED: dict[str, Any] = {
    "state": bindparam("new_state"),
    "claim": None,
    "failure": bindparam("new_failure"),
    "sent_at": bindparam("new_sent_at"),
    "due_at": bindparam("new_due_at"),
}
_FINISH_KEEPING_CONTENT = _of_claim(**_FINISHED)
_FINISH = _of_claim(**_FINISHED, content=null())

_POSTPONE = _of_claim(
    state=MessageState.QUEUED.value, claim=None, due_at=bindparam("new_due_at"), failure=bindparam("new_failure")
)

_RELEASE = _of_claim(
    state=MessageState.QUEUED.value, claim=None, due_at=bindparam("new_due_at"), attempts=messages.c.attempts - 1
)

_TO_WIPE = (
    select(messages.c.id)
    # Said as its index says it: with a parameter, no database could tell that the index holds what is asked for.
    .where(messages.c.state == literal_column("'abandoned'"), messages.c.content.is_not(null()))
    .where(messages.c.due_at <= bindparam("now"))
    .order_by(messages.c.due_at)
    .limit(bindparam("limit"))
)
_WIPE = update(messages).where(messages.c.id.in_(bindparam("numbers", expanding=True))).values(content=null())

_REQUEUE = (
    update(messages)
    .where(messages.c.id == bindparam("of_id"), messages.c.state == MessageState.ABANDONED.value)
    .where(messages.c.content.is_not(null()))
    .values(
        state=MessageState.QUEUED.value,
        attempts=0,
        due_at=bindparam("new_due_at"),
        requeued_at=bindparam("new_requeued_at"),
    )
    .returning(messages.c.id, messages.c.merchant_id)
)


def _step(
    db: Connection,
    statement: ReturningUpdate[Any],
    values: Mapping[str, Any],
    state: MessageState,
    now: datetime,
    detail: str | None,
) -> bool:
    row = db.execute(statement, values).one_or_none()
    if row is None:
        return False
    _note(db, [(row.id, row.merchant_id)], state.value, now, detail)
    return True


def _note(db: Connection, numbers: Sequence[tuple[int, int]], state: str, now: datetime, detail: str | None) -> None:
    """Add a step to the history of each message, given as its number and its merchant's."""
    if not numbers:
        return
    steps = [
        {"message_id": number, "merchant_id": merchant_id, "state": state, "detail": detail, "created_at": now}
        for number, merchant_id in numbers
    ]
    db.execute(_ADD_EVENTS, steps)


_ADD_EVENTS = insert(message_events)
