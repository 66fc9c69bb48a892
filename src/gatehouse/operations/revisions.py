"""Makes sure that nobody overwrites what somebody else has changed in the meantime.

A form carries the revision of the record that it was made from; the change is refused when the record has another one
by then. What is not in a form, such as the last login, is not in the revision.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from gatehouse.domain.errors import ChangedMeanwhileError


def revision_of(values: Mapping[str, Any]) -> str:
    """Return what is another text as soon as one of the values is another one."""
    return hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:32]


def check_revision(seen: str | None, values: Mapping[str, Any]) -> None:
    """Refuse a change of what is no longer as it was seen; None is of who looked at nothing.

    Call it in the transaction that changes it, with the record locked. Raises ChangedMeanwhileError.
    """
    if seen is not None and seen != revision_of(values):
        raise ChangedMeanwhileError("somebody else has changed it in the meantime")
