"""Threads that answer."""

import threading

from gatehouse.server.threads import Threads


def test_tasks_are_done_side_by_side():
    """One that takes long holds up nobody while others are free."""
    threads, meeting = Threads(2, "x"), threading.Barrier(3)
    for _ in range(2):
        threads.do(lambda: meeting.wait(10))

    meeting.wait(10)
    threads.shutdown()


def test_what_goes_wrong_ends_no_thread(caplog):
    """Those who come later are answered, too."""
    threads, done = Threads(1, "x"), threading.Event()

    def fail():
        raise SystemExit("a secret")

    threads.do(fail)
    threads.do(done.set)
    assert done.wait(10)
    threads.shutdown()
    assert "a request failed" in caplog.text
    assert "a secret" not in caplog.text


def test_shutdown_waits_for_what_has_come():
    """Nobody who was taken is forgotten."""
    threads, done = Threads(2, "x"), []
    for each in range(100):
        threads.do(lambda each=each: done.append(each))

    threads.shutdown()
    assert sorted(done) == list(range(100))
