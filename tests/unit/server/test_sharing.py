"""Which connections a process gives up, so that another one gets them."""

from types import SimpleNamespace

import pytest

from gatehouse.server import sharing
from gatehouse.server.balance import Balance
from gatehouse.server.limits import GIVEN_UP_SECONDS
from gatehouse.server.sharing import SharingWorker

FIRST, LATER = 1, 2


@pytest.fixture
def worker(monkeypatch):
    """A process with twenty connections, beside one with none; its clock stands still."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(sharing.time, "monotonic", lambda: clock.now)
    made = SharingWorker.__new__(SharingWorker)
    made.balance, made.nr_conns, made._gives_up_from, made.clock = Balance(2), 20, 0.0, clock
    made.balance.note(made.balance.enter(), 20)
    made.balance.note(made.balance.enter(), 0)
    return made


def test_one_at_a_time(worker):
    """Others are told of what has changed in between."""
    assert worker.gives_up(LATER)
    assert not worker.gives_up(LATER)

    worker.clock.now += GIVEN_UP_SECONDS
    assert worker.gives_up(LATER)


def test_not_what_has_just_come(worker):
    """The other did not take it a moment ago."""
    assert not worker.gives_up(FIRST)


def test_not_without_need(worker):
    """With as many as the others there is nothing to share out."""
    worker.nr_conns = 4
    assert not worker.gives_up(LATER)
