"""A lane: one thread's way through the outbox, which delivers one message at a time.

A message is claimed, delivered and finished in three steps with no transaction open during the delivery. What
became of a message is committed before the next one is begun, so that a crash repeats at most the one that
was under way: twice now and then is better than never.
"""

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gatehouse.delivery.channels import DeliveryError, PermanentDeliveryError, open_channel
from gatehouse.delivery.templates import render
from gatehouse.domain import identity
from gatehouse.domain.errors import UnavailableError, place_of
from gatehouse.domain.messages import Medium, MessageState
from gatehouse.operations.core import Core
from gatehouse.storage import outbox
from gatehouse.storage.outbox import Message

logger = logging.getLogger("gatehouse.delivery")

BATCH = 20
"""Messages that are claimed at a time, when deliveries are quick."""

CLAIM_LIFETIME = timedelta(seconds=60)
"""After this, a message that was claimed and not finished is claimed again: its worker has died."""

RENEWED_EVERY = 20.0
"""Seconds after which the claim on a message under way is renewed."""

FRESH_FOR = 1.0
"""Seconds in which a claim need not be renewed to begin a message, because nobody can have taken it yet."""

SLOW_AFTER, BROKEN_OFF_AFTER = 1.0, 30.0
"""Seconds after which a delivery is slow, so that others must not wait for it, and after which it is broken off."""

SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=15)
"""Before the second try, and the most between two tries; in between it doubles."""

GIVEN_UP_AFTER = timedelta(hours=24)

RESENDABLE_FOR = timedelta(hours=24)
"""How long the content of an abandoned message is kept, unless its purpose expires before."""

_NOTED_WITHIN = 30.0
"""Seconds for which it is tried to note what became of a message, when the database is away."""


@dataclass
class _UnderWay:
    """A message that is being delivered. Moments are the monotonic clock's."""

    message: Message
    claim: str
    began: float = field(default_factory=time.monotonic)
    renewed: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class _Outcome:
    """What became of one try: `due_at` is the next one's moment, `wiped_at` when the content of an end is wiped."""

    message: Message
    state: MessageState
    failure: str | None = None
    due_at: datetime | None = None
    wiped_at: datetime | None = None


class Lane:
    """Delivers the messages of one medium. Any number of them may work on one database."""

    def __init__(self, core: Core, medium: Medium) -> None:
        """Take the parts, and the channel that the settings name."""
        self._core = core
        self._medium = medium
        self._channel = open_channel(medium, core.settings)
        self._batch = 1
        self._is_loaded = False
        # Held to begin a message and to give back others, so that none is given back that was begun.
        self._lock = threading.Lock()
        self._under_way: _UnderWay | None = None
        self._waiting: list[int] = []
        self._claimed_at = 0.0

    @property
    def is_slow(self) -> bool:
        """Whether this lane is held up by a message."""
        under_way = self._under_way
        return under_way is not None and time.monotonic() - under_way.began > SLOW_AFTER

    @property
    def is_loaded(self) -> bool:
        """Whether this lane took as much as it can at a time, so that more may be waiting."""
        return self._is_loaded

    def run_once(self, is_stopping: Callable[[], bool] = lambda: False) -> int:
        """Deliver one batch of due messages; return how many were claimed. Raises UnavailableError."""
        now = self._core.now()
        with self._core.database.reading() as db:
            if not outbox.has_due(db, now, now - CLAIM_LIFETIME, self._medium.value):
                self._is_loaded = False
                return 0
        claim = str(uuid.uuid4())
        with self._core.database.writing() as db:
            claimed = outbox.claim(db, claim, self._batch, now, now - CLAIM_LIFETIME, self._medium.value)
        self._is_loaded = len(claimed) == BATCH
        slowest = self._deliver_all(claimed, claim, is_stopping)
        # A batch that waits behind slow deliveries would keep its messages from others.
        self._batch = 1 if slowest > SLOW_AFTER else min(self._batch * 2, BATCH)
        return len(claimed)

    def close(self) -> None:
        """Let go of what the channel keeps open."""
        self._channel.close()

    def interrupt(self) -> None:
        """Make a delivery fail that is under way; it is tried again later."""
        self._channel.interrupt()

    def watch(self) -> None:
        """Look after a delivery that takes long; called now and then by another thread. Raises UnavailableError."""
        under_way = self._under_way
        if under_way is None:
            return
        present = time.monotonic()
        if present - under_way.began > SLOW_AFTER:
            self._give_back(under_way.claim)
        if present - under_way.renewed > RENEWED_EVERY:
            under_way.renewed = present
            with self._core.database.writing() as db:
                outbox.renew(db, under_way.message.id, under_way.claim, self._core.now())
        if present - under_way.began > BROKEN_OFF_AFTER:
            self._channel.interrupt()

    def _deliver_all(self, claimed: Sequence[Message], claim: str, is_stopping: Callable[[], bool]) -> float:
        """Deliver one after the other; return how many seconds the slowest took."""
        slowest = 0.0
        outcome: _Outcome | None = None
        self._waiting = [message.id for message in claimed]
        self._claimed_at = time.monotonic()
        for message in claimed:
            if is_stopping():
                break
            if not self._begin(message, claim, outcome):
                outcome = None
                continue
            began = time.monotonic()
            outcome = self._outcome_of(message)
            slowest = max(slowest, time.monotonic() - began)
        self._under_way = None
        if outcome is not None:
            self._write(lambda db: self._note(db, claim, outcome))
            _log(outcome)
        if self._waiting:
            self._give_back(claim)
        return slowest

    def _begin(self, message: Message, claim: str, before: _Outcome | None) -> bool:
        """Note in one transaction what became of the message before, and that this one is begun.

        Returns False when this one is another worker's by now.
        """
        is_ours = True

        def step(db: Connection) -> None:
            nonlocal is_ours
            if before is not None:
                self._note(db, claim, before)
            if not is_fresh:
                is_ours = outbox.renew(db, message.id, claim, self._core.now())

        with self._lock:
            # One that was given back is no longer waiting, and may be another worker's at once.
            is_fresh = message.id in self._waiting and time.monotonic() - self._claimed_at < FRESH_FOR
            if before is not None or not is_fresh:
                self._write(step)
            if message.id in self._waiting:
                self._waiting.remove(message.id)
            self._under_way = _UnderWay(message, claim) if is_ours else None
        if before is not None:
            _log(before)
        return is_ours

    def _outcome_of(self, message: Message) -> _Outcome:
        """Try to deliver one message. One bad message does not hold up the others."""
        if message.expires_at is not None and message.expires_at <= self._core.now():
            return _Outcome(message, MessageState.ABANDONED, "expired")
        try:
            self._channel.deliver(render(message, self._core.settings.templates_dir))
        except PermanentDeliveryError as error:
            return self._abandoned(message, str(error))
        except DeliveryError as error:
            failure = str(error)
        except Exception as error:  # a fault of ours in this one message, such as a template without its value
            failure = place_of(error)
        else:
            return _Outcome(message, MessageState.SENT)
        now = self._core.now()
        if now - (message.requeued_at or message.created_at) >= GIVEN_UP_AFTER:
            return self._abandoned(message, failure)
        due_at = now + wait_before_try(message.attempts + 1)
        return _Outcome(message, MessageState.QUEUED, failure[:200], due_at=due_at)

    def _abandoned(self, message: Message, failure: str) -> _Outcome:
        wiped_at = self._core.now() + RESENDABLE_FOR
        if message.expires_at is not None:
            wiped_at = min(wiped_at, message.expires_at)
        return _Outcome(message, MessageState.ABANDONED, failure[:200], wiped_at=wiped_at)

    def _note(self, db: Connection, claim: str, outcome: _Outcome) -> None:
        now, number = self._core.now(), outcome.message.id
        if outcome.due_at is not None:
            outbox.postpone(db, number, claim, outcome.due_at, outcome.failure or "", now)
        else:
            outbox.finish(db, number, claim, outcome.state, now, outcome.failure, outcome.wiped_at)

    def _give_back(self, claim: str) -> None:
        """Let others have what was claimed and not begun."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            if waiting:
                with self._core.database.writing() as db:
                    outbox.release(db, waiting, claim, self._core.now())

    def _write(self, step: Callable[[Connection], None]) -> None:
        """Do a step in a transaction, again and again for a while: what is not noted is sent again."""
        deadline = time.monotonic() + _NOTED_WITHIN
        while True:
            try:
                with self._core.database.writing() as db:
                    step(db)
                return
            except UnavailableError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(jittered(1.0))


def wait_before_try(number: int) -> timedelta:
    """Return how long to wait before this try, the second or a later one, with jitter of a quarter."""
    doublings = min(number - 2, 20)
    return min(SHORTEST_WAIT * (1 << doublings), LONGEST_WAIT) * jittered(1.0)


def jittered(value: float) -> float:
    """Return the value give or take a quarter, so that many workers do not ask in step."""
    return value * random.uniform(0.75, 1.25)  # noqa: S311  nobody gains from guessing it


def _log(outcome: _Outcome) -> None:
    message = outcome.message
    mask = identity.mask_email if message.medium == Medium.MAIL else identity.mask_phone
    name = f"message {message.id} ({message.kind}, to {mask(message.recipient)})"
    if outcome.state is MessageState.SENT:
        logger.info("%s: sent", name)
    elif outcome.state is MessageState.ABANDONED:
        logger.error("%s: abandoned, %s", name, outcome.failure)
    else:
        logger.warning("%s: try %d failed, %s", name, message.attempts, outcome.failure)
