"""Whether the service can do its work: for load balancers and whoever is called at night."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from gatehouse.domain.errors import UnavailableError
from gatehouse.operations.core import Core
from gatehouse.storage import health, schema

OUTBOX_STUCK_AFTER = timedelta(minutes=10)
"""How long a message may be due before somebody should look; a worker takes one within a second."""


@dataclass(frozen=True)
class Check:
    """What was found out about one thing."""

    subject: str
    is_ok: bool
    detail: str


def check(core: Core) -> list[Check]:
    """Return what was checked: the database, its migrations and the outbox. What could not be asked is missing."""
    return list(_checks(core))


def _checks(core: Core) -> Iterator[Check]:
    try:
        is_current = schema.is_current(core.database)
        yield Check("database", True, "answers")
        yield Check("migrations", is_current, "current" if is_current else "not current")
        if not is_current:
            return
        with core.database.reading() as db:
            oldest = health.oldest_waiting(db, core.now())
        is_stuck = oldest is not None and oldest < core.now() - OUTBOX_STUCK_AFTER
        yield Check("outbox", not is_stuck, "messages are due and no worker takes them" if is_stuck else "empties")
    except UnavailableError:
        yield Check("database", False, "does not answer")
