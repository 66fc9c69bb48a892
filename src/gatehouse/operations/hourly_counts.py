"""Counts what happened in each hour, in the background, for the panel's first page."""

import logging
import random
import threading
from datetime import timedelta

from gatehouse.operations.core import Core
from gatehouse.operations.rounds import attempt
from gatehouse.storage import horizons, hourly_counts
from gatehouse.storage.horizons import Horizon

KEPT = timedelta(days=2)
"""How long the counts of an hour are kept: for longer than the panel shows them."""

_COUNTED_EVERY = 5.0
"""Seconds between two rounds. What came since the one before the last is not counted, but read by who looks."""

_AT_A_TIME = 50_000
"""Rows that one transaction counts at most, where there is much to catch up with."""

_log = logging.getLogger("gatehouse.hourly_counts")


class HourlyCounter:
    """Counts what is final. Any number of them may work on one database: each row is counted once."""

    def __init__(self, core: Core) -> None:
        """Take the parts. Nothing is read yet."""
        self._core = core
        self._horizons: dict[str, Horizon] = {}

    def run(self, stop: threading.Event) -> None:
        """Count until `stop` is set."""
        # Not all at the same moment, where several processes began together.
        while not stop.wait(_COUNTED_EVERY * random.uniform(0.8, 1.2)):  # noqa: S311  # nothing secret
            attempt(
                self.step,
                _log,
                "the hours are not counted: the database is not available (%s)",
                "the hours were not counted: %s",
            )

    def step(self) -> None:
        """Count what a look before has shown, as far as it is final now, and look again. Raises UnavailableError."""
        oldest = int((self._core.now() - KEPT).timestamp()) // 3600
        with self._core.database.reading() as db:
            final = {name: each.last for name, each in self._horizons.items() if horizons.is_final(db, each)}
            counted = {name: hourly_counts.find_last(db, name) for name in hourly_counts.SOURCES}
            for name, table in hourly_counts.SOURCES.items():
                if name in final or name not in self._horizons:
                    self._horizons[name] = horizons.look(db, table)
            has_old = hourly_counts.has_before(db, oldest)
        for name, last in final.items():
            self._count(name, counted[name], last)
        if has_old:
            with self._core.database.writing() as db:
                hourly_counts.remove_before(db, oldest)

    def _count(self, source: str, after: int, last: int) -> None:
        while after < last:
            upto = min(after + _AT_A_TIME, last)
            with self._core.database.writing() as db:
                if not hourly_counts.count_up_to(db, source, after, upto):
                    return  # another process counts at the same time
            after = upto
