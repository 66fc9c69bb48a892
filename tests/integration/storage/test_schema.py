"""Tests of storage/schema.py and the migrations, on both databases."""

import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from gatehouse.storage import schema
from gatehouse.storage.engine import Database
from gatehouse.storage.tables import metadata
from tests.factories import NOON


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
        db.execute(sa.text("DROP INDEX ix_sessions_login_cookie_id"))

    assert sorted(difference[0] for difference in schema.differences(empty)) == ["add_index", "remove_column"]


def test_newest_revision_is_that_of_the_migrations():
    """The names of the files say it, so that what reads the migrations need not be loaded to start."""
    assert schema.newest_revision() == ScriptDirectory(str(schema._MIGRATIONS)).get_current_head()


def test_a_start_on_a_current_schema_does_without_alembic(empty):
    """Which takes longer to load than anything else that is not needed then."""
    schema.upgrade(empty)
    url = empty.engine.url.render_as_string(hide_password=False)
    program = (
        "import sys; from gatehouse.storage import schema; from gatehouse.storage.engine import Database; "
        f"assert not schema.upgrade(Database({url!r})); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_second_upgrade_does_nothing(empty):
    """Every start of the service upgrades."""
    schema.upgrade(empty)

    assert schema.upgrade(empty) is False
    assert schema.differences(empty) == []


def test_upgrade_keeps_the_rows_of_the_first_release(empty):
    """On SQLite a table that a migration makes anew would lose them, or fail at its foreign keys."""
    with empty.writing() as db:
        schema.migrate(db, "0001")
    with empty.writing() as db:
        first = sa.MetaData()
        # In this order, so that each refers to the one before; what refers to a table that is made anew is last.
        names = ("merchants", "applications", "devices", "activation_codes")
        first.reflect(db, only=names)
        for name in names:
            db.execute(first.tables[name].insert().values(_row(first.tables[name])))

    assert schema.upgrade(empty) is True

    with empty.writing() as db:
        assert db.execute(sa.text("SELECT name FROM merchants")).scalars().all() == ["x"]
        assert db.execute(sa.text("SELECT merchant_id FROM applications")).scalars().all() == [1]
        assert db.execute(sa.text("SELECT device_id FROM devices")).scalars().all() == ["x"]
        assert db.execute(sa.text("SELECT device_number FROM activation_codes")).scalars().all() == [1]
        with pytest.raises(sa.exc.IntegrityError):
            db.execute(sa.text("UPDATE activation_codes SET device_number = 2"))
    assert schema.differences(empty) == []


def test_every_number_on_sqlite_is_given_once(tmp_path):
    """A table that a migration makes anew forgets it, and no comparison of tables would tell."""
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    schema.upgrade(database)
    with database.reading() as db:
        made = dict(db.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all())
    database.close()

    counted = [name for name, table in metadata.tables.items() if table.dialect_options["sqlite"]["autoincrement"]]
    assert "merchants" in counted
    assert [name for name in counted if "AUTOINCREMENT" not in made[name]] == []


def _row(table):
    """Return a value of its kind for each column that must have one."""
    values = {sa.Boolean: False, sa.Integer: 1, sa.BigInteger: 1, sa.LargeBinary: b"x", sa.DateTime: NOON}
    return {
        column.name: next((value for kind, value in values.items() if isinstance(column.type, kind)), "x")
        for column in table.c
        if not column.nullable and not column.primary_key
    }


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

    differences = schema.differences(databases[0])
    for database in databases:
        database.close()
    assert sorted(map(repr, outcomes)) == ["False", "False", "False", "True"]
    assert differences == []


def test_failed_upgrade_leaves_nothing_behind(empty, monkeypatch):
    """Both databases change their schema in a transaction; half a schema would need a person."""
    monkeypatch.setattr(schema, "migrate", _break)

    with pytest.raises(RuntimeError, match="broken on the way"):
        schema.upgrade(empty)

    assert sa.inspect(empty.engine).get_table_names() == []


def _break(db):
    db.execute(sa.text("CREATE TABLE half (id INTEGER)"))
    raise RuntimeError("broken on the way")


def test_every_table_carries_its_merchant():
    """So that the schema can later be spread by merchant; operators and networks alone belong to the installation."""
    without = {name for name, table in metadata.tables.items() if "merchant_id" not in table.c}

    of_operators = {"operators", "operator_recovery_codes", "operator_sessions"}
    assert without == {"merchants", "guess_counts", "counted_to"} | of_operators
