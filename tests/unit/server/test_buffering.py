"""What the loop keeps of a connection between its requests, and of an answer that its caller is slow to read."""

import selectors
import socket
from collections import deque
from types import SimpleNamespace

import pytest

from gatehouse.server import buffering
from gatehouse.server.answering import Outcome
from gatehouse.server.balance import Balance
from gatehouse.server.buffering import BufferingWorker
from gatehouse.server.connections import Connection
from gatehouse.server.framing import Frame

BODY = bytes(range(256)) * 4_000


@pytest.fixture
def worker():
    """A loop without a process around it, whose threads do nothing."""
    made = BufferingWorker.__new__(BufferingWorker)
    made.max_body_bytes, made.request_seconds, made._config = 1000, 20.0, SimpleNamespace(keepalive=20.0)
    made._arriving, made._answering, made._unread, made._kept, made._lingering = {}, {}, {}, {}, {}
    made._held_bytes = made._unread_bytes = 0
    made._answered, made.pending_conns = deque(), deque()
    made._stop_deadline, made.alive, made.nr_conns = None, True, 1
    made.balance, made.place = Balance(1), None
    made.tpool = made._probe_threads = made
    made.given = []
    made.do = made.given.append
    made.poller = selectors.DefaultSelector()
    yield made
    made.poller.close()


@pytest.fixture
def answered(worker):
    """A connection whose answer a thread has left to the loop, with what its caller reads, and its other end."""
    near, far = socket.socketpair()
    near.setblocking(False)
    far.settimeout(5)
    connection = Connection(near, "", "", Frame(1000))
    worker._answering[connection] = 0.0

    def leave(rest):
        worker._answered.append((connection, Outcome(rest, bytearray(BODY))))
        worker._settle()
        return connection, far

    yield leave
    near.close()
    far.close()


def read(worker, far):
    """Return the whole answer, while the loop is told whenever the connection takes more."""
    received = b""
    while len(received) < len(BODY):
        for key, _ in worker.poller.select(0):
            key.data(key.fileobj)
        received += far.recv(65536)
    return received


def test_nothing_is_kept_of_a_request_that_is_answered(worker):
    """There may be hundreds of connections that are kept, and passwords in what came last on each."""
    near, far = socket.socketpair()
    with near, far:
        connection = Connection(near, "", "", Frame(1000))
        worker._arriving[connection] = 0.0
        worker._take(connection, b"POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\n")
        assert worker._held_bytes > 0

        worker._take(connection, b"password")
        assert len(worker.given) == 1
        assert connection.frame.received == b""
        assert worker._held_bytes == 0


@pytest.mark.parametrize(("rest", "state"), [(b"", "_kept"), (None, "_lingering"), (b"GET ", "_arriving")])
def test_answer_is_sent_as_its_caller_reads_it(worker, answered, rest, state):
    """And then the connection goes on as if it had been read at once."""
    connection, far = answered(rest)
    assert connection in worker._unread
    assert worker._answering == {}

    assert read(worker, far) == BODY

    for key, _ in worker.poller.select(0):
        key.data(key.fileobj)
    assert connection in getattr(worker, state)
    assert (worker._unread, worker._unread_bytes) == ({}, 0)


def test_answer_that_stays_unread_is_given_up(worker, answered):
    """In time, with all that was kept for it."""
    connection, far = answered(b"")
    worker._unread[connection].deadline = 0.0

    worker.murder_pending()

    assert (worker._unread, worker._unread_bytes, worker.nr_conns) == ({}, 0, 0)
    assert len(b"".join(iter(lambda: far.recv(65536), b""))) < len(BODY)


def test_callers_who_do_not_read_take_only_so_much(monkeypatch, worker, answered):
    """The one that has left its answer for longest goes first."""
    monkeypatch.setattr(buffering, "MAX_HELD_BYTES", len(BODY) // 2)

    answered(b"")

    assert (worker._unread, worker._unread_bytes, worker.nr_conns) == ({}, 0, 0)


def test_caller_that_hangs_up_is_forgotten(worker, answered):
    """Instead of reading its answer."""
    connection, far = answered(b"")
    far.close()

    worker._heed(connection, None)

    assert (worker._unread, worker._unread_bytes, worker.nr_conns) == ({}, 0, 0)


def test_room_is_made_by_who_has_been_slow_or_idle_for_longest(worker):
    """A caller who has just begun is not to go before one who has been idle for long; who lingers goes first."""
    pairs = [socket.socketpair() for _ in range(4)]
    young, idle, slow, refused = (Connection(near, "", "", Frame(1000)) for near, _ in pairs)
    worker.nr_conns = 4
    worker._arriving |= {slow: 102.0, young: 119.0}
    worker._kept[idle] = 105.0
    worker._lingering[refused] = (200.0, 0)
    left = []

    for _ in range(4):
        worker._make_room()
        left.append([each for each in (young, idle, slow, refused) if each.sock.fileno() >= 0])

    assert left == [[young, idle, slow], [young, idle], [young], []]
    for _, far in pairs:
        far.close()
