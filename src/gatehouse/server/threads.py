"""Threads that do what is put before them, and tell nobody what came of it.

A ThreadPoolExecutor makes a future with two locks for each task, which nobody here asks for anything.
"""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from gatehouse.domain.errors import place_of

_log = logging.getLogger("gatehouse.server")


class Threads:
    """So many threads, which take tasks in the order in which they come."""

    def __init__(self, count: int, name: str) -> None:
        """Start them. They end with the process."""
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{each}", daemon=True) for each in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def do(self, task: Callable[[], None]) -> None:
        """Have a thread do this as soon as one is free."""
        self._tasks.put(task)

    def shutdown(self, wait: bool = True) -> None:
        """Let the threads end what has come, and then themselves; by default, wait for that."""
        for _ in self._threads:
            self._tasks.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except BaseException as error:
                # Nothing takes the thread away from those who come after.
                _log.error("a request failed: %s", place_of(error))
            del task
