"""Tests of storage/write_lock.py: two processes that write to one file of SQLite."""

import fcntl
import os
import sqlite3
import subprocess
import sys
import time

import pytest

from gatehouse.domain.errors import UnavailableError
from gatehouse.storage import write_lock
from gatehouse.storage.engine import Database
from gatehouse.storage.locks import LONGEST_WAIT_MS

BACK_TO_BACK = """
import sys, time
from gatehouse.storage.engine import Database
database = Database(sys.argv[1])
while True:
    with database.writing() as db:
        db.exec_driver_sql("UPDATE counts SET number = number + 1")
        print("writing", flush=True)
        time.sleep(0.01)
"""
"""A process that begins again as soon as it has committed."""

SOON = 1.0
"""Seconds. Who waits in vain for a moment without a writer takes several; it should be some hundredths."""


@pytest.fixture
def url(tmp_path):
    """Give the URL of a database with one table."""
    return f"sqlite:///{tmp_path / 'lock.db'}"


@pytest.fixture
def database(url):
    """Give that database."""
    opened = Database(url)
    opened.make_file()
    with opened.writing() as db:
        db.exec_driver_sql("CREATE TABLE counts (number INTEGER)")
        db.exec_driver_sql("INSERT INTO counts VALUES (0)")
    yield opened
    opened.close()


@pytest.fixture
def other_writer(url, database):
    """Run a process that always writes."""
    with subprocess.Popen([sys.executable, "-c", BACK_TO_BACK, url], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"writing\n"
        yield process
        process.kill()


@pytest.fixture
def held(tmp_path, database):
    """Give a connection that has begun to write, and does not end."""
    connection = sqlite3.connect(tmp_path / "lock.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def write(database):
    """Write, and return how many seconds it took until that could begin, and the number that was there."""
    began = time.monotonic()
    with database.writing() as db:
        waited = time.monotonic() - began
        number = db.exec_driver_sql("UPDATE counts SET number = number + 1 RETURNING number").scalar_one()
    return waited, number


def test_who_always_writes_lets_others_in(database, other_writer):
    """And goes on afterwards: none has the lock for itself."""
    waits = []
    _, first = write(database)
    deadline = time.monotonic() + 30
    written_by_other = 0
    while len(waits) < 10 or written_by_other < 5:
        assert time.monotonic() < deadline, (waits, written_by_other)
        waited, number = write(database)
        waits.append(waited)
        written_by_other = number - first - len(waits)
    assert max(waits) < SOON, waits


def test_process_that_ended_while_it_waited_is_forgotten(database, held, url):
    """Its claim ends with it, and what it waited for is free."""
    with subprocess.Popen([sys.executable, "-c", BACK_TO_BACK, url], stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while not is_awaited(database):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()

    assert not is_awaited(database)
    held.execute("COMMIT")
    assert write(database)[0] < SOON


def is_awaited(database):
    """Whether another process says that it waits."""
    probe = write_lock.WriteLock(database._write_lock._directory)
    try:
        return not probe._flock(fcntl.LOCK_EX)
    finally:
        probe.close()


def test_who_waits_and_hangs_stops_nobody(database, tmp_path):
    """It costs the others a moment each."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        assert is_awaited(database)
        assert max(write(database)[0] for _ in range(5)) < SOON
    finally:
        os.close(descriptor)


def test_directory_that_cannot_be_locked(database, held, monkeypatch):
    """As on some file systems over a network: only the order is lost."""

    def refuse(_descriptor, _operation):
        raise OSError("no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    held.execute("COMMIT")
    assert write(database)[1] == 1

    monkeypatch.setattr(write_lock, "LONGEST_WAIT_MS", 100)
    held.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError):
        write(database)


def test_lock_that_does_not_come(database, held, monkeypatch):
    """The wait ends, and leaves nothing behind."""
    monkeypatch.setattr(write_lock, "LONGEST_WAIT_MS", 200)
    began = time.monotonic()
    with pytest.raises(UnavailableError):
        write(database)
    assert 0.2 <= time.monotonic() - began < 0.2 + SOON
    assert not is_awaited(database)

    monkeypatch.undo()
    held.execute("COMMIT")
    assert write(database)[1] == 1


def test_damaged_file(database, tmp_path):
    """Is told as what the database lacks, and the connection is given up, whatever SQLite calls it."""
    write(database)
    # Without the first two, SQLite would go on with what it has in memory.
    for ending, junk in (("-wal", b""), ("-shm", bytes(32768)), ("", b"no database" * 1000)):
        (tmp_path / f"lock.db{ending}").write_bytes(junk)
    with pytest.raises(UnavailableError):
        write(database)


def test_statements_wait_for_other_locks_as_before(database, held):
    """Only the beginning of a transaction is waited for here; the rest SQLite does."""
    held.execute("COMMIT")
    with database.writing() as db:
        assert db.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == LONGEST_WAIT_MS
