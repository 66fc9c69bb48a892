"""The delivery worker: takes messages out of the outbox and hands them to their channels.

A message is claimed, delivered and finished in three steps with no transaction open during the delivery. After
a crash in between it is delivered again: twice now and then is better than never.
"""

import logging
import random
import threading
import uuid
from datetime import datetime, timedelta

from gatehouse.delivery.channels import DeliveryError, open_channels
from gatehouse.delivery.templates import render
from gatehouse.domain import identity
from gatehouse.domain.errors import UnavailableError, place_of
from gatehouse.domain.messages import Medium, MessageState
from gatehouse.operations.core import Core
from gatehouse.storage import outbox
from gatehouse.storage.outbox import Message

logger = logging.getLogger("gatehouse.delivery")

BATCH = 20
"""Messages that are claimed at a time."""

CLAIM_LIFETIME = timedelta(seconds=60)
"""After this, a message that was claimed and not finished is claimed again: its worker has died."""

SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=15)
"""Before the second try, and the most between two tries; in between it doubles."""

GIVEN_UP_AFTER = timedelta(hours=24)

_PAUSE, _PAUSE_AFTER_FAILURE = 1.0, 5.0
"""Seconds between two looks into the outbox, and after one that failed."""


class Worker:
    """Delivers what is due. Any number of them may work on one database."""

    def __init__(self, core: Core) -> None:
        """Take the parts, and open the channels that the settings name."""
        self._core = core
        self._channels = open_channels(core.settings)

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set, which is noticed within a little more than a second."""
        while not stop.is_set():
            try:
                if self.run_once():
                    continue
            except UnavailableError as error:
                logger.warning("the database is not available (%s); trying again soon", error)
                stop.wait(_jittered(_PAUSE_AFTER_FAILURE))
            except Exception as error:  # the worker must outlive whatever one round ran into
                logger.error("a round of deliveries failed: %s", place_of(error))
                stop.wait(_jittered(_PAUSE_AFTER_FAILURE))
            # Cleared before the outbox is looked at, so that what is queued meanwhile wakes us again.
            self._core.message_queued.wait(_jittered(_PAUSE))
            self._core.message_queued.clear()

    def run_once(self) -> int:
        """Deliver one batch of due messages; return how many were claimed. Raises UnavailableError."""
        now = self._core.now()
        with self._core.database.reading() as db:
            if not outbox.has_due(db, now, now - CLAIM_LIFETIME):
                return 0
        claim = str(uuid.uuid4())
        with self._core.database.writing() as db:
            claimed = outbox.claim(db, claim, BATCH, now, now - CLAIM_LIFETIME)
        for message in claimed:
            if self._core.now() - now > CLAIM_LIFETIME / 2:
                # Deliveries are slow today. The rest may soon be another worker's, so it is left for the next claim.
                break
            self._handle(message, claim)
        return len(claimed)

    def _handle(self, message: Message, claim: str) -> None:
        """Deliver one message and note what became of it."""
        now = self._core.now()
        if message.expires_at is not None and message.expires_at <= now:
            self._finish(message, claim, MessageState.ABANDONED, "expired")
            return
        failure = self._failure_of_delivery(message)
        if failure is None:
            self._finish(message, claim, MessageState.SENT, None)
        elif now - message.created_at >= GIVEN_UP_AFTER:
            self._finish(message, claim, MessageState.ABANDONED, failure)
        else:
            self._postpone(message, claim, now + wait_before_try(message.attempts + 1), failure)

    def _failure_of_delivery(self, message: Message) -> str | None:
        """Try to deliver; return None, or why it failed. One bad message does not hold up the others."""
        try:
            self._channels[Medium(message.medium)].deliver(render(message))
        except DeliveryError as error:
            return str(error)
        except Exception as error:  # a fault of ours in this one message, such as a template without its value
            return place_of(error)
        return None

    def _finish(self, message: Message, claim: str, state: MessageState, failure: str | None) -> None:
        with self._core.database.writing() as db:
            outbox.finish(db, message.id, claim, state, self._core.now(), failure and failure[:200])
        if state is MessageState.SENT:
            logger.info("%s: sent", _named(message))
        else:
            logger.error("%s: abandoned, %s", _named(message), failure)

    def _postpone(self, message: Message, claim: str, due_at: datetime, failure: str) -> None:
        with self._core.database.writing() as db:
            outbox.postpone(db, message.id, claim, due_at, failure[:200])
        logger.warning("%s: try %d failed, %s", _named(message), message.attempts, failure)


def wait_before_try(number: int) -> timedelta:
    """Return how long to wait before this try, the second or a later one, with jitter of a quarter."""
    doublings = min(number - 2, 20)
    return min(SHORTEST_WAIT * (1 << doublings), LONGEST_WAIT) * _jittered(1.0)


def _jittered(value: float) -> float:
    """Return the value give or take a quarter, so that many workers do not ask in step."""
    return value * random.uniform(0.75, 1.25)  # noqa: S311  nobody gains from guessing it


def _named(message: Message) -> str:
    mask = identity.mask_email if message.medium == Medium.MAIL else identity.mask_phone
    return f"message {message.id} ({message.kind}, to {mask(message.recipient)})"
