"""Add the counts by hour, and the indexes that make the panel's lists as fast for a million accounts as for ten."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_COUNTED_BACK = timedelta(hours=26)
"""How far back the hours are counted, a little later and in the background: as far as the panel shows them."""

_REMOVED = {
    "sessions": ("account_id",),
    "login_cookies": ("account_id",),
    "messages": ("merchant_id", "created_at"),
    "audit_entries": ("account_id", "id"),
}
_ADDED = (
    ("client_calls", ("merchant_id",)),
    ("tolerances", ("merchant_id",)),
    ("messages", ("merchant_id", "state", "id")),
    ("audit_entries", ("merchant_id", "account_id", "id")),
    ("audit_entries", ("merchant_id", "event", "id")),
    ("audit_entries", ("request_id", "merchant_id")),
)
_BLOCKED = "blocked_at IS NOT NULL"
_ACTIVATED = "blocked_at IS NULL AND activated_at IS NOT NULL"
_REGISTERED = "blocked_at IS NULL AND activated_at IS NULL"
_OPEN, _OPEN_ON_DEVICE = "ended_at IS NULL", "ended_at IS NULL AND device_id IS NOT NULL"
_REFUSED = "outcome IS NOT NULL"
_ADDED_WHERE = (
    ("devices", "blocked_merchant_id_id", ("merchant_id", "id"), _BLOCKED),
    ("devices", "blocked_application_id_id", ("application_id", "id"), _BLOCKED),
    ("devices", "activated_merchant_id_id", ("merchant_id", "id"), _ACTIVATED),
    ("devices", "activated_application_id_id", ("application_id", "id"), _ACTIVATED),
    ("devices", "registered_merchant_id_id", ("merchant_id", "id"), _REGISTERED),
    ("devices", "registered_application_id_id", ("application_id", "id"), _REGISTERED),
    ("sessions", "open_account_id_expires_at", ("account_id", "expires_at"), _OPEN),
    ("sessions", "open_merchant_id_device_id", ("merchant_id", "device_id"), _OPEN_ON_DEVICE),
    ("login_cookies", "open_account_id_id", ("account_id", "id"), _OPEN),
    ("login_cookies", "open_merchant_id_device_id", ("merchant_id", "device_id"), _OPEN_ON_DEVICE),
    ("login_cookies", "replayed_account_id_id", ("account_id", "id"), "replayed_at IS NOT NULL"),
    ("messages", "not_sent_created_at", ("created_at", "merchant_id", "state"), "state <> 'sent'"),
    ("audit_entries", "refused_merchant_id_outcome_id", ("merchant_id", "outcome", "id"), _REFUSED),
    ("audit_entries", "refused_merchant_id_event_outcome_id", ("merchant_id", "event", "outcome", "id"), _REFUSED),
)


def upgrade() -> None:
    """Apply."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "hourly_counts",
        sa.Column("merchant_id", number, autoincrement=False, nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("detail", sa.String(length=40), nullable=False),
        sa.Column("count", number, nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "hour", "kind", "detail", name=op.f("pk_hourly_counts")),
    )
    counted_to = op.create_table(
        "counted_to",
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("last_id", number, nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_counted_to")),
    )
    for source in ("audit_entries", "messages"):
        op.bulk_insert(counted_to, [{"source": source, "last_id": _newest_before(source)}])
    for table, columns in _REMOVED.items():
        op.drop_index(f"ix_{table}_{'_'.join(columns)}", table)
    for table, columns in _ADDED:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
    for table, name, columns, condition in _ADDED_WHERE:
        where = sa.text(condition)
        op.create_index(f"ix_{table}_{name}", table, list(columns), sqlite_where=where, postgresql_where=where)


def _newest_before(name: str) -> int:
    """Return the greatest number of a row that is older than what the panel shows, or 0."""
    rows = sa.table(name, sa.column("id", sa.BigInteger), sa.column("created_at", sa.DateTime(timezone=True)))
    older = sa.select(rows.c.id).where(rows.c.created_at < datetime.now(UTC) - _COUNTED_BACK)
    # From the newest on, so that no more is read than what the panel shows.
    return op.get_bind().execute(older.order_by(rows.c.id.desc()).limit(1)).scalar() or 0
