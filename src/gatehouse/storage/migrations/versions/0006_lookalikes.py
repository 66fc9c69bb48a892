"""Add what identities that look alike have in common, and compare identities without invisible characters."""

import logging
from typing import Any

import sqlalchemy as sa
from alembic import op

from gatehouse.domain import identity, lookalikes

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ROWS = 1000
"""Accounts that are worked on at a time."""

_log = logging.getLogger("gatehouse.migrations")

_accounts = sa.table(
    "accounts",
    sa.column("id", sa.BigInteger),
    sa.column("merchant_id", sa.BigInteger),
    sa.column("email", sa.String),
    sa.column("email_key", sa.String),
    sa.column("username", sa.String),
    sa.column("username_key", sa.String),
    sa.column("email_skeleton_digest", sa.LargeBinary),
    sa.column("username_skeleton_digest", sa.LargeBinary),
)


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email_skeleton_digest", sa.LargeBinary(length=32), nullable=True))
        batch_op.add_column(sa.Column("username_skeleton_digest", sa.LargeBinary(length=32), nullable=True))
    _fill(op.get_bind())
    for kind in ("email", "username"):
        op.create_index(
            f"ix_accounts_merchant_id_{kind}_skeleton_digest", "accounts", ["merchant_id", f"{kind}_skeleton_digest"]
        )


def _fill(db: sa.Connection) -> None:
    page = sa.select(_accounts).where(_accounts.c.id > sa.bindparam("after")).order_by(_accounts.c.id).limit(_ROWS)
    change = (
        sa.update(_accounts)
        .where(_accounts.c.id == sa.bindparam("number"))
        .values({name: sa.bindparam(f"new_{name}") for name in ("email_key", "username_key")})
        .values({f"{kind}_skeleton_digest": sa.bindparam(f"{kind}_digest") for kind in ("email", "username")})
    )
    after = 0
    while rows := db.execute(page, {"after": after}).all():
        db.execute(change, [_values(db, row) for row in rows])
        after = rows[-1].id


def _values(db: sa.Connection, row: Any) -> dict[str, Any]:
    email_key = _shorter(identity.email_key(row.email), row.email_key) if row.email else None
    username_key = _username_key(db, row) if row.username else None
    return {
        "number": row.id,
        "new_email_key": email_key,
        "new_username_key": username_key,
        "email_digest": lookalikes.skeleton_digest(email_key) if email_key else None,
        "username_digest": lookalikes.skeleton_digest(username_key) if username_key else None,
    }


def _username_key(db: sa.Connection, row: Any) -> str:
    """Return the username's key; the one that it had where another account has the new one."""
    key = _shorter(identity.username_key(row.username), row.username_key)
    if key == row.username_key:
        return key
    taken = sa.select(_accounts.c.id).where(
        _accounts.c.merchant_id == row.merchant_id, _accounts.c.username_key == key, _accounts.c.id != row.id
    )
    if db.execute(taken).first() is None:
        # At once, so that another one of this page is compared with it.
        db.execute(sa.update(_accounts).where(_accounts.c.id == row.id).values(username_key=key))
        return key
    _log.warning(
        "the username of account %d differs from another's by invisible characters alone; it can log in by e-mail only",
        row.id,
    )
    return str(row.username_key)


def _shorter(new: str, old: str) -> str:
    """Return the new key unless nothing is left of it, or it is longer than its column may be."""
    return new if 0 < len(new) <= max(len(old), identity.MAX_USERNAME_LENGTH) else old
