"""Add what guest management and delivery need."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "integration_merchants",
        sa.Column("integration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name=op.f("fk_integration_merchants_integration_id")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_integration_merchants_merchant_id")),
        sa.PrimaryKeyConstraint("integration_id", "merchant_id", name=op.f("pk_integration_merchants")),
    )
    op.create_table(
        "reset_codes",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False
        ),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_reset_codes_account_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_reset_codes_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reset_codes")),
        sa.UniqueConstraint("account_id", name=op.f("uq_reset_codes_account_id")),
        sa.UniqueConstraint("code_digest", "merchant_id", name=op.f("uq_reset_codes_code_digest_merchant_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "message_events",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False
        ),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_message_events_merchant_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_message_events_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_events")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("message_events", schema=None) as batch_op:
        batch_op.create_index("ix_message_events_message_id", ["message_id"], unique=False)

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("country", sa.String(length=2), nullable=True))
        batch_op.add_column(sa.Column("requeued_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            "ix_messages_counted_created_at",
            ["created_at"],
            unique=False,
            sqlite_where=sa.text("country IS NOT NULL"),
            postgresql_where=sa.text("country IS NOT NULL"),
        )

    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("postal_code", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("date_of_birth", sa.Date(), nullable=True))

    with op.batch_alter_table("merchants", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reset_page", sa.String(length=500), nullable=True))
        batch_op.add_column(
            sa.Column("reset_page_parameter", sa.String(length=40), server_default="resetCode", nullable=False)
        )
        batch_op.add_column(sa.Column("reset_code_lifetime", sa.Integer(), server_default="3600", nullable=False))
        batch_op.add_column(sa.Column("reset_code_min_length", sa.Integer(), server_default="8", nullable=False))
        batch_op.add_column(sa.Column("verification_fields", sa.JSON(), server_default="[]", nullable=False))
        # As a text: for an expression, SQLite's table would be made anew, which its foreign keys do not let go
        # and which would forget AUTOINCREMENT.
        batch_op.add_column(sa.Column("shows_masked_email", sa.Boolean(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("language", sa.String(length=2), server_default="en", nullable=False))
        batch_op.add_column(sa.Column("colour", sa.String(length=7), server_default="#1d4ed8", nullable=False))
