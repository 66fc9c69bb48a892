"""Bring what happened to operators into the audit trail, under the number 0 in the place of a merchant's."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INSTALLATION = 0
_TABLES = ("audit_entries", "audit_seals")


def upgrade() -> None:
    """Apply. What is moved gets no MAC, which takes the secret key; it is sealed as it is, like older entries."""
    for name in _TABLES:
        _drop_reference(name)
    _move_events(op.get_bind())
    op.drop_index("ix_operator_events_operator_id_id", "operator_events")
    op.drop_table("operator_events")


def _drop_reference(name: str) -> None:
    """Let the table's rows name no merchant that there is."""
    db = op.get_bind()
    is_sqlite = db.dialect.name == "sqlite"
    newest = _read_sequence(db, name) if is_sqlite else None
    with op.batch_alter_table(name, table_kwargs={"sqlite_autoincrement": True} if is_sqlite else {}) as batch_op:
        batch_op.drop_constraint(f"fk_{name}_merchant_id", type_="foreignkey")
    if newest is not None:
        _write_sequence(db, name, newest)


def _read_sequence(db: sa.Connection, name: str) -> int | None:
    """Return the greatest number that SQLite ever gave in this table, or None."""
    return db.execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": name}).scalar()


def _write_sequence(db: sa.Connection, name: str, newest: int) -> None:
    """Let numbers go on where they were, also where the rows of the newest were removed: seals count on that."""
    db.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
    values = {"name": name, "newest": newest}
    db.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :newest)"), values)


def _move_events(db: sa.Connection) -> None:
    moved = ("event", "source", "request_id", "changes", "created_at")
    events = sa.table("operator_events", *map(_column, ("id", "operator_id", *moved)))
    entries = sa.table("audit_entries", *map(_column, ("merchant_id", "subject", *moved)))
    found = sa.select(
        sa.literal(_INSTALLATION, sa.BigInteger),
        sa.cast(events.c.operator_id, sa.String(40)),
        *(events.c[name] for name in moved),
    ).order_by(events.c.id)
    db.execute(sa.insert(entries).from_select(["merchant_id", "subject", *moved], found))


def _column(name: str) -> sa.ColumnClause[Any]:
    return sa.column(name)
