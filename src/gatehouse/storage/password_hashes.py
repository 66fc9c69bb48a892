"""Every hash of a password or pincode that is kept, wherever it is."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from gatehouse.storage.tables import accounts, former_passwords, operators

_COLUMNS = (
    accounts.c.password_hash,
    accounts.c.pincode_hash,
    former_passwords.c.password_hash,
    operators.c.password_hash,
)


def count_like(db: Connection, pattern: str, but_not: Sequence[str] = ()) -> int:
    """Return how many hashes are like this pattern of SQL, and like none of the others."""
    count = 0
    for column in _COLUMNS:
        statement = select(func.count()).where(column.like(pattern), *(column.not_like(other) for other in but_not))
        count += db.execute(statement).scalar_one()
    return count
