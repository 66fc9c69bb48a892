"""What a thread does with a request, all of which has come: gunicorn reads it, the application answers it.

gunicorn's own worker reads from the connection and writes to it piece by piece. Each of these system calls lets
other threads of Python go first, and a refused call is little more than a dozen of them. Here nothing is read from the
connection any more, and the head of an answer goes with the first of its body.
"""

import logging
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from gunicorn.http import errors, wsgi
from gunicorn.http.message import Request
from gunicorn.http.unreader import Unreader
from gunicorn.util import http_date

from gatehouse.domain.errors import place_of
from gatehouse.server.connections import Connection
from gatehouse.server.environ import of_gunicorn
from gatehouse.server.limits import UNREAD_BYTES

Wsgi = Callable[..., Iterable[bytes]]

REFUSAL = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

_STATUS: dict[type[BaseException], HTTPStatus] = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ParseException: HTTPStatus.BAD_REQUEST,
}
"""What gunicorn finds wrong with a request, the more general kinds last."""

_log = logging.getLogger("gatehouse.server")


class _Request(Request):
    def _peer_is_trusted_proxy(self) -> bool:
        """What proxies tell is ours to judge (`fronts/forwarded.py`), and gunicorn need not look for them."""
        return False


class _Response(wsgi.Response):
    def default_headers(self) -> list[str]:
        """Return the beginning of the head. gunicorn's formats the date for each answer."""
        version: Any = self.req.version
        lines = [
            f"HTTP/{version[0]}.{version[1]} {self.status}\r\n",
            f"Server: {self.version}\r\n",
            f"Date: {_date(int(time.time()))}\r\n",
            f"Connection: {'close' if self.should_close() else 'keep-alive'}\r\n",
        ]
        return [*lines, "Transfer-Encoding: chunked\r\n"] if self.chunked else lines


@lru_cache(maxsize=4)
def _date(second: int) -> str:
    return http_date(second)


@dataclass(slots=True)
class Outcome:
    """What is left to do when a request has been answered."""

    rest: bytes | None = None
    """What came behind the request, mostly nothing; None when the connection is to be closed."""

    unread: bytes | bytearray = b""
    """What the connection has not taken yet of the answer."""


class _CallerGoneError(Exception):
    """Nobody takes the answer any more."""


def fixed(config: Any) -> SimpleNamespace:
    """Return gunicorn's configuration as it stays. The original looks each option up in several steps."""
    return SimpleNamespace(**{name: getattr(config, name) for name in (*config.settings, "is_ssl")})


def answer(
    config: Any, application: Wsgi, connection: Connection, received: bytes, max_body_bytes: int, *, is_last: bool
) -> Outcome:
    """Answer the request that has come on a connection, without waiting for its caller to read the answer.

    Of a body that is too large, the application gets as much as tells so; of one that has not come as a whole, what is
    there. The connection is to be closed when this is the last of its requests, the caller wants no more, or where a
    next one would begin is not known.
    """
    incoming: Any = _Incoming(received)
    outgoing = _Outgoing(connection)
    try:
        rest = _answer(config, application, connection, incoming, outgoing, max_body_bytes, is_last=is_last)
    except _CallerGoneError:
        return Outcome()
    return Outcome(rest, outgoing.unread)


def _answer(
    config: Any,
    application: Wsgi,
    connection: Connection,
    incoming: Any,
    outgoing: Any,
    max_body_bytes: int,
    *,
    is_last: bool,
) -> bytes | None:
    """Answer, and return what came behind the request, or None. Raises _CallerGoneError."""
    try:
        request: Any = _Request(config, incoming, connection.client, connection.requests)
        body = _read_body(request, max_body_bytes)
    except errors.NoMoreData:
        return None
    except errors.ParseException as error:
        status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
        _log.info(
            "a request could not be read", extra={"fields": _fields(error, connection) | {"status": status.value}}
        )
        outgoing.refuse(status)
        return None
    response: Any = _Response(request, outgoing, config)
    # Of a body that is too large, gunicorn has taken more than was asked for, perhaps with what came behind it.
    if is_last or incoming.is_short or len(body) > max_body_bytes:
        response.force_close()
    try:
        _run(
            application,
            of_gunicorn(request, connection.client, connection.server) | {"wsgi.input": BytesIO(body)},
            response,
        )
        outgoing.flush()
    except _CallerGoneError:
        raise
    except Exception as error:
        _log.error("a request failed: %s", place_of(error), extra={"fields": _fields(error, connection)})
        outgoing.refuse(HTTPStatus.INTERNAL_SERVER_ERROR)
        return None
    return None if response.should_close() or _is_short(response) else incoming.take_buffered()


def shown(client: Any) -> str | None:
    """Return the address of a caller as the log has it; of a Unix socket there is none."""
    return str(client[0]) if isinstance(client, tuple) else None


class _Incoming(Unreader):
    """What has come, for gunicorn to read, and then nothing."""

    def __init__(self, received: bytes) -> None:
        super().__init__()
        self.buf.write(received)
        self.is_short = False
        """Whether more was asked for: gunicorn takes the request to be longer than what was handed over."""

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Give what is not there yet."""
        self.is_short = True
        return b""


class _Outgoing:
    """Stands for the connection where gunicorn writes an answer: its head waits for the first of its body."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._head = b""
        self.has_begun = False
        self.unread = bytearray()
        """What the connection did not take at once."""

    def sendall(self, data: bytes) -> None:
        """Send this, or keep it when it is the head. Raises _CallerGoneError."""
        if self.has_begun or self._head:
            self._send(self._head + data)
        else:
            self._head = data

    def flush(self) -> None:
        """Send the head of an answer without a body. Raises _CallerGoneError."""
        if self._head:
            self._send(self._head)

    def refuse(self, status: HTTPStatus) -> None:
        """Send an answer of a status alone, unless another one has begun. Raises _CallerGoneError."""
        if not self.has_begun:
            self._send(REFUSAL % f"{status.value} {status.phrase}".encode())

    def _send(self, data: bytes) -> None:
        self._head, self.has_begun = b"", True
        try:
            count = 0 if self.unread else self._send_some(data)
            if count < len(data):
                self.unread += memoryview(data)[count:]
                if len(self.unread) > UNREAD_BYTES:
                    self._send_all()
        except OSError as error:
            raise _CallerGoneError from error

    def _send_some(self, data: bytes) -> int:
        """Send as much as the connection takes now, and return how much that is."""
        try:
            return self._connection.sock.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def _send_all(self) -> None:
        """Wait for the caller, whose answer is too long to be kept for it."""
        sock = self._connection.sock
        sock.setblocking(True)
        try:
            sock.sendall(self.unread)
        finally:
            sock.setblocking(False)
        self.unread.clear()


def _run(application: Wsgi, environ: dict[str, Any], response: Any) -> None:
    """Have the application answer. Source: PEP 3333."""
    parts = application(environ, response.start_response)
    try:
        for part in parts:
            response.write(part)
        response.close()
    finally:
        if (close := getattr(parts, "close", None)) is not None:
            close()


def _read_body(request: Any, most: int) -> bytes:
    """Return the body, or of one that is larger more than that. Raises ParseException."""
    try:
        body: bytes = request.body.read(most + 1)
    except errors.NoMoreData:
        raise errors.ChunkMissingTerminator(b"") from None
    return body


def _is_short(response: Any) -> bool:
    """Whether there is less of the body than the head says, so that the next answer would be taken for its rest."""
    return not response._omits_body and response.sent < (response.response_length or 0)


def _fields(error: Exception, connection: Connection) -> dict[str, Any]:
    """Return what the log tells of a request that failed: not a word of what was sent."""
    return {"source": shown(connection.client), "error": type(error).__name__}
