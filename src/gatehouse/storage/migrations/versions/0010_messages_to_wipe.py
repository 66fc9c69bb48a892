"""Add the index of abandoned messages whose content is still to be wiped."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    to_wipe = sa.text("state = 'abandoned' AND content IS NOT NULL")
    op.create_index(
        "ix_messages_to_wipe_due_at", "messages", ["due_at"], sqlite_where=to_wipe, postgresql_where=to_wipe
    )
