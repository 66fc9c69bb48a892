"""Tests of framing.py: where requests end, in whatever pieces they come."""

import pytest

from gatehouse.server.framing import MAX_HEAD_BYTES, Frame, Progress

LIMIT = 100
HEAD = b"POST /v2/account.svc HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def whole(body: bytes, *headers: bytes) -> bytes:
    """Return a request with a length."""
    return HEAD + b"".join(each + b"\r\n" for each in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def pieces(data: bytes, size: int) -> list[bytes]:
    """Cut the bytes of a request."""
    return [data[start : start + size] for start in range(0, len(data), size)]


REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
    whole(b""),
    whole(b"0123456789"),
    whole(b"\r\n\r\n\n\n"),
    HEAD + b"content-LENGTH:3\r\n\r\nabc",
    CHUNKED + b"0\r\n\r\n",
    CHUNKED + b"3\r\nabc\r\n0\r\n\r\n",
    CHUNKED + b"1\r\na\r\n1\r\nb\r\nA;ext=1\r\n" + b"\r\n" * 6 + b"0\r\nTrailer: x\r\nOther: y\r\n\r\n",
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("request_bytes", REQUESTS)
def test_request_is_whole_with_its_last_byte(request_bytes, size):
    """Not before: a thread would wait. And not after: the caller would."""
    frame = Frame(LIMIT)

    *earlier, last = [frame.add(piece) for piece in pieces(request_bytes, size)]

    assert set(earlier) <= {Progress.UNFINISHED}
    assert last is Progress.WHOLE
    assert bytes(frame.received) == request_bytes


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"GET / HTTP/1.1\r\nHost: x\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: five\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        CHUNKED + b"x\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"+1\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"3\r\nabcdefg\r\n",
    ],
)
def test_what_is_odd_is_handed_over_at_once(request_bytes):
    """To be refused, not waited for."""
    assert Frame(LIMIT).add(request_bytes) is Progress.WHOLE


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (HEAD + b"Content-Length: 100\r\n\r\n", Progress.UNFINISHED),
        (HEAD + b"Content-Length: 101\r\n\r\n", Progress.TOO_LARGE),
        (HEAD + b"Content-Length: 9999999999999999999\r\n\r\n", Progress.TOO_LARGE),
        # A chunk that is only announced would be waited for in a thread.
        (CHUNKED + b"FFFFFFFF\r\n", Progress.UNFINISHED),
        (CHUNKED + b"FFFFFFFF\r\n" + b"x" * 100, Progress.UNFINISHED),
        (CHUNKED + b"FFFFFFFF\r\n" + b"x" * 101, Progress.TOO_LARGE),
        (CHUNKED + b"32\r\n" + b"x" * 50 + b"\r\n32\r\n" + b"x" * 50 + b"\r\n", Progress.UNFINISHED),
        (CHUNKED + b"32\r\n" + b"x" * 50 + b"\r\n33\r\n" + b"x" * 51 + b"\r\n", Progress.TOO_LARGE),
        # Also where all of it has come: the application is to refuse it, and the connection ends.
        (CHUNKED + b"65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n", Progress.TOO_LARGE),
        (CHUNKED + b"64\r\n" + b"x" * 100 + b"\r\n0\r\n\r\n", Progress.WHOLE),
        (CHUNKED + b"1;" + b"x" * 800, Progress.WASTEFUL),
        (CHUNKED + b"0\r\n" + b"X: y\r\n" * 134, Progress.WASTEFUL),
        (HEAD + b"X: " + b"y" * MAX_HEAD_BYTES, Progress.HEAD_TOO_LARGE),
        (b"\r" * (MAX_HEAD_BYTES + 1), Progress.HEAD_TOO_LARGE),
    ],
)
@pytest.mark.parametrize("size", [50, 100_000])
def test_limits(request_bytes, expected, size):
    """What is too large is known before it has come."""
    frame = Frame(LIMIT)

    found = [frame.add(piece) for piece in pieces(request_bytes, size)]

    assert expected in found[-2:]
    assert set(found[:-2]) <= {Progress.UNFINISHED}


def test_next_request_may_follow_at_once():
    """It stays with what was received."""
    frame = Frame(LIMIT)

    assert frame.add(whole(b"abc") + b"GET / HTTP/1.1\r\n") is Progress.WHOLE
    assert frame.received.endswith(b"abcGET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("head", "awaits"),
    [
        (HEAD + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n", True),
        (HEAD + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n", True),
        (HEAD + b"Content-Length: 3\r\n\r\n", False),
        (HEAD.replace(b"1.1", b"1.0") + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", False),
    ],
)
def test_continue_is_awaited(head, awaits):
    """.NET Framework and Mono send no body before it."""
    frame = Frame(LIMIT)

    assert frame.add(head) is Progress.UNFINISHED
    assert frame.awaits_continue is awaits


def test_dribbled_request_takes_no_more_time_than_its_length():
    """A byte at a time must not have all that came before looked through again."""
    frame = Frame(1024 * 1024)
    for piece in pieces(CHUNKED + b"1\r\nx\r\n" * 20_000, 1):
        assert frame.add(piece) is Progress.UNFINISHED
