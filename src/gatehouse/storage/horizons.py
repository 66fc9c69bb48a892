"""Up to which row of a table every one that will ever be there is there, while others write to it."""

from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, select, text


@dataclass(frozen=True)
class Horizon:
    """The newest row of a table at one moment, and the transactions that might still add one with a lower number."""

    table: str
    last: int
    writers: frozenset[str]


def look(db: Connection, table: Table) -> Horizon:
    """Return the table's horizon of this moment.

    On SQLite there is one writer, so that numbers are seen in their order. PostgreSQL gives a number when a row is
    inserted and shows it at the commit. Who inserts has locked the table (ROW EXCLUSIVE) before it gets a number,
    until its commit is seen; so whoever has a number below one that is seen is among those who hold this lock after
    that. The number of the transaction itself would tell less: it may be given after the row's number.
    """
    last = db.execute(select(func.max(table.c.id))).scalar_one() or 0
    return Horizon(table.name, last, _writers(db, table.name))


def is_final(db: Connection, horizon: Horizon) -> bool:
    """Whether every row up to the horizon that will ever be there is there."""
    return not horizon.writers or horizon.writers.isdisjoint(_writers(db, horizon.table))


def _writers(db: Connection, table: str) -> frozenset[str]:
    if db.dialect.name != "postgresql":
        return frozenset()
    statement = text(
        "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND relation = to_regclass(:table) AND pid IS DISTINCT FROM pg_backend_pid()"
    )
    return frozenset(db.scalars(statement, {"table": table}))
