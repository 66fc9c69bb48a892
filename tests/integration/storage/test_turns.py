"""Tests of storage/turns.py: SQLite's writers, who take turns and commit together."""

import threading
import time

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from gatehouse.domain.errors import UnavailableError
from gatehouse.storage import schema, tables
from gatehouse.storage.engine import Database
from tests.factories import NOON


@pytest.fixture
def database(tmp_path):
    """Give a database of SQLite with the tables."""
    opened = Database(f"sqlite:///{tmp_path / 'turns.db'}")
    opened.make_file()
    schema.upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
def commits(database):
    """Give a list that has an item for each commit."""
    seen = []
    event.listen(database.engine, "commit", seen.append)
    return seen


def add(db, name):
    """Insert a row that depends on no other."""
    db.execute(tables.operators.insert().values(username=name, role="admin", password_hash="none", created_at=NOON))


def names(database):
    """Return what has been committed, in the order of writing."""
    with database.reading() as db:
        return list(db.execute(sa.select(tables.operators.c.username).order_by(tables.operators.c.id)).scalars())


class Writers:
    """Threads that write in a known order: each next one waits for its turn before the first one ends."""

    def __init__(self, database):
        self.database = database
        self.raised = {}
        self._threads = []

    def run(self, *works, together=True):
        """Run the works; each is called with the connection."""
        first_may_end = threading.Event()

        def start(number, work):
            try:
                with self.database.writing(together=together) as db:
                    if number == 0:
                        first_may_end.wait(30)
                    work(db)
            except Exception as error:
                self.raised[number] = error

        for number, work in enumerate(works):
            thread = threading.Thread(target=start, args=(number, work))
            thread.start()
            self._threads.append(thread)
            self._wait_for(number)
        first_may_end.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def _wait_for(self, number):
        """Wait until this one waits for its turn, or has given up doing so."""
        turns = self.database._turns
        deadline = time.monotonic() + 20
        while (not turns._is_taken or len(turns._waiting) != number) and number not in self.raised:
            assert time.monotonic() < deadline
            time.sleep(0.001)


def adding(name):
    """Return a work that inserts a row."""
    return lambda db: add(db, name)


def breaking(name):
    """Return a work that inserts a row and fails."""

    def work(db):
        add(db, name)
        raise RuntimeError(name)

    return work


def test_those_that_wait_commit_together(database, commits):
    """One commit, and the rows of all, in the order in which they came."""
    commits.clear()
    writers = Writers(database)
    writers.run(*map(adding, "abcd"))
    assert names(database) == list("abcd")
    assert len(commits) == 1
    assert not writers.raised


def test_one_alone_commits_at_once(database, commits):
    """Nobody waits for others who may never come."""
    commits.clear()
    with database.writing(together=True) as db:
        add(db, "a")
    with database.writing(together=True) as db:
        add(db, "b")
    assert len(commits) == 2


@pytest.mark.parametrize("broken", range(4))
def test_one_that_fails_takes_back_its_own_work_alone(database, broken):
    """Wherever it is in the order, the others' work is kept, and only it has an error."""
    writers = Writers(database)
    writers.run(*((breaking if number == broken else adding)(name) for number, name in enumerate("abcd")))
    assert names(database) == [name for number, name in enumerate("abcd") if number != broken]
    assert {number: str(error) for number, error in writers.raised.items()} == {broken: "abcd"[broken]}


def test_all_are_told_when_the_commit_fails(database):
    """Nobody is answered as if it had been kept, and the next one works again."""
    fails = [True]

    @event.listens_for(database.engine, "commit")
    def fail(_connection):
        if fails:
            fails.clear()
            raise sa.exc.OperationalError("COMMIT", {}, Exception("the disk is full"))

    writers = Writers(database)
    writers.run(*map(adding, "abcd"))
    assert names(database) == []
    assert {number: type(error) for number, error in writers.raised.items()} == dict.fromkeys(
        range(4), UnavailableError
    )
    with database.writing(together=True) as db:
        add(db, "e")
    assert names(database) == ["e"]


def test_what_is_given_up_as_a_whole_is_given_up_for_all(database):
    """On a full disk SQLite may roll everything back: who was before is told, and who comes later begins anew."""

    def roll_back_all(db):
        db.connection.driver_connection.execute("ROLLBACK")
        raise RuntimeError

    writers = Writers(database)
    writers.run(adding("a"), roll_back_all, adding("c"))
    assert names(database) == ["c"]
    assert isinstance(writers.raised[0], UnavailableError)
    assert isinstance(writers.raised[1], RuntimeError)
    assert 2 not in writers.raised


def test_long_work_is_not_waited_for(database, commits):
    """What asks for a transaction of its own gets one, and those before it are not held up by it."""
    commits.clear()
    writers = Writers(database)
    writers.run(*map(adding, "abc"), together=False)
    assert len(commits) == 3
    assert names(database) == list("abc")


def test_the_wait_for_a_turn_ends(database):
    """Whoever waits too long is told so, and the turn goes to the next one all the same."""
    database._turns._seconds = 0.1
    writers = Writers(database)

    def hold(db):
        add(db, "a")
        deadline = time.monotonic() + 10
        while 1 not in writers.raised and time.monotonic() < deadline:
            time.sleep(0.01)

    writers.run(hold, adding("b"))
    assert names(database) == ["a"]
    assert isinstance(writers.raised[1], UnavailableError)
    with database.writing(together=True) as db:
        add(db, "c")
    assert names(database) == ["a", "c"]


def test_no_more_than_so_many_wait_for_each_other(database, commits, monkeypatch):
    """The first one is not held up for ever by those that come after it."""
    monkeypatch.setattr("gatehouse.storage.turns._MOST", 2)
    commits.clear()
    Writers(database).run(*map(adding, "abcde"))
    assert names(database) == list("abcde")
    assert len(commits) == 3


def test_many_threads_at_once_lose_nothing(database, commits):
    """Each row is there whose writer was told so, with fewer commits than writers; those that failed left nothing."""
    commits.clear()
    told = []

    def write(number):
        for turn in range(20):
            name = f"{number}-{turn}"
            try:
                with database.writing(together=True) as db:
                    add(db, name)
                    if turn % 5 == number % 5:
                        raise RuntimeError
            except RuntimeError:
                continue
            told.append(name)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names(database)) == sorted(told)
    assert len(told) == 12 * 16
    assert len(commits) < len(told)
