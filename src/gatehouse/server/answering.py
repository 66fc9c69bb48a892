"""What a thread does with a request, all of which has come: gunicorn reads it, the application answers it.

gunicorn's own worker reads from the connection and writes to it piece by piece. Each of these system calls lets
other threads of Python go first, and a refused call is little more than a dozen of them. Here nothing is read from the
connection any more, and the head of an answer goes with the first of its body.
"""

import contextlib
import logging
import ssl
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors, wsgi
from gunicorn.http.message import Request
from gunicorn.http.unreader import Unreader
from gunicorn.util import http_date

from gatehouse.domain.errors import place_of
from gatehouse.server.connections import Connection
from gatehouse.server.environ import of_gunicorn

_READ_BYTES = 64 * 1024

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


class FixedConfig:
    """gunicorn's configuration, which changes no more. The original looks each option up in several steps."""

    def __init__(self, config: Any) -> None:
        """Read all options."""
        self._config = config
        self.__dict__ |= {name: getattr(config, name) for name in (*config.settings, "is_ssl")}

    def __getattr__(self, name: str) -> Any:
        """Return what is no option."""
        return getattr(self._config, name)


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


class _CallerGoneError(Exception):
    """Nobody takes the answer any more."""


def answer(
    config: Any, application: Callable[..., Iterable[bytes]], connection: Connection, received: bytes, *, is_last: bool
) -> bytes | None:
    """Answer the request that has come on a connection, which takes as long as its caller takes to read the answer.

    Returns what came behind it, mostly nothing; None when the connection is to be closed: it is the last of its
    connection, the caller wants no more, or where a next one would begin is not known.
    """
    incoming: Any = _Incoming(received)
    outgoing: Any = _Outgoing(connection)
    try:
        request: Any = _Request(config, incoming, connection.client, connection.requests)
        response = _Response(request, outgoing, config)
        if is_last:
            response.force_close()
        _run(application, of_gunicorn(request, connection.client, connection.server), response)
        outgoing.flush()
        return None if response.should_close() else _rest(request, incoming)
    except (_CallerGoneError, errors.NoMoreData):
        return None
    except Exception as error:
        _tell(error, connection.client)
        if not outgoing.has_begun:
            outgoing.refuse(_status_of(error) or HTTPStatus.INTERNAL_SERVER_ERROR)
        return None


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
        """Send an answer of a status alone, where the caller still listens."""
        with contextlib.suppress(_CallerGoneError):
            self._send(REFUSAL % f"{status.value} {status.phrase}".encode())

    def _send(self, data: bytes) -> None:
        self._head, self.has_begun = b"", True
        sock = self._connection.sock
        try:
            try:
                count = sock.send(data)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                count = 0
            if count < len(data):
                sock.setblocking(True)
                try:
                    sock.sendall(memoryview(data)[count:])
                finally:
                    sock.setblocking(False)
        except OSError as error:
            raise _CallerGoneError from error


def _run(application: Callable[..., Iterable[bytes]], environ: dict[str, Any], response: Any) -> None:
    """Have the application answer. Source: PEP 3333."""
    parts = application(environ, response.start_response)
    try:
        for part in parts:
            response.write(part)
        response.close()
    finally:
        if (close := getattr(parts, "close", None)) is not None:
            close()


def _rest(request: Any, incoming: _Incoming) -> bytes | None:
    """Return what follows the request; None where it has not ended as it said it would."""
    try:
        while request.body.read(_READ_BYTES):
            pass
    except (errors.ParseException, OSError):
        return None
    return None if incoming.is_short or request.body.failed else incoming.take_buffered()


def _tell(error: Exception, client: Any) -> None:
    """Log a request that gunicorn cannot read, or that broke the application, without a word of what was sent."""
    fields: dict[str, Any] = {"source": shown(client), "error": type(error).__name__}
    if status := _status_of(error):
        _log.info("a request could not be read", extra={"fields": fields | {"status": status.value}})
    else:
        _log.error("a request failed: %s", place_of(error), extra={"fields": fields})


def _status_of(error: Exception) -> HTTPStatus | None:
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), None)
