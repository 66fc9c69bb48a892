"""Count the SMS of a number, a merchant and a country by an index each, which holds all that is asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.drop_index("ix_messages_counted_created_at", "messages")
    counted = sa.text("country IS NOT NULL")
    for subject in ("recipient", "merchant_id", "country"):
        op.create_index(
            f"ix_messages_counted_{subject}_created_at",
            "messages",
            [subject, "created_at"],
            sqlite_where=counted,
            postgresql_where=counted,
        )
