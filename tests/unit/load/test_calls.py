"""Tests of load/calls.py: which call follows from what others gave."""

import pytest

from gatehouse.load import calls
from gatehouse.load.calls import Calls
from gatehouse.load.people import Person
from gatehouse.load.target import Target


@pytest.fixture
def clock(monkeypatch):
    """Give the moment, in seconds, as a list of one."""
    now = [1000.0]
    monkeypatch.setattr(calls.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def made():
    """Give the calls of one person."""
    return Calls(Target("127.0.0.1", 8080, is_tls=False, prefix=""), [Person("a@example.com", "secret", "token")])


def answer(turn, session):
    """Let a call succeed, and a login give this session."""
    turn.take("Success", b"<CredentialsToken>%s</CredentialsToken>" % session)


def test_session_is_used_once(made, clock):
    """To log off, or to register a device."""
    answer(made.makers["login"](), b"first")
    answer(made.makers["login"](), b"second")

    assert b"first" in made.makers["logoff"]().request
    assert b"second" in made.makers["register"]().request
    assert made.makers["logoff"]().name == "login"


def test_registered_device_is_used_again(made, clock):
    """Until its session may have expired."""
    answer(made.makers["login"](), b"first")
    answer(made.makers["register"](), b"")

    for _ in range(3):
        clock[0] += 9
        turn = made.makers["code"]()
        assert (turn.name, b"first" in turn.request) == ("code", True)
        answer(turn, b"")
    clock[0] += 9
    assert made.makers["code"]().name == "login"


def test_session_that_may_have_expired_is_not_used(made, clock):
    """The newer one behind it is."""
    answer(made.makers["login"](), b"first")
    clock[0] += 20
    answer(made.makers["login"](), b"second")
    clock[0] += 20

    assert b"second" in made.makers["logoff"]().request


def test_session_that_had_expired_is_not_tried_again(made, clock):
    """Where sessions live shorter than that."""
    answer(made.makers["login"](), b"first")
    answer(made.makers["register"](), b"")
    made.makers["code"]().take("SessionExpired", b"")

    assert made.makers["code"]().name == "login"
