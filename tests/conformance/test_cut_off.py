"""Requests of which the end is missing: the sender was cut off. What is in them is not acted upon, not even in part."""

import socket

import pytest

from tests.conformance.service import Service
from tests.conformance.soap import PATH, call, envelope

FORM = "application/x-www-form-urlencoded"

MISSING = 40
"""Bytes that were announced and never come."""


def ask_cut_off(service: Service, path: str, media_type: str, body: bytes) -> bytes:
    """Send a request whose body is shorter than it says, hang up, and return what is answered."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media_type}\r\n"
        f"Content-Length: {len(body) + MISSING}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("path", ["/reset", "/admin/sign-in"])
def test_form_that_was_cut_off_is_none(either_service: Service, path: str):
    """A password in it would be taken in part. granian answers nothing where nobody might read it."""
    answer = ask_cut_off(either_service, path, FORM, b"code=none&csrf_token=none&new_password=Correct-Horse-Bat")

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("path", "media_type", "body", "expected"),
    [
        (PATH, "text/xml; charset=utf-8", envelope(call("LogOff")).encode(), b"before it was complete"),
        (f"{PATH}/LogOff", "application/json", b"{}", b"before it was complete"),
    ],
    ids=["SOAP", "JSON"],
)
def test_call_that_was_cut_off_is_refused(
    sqlite_service: Service, path: str, media_type: str, body: bytes, expected: bytes
):
    """In the words of its protocol, also where what has come would be a call."""
    assert expected in ask_cut_off(sqlite_service, path, media_type, body)


@pytest.mark.parametrize("rest", [b"", b"ZZ\r\n", b"40\r\nthe first of it"], ids=["nothing", "no size", "half a chunk"])
@pytest.mark.parametrize(
    ("path", "media_type", "body"),
    [
        ("/reset", FORM, b"code=none&csrf_token=none&new_password=Correct-Horse-Bat"),
        (PATH, "text/xml; charset=utf-8", envelope(call("LogOff")).encode()),
        (f"{PATH}/LogOff", "application/json", b"{}"),
    ],
    ids=["form", "SOAP", "JSON"],
)
def test_chunks_that_were_cut_off_are_none(
    either_service: Service, path: str, media_type: str, body: bytes, rest: bytes
):
    """Nothing tells how much is missing, so whoever takes what has come takes it for the whole."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", either_service.port), timeout=20) as connection:
        connection.sendall(head.encode() + b"%x\r\n%s\r\n" % (len(body), body) + rest)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 400 ")
