"""Tests of storage/silence.py: a server that answers nothing is given up, and one that works for long is not."""

import contextlib
import socket
import threading
import time

import pytest
import sqlalchemy as sa

from gatehouse.domain.errors import UnavailableError
from gatehouse.storage import silence
from gatehouse.storage.engine import Database


@contextlib.contextmanager
def mute_server():
    """A port that takes every connection, and says nothing on any."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


def refused_after(database):
    """Return the seconds after which somebody who reads is refused."""
    began = time.monotonic()
    with pytest.raises(UnavailableError), database.reading() as db:
        db.execute(sa.text("SELECT 1"))
    return time.monotonic() - began


def test_known_silence_keeps_nobody_waiting(monkeypatch):
    """One caller waits as long as a connection may take; those behind it are told at once, until one looks again."""
    # On a busy machine it may take a while until all those behind it have begun.
    monkeypatch.setattr(silence, "_KNOWN_FOR", 3.0)
    with mute_server() as port:
        database = Database(f"postgresql+psycopg://user@127.0.0.1:{port}/name?connect_timeout=2")
        waits = []
        first = refused_after(database)
        threads = [threading.Thread(target=lambda: waits.append(refused_after(database))) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(silence._KNOWN_FOR)
        again = refused_after(database)
        database.close()

    assert 1.5 < first < 6
    assert max(waits) < 1.5
    assert 1.5 < again < 6


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_long_statement_is_waited_for(database, monkeypatch):
    """The server answers on another connection, so that it works."""
    monkeypatch.setattr(silence, "_ASKED_AFTER", 0.2)
    asked = []
    is_silent = silence.Server.is_silent
    monkeypatch.setattr(silence.Server, "is_silent", lambda server: asked.append(is_silent(server)) or asked[-1])

    with database.reading() as db:
        assert db.execute(sa.text("SELECT 7 FROM pg_sleep(3)")).scalar_one() == 7

    assert len(asked) > 1
    assert not any(asked)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_statement_without_an_answer_is_given_up(database, monkeypatch):
    """With its connection, on which an answer may come later; the next is made anew."""
    monkeypatch.setattr(silence, "_ASKED_AFTER", 0.2)
    monkeypatch.setattr(silence.Server, "is_silent", lambda _: True)
    with database.reading() as db:
        before = db.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()

    began = time.monotonic()
    with pytest.raises(UnavailableError), database.reading() as db:
        db.execute(sa.text("SELECT pg_sleep(20)"))

    assert time.monotonic() - began < 10
    with database.reading() as db:
        assert db.execute(sa.text("SELECT pg_backend_pid()")).scalar_one() != before
