"""Queues messages: one row for a mail or SMS, in the transaction of the call."""

from datetime import datetime

from gatehouse.domain.messages import MessageKind, MessageState
from gatehouse.operations.calls import Call
from gatehouse.storage import merchants, outbox
from gatehouse.storage.accounts import Account


def queue_mail(
    call: Call, kind: MessageKind, account: Account, expires_at: datetime | None = None, **content: str
) -> None:
    """Queue a mail to the account's owner; an account without an address gets none.

    `content` are the values of the kind's template beside the merchant's and the owner's names.
    """
    if account.email is None:
        return
    names = {"full_name": account.full_name or "", "username": account.username or ""}
    _queue(call, kind, account.merchant_id, account.id, account.email, expires_at, content | names)


def queue_sms(
    call: Call, kind: MessageKind, account: Account, phone: str, expires_at: datetime | None = None, **content: str
) -> None:
    """Queue an SMS to this number, which is not always the account's own."""
    _queue(call, kind, account.merchant_id, account.id, phone, expires_at, content)


def _queue(
    call: Call,
    kind: MessageKind,
    merchant_id: int,
    account_id: int,
    recipient: str,
    expires_at: datetime | None,
    content: dict[str, str],
) -> None:
    outbox.add(
        call.db,
        merchant_id=merchant_id,
        account_id=account_id,
        kind=kind.value,
        medium=kind.medium.value,
        recipient=recipient,
        content=content | {"merchant": merchants.get(call.db, merchant_id).name},
        state=MessageState.QUEUED.value,
        attempts=0,
        due_at=call.now,
        expires_at=expires_at,
        created_at=call.now,
    )
    call.note_queued()
