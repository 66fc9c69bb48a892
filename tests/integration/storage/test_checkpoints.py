"""Tests of how SQLite's log is kept short without a call that waits for it."""

import contextlib
import shutil
import sqlite3
import threading
import time

import pytest
import sqlalchemy as sa

from gatehouse.delivery.worker import Worker
from gatehouse.storage import sqlite, tables
from gatehouse.storage.engine import Database
from gatehouse.storage.sqlite import GROWING_LOG, LONG_LOG, bring_log_into_file, is_log_longer
from tests.factories import make_core, make_merchant

MEGABYTE = 2**20


@pytest.fixture
def path(tmp_path, sqlite_template):
    """A migrated file of the test's own."""
    return shutil.copy(sqlite_template, tmp_path / "gatehouse.db")


@pytest.fixture
def database(path):
    """The database in it."""
    opened = Database(f"sqlite:///{path}")
    yield opened
    opened.close()


def log_of(path):
    """Return the size of the log, in bytes."""
    return path.with_name(f"{path.name}-wal").stat().st_size


def write(database, megabytes):
    """Commit again and again, until as much has gone through the log at least."""
    core = make_core(database)
    merchant = make_merchant(core)
    for _ in range(megabytes * 2):
        with database.writing() as db:
            # Half a megabyte of text, which is removed again by the next.
            db.execute(sa.delete(tables.audit_entries))
            values = {"merchant_id": merchant.id, "event": "x", "changes": {"x": "y" * (MEGABYTE // 2)}}
            db.execute(tables.audit_entries.insert().values(**values, created_at=core.now()))


def test_no_commit_brings_a_short_log_into_the_file(database, path):
    """That is for the worker, so that nobody who calls waits for the disk."""
    write(database, 6)
    before = path.stat().st_size

    assert log_of(path) > 6 * MEGABYTE
    assert database.checkpoint() is True
    assert path.stat().st_size > before


def test_log_begins_anew(database, path):
    """What was brought into the file needs no room any more."""
    write(database, 6)
    longest = log_of(path)
    for _ in range(4):
        database.checkpoint()
        write(database, 6)

    assert log_of(path) < 1.2 * longest
    database.checkpoint()
    write(database, 1)
    assert not is_log_longer(database.engine.url, LONG_LOG)


def test_log_that_always_grows_begins_anew_all_the_same(database, monkeypatch):
    """Under load something comes in each moment, and what is in the log then could not be left out of it."""
    write(database, 18)
    assert is_log_longer(database.engine.url, GROWING_LOG)

    def bring_while_another_writes(connection):
        monkeypatch.setattr(sqlite, "bring_log_into_file", bring_log_into_file)
        with database.reading() as reader:
            # While somebody reads what is in the log it goes on, as it does where writers leave no moment between them.
            reader.exec_driver_sql("BEGIN")
            reader.exec_driver_sql("SELECT count(*) FROM merchants").all()
            bring_log_into_file(connection)
            write(database, 1)
            reader.exec_driver_sql("COMMIT")
            return False

    monkeypatch.setattr(sqlite, "bring_log_into_file", bring_while_another_writes)
    database.checkpoint()
    write(database, 1)
    assert not is_log_longer(database.engine.url, LONG_LOG)


@pytest.mark.parametrize("page_bytes", [1024, 4096, 65536])
def test_length_of_a_log_is_told_by_its_pages(tmp_path, page_bytes):
    """Whatever their size, and though the file stays as long as the log has been."""
    url = sa.make_url(f"sqlite:///{tmp_path / 'x.db'}")
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as db:
        for statement in (f"PRAGMA page_size={page_bytes}", "PRAGMA journal_mode=WAL", "CREATE TABLE x (y)"):
            db.execute(statement)
        assert not is_log_longer(url, 60)
        db.execute("INSERT INTO x VALUES (zeroblob(?))", (60 * page_bytes,))
        assert is_log_longer(url, 60)
        db.execute("PRAGMA wal_checkpoint(RESTART)")
        db.execute("INSERT INTO x VALUES (1)")
        assert not is_log_longer(url, 60)
        assert is_log_longer(url, 0)


def test_log_behind_a_link_is_beside_the_file(path, tmp_path):
    """SQLite looks for it there, whatever name was used."""
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    linked = Database(f"sqlite:///{link}")
    try:
        write(linked, 6)
        assert linked.checkpoint() is True
    finally:
        linked.close()


def test_what_was_still_read_is_brought_there_later(database):
    """Though nobody writes any more."""
    with database.reading() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM merchants").all()
        write(database, 6)
        assert database.checkpoint() is True
        reader.exec_driver_sql("COMMIT")

    assert database.checkpoint() is True
    assert database.checkpoint() is False


def test_log_in_the_file_is_left_alone(database, monkeypatch):
    """Nobody asks the disk for it again and again."""
    write(database, 6)
    assert database.checkpoint() is True

    monkeypatch.setattr(sqlite, "bring_log_into_file", lambda _: pytest.fail("it was brought there again"))
    assert database.checkpoint() is False


def test_short_log_is_left_alone(database, path):
    """Otherwise the disk would be asked twice a second for a few calls."""
    assert database.checkpoint() is False
    write(database, 1)
    assert database.checkpoint() is False


def test_nobody_waits_for_who_writes(database):
    """Neither the worker for a call, nor the call for the worker."""
    write(database, 6)
    with database.writing() as db:
        db.execute(sa.delete(tables.audit_entries))
        began = time.monotonic()
        done = threading.Thread(target=database.checkpoint)
        done.start()
        done.join(10)
        assert not done.is_alive()
    assert time.monotonic() - began < 10


def test_commits_do_it_where_no_worker_runs(database, path):
    """The log does not grow without end."""
    write(database, 100)

    assert log_of(path) < 45 * MEGABYTE


def test_worker_does_it(database, path):
    """As long as it runs."""
    before = path.stat().st_size
    worker, stop = Worker(make_core(database)), threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        write(database, 6)
        deadline = time.monotonic() + 20
        while path.stat().st_size <= before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert path.stat().st_size > before
    finally:
        stop.set()
        thread.join()


def test_postgresql_has_no_log_of_ours():
    """It looks after its own, and is not even asked."""
    assert Database("postgresql+psycopg://nobody@127.0.0.1:1/none").checkpoint() is False
