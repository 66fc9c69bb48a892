"""Honest callers of a live service who go on whatever happens to it, and hold it to what it acknowledged."""

import threading
import time

from gatehouse.delivery.lane import CLAIM_LIFETIME
from scripts.killing.callers import Caller, Ledger
from scripts.killing.client import Client
from tests.conformance.outages import wait_until
from tests.conformance.service import Service

BACK_WITHIN = 20.0
_CALM_AFTER = 1.5
"""Seconds; longer than a process takes a server for silent that was so (`storage/silence.py`)."""

MAILS_WITHIN = CLAIM_LIFETIME.total_seconds() + 30
"""A worker that lost its database may have claimed messages without knowing it; they are free again after that time."""

SETTINGS = {
    # Cheap hashes: the load is meant for what stands behind them.
    "GATEHOUSE_ARGON2_MEMORY_KIB": "1024",
    "GATEHOUSE_ARGON2_PASSES": "1",
    "GATEHOUSE_MAILS_PER_ACCOUNT": "100000",
    "GATEHOUSE_GUESSES_PER_ACCOUNT": "100000",
    "GATEHOUSE_GUESSES_PER_ACCOUNT_AND_SOURCE": "100000",
    "GATEHOUSE_GUESSES_PER_SOURCE": "100000",
}
"""With them nobody is refused for calling often."""


class Load:
    """Owners of the demo accounts who go on calling, whatever they are answered, and keep ledgers of it."""

    def __init__(self, service: Service) -> None:
        """Take the accounts: four call, and one gets the temporary passwords."""
        accounts = [each for each in service.demo["accounts"] if each["userrole"] == "15"]
        owner = accounts.pop()["email"]
        token = service.demo["applicationToken"]
        self.callers = [
            Caller(Client(service.port, token), Ledger(each["email"], owner, each["password"]), each["email"])
            for each in accounts
        ]
        self.service = service
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "Load":
        self._stop.clear()
        self._threads = [threading.Thread(target=self._go_on, args=(each,)) for each in self.callers]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def unavailable(self) -> int:
        """How many calls were told to come back later."""
        return sum(each.unavailable for each in self.callers)

    @property
    def acknowledged(self) -> int:
        """How many calls were answered otherwise."""
        return sum(each.acknowledged.total() for each in self.callers)

    def wait_for_answers(self) -> None:
        """Wait until everybody is answered again, by each process: one may know for a second what another forgot."""
        before, unavailable, since = self.acknowledged, self.unavailable, time.monotonic()

        def is_calm() -> bool:
            nonlocal unavailable, since
            if self.unavailable != unavailable:
                unavailable, since = self.unavailable, time.monotonic()
            return self.acknowledged > before + 20 and time.monotonic() > since + _CALM_AFTER

        wait_until(is_calm, BACK_WITHIN, lambda: f"nobody is answered {[each.problems for each in self.callers]}")

    def wait_for_refusals(self) -> None:
        """Wait until many were told to come back later."""
        before = self.unavailable
        wait_until(lambda: self.unavailable > before + 8, BACK_WITHIN, lambda: "nobody is told")

    def assert_right(self) -> None:
        """Every answer was right, and everything that was acknowledged is there."""
        for each in self.callers:
            each.compare()
        problems = [problem for each in self.callers for problem in each.problems]
        assert not problems, problems
        # An answer that never came would be a connection that was cut.
        assert sum(each.lost - each.unavailable for each in self.callers) == 0

    def _go_on(self, caller: Caller) -> None:
        while not self._stop.is_set() and not caller.problems:
            caller.work(self._stop)
            time.sleep(0.05)

    def assert_mails_come(self) -> None:
        """Every request for a temporary password that was acknowledged leads to a mail."""
        least = sum(each.ledger.resets for each in self.callers)

        def has_come() -> bool:
            texts = [each.read_text(encoding="utf-8") for each in (self.service.folder / "var" / "mail").glob("*.eml")]
            return sum("temporary password" in text for text in texts) >= least

        assert least > 0
        wait_until(has_come, MAILS_WITHIN, lambda: "not every mail has come")
