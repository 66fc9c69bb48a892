"""What the health of the service is told by."""

from datetime import datetime
from typing import cast

from sqlalchemy import Connection, func, select

from gatehouse.domain.messages import MessageState
from gatehouse.storage.tables import account_requests, messages


def oldest_waiting(db: Connection, now: datetime) -> datetime | None:
    """Return since when what waits longest for a worker is due, or None when nothing waits."""
    due = select(func.min(messages.c.due_at)).where(
        messages.c.state == MessageState.QUEUED.value, messages.c.due_at <= now
    )
    asked = select(func.min(account_requests.c.created_at))
    found = [cast(datetime | None, db.execute(each).scalar_one()) for each in (due, asked)]
    return min((each for each in found if each is not None), default=None)
