"""Tests of storage/schema.py and the migrations, on both databases."""

import threading

import pytest
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.engine import Database
from gatehouse.storage.tables import metadata


@pytest.fixture
def empty(empty_database_url):
    """A database without tables."""
    database = Database(empty_database_url)
    yield database
    database.close()


def test_migrations_from_nothing_make_the_tables(empty):
    """The program runs on what migrations made, and is written against the tables."""
    assert not schema.is_current(empty)

    assert schema.upgrade(empty) is True

    assert schema.differences(empty) == []
    assert schema.is_current(empty)
    tables = set(sa.inspect(empty.engine).get_table_names())
    assert tables == set(metadata.tables) | {"alembic_version"}


def test_difference_from_the_tables_is_found(empty):
    """Otherwise the test above could not fail."""
    schema.upgrade(empty)
    with empty.writing() as db:
        db.execute(sa.text("ALTER TABLE accounts ADD COLUMN nickname VARCHAR(10)"))
        db.execute(sa.text("DROP INDEX ix_sessions_account_id"))

    assert sorted(difference[0] for difference in schema.differences(empty)) == ["add_index", "remove_column"]


def test_second_upgrade_does_nothing(empty):
    """Every start of the service upgrades."""
    schema.upgrade(empty)

    assert schema.upgrade(empty) is False
    assert schema.differences(empty) == []


def test_parallel_upgrades_wait_for_one_another(empty_database_url):
    """Several machines, or workers, start a new version at the same moment."""
    databases = [Database(empty_database_url) for _ in range(4)]
    barrier, outcomes = threading.Barrier(4), []

    def upgrade(database):
        barrier.wait()
        try:
            outcomes.append(schema.upgrade(database))
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=upgrade, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(repr, outcomes)) == ["False", "False", "False", "True"]
    assert schema.differences(databases[0]) == []
    for database in databases:
        database.close()


def test_failed_upgrade_leaves_nothing_behind(empty, monkeypatch):
    """Both databases change their schema in a transaction; half a schema would need a person."""
    monkeypatch.setattr(schema.command, "upgrade", lambda config, _to: _break(config.attributes["connection"]))

    with pytest.raises(RuntimeError, match="broken on the way"):
        schema.upgrade(empty)

    assert sa.inspect(empty.engine).get_table_names() == []


def _break(db):
    db.execute(sa.text("CREATE TABLE half (id INTEGER)"))
    raise RuntimeError("broken on the way")


def test_every_table_carries_its_merchant():
    """So that the schema can later be spread by merchant; operators alone belong to the installation."""
    without = {name for name, table in metadata.tables.items() if "merchant_id" not in table.c}

    assert without == {"merchants", "operators"}
