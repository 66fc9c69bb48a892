"""One log line for each request, whichever front answered it: who called what, from where, and what came of it."""

import logging
import re
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from gatehouse.config import Settings
from gatehouse.fronts.forwarded import origin
from gatehouse.operations.calls import Call

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_ENDING = re.compile(r"[A-Za-z]{2,10}")

_log = logging.getLogger("gatehouse.calls")

_SAME = vars(_log.makeRecord(_log.name, logging.INFO, "", 0, "%s %s", (), None)) | dict.fromkeys(
    ("process", "processName", "thread", "threadName", "taskName")
)
"""What a record finds out anew for each line, and is the same for all of these, or not told."""


@dataclass(slots=True)
class Entry:
    """What the fronts tell of the request that they answer. None of it may be a secret, or tell whose data it is."""

    front: str = "none"
    method: str | None = None
    outcome: str | None = None
    """The key of a result, the name of a fault, or the name of a page; else the HTTP status stands for it."""
    identity: str | None = None
    call: Call | None = None
    is_routine: bool = False
    """Whether a load balancer asks so every few seconds."""

    def note(self, call: Call, *identities: object) -> None:
        """Remember the call, which will know who makes it, and the first identity that was sent, masked."""
        self.call = call
        self.identity = next((masked(each) for each in identities if isinstance(each, str) and each.strip()), None)


_current: ContextVar[Entry | None] = ContextVar("call_log_entry", default=None)


def current() -> Entry:
    """Return the entry of the request that this thread answers; one that nobody reads, where there is none."""
    return _current.get() or Entry()


def masked(identity: str) -> str:
    """Return `j***@e***.com` for an e-mail address, `j***` for any other name: enough for who knows it already."""
    local, at, domain = identity.strip().rpartition("@")
    if not at:
        return f"{domain[:1]}***"
    name, dot, ending = domain.rpartition(".")
    shown = ending if dot and _ENDING.fullmatch(ending) else "***"
    return f"{local[:1]}***@{(name or ending)[:1]}***.{shown}"


def logged(app: Wsgi, settings: Settings) -> Wsgi:
    """Return the application with a line in the log for each request that it answers."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        entry, started = Entry(), time.perf_counter()
        answered: list[Any] = ["500", []]

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            answered[:] = status, headers
            return start_response(status, headers, *rest)

        reset = _current.set(entry)
        try:
            return app(environ, start)
        finally:
            _current.reset(reset)
            level = logging.DEBUG if entry.is_routine else logging.INFO
            if _log.isEnabledFor(level):
                _write(level, entry, environ, settings, answered, started)

    return call


def _write(
    level: int, entry: Entry, environ: dict[str, Any], settings: Settings, answered: list[Any], started: float
) -> None:
    status, headers = answered
    method = entry.method or str(environ.get("REQUEST_METHOD"))
    outcome = entry.outcome or status[:3]
    fields = {
        "request": next((value for name, value in headers if name == "X-Request-Id"), None),
        "front": entry.front,
        "method": method,
        "outcome": outcome,
        "status": int(status[:3]),
        "ms": round((time.perf_counter() - started) * 1000, 1),
        "source": origin(environ, settings).source,
        "identity": entry.identity,
    }
    if entry.call is not None:
        known = entry.call.known
        merchant, application = entry.call.calling or (known.merchant_id, known.application_id)
        fields |= {"merchant": merchant, "application": application}
        fields |= {"integration": known.integration_id, "account": known.account_id}
    now = time.time()
    record = logging.LogRecord.__new__(logging.LogRecord)
    record.__dict__.update(_SAME, levelno=level, levelname=logging.getLevelName(level), args=(method, outcome))
    record.__dict__.update(created=now, msecs=now % 1 * 1000, fields=fields)
    _log.handle(record)
