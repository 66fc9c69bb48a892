"""The live service, spoken to in HTTP as old and odd clients write it, byte by byte."""

import gzip
import http.client
import io
import json
import os
import socket
import subprocess
import sys
import time

import pytest

from tests.conformance.service import Service
from tests.conformance.soap import PATH, Answer, call, envelope, members

LIMIT = 65_536


class Connection:
    """A connection on which a test sends bytes and reads answers."""

    def __init__(self, service: Service) -> None:
        self._socket = socket.create_connection(("127.0.0.1", service.port), timeout=20)
        self._received = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._received.close()
        self._socket.close()

    def send(self, *parts):
        """Send text or bytes."""
        for part in parts:
            self._socket.sendall(part if isinstance(part, bytes) else part.encode())

    def end(self):
        """Send nothing more."""
        self._socket.shutdown(socket.SHUT_WR)

    def line(self):
        """Read one line of an answer."""
        return self._received.readline().decode().strip()

    def answer(self):
        """Read one answer."""
        response = http.client.HTTPResponse(_Unclosed(self._received))
        response.begin()
        return Answer(response.status, tuple(response.getheaders()), response.read())


class _Unclosed:
    """Lets a response read from a stream that the next one reads on."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream

    def makefile(self, *_):
        return self

    def close(self):
        """Nothing: the connection goes on."""

    def __getattr__(self, name):
        return getattr(self._stream, name)


@pytest.fixture
def document(either_service):
    """A login of a demo account that no other test uses."""
    account = either_service.demo["accounts"][4]
    values = {
        name: account[key] for name, key in (("Email", "email"), ("Password", "password"), ("userrole", "userrole"))
    }
    return envelope(call("Login", members(values | {"applicationToken": either_service.demo["applicationToken"]})))


@pytest.fixture
def connection(either_service):
    """A connection to the live service."""
    with Connection(either_service) as opened:
        yield opened


def head(*lines, version="1.1", method="POST"):
    """Return a request's head with these header lines."""
    own = ["Host: 127.0.0.1", "Content-Type: text/xml; charset=utf-8"]
    return "\r\n".join([f"{method} {PATH} HTTP/{version}", *own, *lines, "", ""])


def chunked(body, size):
    """Return a body in chunks of this size."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_calls_follow_each_other_on_one_connection(connection, document):
    """Keep-alive, also after a fault."""
    for body in (document, "<", document):
        connection.send(head(f"Content-Length: {len(body)}"), body)
        answer = connection.answer()
        assert answer.status == (500 if body == "<" else 200)

    assert answer.outcome == ("0", "Success")


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_chunked_body(connection, document, size):
    """.NET and Java send so when they do not know the length."""
    connection.send(head("Transfer-Encoding: chunked"), chunked(document.encode(), size))

    assert connection.answer().outcome == ("0", "Success")


def test_expect_continue(connection, document):
    """.NET Framework and Mono wait for it before they send a body."""
    connection.send(head(f"Content-Length: {len(document)}", "Expect: 100-continue"))

    assert connection.line() == "HTTP/1.1 100 Continue"
    assert connection.line() == ""
    connection.send(document)
    assert connection.answer().outcome == ("0", "Success")


def test_compressed_chunked_body(connection, document):
    """Java and .NET programs that compress do not know the length before."""
    body = gzip.compress(document.encode())
    connection.send(head("Transfer-Encoding: chunked", "Content-Encoding: gzip"), chunked(body, 50))

    assert connection.answer().outcome == ("0", "Success")


def test_compressed_body_that_becomes_too_large(connection, document, either_service):
    """Sixty kilobytes that would be sixty megabytes."""
    bomb = gzip.compress(b"x" * 60_000_000)
    connection.send(head(f"Content-Length: {len(bomb)}", "Content-Encoding: gzip"), bomb)

    assert connection.answer().fault[0] == 413
    assert_next_call_is_served(either_service, document)


def test_http_1_0_with_keep_alive(connection, document):
    """Old proxies and ab ask for it in the old version."""
    for _ in range(2):
        lines = ["Connection: keep-alive", f"Content-Length: {len(document)}"]
        connection.send(head(*lines, version="1.0"), document)
        assert connection.answer().outcome == ("0", "Success")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/Login", f"{PATH}/soap"])
def test_options(connection, path):
    """Two on one connection, so that nothing of the first is left over."""
    for _ in range(2):
        connection.send(f"OPTIONS {path} HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = connection.answer()
        assert (answer.status, answer.body) == (200, b"")
        assert "POST" in (answer.header("Allow") or "")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/", "/V2/ACCOUNT.SVC", f"{PATH}/soap", f"{PATH}/Basic/"])
def test_address_is_found_however_it_is_written(connection, document, path):
    """IIS does not mind either."""
    connection.send(head(f"Content-Length: {len(document)}").replace(PATH, path, 1), document)

    assert connection.answer().outcome == ("0", "Success")


def test_what_clients_call_is_told_to_the_operator(connection, document, either_service):
    """Each process writes its counts by itself every few seconds."""
    connection.send(head(f"Content-Length: {len(document)}", "User-Agent: Sentinel/7.1.2 (x)"), document)
    assert connection.answer().status == 200

    def told():
        command = [sys.executable, "-m", "gatehouse", "application", "clients", "--json"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
        done = subprocess.run(command, cwd=either_service.folder, env=environment, capture_output=True, check=True)
        found = json.loads(done.stdout)
        return [each for each in found if each["stack"] == "Sentinel 7.1"]

    deadline = time.monotonic() + 30
    while not (found := told()) and time.monotonic() < deadline:
        time.sleep(1)
    (client,) = found
    assert [(each["method"], each["calls"]) for each in client["methods"]] == [("Login", 1)]
    assert [each["kind"] for each in client["tolerances"]] == ["action_missing"]


def test_http_1_0(connection, document):
    """Without Host and keep-alive."""
    connection.send(
        f"POST {PATH} HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: {len(document)}\r\n\r\n", document
    )

    answer = connection.answer()

    assert answer.outcome == ("0", "Success")
    assert connection.line() == "", "the server closes"


def test_http_1_0_description_has_the_servers_own_address(connection, either_service):
    """Where no Host came."""
    connection.send(f"GET {PATH}?wsdl HTTP/1.0\r\n\r\n")

    assert f'location="http://127.0.0.1:{either_service.port}{PATH}"'.encode() in connection.answer().body


def test_body_that_is_shorter_than_declared(connection, document, either_service):
    """The client gives up in the middle: nothing is performed, and the next one is served."""
    connection.send(head(f"Content-Length: {len(document) + 10}"), document)
    connection.end()

    assert connection.answer().status == 400
    assert_next_call_is_served(either_service, document)


def test_body_that_is_longer_than_declared(connection, document, either_service):
    """What is left over is no second call."""
    connection.send(head(f"Content-Length: {len(document) - 10}"), document)

    assert connection.answer().status == 500
    assert_next_call_is_served(either_service, document)


@pytest.mark.parametrize("length", ["abc", "-1", "1, 2", "+5", "0x10", "1e3"])
def test_length_that_is_no_number(connection, document, either_service, length):
    """Refused by the server, before it comes to us."""
    connection.send(head(f"Content-Length: {length}"), document)

    assert connection.answer().status == 400
    assert_next_call_is_served(either_service, document)


def test_two_hosts(connection, document, either_service):
    """A proxy in front may have heeded the other one. Source: RFC 9112, 3.2."""
    connection.send(head("Host: other.example", f"Content-Length: {len(document)}"), document)

    assert connection.answer().status == 400
    assert_next_call_is_served(either_service, document)


def test_length_and_chunks_at_once(connection, document, either_service):
    """A smuggled request is never performed, whichever of the two a proxy in front believed."""
    connection.send(head("Content-Length: 5", "Transfer-Encoding: chunked"), chunked(document.encode(), 100))

    assert connection.answer().status in (200, 400)
    assert_next_call_is_served(either_service, document)


def test_oversized_body_with_a_length(connection, document, either_service):
    """The client reads its 413 although it was still sending."""
    connection.send(head(f"Content-Length: {LIMIT + 1}"), b"x" * (LIMIT + 1))

    assert connection.answer().fault[0] == 413
    assert_next_call_is_served(either_service, document)


def test_oversized_body_in_chunks(connection, document, either_service):
    """Nobody said how much would come."""
    connection.send(head("Transfer-Encoding: chunked"), chunked(b"x" * (LIMIT + 1), 10_000))

    assert connection.answer().fault[0] == 413
    assert_next_call_is_served(either_service, document)


def test_oversized_body_is_refused_before_it_is_sent(connection):
    """Who asks first need not send it."""
    connection.send(head(f"Content-Length: {10 * LIMIT}", "Expect: 100-continue"))

    first = connection.line()
    if first == "HTTP/1.1 100 Continue":
        connection.line()
        assert connection.answer().fault[0] == 413
    else:
        assert first.startswith("HTTP/1.1 413")


def test_missing_content_type(connection, document):
    """The media type is not guessed."""
    connection.send(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(document)}\r\n\r\n", document)

    assert connection.answer().status == 415


def test_head_of_the_description(connection):
    """No body comes, so that the next answer begins where it should."""
    connection.send(f"HEAD {PATH}?wsdl HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.line() == "HTTP/1.1 200 OK"
    while connection.line():
        pass
    connection.send(f"GET {PATH}?singleWsdl HTTP/1.1\r\nHost: x\r\n\r\n")

    assert connection.answer().status == 200


def test_nothing_that_was_sent_is_logged(connection, document, either_service):
    """Of a good call and of a bad one."""
    account = either_service.demo["accounts"][4]
    for body in (document, document[:-9]):
        connection.send(head(f"Content-Length: {len(body)}", "X-Odd: sentinel-5e1f"), body)
        connection.answer()

    log = either_service.log
    for told in (account["password"], account["email"], either_service.demo["applicationToken"], "sentinel-5e1f"):
        assert told not in log
    assert "Traceback" not in log


def assert_next_call_is_served(service, document):
    """Whatever one client did, another one is answered."""
    with Connection(service) as connection:
        connection.send(head(f"Content-Length: {len(document)}"), document)
        assert connection.answer().outcome == ("0", "Success")
