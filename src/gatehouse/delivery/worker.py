"""The delivery worker: keeps lanes going, looks after messages that take long, and does what calls asked for accounts.

Beside that it removes what is old (operations/removal.py), and keeps SQLite's log short.

Each medium has lanes of its own, so that a mail server that hangs keeps no SMS waiting. The first lane of a medium
does all the work; the others step in when every lane before them is held up by a slow message or finds more than it can
take at a time.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from gatehouse.delivery.lane import Lane, jittered
from gatehouse.domain.errors import UnavailableError, place_of
from gatehouse.domain.messages import Medium
from gatehouse.operations.core import Core
from gatehouse.operations.fulfilment import fulfil_next
from gatehouse.operations.removal import Remover
from gatehouse.operations.rounds import attempt

logger = logging.getLogger("gatehouse.delivery")

LANES = 4
"""Lanes of each medium: so many slow messages at a time hold up nobody."""

_PAUSE, _PAUSE_AFTER_FAILURE = 1.0, 5.0
"""Seconds between two looks into the outbox, and after one that failed."""

_WATCHED_EVERY = 0.5
"""Seconds between two looks at the lanes."""

_CHECKPOINT_EVERY = 0.5
"""Seconds between two looks at the log of SQLite, which may grow by some megabytes meanwhile."""

_CHECKPOINT_AGAIN = 0.1
"""Seconds until the next look where it was long: at a thousand calls a second it may grow by 100 MB in each."""

_CLOSED_AFTER = 15.0
"""Seconds without a message after which a lane lets go of its connection."""

_STOPPED_WITHIN, _BROKEN_OFF_WITHIN = 7.0, 1.0
"""Seconds that deliveries under way have to end when the worker stops, and then to fail when they are broken off."""


class Worker:
    """Delivers what is due. Any number of them may work on one database."""

    def __init__(self, core: Core) -> None:
        """Take the parts, and open the channels that the settings name."""
        self._core = core
        self._lanes = {medium: [Lane(core, medium) for _ in range(LANES)] for medium in Medium}

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set, which is noticed within a second."""
        wakes = [threading.Event()]
        threads = [
            threading.Thread(target=self._fulfil, args=(wakes[0], stop), name="account-requests", daemon=True),
            threading.Thread(target=Remover(self._core).run, args=(stop,), name="removal", daemon=True),
        ]
        if self._core.database.is_sqlite:
            threads.append(threading.Thread(target=self._checkpoint, args=(stop,), name="checkpoints", daemon=True))
        for medium, lanes in self._lanes.items():
            for number, lane in enumerate(lanes):
                wake = threading.Event()
                threads.append(
                    threading.Thread(
                        target=self._drive,
                        args=(lane, lanes[:number], wake, stop),
                        name=f"delivery-{medium.value}-{number}",
                        daemon=True,
                    )
                )
                wakes.append(wake)
        for thread in threads:
            thread.start()
        while not stop.is_set():
            if self._core.message_queued.wait(_WATCHED_EVERY):
                # Cleared before the outbox is looked at, so that what is queued meanwhile wakes us again.
                self._core.message_queued.clear()
                for wake in wakes:
                    wake.set()
            for lane in (lane for lanes in self._lanes.values() for lane in lanes):
                self._attempt(lane.watch)
        for wake in wakes:
            wake.set()
        _join(threads, _STOPPED_WITHIN)
        for lane in (lane for lanes in self._lanes.values() for lane in lanes):
            lane.interrupt()
        _join(threads, _BROKEN_OFF_WITHIN)

    def run_once(self) -> int:
        """Do what calls asked for accounts, then deliver one batch of due messages of each medium.

        Returns how many messages were claimed. Raises UnavailableError.
        """
        while fulfil_next(self._core):
            pass
        return sum(lanes[0].run_once() for lanes in self._lanes.values())

    def close(self) -> None:
        """Let go of every connection; for who calls `run_once`."""
        for lanes in self._lanes.values():
            for lane in lanes:
                lane.close()

    def _fulfil(self, wake: threading.Event, stop: threading.Event) -> None:
        """Do what calls asked for accounts, as soon as it is asked here and within a second of it elsewhere."""
        while not stop.is_set():
            is_well = attempt(
                partial(self._fulfil_all, stop),
                logger,
                "the database is not available (%s); trying again soon",
                "a round of requests for accounts failed: %s",
            )
            wake.wait(jittered(_PAUSE if is_well else _PAUSE_AFTER_FAILURE))
            wake.clear()

    def _fulfil_all(self, stop: threading.Event) -> None:
        while fulfil_next(self._core) and not stop.is_set():
            pass

    def _checkpoint(self, stop: threading.Event) -> None:
        """Keep SQLite's log short, so that no call has to."""
        was_long = False

        def look() -> None:
            nonlocal was_long
            was_long = self._core.database.checkpoint()

        while not stop.wait(_CHECKPOINT_AGAIN if was_long else _CHECKPOINT_EVERY):
            self._attempt(look)

    def _drive(self, lane: Lane, before: list[Lane], wake: threading.Event, stop: threading.Event) -> None:
        """Keep one lane going. One that is not the first works while all before it are held up."""
        last_used = time.monotonic()
        while not stop.is_set():
            pause = _PAUSE if not before else _WATCHED_EVERY
            if all(each.is_slow or each.is_loaded for each in before):
                try:
                    if lane.run_once(stop.is_set):
                        last_used = time.monotonic()
                        continue
                except UnavailableError as error:
                    logger.warning("the database is not available (%s); trying again soon", error)
                    pause = _PAUSE_AFTER_FAILURE
                except Exception as error:  # the worker must outlive whatever one round ran into
                    logger.error("a round of deliveries failed: %s", place_of(error))
                    pause = _PAUSE_AFTER_FAILURE
            if time.monotonic() - last_used > _CLOSED_AFTER:
                lane.close()
            if pause == _PAUSE_AFTER_FAILURE:
                stop.wait(jittered(pause))
            else:
                wake.wait(jittered(pause))
                wake.clear()
        lane.close()

    def _attempt(self, step: Callable[[], object]) -> None:
        attempt(
            step,
            logger,
            "the database is not available (%s)",
            "looking after the deliveries or the database failed: %s",
        )


def _join(threads: list[threading.Thread], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
