"""The schema: brought up to date by migrations, and compared with the tables."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from gatehouse.storage import locks
from gatehouse.storage.engine import Database
from gatehouse.storage.tables import metadata


def upgrade(database: Database) -> bool:
    """Bring the schema to the newest revision, in one transaction. Returns whether there was something to do."""
    database.make_file()
    with database.changing_schema() as db:
        locks.take(db, locks.MIGRATION)
        if _revision(db) == newest_revision():
            return False
        command.upgrade(_config(db), "head")
    return True


def is_current(database: Database) -> bool:
    """Whether the schema is at the newest revision."""
    with database.reading() as db:
        return _revision(db) == newest_revision()


def newest_revision() -> str:
    """Return the newest revision that this version of the program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def differences(database: Database) -> list[Any]:
    """Return what differs between the database and the tables of this program."""
    with database.reading() as db:
        return list(compare_metadata(MigrationContext.configure(db), metadata))


def _revision(db: Connection) -> str | None:
    return MigrationContext.configure(db).get_current_revision()


def _config(db: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = db
    return config
