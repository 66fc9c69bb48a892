"""One call: who makes it, when, and the transaction that it works in."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from gatehouse.config import Settings
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.operators import Authority
from gatehouse.operations.client_counts import ClientCounts
from gatehouse.operations.core import Core
from gatehouse.operations.known_applications import KnownApplications
from gatehouse.operations.known_caller import KnownCaller
from gatehouse.security.compromised import CompromisedPasswords
from gatehouse.security.keys import Keys
from gatehouse.security.passwords import PasswordHasher
from gatehouse.security.rate_limits import RateLimits
from gatehouse.storage.applications import Application


@dataclass(frozen=True, kw_only=True)
class Caller:
    """What a request said of its sender. None of it is verified yet."""

    application_token: str | None = None
    credentials_token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    login_cookie: str | None = None
    lacks_session: bool = False
    """Whether the method needs a session and none was sent, so that the call is refused whatever else it says."""
    source: str | None = None
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Call:
    """One moment, one caller and, inside `reading` or `writing`, one connection.

    An operation reads, then hashes with no connection held, then writes everything in one `writing`
    block. Leaving that block commits, also when it leaves with a refusal, which so keeps its audit entry.
    """

    def __init__(self, core: Core, caller: Caller) -> None:
        """Open a call at the present moment."""
        self._core = core
        self._db: Connection | None = None
        self._is_writing = False
        self._to_read: ExitStack | None = None
        """What the connection of the open `reading` block is opened in, once something is read."""
        self._has_queued = False
        self.caller = caller
        self.now: datetime = core.now()
        # What operations/callers.py found out, so that each is read once in a call.
        self.application: Application | ReturnCode | None = None
        self.calling: tuple[int, int] | None = None
        """The numbers of the merchant and the application behind this call, once they are known."""
        self.known = KnownCaller()
        self.authority: Authority | None = None
        """What the operator behind this call may do; None where no operator of the panel is behind it."""

    def of_caller(self, caller: Caller) -> "Call":
        """Return another call with the same parts, which this caller makes."""
        return Call(self._core, caller)

    @property
    def settings(self) -> Settings:
        """The settings of this installation."""
        return self._core.settings

    @property
    def passwords(self) -> PasswordHasher:
        """The hasher. It waits and works; call it outside of `reading` and `writing`."""
        assert not self._is_open, "no connection may be held while a password is hashed"
        return self._core.passwords

    @property
    def compromised(self) -> CompromisedPasswords:
        """Knows compromised passwords. It may wait for another service; call it outside of `reading` and `writing`."""
        assert not self._is_open, "no connection may be held while another service is asked"
        return self._core.compromised

    @property
    def keys(self) -> Keys:
        """The keys of this installation."""
        return self._core.keys

    @property
    def known_applications(self) -> KnownApplications:
        """The applications whose tokens were found a moment ago."""
        return self._core.known_applications

    @property
    def rate_limits(self) -> RateLimits:
        """How many requests callers may make."""
        return self._core.rate_limits

    @property
    def client_counts(self) -> ClientCounts:
        """The calls of this process that are not yet counted in the tables."""
        return self._core.client_counts

    @property
    def db(self) -> Connection:
        """The connection of the open block."""
        if self._db is None:
            assert self._to_read is not None, "the call is neither reading nor writing"
            self._db = self._to_read.enter_context(self._core.database.reading())
        return self._db

    @property
    def _is_open(self) -> bool:
        return self._db is not None or self._to_read is not None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold a connection for reading, from when it is first used; inside another block, its connection serves."""
        if self._is_open:
            yield
            return
        with ExitStack() as self._to_read:
            try:
                yield
            finally:
                self._db, self._to_read = None, None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold a connection in the transaction of this call. Commits at the end, rolls back on an exception.

        Inside another `writing` block it joins that block's transaction, so that an operation may be made of others.
        """
        if self._is_writing:
            yield
            return
        assert not self._is_open, "what writes must not begin inside of what only reads"
        with self._core.database.writing(together=True) as self._db:
            self._is_writing = True
            try:
                yield
            finally:
                self._db, self._is_writing = None, False
        if self._has_queued:
            self._has_queued = False
            self._core.message_queued.set()

    def note_queued(self) -> None:
        """Remember that a message was queued, so that the worker is woken after the commit."""
        self._has_queued = True
