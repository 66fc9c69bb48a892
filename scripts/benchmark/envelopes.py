"""The requests that are measured, as bytes for the wire, and what is read out of their replies."""

import json
import re

from gatehouse.load.target import Target

PATH = "/v2/account.svc"

_SERVICE = Target.of_url("http://127.0.0.1")
"""Wherever it listens: the requests are the same for every port."""

_COOKIE = re.compile(rb"<a:EncodedCookie>([^<]+)<")
_TOKEN = re.compile(rb"<a:CredentialsToken>([^<]+)<")


def request(method: str, application_token: str, credentials_token: str | None = None, **members: str) -> bytes:
    """Return one HTTP request with its envelope, as a .NET proxy would send it. The connection is kept."""
    return _SERVICE.soap(method, application_token, credentials_token, **members)


def json_request(method: str, application_token: str, **members: str) -> bytes:
    """Return the same call for the JSON of the service, as an application on a telephone would send it."""
    body = json.dumps(members)
    return post(f"{PATH}/{method}", body, "application/json", {"applicationToken": application_token})


def post(path: str, body: str, media_type: str, headers: dict[str, str]) -> bytes:
    """Return a POST with this body. The connection is kept."""
    return _SERVICE.post(path, body.encode(), {"Content-Type": media_type, **headers})


def get(path: str, headers: dict[str, str]) -> bytes:
    """Return a GET. The connection is kept."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode()


def to_path(path: str, request_bytes: bytes) -> bytes:
    """Return the same request to another path."""
    verb, _, rest = request_bytes.split(b" ", 2)
    return b" ".join((verb, path.encode(), rest))


def body_of(reply: bytes) -> bytes:
    """Return the body of a reply that has its length."""
    return reply.partition(b"\r\n\r\n")[2]


def cookie_in(reply: bytes) -> str:
    """Return the login cookie of a reply."""
    return _found(_COOKIE, reply)


def credentials_token_in(reply: bytes) -> str:
    """Return the session's token of a reply."""
    return _found(_TOKEN, reply)


def soap_mark(key: str) -> bytes:
    """Return what a SOAP reply of this return code holds."""
    return f"<a:Key>{key}<".encode()


def json_mark(key: str) -> bytes:
    """Return what a JSON reply of this return code holds."""
    return f'"Key":"{key}"'.encode()


def _found(pattern: re.Pattern[bytes], reply: bytes) -> str:
    found = pattern.search(reply)
    assert found is not None, f"{pattern.pattern!r} is not in {reply!r}"
    return found[1].decode()
