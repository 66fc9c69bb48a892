"""The schema: brought up to date by migrations, and compared with the tables.

A service on a current schema, which is nearly every start, does not load Alembic at all.
"""

from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gatehouse.storage import locks
from gatehouse.storage.engine import Database
from gatehouse.storage.tables import metadata

_MIGRATIONS = Path(__file__).parent / "migrations"

_version = sa.table("alembic_version", sa.column("version_num"))


def upgrade(database: Database) -> bool:
    """Bring the schema to the newest revision, in one transaction. Returns whether there was something to do."""
    database.make_file()
    with database.changing_schema() as db:
        locks.take(db, locks.MIGRATION)
        if _revision(db) == newest_revision():
            return False
        migrate(db)
    return True


def migrate(db: Connection, revision: str = "head") -> None:
    """Execute the migrations up to this revision, in the transaction that is open."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = db
    command.upgrade(config, revision)


def is_current(database: Database) -> bool:
    """Whether the schema is at the newest revision."""
    with database.reading() as db:
        return _revision(db) == newest_revision()


@cache
def newest_revision() -> str:
    """Return the newest revision that this version of the program knows: the files are named after theirs."""
    return max(each.name.partition("_")[0] for each in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def differences(database: Database) -> list[Any]:
    """Return what differs between the database and the tables of this program."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.reading() as db:
        return list(compare_metadata(MigrationContext.configure(db), metadata))


def _revision(db: Connection) -> str | None:
    if not sa.inspect(db).has_table(_version.name):
        return None
    return db.execute(sa.select(_version.c.version_num)).scalar_one_or_none()
