"""Writes down what a call of the service sends to PostgreSQL, at the driver, whatever made the statements.

So what `replaying.py` repeats is what the service sends today, without anybody having to copy it.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from werkzeug.test import Client

from scripts.benchmark import envelopes

_PINGS = frozenset({"", "select 1"})
"""What a pool asks of a connection before it lends it. It is no part of the call."""

_WARM_CALLS = 3
"""Calls before those that are written down, so that nothing is read that a process reads once."""

RECORDED = 2
"""Calls that are written down for each series: what differs between them must differ in what repeats them."""


@dataclass(frozen=True)
class Statement:
    """One statement, with the values that it was given, and what came of it."""

    text: str
    values: dict[str, Any]
    in_transaction: bool
    rows: int
    first_row: tuple[Any, ...]


@dataclass
class Recording:
    """What one call sent: statements, and "commit" or "rollback" between them."""

    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    steps: list[Statement | str] = field(default_factory=list)


def record_decodes(
    application: Callable[..., Any], token: str, logins: list[bytes], key: str = "Success"
) -> list[list[Recording]]:
    """Return the recordings of DecodeLoginCookie for each login, whose series go on from the last of them."""
    found = []
    for login in logins:
        cookie = envelopes.cookie_in(_ask(application, login))
        recordings = []
        for _ in range(_WARM_CALLS + RECORDED):
            request = envelopes.request("DecodeLoginCookie", token, Cookie=cookie)
            recording, reply = _record(application, request, key)
            cookie = envelopes.cookie_in(reply)
            recordings.append(recording)
        found.append(recordings[-RECORDED:])
    return found


def record_session_reads(
    application: Callable[..., Any], token: str, logins: list[bytes], key: str = "MissingField"
) -> list[list[Recording]]:
    """Return the recordings of DeviceSendActivationCode without a device for each login."""
    found = []
    for login in logins:
        session = envelopes.credentials_token_in(_ask(application, login))
        request = envelopes.request("DeviceSendActivationCode", token, session)
        recordings = [_record(application, request, key)[0] for _ in range(_WARM_CALLS + RECORDED)]
        found.append(recordings[-RECORDED:])
    return found


RECORDERS = {"DecodeLoginCookie": record_decodes, "DeviceSendActivationCode": record_session_reads}
"""By the method that is recorded."""


def _ask(application: Callable[..., Any], request: bytes) -> bytes:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    response = Client(application).post(first.split()[1], data=body, headers=headers)
    return bytes(response.data)


def _record(application: Callable[..., Any], request: bytes, key: str) -> tuple[Recording, bytes]:
    recording = Recording()
    with _recorded(recording):
        reply = _ask(application, request)
    if envelopes.soap_mark(key) not in reply:
        raise RuntimeError(f"an unexpected reply: {reply!r}")
    if not recording.steps:
        raise RuntimeError("the call sent nothing to PostgreSQL through psycopg in its own thread")
    return recording, reply


@contextlib.contextmanager
def _recorded(recording: Recording) -> Iterator[None]:
    """Write down what this thread sends, inside the block."""
    mine = threading.get_ident()
    execute, commit, rollback = psycopg.Cursor.execute, psycopg.Connection.commit, psycopg.Connection.rollback

    def recording_execute(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
        result = execute(cursor, query, params, **options)
        text = query.as_string(cursor) if hasattr(query, "as_string") else str(query)
        if threading.get_ident() == mine and text.strip().rstrip(";").casefold() not in _PINGS:
            first_row: tuple[Any, ...] = ()
            if cursor.description and cursor.rowcount:
                first_row = tuple(cursor.fetchone())
                cursor.scroll(0, mode="absolute")
            given = dict(params) if hasattr(params, "keys") else {str(n): each for n, each in enumerate(params or ())}
            values = {name: each.obj if isinstance(each, psycopg.Binary) else each for name, each in given.items()}
            is_alone = cursor.connection.autocommit
            recording.steps.append(Statement(text, values, not is_alone, cursor.rowcount, first_row))
        return result

    def ending(name: str, end: Callable[[Any], None]) -> Callable[[Any], None]:
        def recording_end(connection: Any) -> None:
            is_open = connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE
            end(connection)
            if is_open and threading.get_ident() == mine:
                recording.steps.append(name)

        return recording_end

    psycopg.Cursor.execute = recording_execute  # type: ignore[method-assign]
    psycopg.Connection.commit = ending("commit", commit)  # type: ignore[method-assign]
    psycopg.Connection.rollback = ending("rollback", rollback)  # type: ignore[method-assign]
    try:
        yield
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
        psycopg.Connection.commit = commit  # type: ignore[method-assign]
        psycopg.Connection.rollback = rollback  # type: ignore[method-assign]
