"""What the loop keeps of a connection between its requests."""

import socket

import pytest

from gatehouse.server.buffering import BufferingWorker
from gatehouse.server.connections import Connection
from gatehouse.server.framing import Frame


@pytest.fixture
def worker():
    """A loop without a process around it, whose threads do nothing."""
    made = BufferingWorker.__new__(BufferingWorker)
    made.max_body_bytes, made._held_bytes, made._arriving, made._answering = 1000, 0, {}, {}
    made.tpool = made._probe_threads = made
    made.given = []
    made.do = made.given.append
    return made


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
