"""gunicorn's threaded worker, with a difference: processes share connections out among them.

All processes listen on one socket, and the first to wake takes what has come. Here a new connection is left for a
moment to a process that has fewer. A process that has far more than another, since it was there first, ends some of its
own after their answers, so that their clients come back and find the other.
"""

import selectors
import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from gatehouse.server.balance import Balance
from gatehouse.server.limits import (
    GIVEN_UP_SECONDS,
    IN_VAIN_SECONDS,
    LEFT_BATCH,
    LEFT_LOOK_SECONDS,
    LEFT_SECONDS,
    MORE_CONNECTIONS,
)


class SharingWorker(ThreadWorker):
    """The worker class. The balance is set on a subclass: gunicorn makes the instances."""

    balance: Balance

    place: int | None = None
    """In the balance; set before the process is made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin without connections."""
        super().__init__(*args, **kwargs)
        self._left: dict[socket.socket, float] = {}
        self._gives_up_from = 0.0

    def accept(self, listener: Any) -> None:
        """Take a new connection, or leave it for a moment to a process that has fewer."""
        if self._has_more:
            self.poller.unregister(listener)
            self._left[listener] = time.monotonic() + LEFT_SECONDS
        else:
            self._accept(listener)

    def wait_for_and_dispatch_events(self, timeout: float | None) -> None:
        """Do what has come, and take the connections that were left to others in vain."""
        if self._left and (timeout is None or timeout > LEFT_LOOK_SECONDS):
            timeout = LEFT_LOOK_SECONDS
        super().wait_for_and_dispatch_events(timeout)
        now = time.monotonic()
        for listener, until in list(self._left.items()):
            if not self._has_more:
                self._listen_again(listener)
            elif until <= now:
                self._listen_again(listener)
                for _ in range(min(LEFT_BATCH, self.worker_connections - self.nr_conns)):
                    self._accept(listener)
                # The other hangs, or is busy: what is given up now would come back.
                self._gives_up_from = now + IN_VAIN_SECONDS

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """Listen, or listen no more. gunicorn's takes all listeners to be in the same state."""
        for listener in list(self._left):
            self._listen_again(listener)
        super().set_accept_enabled(enabled)
        self._tell()

    def murder_pending(self) -> None:
        """Let the others know, too. gunicorn calls it with each turn of its loop, at least once a second."""
        super().murder_pending()
        self._tell()

    def gives_up(self, requests: int) -> bool:
        """Whether a connection should end with the answer to the last of so many requests, so that another gets it.

        Not one that has just come, since the other did not take it; and only now and then: what others have is told
        with a delay, and clients should not all come back at once. That two threads ask together does not matter.
        """
        if requests == 1 or not self.balance.has_far_fewer(self.nr_conns):
            return False
        now = time.monotonic()
        if now < self._gives_up_from:
            return False
        self._gives_up_from = now + GIVEN_UP_SECONDS
        return True

    @property
    def _has_more(self) -> bool:
        """Whether another process should take the next connection."""
        return self.balance.has_fewer(self.nr_conns - MORE_CONNECTIONS)

    def _accept(self, listener: Any) -> None:
        super().accept(listener)
        self._tell()

    def _listen_again(self, listener: Any) -> None:
        del self._left[listener]
        self.poller.register(listener, selectors.EVENT_READ, self.accept)

    def _tell(self) -> None:
        """Let the other processes know how many connections there are."""
        if self.alive:
            self.balance.note(self.place, self.nr_conns)
        else:
            self.balance.close(self.place)
