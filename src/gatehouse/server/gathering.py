"""Between granian and the application: gathers the body of a request without a thread, then has a thread answer it.

granian's own WSGI hands a request to a thread before its body has come, and nothing limits for how long it comes: a few
senders that dribble would hold every thread. So the body is awaited here, in the loop of the process.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import Any

from gatehouse.domain.errors import place_of
from gatehouse.server.environ import of_granian
from gatehouse.server.limits import LINGER_BYTES, LINGER_SECONDS, MAX_HELD_BYTES, PROBE_THREADS, STOP_SECONDS
from gatehouse.server.threads import Threads

Wsgi = Callable[..., Iterable[bytes]]
Headers = list[tuple[str, str]]

_PROBES = ("/healthz", "/readyz")

_REFUSAL: Headers = [("Connection", "close"), ("Content-Length", "0")]

_log = logging.getLogger("gatehouse.server")


class Gathering:
    """The requests of one process: those that arrive, and those that a thread answers."""

    def __init__(
        self, app: Wsgi, loop: asyncio.AbstractEventLoop, threads: int, request_seconds: float, max_body_bytes: int
    ) -> None:
        """Take the application, and what its callers may take."""
        self._app = app
        self._loop = loop
        self._threads = Threads(threads, "request")
        self._probe_threads = Threads(PROBE_THREADS, "probe")
        self._request_seconds = request_seconds
        self._max_body_bytes = max_body_bytes
        # In the order of the deadlines, which are all equally far away: the first is the next to end.
        self._arriving: dict[_Body, None] = {}
        self._held_bytes = 0

    async def take(self, scope: Any, protocol: Any) -> None:
        """Answer one request. granian awaits this, and would log what it raises with what was sent."""
        try:
            await self._take(scope, protocol)
        except Exception as error:
            _log.error("a request failed: %s", place_of(error))

    async def _take(self, scope: Any, protocol: Any) -> None:
        environ = of_granian(scope)
        if "," in environ.get("HTTP_HOST", ""):
            # Two of them: programs on the way may have heeded the other one. Source: RFC 9112, 3.2.
            protocol.response_bytes(HTTPStatus.BAD_REQUEST.value, _REFUSAL, b"")
            return
        body = b""
        if environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ:
            fields = {"source": environ["REMOTE_ADDR"] or None}
            try:
                body = await self._gather(environ, protocol)
            except TimeoutError:
                _log.info("a request did not arrive in time", extra={"fields": fields})
                protocol.response_bytes(HTTPStatus.REQUEST_TIMEOUT.value, _REFUSAL, b"")
                return
            except _BrokenBodyError:
                _log.info("a request could not be read", extra={"fields": fields})
                protocol.response_bytes(HTTPStatus.BAD_REQUEST.value, _REFUSAL, b"")
                return
        answered = self._loop.create_future()
        threads = self._probe_threads if environ["PATH_INFO"] in _PROBES else self._threads
        threads.do(partial(self._answer, environ, body, protocol, answered))
        # granian answers with an error of its own what returns without an answer.
        await answered

    def hurry(self) -> None:
        """Wait for what is still arriving for a moment only: the process is stopping."""
        for each in self._arriving:
            each.end_within(STOP_SECONDS)

    def close(self) -> None:
        """Let the threads end what they answer."""
        self._threads.shutdown()
        self._probe_threads.shutdown()

    async def _gather(self, environ: dict[str, Any], protocol: Any) -> bytes:
        """Return the body; of one that is too large no more than tells so. Raises TimeoutError and _BrokenBodyError."""
        length = environ.get("CONTENT_LENGTH")
        body = _Body(self._loop, self._request_seconds, self._max_body_bytes)
        is_too_large = length is not None and int(length) > self._max_body_bytes
        if is_too_large and "HTTP_EXPECT" in environ:
            return b""
        held = self._max_body_bytes if length is None else min(int(length), self._max_body_bytes)
        self._arriving[body] = None
        self._held_bytes += held
        try:
            self._make_room(body)
            async with body.timeout:
                if is_too_large:
                    body.refuse()
                async for chunk in protocol:
                    if not body.add(chunk):
                        break
        except TimeoutError:
            if not body.is_refused:
                raise
        finally:
            del self._arriving[body]
            self._held_bytes -= held
        if length is None and body.is_broken:
            raise _BrokenBodyError
        return bytes(body.received)

    def _make_room(self, newest: "_Body") -> None:
        """End the body that has been slow for longest, where there is too much of them."""
        if self._held_bytes > MAX_HELD_BYTES:
            slowest = next(each for each in self._arriving if each is newest or not each.timeout.expired())
            if slowest is not newest:
                slowest.end_within(0)

    def _answer(self, environ: dict[str, Any], body: bytes, protocol: Any, answered: "asyncio.Future[None]") -> None:
        """Answer a request, in a thread."""
        try:
            protocol.response_bytes(*_call(self._app, environ, body))
        except BaseException as error:  # granian panics on a header that it cannot write
            fields = {"source": environ["REMOTE_ADDR"] or None, "error": type(error).__name__}
            _log.error("a request failed: %s", place_of(error), extra={"fields": fields})
            protocol.response_bytes(HTTPStatus.INTERNAL_SERVER_ERROR.value, _REFUSAL, b"")
        finally:
            self._loop.call_soon_threadsafe(answered.set_result, None)


class _BrokenBodyError(Exception):
    """A body in chunks was malformed, or cut off. Of one whose length was told, the application sees that itself."""


class _Body:
    """A body that arrives, until its time is over."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, most: int) -> None:
        self.received = bytearray()
        self.is_refused = False
        self.timeout = asyncio.timeout(seconds)
        self._loop = loop
        self._most = most
        self._thrown_away = 0
        self._empty_chunks = 0

    @property
    def is_broken(self) -> bool:
        """Whether it is not whole: granian tells so by a chunk without bytes beside the one at each end.

        One with trailers looks the same, which no client of the service sends.
        """
        return self._empty_chunks > 1 and not self.is_refused

    def refuse(self) -> None:
        """Read on for a moment only, and keep nothing: who is cut off in the middle may never read the refusal."""
        self.is_refused = True
        self.end_within(LINGER_SECONDS)

    def end_within(self, seconds: float) -> None:
        """Bring the end of its time nearer, unless it has come already."""
        if self.timeout.expired():
            return
        deadline = self._loop.time() + seconds
        self.timeout.reschedule(min(deadline, self.timeout.when() or deadline))

    def add(self, chunk: bytes) -> bool:
        """Take what has come. False when no more is wanted."""
        self._empty_chunks += not chunk
        if self.is_refused:
            self._thrown_away += len(chunk)
            return self._thrown_away <= LINGER_BYTES
        self.received += chunk[: self._most + 1 - len(self.received)]
        if len(self.received) > self._most:
            self.refuse()
        return True


def _call(app: Wsgi, environ: dict[str, Any], body: bytes) -> tuple[int, Headers, bytes]:
    """Call the application, and return status, headers and body of its answer. Source: PEP 3333."""
    environ["wsgi.input"] = BytesIO(body)
    answer: list[Any] = []

    def start_response(status: str, headers: Headers, _exc_info: object = None) -> None:
        answer[:] = int(status[:3]), headers

    parts = app(environ, start_response)
    try:
        sent = b"".join(parts)
    finally:
        if (close := getattr(parts, "close", None)) is not None:
            close()
    status, headers = answer
    return status, headers, sent
