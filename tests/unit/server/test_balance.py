"""Which process new connections are left to."""

import os

from gatehouse.server.balance import Balance


def test_processes_know_of_each_other() -> None:
    """What one says, those see that were made from the same."""
    balance = Balance(2)
    mine, other = balance.enter(), balance.enter()
    balance.note(mine, 5)
    assert not balance.has_fewer(5)

    if (child := os.fork()) == 0:
        try:
            balance.note(other, 4)
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert balance.has_fewer(5)
    assert not balance.has_fewer(4)


def test_who_takes_no_more_is_left_out() -> None:
    """A process that is being made, that stops, or that has ended."""
    balance = Balance(2)
    mine, other = balance.enter(), balance.enter()
    balance.note(mine, 5)
    assert not balance.has_fewer(5)

    balance.note(other, 0)
    assert balance.has_fewer(5)
    balance.close(other)
    assert not balance.has_fewer(5)

    balance.note(other, 0)
    balance.leave(other)
    assert not balance.has_fewer(5)


def test_far_fewer() -> None:
    """Where a few more are enough, connections would go to and fro."""
    balance = Balance(2)
    mine, other = balance.enter(), balance.enter()
    balance.note(mine, 16)
    assert not balance.has_far_fewer(16)

    for few, is_far in ((0, True), (7, True), (8, False), (16, False), (30, False)):
        balance.note(other, few)
        assert balance.has_far_fewer(16) is is_far, few

    balance.note(other, 0)
    assert balance.has_far_fewer(5)
    assert not balance.has_far_fewer(4)
    balance.close(other)
    assert not balance.has_far_fewer(16)


def test_more_processes_than_places() -> None:
    """They work without being balanced, until a place is free again."""
    balance = Balance(3)
    places = [balance.enter() for _ in range(3)]
    assert len(set(places)) == 3

    assert balance.enter() is None
    balance.note(None, 7)
    balance.close(None)
    balance.leave(None)
    assert balance.enter() is None

    balance.leave(places[1])
    assert balance.enter() == places[1]
