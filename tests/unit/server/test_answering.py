"""What a thread does with a request: what is sent, and where the next one begins."""

import logging
import socket
import threading

import pytest
from gunicorn.config import Config

from gatehouse.server.answering import answer, fixed
from gatehouse.server.connections import Connection
from gatehouse.server.framing import Frame

GET = b"GET /a%20place?q=1 HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
GOES_ON, CLOSES = b"", None


class Answering:
    """An application, and what comes of requests to it on a connection of whose other end we read."""

    def __init__(self):
        self.config = fixed(Config())
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.far.settimeout(10)
        self.connection = Connection(self.near, ("192.0.2.7", 4711), ("127.0.0.1", 80), Frame(1 << 20))
        self.seen = []
        self.outcome = None

    def application(self, environ, start_response):
        self.seen.append((environ, environ["wsgi.input"].read()))
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    def answer(self, received, application=None, is_last=False):
        self.connection.requests += 1
        application = application or self.application
        self.outcome = answer(self.config, application, self.connection, received, 100, is_last=is_last)
        return self.outcome.rest

    def received(self):
        self.near.close()
        return b"".join(iter(lambda: self.far.recv(65536), b""))


@pytest.fixture
def thread():
    """What a thread does, and both ends of its connection."""
    made = Answering()
    yield made
    made.near.close()
    made.far.close()


def streaming(*parts, headers=(), status="200 OK"):
    def application(_environ, start_response):
        start_response(status, list(headers))
        for part in parts:
            if isinstance(part, Exception):
                raise part
            yield part

    return application


def test_head_and_body_go_together(thread):
    """Each piece on its own is a call of the system, and lets other threads go first."""
    assert thread.answer(GET) == GOES_ON

    head, _, body = thread.far.recv(65536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: keep-alive" in head
    assert body == b"ok"


def test_request_as_wsgi_has_it(thread):
    """Source: PEP 3333. A header with an underscore would look like another one."""
    thread.answer(GET.replace(b"Host: x", b"Host: x\r\nA-B: 1\r\nA_B: 2\r\nA-b: 3\r\nSCRIPT_NAME: /a"))

    [(environ, body)] = thread.seen
    assert (environ["PATH_INFO"], environ["QUERY_STRING"], environ["SCRIPT_NAME"]) == ("/a place", "q=1", "")
    assert (environ["REMOTE_ADDR"], environ["SERVER_PORT"], environ["SERVER_PROTOCOL"]) == (
        "192.0.2.7",
        "80",
        "HTTP/1.1",
    )
    assert environ["HTTP_A_B"] == "1,3"
    assert body == b""


@pytest.mark.parametrize("request_bytes", [POST, CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("is_read", [True, False])
def test_what_comes_behind_is_the_next_request(thread, request_bytes, is_read):
    """Whether or not the application has read the body."""
    application = None if is_read else streaming(b"ok", headers=[("Content-Length", "2")])

    assert thread.answer(request_bytes + GET, application) == GET
    if is_read:
        assert [body for _, body in thread.seen] == [b"body"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        POST.replace(b"Host", b"Connection: close\r\nHost"),
        GET.replace(b"1.1", b"1.0"),
        POST.replace(b": 4", b": 5"),
    ],
    ids=["asks for it", "HTTP/1.0", "body is short"],
)
def test_connection_ends(thread, request_bytes):
    """With the caller's wish, and where it is not known where the next request would begin."""
    application = streaming(b"ok", headers=[("Content-Length", "2")])

    assert thread.answer(request_bytes, application) is CLOSES
    assert thread.received().endswith(b"\r\n\r\nok")


def test_last_request_is_told_so(thread):
    """So that the caller does not send another one."""
    assert thread.answer(GET + GET, is_last=True) is CLOSES
    assert b"\r\nConnection: close\r\n" in thread.received()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", b"400 Bad Request"),
        (b"nothing like it\r\n\r\n", b"400 Bad Request"),
        (GET.replace(b"Host", b"Expect: much\r\nHost"), b"417 Expectation Failed"),
        (CHUNKED.replace(b": chunked", b": zipped"), b"501 Not Implemented"),
        (GET.replace(b"/a", b"/" + b"a" * 9000), b"414 "),
        (CHUNKED.replace(b"4\r\n", b"4\r\nx"), b"400 Bad Request"),
        (CHUNKED.replace(b"0\r\n\r\n", b""), b"400 Bad Request"),
    ],
)
def test_what_cannot_be_read_is_refused(thread, caplog, request_bytes, status):
    """Without a word of what was sent, in the log neither."""
    caplog.set_level(logging.INFO, "gatehouse.server")
    assert thread.answer(request_bytes) is CLOSES

    assert thread.received().startswith(b"HTTP/1.1 " + status)
    assert thread.seen == []
    assert [record.getMessage() for record in caplog.records] == ["a request could not be read"]


def test_half_a_head_is_not_answered(thread):
    """Its sender hung up."""
    assert thread.answer(GET[:-4]) is CLOSES
    assert thread.received() == b""


def test_application_that_fails_at_first(thread):
    """The caller learns that something failed, and nothing of what."""
    assert thread.answer(GET, streaming(ValueError("a secret"))) is CLOSES
    received = thread.received()
    assert received.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in received


def test_application_that_fails_in_the_middle(thread, caplog):
    """What has begun as an answer does not go on as another one."""
    headers = [("Content-Length", "6")]
    assert thread.answer(GET, streaming(b"one", ValueError("a secret"), headers=headers)) is CLOSES

    assert thread.received().endswith(b"\r\n\r\none")
    assert "a secret" not in caplog.text
    assert "a request failed" in caplog.text


@pytest.mark.parametrize("headers", [[("X", "a\nb")], [("X Y", "a")]])
def test_application_whose_headers_are_none(thread, headers):
    """It is to blame, and not the caller."""
    assert thread.answer(GET, streaming(b"one", headers=headers)) is CLOSES
    assert thread.received().startswith(b"HTTP/1.1 500 ")


def test_answer_that_is_shorter_than_it_says(thread):
    """The next one would be taken for its rest."""
    assert thread.answer(GET, streaming(b"one", headers=[("Content-Length", "6")])) is CLOSES


def test_body_that_is_too_large(thread):
    """The application learns that it is."""
    body = b"x" * 500
    thread.answer(POST.replace(b": 4", b": 500").replace(b"body", body), is_last=True)

    assert [len(body) for _, body in thread.seen] == [101]


@pytest.mark.parametrize("size", [99, 100])
def test_chunks_that_are_too_large_end_the_connection(thread, size):
    """Where the next request begins is not known any more: its beginning has been read with them."""
    chunked = CHUNKED.replace(b"4\r\nbody", b"%x\r\n%s\r\n1\r\nx" % (size, b"x" * size))

    assert thread.answer(chunked + GET) == (GET if size < 100 else CLOSES)


def test_answer_in_parts_is_sent_as_it_is_made(thread):
    """An answer may be long, or take its time."""
    seen = []

    def application(_environ, start_response):
        start_response("200 OK", [])
        yield b"one"
        seen.append(thread.far.recv(65536))
        yield b"two"

    assert thread.answer(GET, application) == GOES_ON
    assert seen[0].endswith(b"\r\n\r\n3\r\none\r\n")
    assert thread.received() == b"3\r\ntwo\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [(GET.replace(b"GET", b"HEAD"), "200 OK"), (GET, "204 No Content"), (GET, "304 Not Modified")],
)
def test_answer_without_body(thread, request_bytes, status):
    """Its head is sent though nothing follows."""
    assert thread.answer(request_bytes, streaming(status=status)) == GOES_ON
    assert thread.received().startswith(f"HTTP/1.1 {status}\r\n".encode())


def test_answer_for_a_slow_reader(thread):
    """All of it arrives, though the connection takes only so much at a time; then it does not wait again."""
    body = b"x" * 5_000_000
    received = []
    reader = threading.Thread(
        target=lambda: received.extend(iter(lambda: thread.far.recv(65536), b"")),
    )
    reader.start()

    assert thread.answer(GET, streaming(body, headers=[("Content-Length", str(len(body)))])) == GOES_ON
    assert thread.near.gettimeout() == 0.0
    thread.near.close()
    reader.join(20)
    assert b"".join(received).endswith(b"\r\n\r\n" + body)


def test_answer_that_nobody_reads(thread):
    """No thread waits for its caller: what the connection does not take at once is left to the loop."""
    body = bytes(range(256)) * 3_000
    application = streaming(body[:300_000], body[300_000:], headers=[("Content-Length", str(len(body)))])

    assert thread.answer(GET, application) == GOES_ON
    unread = bytes(thread.outcome.unread)
    assert len(unread) > 100_000
    assert (thread.received() + unread).endswith(b"\r\n\r\n" + body)


def test_caller_that_is_gone(thread, caplog):
    """Nobody is to blame, so nothing is logged."""
    thread.far.close()

    assert thread.answer(GET) is CLOSES
    assert caplog.records == []
