"""Messages, as an operator looks at them and has them sent again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gatehouse.domain import identity
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.messages import Medium, MessageState
from gatehouse.domain.operators import Right
from gatehouse.operations import audit, authority
from gatehouse.operations.calls import Call
from gatehouse.operations.merchants import get_merchant
from gatehouse.storage import outbox
from gatehouse.storage.outbox import Message, MessageEvent

PAGE = 1000
"""Messages that a list gives at most; the next page begins after the last number of this one."""


@dataclass(frozen=True, kw_only=True)
class MessageRecord:
    """What an operator may see of a message: its way, and neither its content nor its whole recipient."""

    id: int
    merchant_id: int
    account_id: int | None
    kind: str
    medium: str
    recipient: str
    state: str
    attempts: int
    failure: str | None
    can_be_resent: bool
    due_at: datetime | None
    expires_at: datetime | None
    sent_at: datetime | None
    created_at: datetime


def list_messages(call: Call, merchant_id: int | None, state: str | None, after: int) -> Sequence[MessageRecord]:
    """Return a page of messages by number, of one merchant or in one state where given. Raises AdministrationError."""
    with call.reading():
        if merchant_id is not None:
            get_merchant(call, merchant_id)
        return [record_of(call, each) for each in outbox.find_page(call.db, merchant_id, state, after, PAGE)]


def show_message(call: Call, message_id: int) -> tuple[MessageRecord, Sequence[MessageEvent]]:
    """Return a message and its history, oldest first. Raises AdministrationError."""
    with call.reading():
        found = _get(call, message_id)
        authority.require(call, Right.READ, found.merchant_id)
        return record_of(call, found), outbox.find_events(call.db, found.id)


def resend_message(call: Call, message_id: int) -> MessageRecord:
    """Queue an abandoned message again, with 24 hours of its own. Raises AdministrationError when it cannot be."""
    with call.writing():
        found = _get(call, message_id)
        authority.require(call, Right.RESEND_MESSAGES, found.merchant_id)
        if found.state != MessageState.ABANDONED:
            raise AdministrationError(f"message {found.id} is {found.state}; only an abandoned one can be sent again")
        if found.expires_at is not None and found.expires_at <= call.now:
            raise AdministrationError(f"message {found.id} has expired: what it brings is no longer valid")
        if found.content is None or not outbox.requeue(call.db, found.id, call.now):
            raise AdministrationError(
                f"message {found.id} cannot be sent again: its content was wiped; let its recipient ask for a new one"
            )
        call.note_queued()
        audit.record(
            call,
            AuditEvent.MESSAGE_REQUEUED,
            merchant_id=found.merchant_id,
            account_id=found.account_id,
            subject=str(found.id),
        )
        return record_of(call, _get(call, message_id))


def _get(call: Call, message_id: int) -> Message:
    found = outbox.find(call.db, message_id)
    if found is None:
        raise AdministrationError("there is no message of this number")
    return found


def record_of(call: Call, message: Message) -> MessageRecord:
    """Return what an operator may see of the message."""
    mask = identity.mask_email if message.medium == Medium.MAIL else identity.mask_phone
    is_abandoned = message.state == MessageState.ABANDONED
    has_expired = message.expires_at is not None and message.expires_at <= call.now
    return MessageRecord(
        id=message.id,
        merchant_id=message.merchant_id,
        account_id=message.account_id,
        kind=message.kind,
        medium=message.medium,
        recipient=mask(message.recipient),
        state=message.state,
        attempts=message.attempts,
        failure=message.failure,
        can_be_resent=is_abandoned and message.content is not None and not has_expired,
        due_at=message.due_at if message.state == MessageState.QUEUED else None,
        expires_at=message.expires_at,
        sent_at=message.sent_at,
        created_at=message.created_at,
    )
