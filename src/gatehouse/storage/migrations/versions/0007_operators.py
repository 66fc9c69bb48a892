"""Add what operators sign in with, and the indexes of the lists that they look at."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INDEXES = {
    "accounts": ("merchant_id", "id"),
    "devices": ("merchant_id", "id"),
    "messages": ("merchant_id", "id"),
    "audit_entries": ("account_id", "id"),
}


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("operators", schema=None) as batch_op:
        batch_op.add_column(sa.Column("time_zone", sa.String(length=64), server_default="UTC", nullable=False))
        batch_op.add_column(sa.Column("totp_secret_sealed", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("totp_last_step", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("last_signed_in_at", sa.DateTime(timezone=True), nullable=True))
    # Before there were roles, whoever was there might do everything.
    op.execute("UPDATE operators SET role = 'owner' WHERE role = 'admin'")
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "operator_merchants",
        sa.Column("operator_id", number, nullable=False),
        sa.Column("merchant_id", number, nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_operator_merchants_operator_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_operator_merchants_merchant_id")),
        sa.PrimaryKeyConstraint("operator_id", "merchant_id", name=op.f("pk_operator_merchants")),
    )
    op.create_table(
        "operator_recovery_codes",
        sa.Column("id", number, sa.Identity(always=False), nullable=False),
        sa.Column("operator_id", number, nullable=False),
        sa.Column("code_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_operator_recovery_codes_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_recovery_codes")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_operator_recovery_codes_operator_id", "operator_recovery_codes", ["operator_id"])
    op.create_table(
        "operator_sessions",
        sa.Column("id", number, sa.Identity(always=False), nullable=False),
        sa.Column("operator_id", number, nullable=False),
        sa.Column("token_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("owes_code", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_operator_sessions_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_sessions")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_operator_sessions_token_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_operator_sessions_operator_id", "operator_sessions", ["operator_id"])
    op.create_table(
        "operator_events",
        sa.Column("id", number, sa.Identity(always=False), nullable=False),
        sa.Column("operator_id", number, nullable=False),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_events")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_operator_events_operator_id_id", "operator_events", ["operator_id", "id"])
    for table, columns in _INDEXES.items():
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
    op.create_index("ix_accounts_merchant_id_phone", "accounts", ["merchant_id", "phone"])
    op.create_index("ix_messages_merchant_id_created_at", "messages", ["merchant_id", "created_at"])
