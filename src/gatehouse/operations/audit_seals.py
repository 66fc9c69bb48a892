"""Seals the audit trail in the background, and removes what is older than `GATEHOUSE_AUDIT_DAYS`.

A call only adds its entries. What ties them together is made here, a little later: for each merchant a chain of seals,
each over the one before it and over the entries since then.
"""

import logging
import random
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from gatehouse.domain.errors import UnavailableError, place_of
from gatehouse.operations import audit_macs
from gatehouse.operations.core import Core
from gatehouse.storage import audit, audit_seals, horizons, locks
from gatehouse.storage.horizons import Horizon

_log = logging.getLogger("gatehouse.audit")

MAX_ENTRIES = 500
"""Entries under one seal. They are removed together, and on SQLite nobody else can write meanwhile."""

_SEALED_EVERY = 10.0
"""Seconds between two looks for new entries. A seal for each second would make about as many seals as entries."""

_REMOVED_EVERY, _ALL_SEEN_EVERY, _HEADS_LOGGED_EVERY = 3600.0, 600.0, 3600.0
"""Seconds between two removals of what is old, two looks at every merchant, and two log lines with the heads."""

_SEALS_AT_A_TIME, _REMOVED_AT_A_TIME = 50, 250
"""Seals, and about how many entries, that are removed in one transaction: others have to write, too."""

_REMOVAL_PAUSE, _REMOVAL_SHARE = 0.02, 4
"""Seconds between two such transactions at least, and how many times as long as one took."""

_STOPPED_WITHIN = 1.0
"""Seconds between two looks whether to stop."""

_FINAL_WITHIN = 5.0
"""Seconds that `seal_now` waits for transactions that are under way."""


class Sealer:
    """Seals what is final. Any number of them may work on one database: a seal's number is taken once."""

    def __init__(self, core: Core) -> None:
        """Take the parts. Nothing is read yet."""
        self._core = core
        self._horizon: Horizon | None = None
        self._sealed_to = 0
        self._all_seen_at = -_ALL_SEEN_EVERY
        self._heads: dict[int, str] = {}

    def run(self, stop: threading.Event) -> None:
        """Seal, and remove what is old, until `stop` is set, which is noticed within a second."""
        next_seal = next_removal = time.monotonic()
        next_heads = next_seal + _HEADS_LOGGED_EVERY
        while not stop.wait(_STOPPED_WITHIN):
            try:
                if time.monotonic() >= next_seal:
                    next_seal = time.monotonic() + _jittered(_SEALED_EVERY)
                    self.step()
                if time.monotonic() >= next_removal:
                    next_removal = time.monotonic() + _jittered(_REMOVED_EVERY)
                    self.remove_old(stop)
                if time.monotonic() >= next_heads:
                    next_heads = time.monotonic() + _HEADS_LOGGED_EVERY
                    self._log_heads()
            except UnavailableError as error:
                _log.warning("the database is not available (%s)", error)
            except Exception as error:  # the thread must outlive whatever one round ran into
                _log.error("sealing the audit trail failed: %s", place_of(error))

    def step(self) -> int:
        """Seal what a look before has shown, if it is final now, and look again. Returns how many seals were made.

        Raises UnavailableError.
        """
        made = 0
        with self._core.database.reading() as db:
            if self._horizon is None:
                self._horizon = audit_seals.look_at_horizon(db)
            if not horizons.is_final(db, self._horizon):
                return 0
            horizon, self._horizon = self._horizon, None
            is_time_for_all = time.monotonic() - self._all_seen_at >= _ALL_SEEN_EVERY
            if is_time_for_all:
                merchant_ids = audit_seals.find_unsealed_merchants(db, horizon.last)
            else:
                merchant_ids = audit.find_merchants(db, self._sealed_to, horizon.last)
        for merchant_id in merchant_ids:
            made += self._seal(merchant_id, horizon.last)
        # Only after all went well: otherwise the next look begins where this one did.
        self._sealed_to = max(self._sealed_to, horizon.last)
        if is_time_for_all:
            self._all_seen_at = time.monotonic()
        return made

    def seal_now(self) -> bool:
        """Seal every entry that is there. Returns False when transactions under way kept that from being done."""
        deadline = time.monotonic() + _FINAL_WITHIN
        with self._core.database.reading() as db:
            horizon = audit_seals.look_at_horizon(db)
            while not horizons.is_final(db, horizon):
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.05)
            merchant_ids = audit_seals.find_unsealed_merchants(db, horizon.last)
        for merchant_id in merchant_ids:
            self._seal(merchant_id, horizon.last)
        return True

    def remove_old(self, stop: threading.Event | None = None) -> int:
        """Remove the entries of the seals that are older than the setting says; return how many seals those were.

        The newest of a merchant's emptied seals stays, as the beginning of its chain. Raises UnavailableError.
        """
        days, removed = self._core.settings.audit_days, 0
        if not days:
            return 0
        before = self._core.now() - timedelta(days=days)
        stop = stop or threading.Event()
        while not stop.is_set():
            with self._core.database.reading() as db:
                if not audit_seals.find_expired(db, before, 1):
                    break
            began = time.monotonic()
            removed += self._remove_some(before)
            stop.wait(max(_REMOVAL_PAUSE, (time.monotonic() - began) * _REMOVAL_SHARE))
        return removed

    def _remove_some(self, before: datetime) -> int:
        now, keys, entries = self._core.now(), self._core.keys, 0
        with self._core.database.writing() as db:
            locks.take(db, locks.AUDIT_REMOVAL)
            expired = audit_seals.find_expired(db, before, _SEALS_AT_A_TIME)
            for count, seal in enumerate(expired, start=1):
                audit.remove_between(db, seal.merchant_id, seal.first_entry_id - 1, seal.last_entry_id)
                audit_seals.note_removal(db, seal.id, now, audit_macs.removal_mac(keys, seal, now))
                audit_seals.remove_before(db, seal.merchant_id, seal.number)
                entries += seal.entry_count
                if entries >= _REMOVED_AT_A_TIME:
                    return count
            return len(expired)

    def _seal(self, merchant_id: int, horizon: int) -> int:
        """Seal the merchant's entries up to the horizon; return how many seals were made."""
        made = 0
        while True:
            with self._core.database.reading() as db:
                last = audit_seals.find_last(db, merchant_id)
                after = last.last_entry_id if last else 0
                entries = audit.find_between(db, merchant_id, after, horizon, MAX_ENTRIES)
            if not entries:
                return made
            keys = self._core.keys
            for entry in entries:
                if entry.mac is not None and not audit_macs.is_genuine([keys], entry):
                    _log.error("audit entry %s of merchant %s is not as it was made", entry.id, merchant_id)
            values: dict[str, Any] = {
                "merchant_id": merchant_id,
                "number": last.number + 1 if last else 1,
                "first_entry_id": entries[0].id,
                "last_entry_id": entries[-1].id,
                "entry_count": len(entries),
                "entries": audit_macs.listed(keys, entries),
                "sealed_at": self._core.now(),
            }
            values["entries_digest"] = audit_macs.digest_of_list(values["entries"])
            previous = last.digest if last else audit_macs.NO_SEAL
            values["digest"] = audit_macs.seal_digest(keys, previous, **values)
            with self._core.database.writing() as db:
                is_first = audit_seals.add(db, **values)
            if not is_first:
                return made  # another process seals this merchant at the same time
            made += 1
            self._heads[merchant_id] = f"{values['number']}:{values['digest'].hex()}"

    def _log_heads(self) -> None:
        """Write the newest seals to the log, which is often kept where nobody who changes the database comes."""
        heads, self._heads = self._heads, {}
        for merchant_id, head in sorted(heads.items()):
            _log.info("head of the audit trail %s:%s", merchant_id, head)


def _jittered(seconds: float) -> float:
    """Return a time around this one, so that processes which began together do not all look at once."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311  # nothing secret
