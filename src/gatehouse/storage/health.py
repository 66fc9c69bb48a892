"""What the health of the service is told by."""

from datetime import datetime
from typing import cast

from sqlalchemy import Connection, func, select

from gatehouse.domain.messages import MessageState
from gatehouse.storage.tables import messages


def oldest_due_message(db: Connection, now: datetime) -> datetime | None:
    """Return since when the message that waits longest for a worker is due, or None when none does."""
    statement = select(func.min(messages.c.due_at)).where(
        messages.c.state == MessageState.QUEUED.value, messages.c.due_at <= now
    )
    return cast(datetime | None, db.execute(statement).scalar_one())
