"""Previews: any message with sample values, as it would be sent."""

from datetime import UTC, datetime
from pathlib import Path

from gatehouse.delivery.templates import DEFAULT_COLOUR, LANGUAGES, RenderedMessage, render
from gatehouse.domain.messages import Medium, MessageKind, MessageState
from gatehouse.storage.merchants import Merchant
from gatehouse.storage.outbox import Message

_SAMPLES = {
    "full_name": "Jane Doe",
    "username": "jane",
    "temporary_password": "hT7kQ2mWx9Rb4cNz",
    "replaces_password": "",
    "link": "https://shop.example.com/reset?code=Zk3v8Qm1xT5nR7pL2wYb9dHs4fJc6gAe",
    "code": "123456",
    "minutes": "30",
    "device": "…1a2b",
    "phone": "+1•••••••0123",
    "former_phone": "+1•••••••0199",
}


def preview(
    kind: MessageKind, merchant: Merchant | None, language: str | None, own_templates: Path | None
) -> RenderedMessage:
    """Return the message with sample values, of a merchant or of a sample one. Raises Jinja's errors."""
    looks = {
        "merchant": merchant.name if merchant else "Example Shop",
        "colour": merchant.colour if merchant else DEFAULT_COLOUR,
        "language": language or (merchant.language if merchant else LANGUAGES[0]),
    }
    now = datetime.now(UTC)
    message = Message(
        id=1,
        merchant_id=merchant.id if merchant else 0,
        account_id=None,
        kind=kind.value,
        medium=kind.medium.value,
        recipient="jane@example.com" if kind.medium is Medium.MAIL else "+12015550123",
        content=_SAMPLES | looks,
        state=MessageState.QUEUED.value,
        attempts=0,
        failure=None,
        due_at=now,
        expires_at=None,
        requeued_at=None,
        sent_at=None,
        created_at=now,
    )
    return render(message, own_templates)
