"""Tests of storage/engine.py, and of the connections to both databases that it makes."""

import os
import shutil
import socket
import stat
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
import sqlalchemy as sa

from gatehouse.config import SettingsError
from gatehouse.domain.errors import UnavailableError
from gatehouse.storage import accounts, postgresql, schema, tables
from gatehouse.storage.engine import Database
from tests.factories import NOON, make_application, make_core, make_merchant, make_shop


def in_parallel(count, run):
    """Run `run(number)` in as many threads at once, and return what was raised."""
    barrier, errors = threading.Barrier(count), []

    def start(number):
        barrier.wait()
        try:
            run(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def add_operator(db, name):
    """Insert a row that depends on no other."""
    values = {"username": name, "role": "admin", "password_hash": "none", "created_at": NOON}
    db.execute(tables.operators.insert().values(**values))


def count_operators(database):
    """Return how many operators there are."""
    with database.reading() as db:
        return db.execute(sa.select(sa.func.count()).select_from(tables.operators)).scalar_one()


def test_writing_commits_and_an_exception_rolls_back(database):
    """Returning commits, raising rolls back."""
    with database.writing() as db:
        add_operator(db, "kept")

    def write_and_break():
        with database.writing() as db:
            add_operator(db, "lost")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_break()

    assert count_operators(database) == 1


def test_reading_sees_what_others_commit_meanwhile(database):
    """Each statement sees what is committed then, so that no old snapshot is held."""
    count = sa.select(sa.func.count()).select_from(tables.operators)
    with database.reading() as reader:
        assert reader.execute(count).scalar_one() == 0
        with database.writing() as db:
            add_operator(db, "new")
        assert reader.execute(count).scalar_one() == 1


def test_foreign_keys_are_enforced(database):
    """SQLite does so only when it is asked to, on each connection."""
    core = make_core(database)
    merchant = make_merchant(core)
    application = make_application(core, merchant)

    for _ in range(3):
        with pytest.raises(sa.exc.IntegrityError), database.writing() as db:
            db.execute(tables.merchants.delete())
    with database.reading() as db:
        assert db.execute(sa.select(tables.applications.c.id)).scalar_one() == application.application.id


def test_sqlite_is_set_up_for_many_processes(tmp_path):
    """WAL lets readers go on while one writes."""
    database = Database(f"sqlite:///{tmp_path / 'new' / 'gatehouse.db'}")
    database.make_file()
    with database.reading() as db:
        pragmas = {
            name: db.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }

    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 20000, "synchronous": 1}
    database.close()


def test_thirty_two_parallel_writers_all_succeed(database):
    """The issue's words: no `database is locked`."""

    def write(number):
        for turn in range(5):
            with database.writing() as db:
                add_operator(db, f"{number}-{turn}")

    assert in_parallel(32, write) == []
    assert count_operators(database) == 160


def test_processes_that_open_a_new_sqlite_file_together_all_write(tmp_path):
    """The switch to WAL takes a lock that SQLite does not wait for; each process has a `Database` of its own."""
    for turn in range(20):
        databases = [Database(f"sqlite:///{tmp_path / f'{turn}.db'}") for _ in range(6)]

        def write(number, databases=databases):
            databases[number].make_file()
            with databases[number].writing() as db:
                db.exec_driver_sql("CREATE TABLE IF NOT EXISTS rows (id INTEGER)")
                db.exec_driver_sql("INSERT INTO rows VALUES (1)")

        errors = in_parallel(6, write)
        with databases[0].reading() as db:
            count = db.exec_driver_sql("SELECT count(*) FROM rows").scalar_one()
        for database in databases:
            database.close()

        assert errors == []
        assert count == 6


def test_processes_that_write_together_all_succeed(database_url):
    """A lock inside one process does not help against another one."""
    databases = [Database(database_url) for _ in range(8)]

    def write(number):
        for turn in range(10):
            with databases[number].writing() as db:
                db.execute(sa.select(tables.operators.c.username)).all()
                add_operator(db, f"{number}-{turn}")

    errors, count = in_parallel(8, write), count_operators(databases[0])
    for database in databases:
        database.close()

    assert errors == []
    assert count == 80


def test_writers_that_read_first_all_succeed(database):
    """A transaction that reads and then writes fails at once on SQLite, had it not asked for the lock before."""

    def read_then_write(number):
        for turn in range(5):
            with database.writing() as db:
                db.execute(sa.select(tables.operators.c.username)).all()
                add_operator(db, f"{number}-{turn}")

    assert in_parallel(16, read_then_write) == []
    assert count_operators(database) == 80


def test_readers_go_on_while_somebody_writes(database):
    """A long write must not stop logins from being looked up."""
    with database.writing() as db:
        add_operator(db, "uncommitted")
        assert in_parallel(4, lambda _number: count_operators(database)) == []
        assert count_operators(database) == 0


def test_counter_raised_in_sql_loses_nothing(database):
    """Read, add and write back would."""
    with database.writing() as db:
        add_operator(db, "0")
    name = tables.operators.c.role

    def raise_it(_number):
        for _ in range(5):
            with database.writing() as db:
                db.execute(tables.operators.update().values(role=name.concat("x")))

    assert in_parallel(3, raise_it) == []
    with database.reading() as db:
        assert db.execute(sa.select(name)).scalar_one() == "admin" + "x" * 15


def test_account_numbers_start_above_the_merchants(database):
    """So that one is never taken for the other; the contract's example has 1001."""
    assert make_shop(make_core(database)).account.id == 1001


def test_number_of_a_deleted_row_is_not_given_again(database):
    """An audit entry that names it must not point to somebody else."""
    with database.writing() as db:
        add_operator(db, "first")
        first = db.execute(sa.select(tables.operators.c.id)).scalar_one()
        db.execute(tables.merchants.insert().values(_merchant("gone")))
        gone = db.execute(sa.select(tables.merchants.c.id)).scalar_one()
        db.execute(tables.merchants.delete())
        db.execute(tables.merchants.insert().values(_merchant("next")))

        assert db.execute(sa.select(tables.merchants.c.id)).scalar_one() > gone
        assert first >= 1


def _merchant(name):
    return {
        "name": name,
        "region": "US",
        "password_min_length": 8,
        "password_max_length": 128,
        "password_min_strength": 2,
        "password_history": 0,
        "temporary_password_lifetime": timedelta(minutes=30),
        "reset_replaces_password": False,
        "third_party_accounts_of_record": False,
        "created_at": NOON,
    }


def test_moments_come_back_in_utc_from_both(database):
    """One database knows zones, the other does not."""
    tokyo = datetime(2026, 3, 1, 21, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    with database.writing() as db:
        db.execute(tables.merchants.insert().values(_merchant("M") | {"created_at": tokyo}))
        row = db.execute(sa.select(tables.merchants)).one()

    assert row.created_at == datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert row.created_at.tzinfo is UTC
    assert row.temporary_password_lifetime == timedelta(minutes=30)


@pytest.mark.parametrize("written", ["2026-03-01", "2026-03-01 00:00:00", "2026-03-01T00:00:00+00:00"])
def test_moments_that_others_wrote_are_read(tmp_path, sqlite_template, written):
    """SQLite keeps them as text, which a script of the operator may have written in another form than we do."""
    shutil.copy(sqlite_template, tmp_path / "gatehouse.db")
    database = Database(f"sqlite:///{tmp_path / 'gatehouse.db'}")
    with database.writing() as db:
        db.execute(tables.merchants.insert().values(_merchant("M")))
        db.exec_driver_sql("UPDATE merchants SET created_at = ?", (written,))

        assert db.execute(sa.select(tables.merchants.c.created_at)).scalar_one() == datetime(2026, 3, 1, tzinfo=UTC)
    database.close()


def test_moment_without_a_zone_is_refused(database):
    """It would mean something else on each machine."""
    naive = datetime(2026, 3, 1, 12, 0)  # noqa: DTZ001 - that is what is refused
    with pytest.raises(sa.exc.StatementError, match="time zone"), database.writing() as db:
        db.execute(tables.merchants.insert().values(_merchant("M") | {"created_at": naive}))


def test_database_that_is_away_is_unavailable(tmp_path):
    """The caller is told to come back, and nothing of the reason; on PostgreSQL nobody listens."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        away = Database(f"postgresql+psycopg://gatehouse@127.0.0.1:{silent.getsockname()[1]}/gatehouse")
        for block in (away.reading, away.writing):
            with pytest.raises(UnavailableError) as raised, block():
                pass
            assert str(raised.value) == "OperationalError"
        away.close()

    folder = Database(f"sqlite:///{tmp_path}")
    with pytest.raises(UnavailableError), folder.reading():
        pass
    folder.close()


@pytest.mark.parametrize("together", [True, False])
def test_file_that_was_moved_is_not_written_to(tmp_path, sqlite_template, together):
    """Changes that go to a file without a name are changes that nobody will ever see. Nor is an empty one made."""
    path, elsewhere = tmp_path / "gatehouse.db", tmp_path / "elsewhere.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    with database.writing(together=together) as db:
        add_operator(db, "before")
    path.rename(elsewhere)

    for block in (database.reading, partial(database.writing, together=together)):
        with pytest.raises(UnavailableError), block():
            pass
    assert not path.exists()

    elsewhere.rename(path)
    with database.writing(together=together) as db:
        add_operator(db, "after")
    assert count_operators(database) == 2
    database.close()


@pytest.mark.parametrize("together", [True, False])
def test_file_that_was_replaced_is_used(tmp_path, sqlite_template, together):
    """A backup that was put in the place of the file counts without a restart."""
    path, backup = tmp_path / "gatehouse.db", tmp_path / "backup.db"
    shutil.copy(sqlite_template, path)
    shutil.copy(sqlite_template, backup)
    database = Database(f"sqlite:///{path}")
    with database.writing(together=together) as db:
        add_operator(db, "of the old file")
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink()
    backup.replace(path)

    with database.writing(together=together) as db:
        add_operator(db, "of the new file")
    assert count_operators(database) == 1
    database.close()


def test_connection_that_could_only_read_is_given_up(tmp_path, sqlite_template):
    """SQLite opens a file that it may not write to for reading, and that connection would never write again."""
    path = tmp_path / "gatehouse.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}", connections=1)
    with database.reading() as db:
        db.exec_driver_sql("PRAGMA query_only = ON")

    with pytest.raises(UnavailableError), database.writing() as db:
        add_operator(db, "refused")
    with database.writing() as db:
        add_operator(db, "taken")

    assert count_operators(database) == 1
    database.close()


def test_kept_connection_is_given_up_with_the_others(tmp_path, sqlite_template):
    """One that could only read may keep all of its process from writing, until the last of them is closed."""
    path = tmp_path / "gatehouse.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    with database.writing(together=True) as db:
        add_operator(db, "before")
        kept = db.connection.driver_connection
    with database.reading() as db:
        db.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(UnavailableError), database.reading() as db:
        add_operator(db, "refused")

    with database.writing(together=True) as db:
        assert db.connection.driver_connection is not kept
        add_operator(db, "after")
    assert count_operators(database) == 2
    database.close()


@pytest.mark.parametrize("umask", [0o022, 0o000, 0o077])
def test_files_of_the_database_are_for_user_and_group_alone(tmp_path, umask):
    """Whatever the umask of who starts it."""
    path = tmp_path / "new" / "a #% name.db"
    database = Database(f"sqlite:///{path}")
    before = os.umask(umask)
    try:
        schema.upgrade(database)
    finally:
        os.umask(before)

    modes = {each.name.removeprefix(path.name): stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(["", "-wal", "-shm"], 0o640 & ~umask)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    database.close()


def test_what_others_lock_is_not_waited_for_without_end(postgres_server, postgres_template, monkeypatch):
    """As on SQLite, a call says that the service is not available before its caller has gone."""
    monkeypatch.setitem(postgresql._SESSION, "lock_timeout", 200)
    with postgres_server.database("locked", postgres_template) as url:
        database = Database(url)
        with database.writing() as other:
            other.execute(sa.text("LOCK TABLE operators"))
            with pytest.raises(UnavailableError):
                count_operators(database)

        assert count_operators(database) == 0
        database.close()


def insert_two(db):
    """Write two rows that are new."""
    rows = [{"username": name, "role": "admin", "password_hash": "none", "created_at": NOON} for name in "ab"]
    db.execute(tables.operators.insert(), rows)


def update_two(db):
    """Write to two rows by two sets of values."""
    statement = tables.operators.update().where(tables.operators.c.username == sa.bindparam("before"))
    rows = [{"before": "a", "after": "c"}, {"before": "b", "after": "d"}]
    db.execute(statement.values(username=sa.bindparam("after")), rows)


@pytest.mark.parametrize("write", [insert_two, update_two])
def test_who_vanishes_after_writing_several_rows_holds_no_locks(postgres_server, postgres_template, monkeypatch, write):
    """The server ends a transaction in which nothing comes any more, also after the last of many rows."""
    # Long enough for a busy machine to come from one statement to the next.
    monkeypatch.setitem(postgresql._SESSION, "idle_in_transaction_session_timeout", 1000)
    is_there = "SELECT 1 FROM pg_stat_activity WHERE datname = 'vanished'"
    with postgres_server.database("vanished", postgres_template) as url:
        database = Database(url)
        with database.engine.connect() as vanished:
            vanished.execute(sa.text("BEGIN"))
            write(vanished)
            deadline = time.monotonic() + 10
            while postgres_server.administration.execute(is_there).fetchone() and time.monotonic() < deadline:
                time.sleep(0.05)
            with pytest.raises(sa.exc.DBAPIError, match="idle-in-transaction"):
                vanished.execute(sa.text("SELECT 1"))

        assert count_operators(database) == 0
        database.close()


def test_url_wins_over_how_connections_are_given_up(postgres_server, postgres_template):
    """An operator may know the network better."""
    with postgres_server.database("options", postgres_template) as url:
        database = Database(f"{url}?keepalives_idle=77")
        with database.reading() as db:
            parameters = db.connection.driver_connection.info.get_parameters()
        database.close()

    assert parameters["keepalives_idle"] == "77"
    assert parameters["tcp_user_timeout"] == "10000"


def test_connection_that_was_used_last_is_used_again(postgres_server, postgres_template):
    """The others rest: each that has rested is asked whether it lives before it is used."""
    pid = sa.text("SELECT pg_backend_pid()")
    with postgres_server.database("resting", postgres_template) as url:
        database = Database(url)
        with database.reading() as first, database.reading() as second:
            others = {each.execute(pid).scalar_one() for each in (first, second)}
        used = []
        for _ in range(4):
            with database.reading() as db:
                used.append(db.execute(pid).scalar_one())
        database.close()

    assert len(others) == 2
    assert len(set(used)) == 1


def test_connection_that_died_is_replaced(postgres_server, postgres_template):
    """A server that was restarted is found again without anybody noticing."""
    with postgres_server.database("restarted", postgres_template) as url:
        database = Database(url)
        assert count_operators(database) == 0
        postgres_server.administration.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'restarted'"
        )

        assert count_operators(database) == 0
        database.close()


def test_session_is_added_while_its_account_is_locked(shop):
    """A decode holds its cookie and adds a session; a reset holds the account and ends cookies: neither may wait."""
    if shop.core.database.is_sqlite:
        return  # Writers follow one another there, whatever they lock.
    waits = sa.text("SET LOCAL lock_timeout = 1000")
    with shop.core.database.writing() as resetting:
        accounts.lock(resetting, shop.account.id)
        with shop.core.database.writing() as decoding:
            decoding.execute(waits)
            decoding.execute(
                tables.sessions.insert().values(
                    merchant_id=shop.merchant.id,
                    application_id=shop.application.application.id,
                    account_id=shop.account.id,
                    token_digest=bytes(32),
                    must_change_password=False,
                    last_used_at=NOON,
                    expires_at=NOON,
                    created_at=NOON,
                )
            )

    assert len(shop.rows(tables.sessions)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "no-secret-url",
        "nosuch://secret@host/db",
        "mysql://u:secret@host/db",
        "postgresql+nosuch://u:secret@host/db",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_url_that_is_none_is_a_wrong_setting(url):
    """Its value may hold a password, and is not shown."""
    with pytest.raises(SettingsError) as raised:
        Database(url)

    assert str(raised.value).startswith("GATEHOUSE_DATABASE_URL: ")
    assert "secret" not in str(raised.value)
