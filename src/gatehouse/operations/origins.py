"""Web pages of other origins that may call the JSON of `account.svc`: each application lists its own."""

import threading
from datetime import datetime, timedelta

from gatehouse.operations import callers
from gatehouse.operations.calls import Call
from gatehouse.storage import applications

REMEMBERED_FOR = timedelta(seconds=5)


class ListedOrigins:
    """The origins that any application lists, remembered so that a flood of questions is no flood of queries.

    A browser asks before it calls, and its question names no application. That tells the page nothing yet: the
    answer to the call itself is given to a page of the calling application alone (`may_read`).
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._listed: frozenset[str] = frozenset()
        self._read_at: datetime | None = None

    def find(self, call: Call) -> frozenset[str]:
        """Return the origins as they were REMEMBERED_FOR ago at most. Raises UnavailableError."""
        with self._lock:
            # A clock that was put back makes no old answer new.
            if self._read_at is None or not timedelta(0) <= call.now - self._read_at < REMEMBERED_FOR:
                with call.reading():
                    self._listed = frozenset(applications.find_origins(call.db))
                self._read_at = call.now
            return self._listed


def may_read(call: Call, origin: str) -> bool:
    """Whether a page of this origin may read what the calling application is answered. Raises UnavailableError."""
    application = callers.find_calling_application(call)
    return application is not None and origin in application.origins
