"""Add the counts of wrong guesses, and what is done for an identity after the call that asked for it.

A device is registered for each application by itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "guess_counts",
        sa.Column("key_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("budget", sa.Integer(), nullable=False),
        sa.Column("window_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_digest", name=op.f("pk_guess_counts")),
    )
    with op.batch_alter_table("guess_counts", schema=None) as batch_op:
        batch_op.create_index("ix_guess_counts_forgotten_at", ["forgotten_at"], unique=False)

    op.create_table(
        "account_requests",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False
        ),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("application_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("identity", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.id"], name=op.f("fk_account_requests_application_id")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_account_requests_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_requests")),
        sqlite_autoincrement=True,
    )
    is_unbound = {"sqlite_where": sa.text("account_id IS NULL"), "postgresql_where": sa.text("account_id IS NULL")}
    # SQLite makes the table anew; its numbers must go on counting up.
    with op.batch_alter_table("devices", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.drop_index("uq_devices_unbound")
        batch_op.drop_constraint(op.f("uq_devices_merchant_id_device_id_account_id"), type_="unique")
        batch_op.create_unique_constraint(
            op.f("uq_devices_application_id_device_id_account_id"), ["application_id", "device_id", "account_id"]
        )
        batch_op.create_index("ix_devices_merchant_id_device_id", ["merchant_id", "device_id"], unique=False)
        batch_op.create_index("uq_devices_unbound", ["application_id", "device_id"], unique=True, **is_unbound)
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index("ix_messages_account_id_created_at", ["account_id", "created_at"], unique=False)
