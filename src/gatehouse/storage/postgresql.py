"""Connections to PostgreSQL: how each is set up, when it is asked whether it lives, and when it is given up."""

import select
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

from gatehouse.storage.locks import LONGEST_WAIT_MS

_ASKED_AFTER = 1.0
"""Seconds after which a connection that rested is not taken for alive."""

_CONNECTION: dict[str, Any] = {
    "connect_timeout": 5,
    # A machine that has vanished says nothing, and neither does a firewall that has forgotten a connection; without
    # these, a call on it would wait for a quarter of an hour or more. Source: libpq, Parameter Key Words.
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
"""How a connection is given up; what the URL says of these wins."""

_SESSION = {
    "lock_timeout": LONGEST_WAIT_MS,
    # What a caller who is not there any more holds is free again before those who wait for it give up.
    "idle_in_transaction_session_timeout": 15_000,
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 2,
}
"""What the server is told on each connection. Source: PostgreSQL, Client Connection Defaults, TCP Settings."""


def make_engine(url: sa.URL, connections: int) -> Engine:
    """Prepare connections to the server of this URL, for so many threads at the same time."""
    engine = sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=5,
        pool_timeout=10,
        pool_use_lifo=True,  # the last one used need not be asked whether it lives
        # Without a transaction that the driver would begin: `Database` begins its own, as with SQLite.
        isolation_level="AUTOCOMMIT",
        connect_args={name: value for name, value in _CONNECTION.items() if name not in url.query},
    )
    if engine.dialect.driver == "psycopg":
        _watch_server(engine)
        _send_no_pipelines(engine)
    event.listen(engine, "connect", _limit_waits)
    _ask_when_in_doubt(engine)
    return engine


def _ask_when_in_doubt(engine: Engine) -> None:
    """Ask the server whether it is there before a connection is used that has rested, or on which it has spoken.

    To ask each time would cost each call a way to the server and back, twice. A server that stops, or ends the
    connection, says so at once, and what it said can be seen without waiting for anybody.
    """

    @event.listens_for(engine, "checkin")
    def remember(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: Any, record: Any, _proxy: Any) -> None:
        rests_since = record.info.get("rests_since")
        if rests_since is None:
            return
        try:
            if time.monotonic() - rests_since > _ASKED_AFTER or _has_spoken(connection):
                engine.dialect.do_ping(connection)
        except (engine.dialect.loaded_dbapi.Error, OSError) as error:
            raise DisconnectionError("the server does not answer") from error


def _has_spoken(connection: Any) -> bool:
    """Whether there is something to read on a connection of psycopg of which nothing was asked."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _send_no_pipelines(engine: Engine) -> None:
    """Execute what has several rows of values without a pipeline of psycopg.

    The last thing in one is a flush, after which PostgreSQL counts no idle time: a caller who vanishes in such a
    transaction would keep what it has locked (`idle_in_transaction_session_timeout`).
    """
    engine.dialect.use_insertmanyvalues_wo_returning = True

    @event.listens_for(engine, "do_executemany")
    def execute_each(cursor: Any, statement: str, rows: Any, _context: Any) -> bool:
        for values in rows:
            cursor.execute(statement, values)
        return True


def _watch_server(engine: Engine) -> None:
    """Let no call wait for a server that takes everything and answers nothing."""
    # Not above, since the driver is not needed with the embedded database.
    from gatehouse.storage.silence import Server

    server = Server()

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, _arguments: list[Any], options: dict[str, Any]) -> Any:
        return server.connect(**options)

    @event.listens_for(engine, "checkin")
    def forget(connection: Any, _record: Any) -> None:
        if connection is not None:  # as it is of one that was lost
            connection.forget_cursor()


def _limit_waits(connection: Any, _record: Any) -> None:
    """Let no statement wait for ever for what somebody else has locked, also where that one has vanished."""
    connection.execute(";".join(f"SET {name} = {value}" for name, value in _SESSION.items()))
    connection.commit()
