"""Removes in the background, in small steps, what nobody needs any more.

What ended is kept for a while, so that who comes late is told that a cookie or a code has expired, and not that it is
wrong. Entries of the audit trail are removed by `operations/audit_seals.py`, with the seals that hold them.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from gatehouse.operations.core import Core
from gatehouse.operations.rounds import attempt
from gatehouse.storage import guess_counts, outbox, removal
from gatehouse.storage.removal import Kind

LOOKED_AT = 1000
"""Rows that are looked at in one step, without a lock."""

MOST_AT_A_TIME = 500
"""Rows that are removed in one transaction at most. On SQLite nobody else can write meanwhile."""

_LEAST_AT_A_TIME = 100

_LONG, _SHORT = 0.015, 0.006
"""Seconds of a transaction on SQLite after which the next one removes half as many rows, and below which it removes
twice as many: what a row takes depends on how large its table's indexes are, and on the disk."""

_SHARE = 4
"""How many times as long as a step it is waited for the next one, so that calls have most of the time."""

_LEAST_PAUSE = 0.005
"""Seconds between two steps at least."""

_ROUND_SHARE, _LEAST_ROUND_PAUSE, _MOST_ROUND_PAUSE = 10, 60.0, 6 * 3600.0
"""How many times as long as a round took it is waited for the next one, and the least and most seconds of that."""

_KEPT: Mapping[Kind, timedelta] = {
    # Of a session nobody is told more than that it has expired, also when it is not known.
    Kind.SESSION: timedelta(minutes=5),
    Kind.LOGIN_COOKIE: timedelta(days=30),
    Kind.OPERATOR_SESSION: timedelta(days=30),
    Kind.ACTIVATION_CODE: timedelta(days=30),
    Kind.RESET_CODE: timedelta(days=30),
    Kind.TEMPORARY_PASSWORD: timedelta(days=30),
}
"""For how long a row is kept after its end."""

_log = logging.getLogger("gatehouse.removal")


class Remover:
    """Removes what is old. Any number of them may work on one database."""

    def __init__(self, core: Core) -> None:
        """Take the parts. Nothing is read yet."""
        self._core = core
        self._at_a_time = MOST_AT_A_TIME // 4 if core.database.is_sqlite else MOST_AT_A_TIME

    def run(self, stop: threading.Event) -> None:
        """Remove what is old, round after round, until `stop` is set, which is noticed within a second."""
        # So that processes which began together do not all look at once.
        pause = random.uniform(0, _LEAST_ROUND_PAUSE)  # noqa: S311  # nothing secret
        while not stop.wait(pause):
            began = time.monotonic()
            attempt(
                partial(self.remove_old, stop),
                _log,
                "the database is not available (%s)",
                "removing what is old failed: %s",
            )
            pause = min(max((time.monotonic() - began) * _ROUND_SHARE, _LEAST_ROUND_PAUSE), _MOST_ROUND_PAUSE)
            pause *= random.uniform(0.8, 1.2)  # noqa: S311  # nothing secret

    def remove_old(self, stop: threading.Event | None = None) -> Mapping[str, int]:
        """Go once through everything that grows old; return how many rows of each kind were removed, or wiped.

        Raises UnavailableError.
        """
        stop, began = stop or threading.Event(), time.monotonic()
        removed = {"content of messages": self._wipe_content(stop), "guess counts": self._remove_guess_counts(stop)}
        for kind, kept in self._kept().items():
            removed[kind.value.table.name.replace("_", " ")] = self._walk(stop, kind, self._core.now() - kept)
        removed = {name: count for name, count in removed.items() if count}
        if removed:
            told = ", ".join(f"{count} {name}" for name, count in removed.items())
            _log.debug("removed in %.1f seconds: %s", time.monotonic() - began, told)
        return removed

    def _kept(self) -> Mapping[Kind, timedelta]:
        days = self._core.settings.message_days
        return {**_KEPT, Kind.MESSAGE: timedelta(days=days)} if days else _KEPT

    def _walk(self, stop: threading.Event, kind: Kind, before: datetime) -> int:
        """Go once through a table by its numbers, as far as there can be old rows; return how many were removed."""
        after, removed, size, is_end = 0, 0, LOOKED_AT, False
        while not is_end and not stop.is_set():
            began = time.monotonic()
            with self._core.database.reading() as db:
                step = removal.look(db, kind, after, size, before)
            if step is None:
                break
            if step.old > self._at_a_time:
                size = self._at_a_time
                continue
            if step.old:
                removed += self._write(partial(removal.remove, kind=kind, after=after, last=step.last, before=before))
            after, is_end, size = step.last, step.is_end, self._at_a_time if step.old else LOOKED_AT
            _rest(stop, began)
        return removed

    def _wipe_content(self, stop: threading.Event) -> int:
        return self._repeat(stop, outbox.has_content_to_wipe, outbox.wipe_content)

    def _remove_guess_counts(self, stop: threading.Event) -> int:
        return self._repeat(stop, guess_counts.has_forgotten, guess_counts.remove_forgotten)

    def _repeat(
        self,
        stop: threading.Event,
        has_any: Callable[[Connection, datetime], bool],
        change: Callable[[Connection, datetime, int], int],
    ) -> int:
        """Change some rows at a time until there are no more; return how many they were."""
        now, changed = self._core.now(), 0
        while not stop.is_set():
            began = time.monotonic()
            with self._core.database.reading() as db:
                if not has_any(db, now):
                    break
            limit = self._at_a_time
            count = self._write(lambda db: change(db, now, limit))  # noqa: B023  called at once
            if not count:
                break  # calls hold all that there is
            changed += count
            _rest(stop, began)
        return changed

    def _write(self, change: Callable[[Connection], int]) -> int:
        """Do this in one transaction, and judge by the time that it took how much the next one may do."""
        with self._core.database.writing() as db:
            began = time.monotonic()
            count = change(db)
        took = time.monotonic() - began
        if not self._core.database.is_sqlite:
            return count  # nobody waits for us there
        if took > _LONG:
            self._at_a_time = max(self._at_a_time // 2, _LEAST_AT_A_TIME)
        elif took < _SHORT and count * 2 > self._at_a_time:
            self._at_a_time = min(self._at_a_time * 2, MOST_AT_A_TIME)
        return count


def _rest(stop: threading.Event, began: float) -> None:
    """Leave the time to others, as long again as the step took and longer."""
    stop.wait(max((time.monotonic() - began) * _SHARE, _LEAST_PAUSE))
