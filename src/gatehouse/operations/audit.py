"""Writes the audit trail: one row for an event, in the transaction of the call."""

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.operations.calls import Call
from gatehouse.storage import audit


def record(
    call: Call,
    event: AuditEvent,
    *,
    merchant_id: int,
    application_id: int | None = None,
    account_id: int | None = None,
    outcome: ReturnCode | None = None,
    subject: str | None = None,
) -> None:
    """Add an entry: what happened, to which account, and with which outcome where it was refused.

    `subject` is the number of the record that was worked on, where that is not the account.
    """
    audit.add(
        call.db,
        merchant_id=merchant_id,
        application_id=application_id,
        account_id=account_id,
        event=event.value,
        outcome=outcome.key if outcome else None,
        subject=subject,
        source=call.caller.source,
        request_id=call.caller.request_id,
        created_at=call.now,
    )
