"""Locks between processes and machines: for what may be done once, and how long anybody waits for any."""

from sqlalchemy import Connection, text

LONGEST_WAIT_MS = 20_000
"""Milliseconds that a statement waits for what others have locked."""

MIGRATION = 0x6761746568
DEMO_DATA = MIGRATION + 1
SMS_LIMITS = MIGRATION + 2
CLIENT_COUNTS = MIGRATION + 3
NEW_IDENTITIES = MIGRATION + 4
AUDIT_REMOVAL = MIGRATION + 5
OPERATORS = MIGRATION + 6


def take(db: Connection, number: int) -> None:
    """Wait until no other transaction holds this lock, and hold it until this one ends.

    On SQLite there is nothing to do: a transaction that writes has the whole database to itself.
    """
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
