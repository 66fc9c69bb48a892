"""Makes a database large: rows like those that the service made itself, in any number, by the database alone.

Each table's rows are copies of one row, with what must be another in each row made from its number. So nothing here has
to know which columns there are, and calls can be made up for every row: its names, tokens and cookies are known.
"""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gatehouse.security.keys import Keys


@dataclass(frozen=True)
class Size:
    """How many rows to make. There is one login cookie for each account."""

    accounts: int
    sessions: int
    audit_entries: int


def email(number: int) -> str:
    """Return the address of an account that was made."""
    return f"scale-{number}@example.com"


def session_token(number: int) -> str:
    """Return the token of a session that was made."""
    return f"scale-session-{number}"


def login_cookie(keys: Keys, number: int) -> str:
    """Return the first cookie of a series that was made: series, generation 0, signature."""
    content = hashlib.md5(f"scale-series-{number}".encode(), usedforsecurity=False).digest() + bytes(4)
    return base64.urlsafe_b64encode(content + keys.sign_login_cookie(content)).decode().rstrip("=")


_DIGEST = {"postgresql": "sha256(convert_to({}, 'UTF8'))", "sqlite": "sha256({})"}
_YEAR_BACK = {
    "postgresql": "now() - interval '1 second' * (31536000.0 * n / {count})",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || (31536000.0 * n / {count}) || ' seconds')",
}
_NUMBERS = {
    "postgresql": "generate_series(1, {count}) AS numbers(n)",
    "sqlite": "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) "
    "SELECT n FROM numbers) AS numbers",
}


def make_large(url: str, size: Size) -> None:
    """Multiply the rows of a database in which somebody has logged in with a login cookie, and have it analysed."""
    engine = sa.create_engine(url)
    kind = engine.dialect.name
    if kind == "sqlite":
        sa.event.listen(engine, "connect", _add_functions)
    with engine.begin() as db, _without_indexes(db, ("accounts", "login_cookies", "sessions", "audit_entries")):
        if kind == "postgresql":
            # References are right by themselves, and looked up one by one they would take most of the time.
            db.exec_driver_sql("SET session_replication_role = replica")
            db.exec_driver_sql("SET maintenance_work_mem = '1GB'")
        first = {name: _highest(db, name) for name in ("accounts", "login_cookies", "sessions")}
        digest = _DIGEST[kind].format
        _copy(
            db,
            "accounts",
            size.accounts,
            id=f"{first['accounts']} + n",
            email="'scale-' || n || '@example.com'",
            email_key="'scale-' || n || '@example.com'",
            username="'scale-' || n",
            username_key="'scale-' || n",
            customer_number="'scale-' || n",
            phone="'+1201' || n",
            email_skeleton_digest=digest("'scale-email-' || n"),
            username_skeleton_digest=digest("'scale-name-' || n"),
        )
        turn = f"(n - 1) - (n - 1) / {size.accounts} * {size.accounts}"  # a percent sign would be a placeholder
        of_account = f"{first['accounts']} + 1 + {turn}"
        _copy(
            db,
            "login_cookies",
            size.accounts,
            id=f"{first['login_cookies']} + n",
            account_id=of_account,
            series_digest=digest("md5('scale-series-' || n)"),
            generation="0",
        )
        _copy(
            db,
            "sessions",
            size.sessions,
            id=f"{first['sessions']} + n",
            account_id=of_account,
            login_cookie_id=f"{first['login_cookies']} + 1 + {turn}",
            token_digest=digest("'scale-session-' || n"),
        )
        # Numbers below those that are there: what is newer than the last seal would be sealed again.
        _copy(
            db,
            "audit_entries",
            size.audit_entries,
            id="-n",
            account_id=of_account,
            request_id="'scale-' || n",
            created_at=_YEAR_BACK[kind].format(count=size.audit_entries),
        )
        if kind == "postgresql":
            for name, number in first.items():
                more = number + max(size.accounts, size.sessions) + 1
                db.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {more})")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.exec_driver_sql("VACUUM (ANALYZE)" if kind == "postgresql" else "ANALYZE")
    engine.dispose()


def _highest(db: sa.Connection, table: str) -> int:
    return int(db.exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM {table}").scalar_one())  # noqa: S608 - our names


def _copy(db: sa.Connection, table: str, count: int, **made: str) -> None:
    """Copy the first account, or the newest row that belongs to one, with these columns made from the number `n`."""
    columns = [each["name"] for each in sa.inspect(db).get_columns(table)]
    values = ", ".join(made.get(name, f"model.{name}") for name in columns)
    own = "" if table == "accounts" else " WHERE account_id IS NOT NULL"
    order = "ASC" if table == "accounts" else "DESC"
    model = f"(SELECT * FROM {table}{own} ORDER BY id {order} LIMIT 1) AS model"  # noqa: S608 - names of ours
    numbers = _NUMBERS[db.dialect.name].format(count=count)
    statement = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {model}, {numbers}"  # noqa: S608
    db.exec_driver_sql(statement)


@contextmanager
def _without_indexes(db: sa.Connection, tables: tuple[str, ...]) -> Iterator[None]:
    """Take indexes and unique constraints away inside the block, on PostgreSQL: to make them anew is much faster."""
    again = []
    if db.dialect.name == "postgresql":
        for table in tables:
            for name, told in db.exec_driver_sql(_CONSTRAINTS.format(table=table)).all():
                db.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
                again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {told}")
            for name, told in db.exec_driver_sql(_INDEXES.format(table=table)).all():
                db.exec_driver_sql(f"DROP INDEX {name}")
                again.append(told)
    yield
    for statement in again:
        db.exec_driver_sql(statement)


_CONSTRAINTS = (
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conrelid = '{table}'::regclass AND contype = 'u'"
)
_INDEXES = (
    "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
    "WHERE indrelid = '{table}'::regclass AND NOT indisprimary"
)


def _add_functions(connection: Any, _record: Any) -> None:
    connection.create_function("sha256", 1, lambda text: hashlib.sha256(text.encode()).digest(), deterministic=True)
    connection.create_function(
        "md5", 1, lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(), deterministic=True
    )
