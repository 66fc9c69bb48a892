"""Add the indexes by which the panel finds audit entries of a source and of a device."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_audit_entries_merchant_id_source_id", "audit_entries", ["merchant_id", "source", "id"])
    of_device = sa.text("device IS NOT NULL")
    op.create_index(
        "ix_audit_entries_of_device_merchant_id_device_id",
        "audit_entries",
        ["merchant_id", "device", "id"],
        sqlite_where=of_device,
        postgresql_where=of_device,
    )
