"""Which tokens named an application a moment ago, so that a call that is refused anyway need not ask again.

Nothing is ever allowed by what is remembered here: it only says which refusal it is. A token that was taken back is for
up to a second told that a session is missing, rather than that the token is not valid. So a flood of calls without a
session, which cost their sender nothing, does not cost the database anything either.
"""

import time

from gatehouse.storage.applications import Application

_REMEMBERED = 1.0
"""Seconds."""

_MOST = 1000


class KnownApplications:
    """Remembers the application that a token named, by the token's digest, in this process."""

    def __init__(self) -> None:
        """Begin with none."""
        self._found: dict[bytes, tuple[float, Application]] = {}

    def find(self, token_digest: bytes) -> Application | None:
        """Return the application as it was a moment ago, or None where it was not found of late."""
        kept = self._found.get(token_digest)
        return kept[1] if kept is not None and time.monotonic() < kept[0] else None

    def note(self, token_digest: bytes, application: Application) -> None:
        """Remember what was found in the database just now."""
        if len(self._found) >= _MOST:
            # All others are found again with their next call.
            self._found = {}
        self._found[token_digest] = (time.monotonic() + _REMEMBERED, application)
