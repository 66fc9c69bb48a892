"""What a new installation still needs before the first login, for the panel's first page."""

from dataclasses import dataclass

from gatehouse.operations.calls import Call
from gatehouse.operations.signed_in import SignedIn
from gatehouse.storage import panel_lists

_LOOKED_AT = 2
"""Merchants that are looked at: who has more is past the first steps."""


@dataclass(frozen=True)
class FirstSteps:
    """What is there of what a first login needs; `merchant_id` is where the rest is to be added, if anywhere."""

    merchant_id: int | None
    has_application: bool
    has_account: bool
    has_logged_in: bool

    @property
    def are_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.has_application and self.has_account and self.has_logged_in


def find_first_steps(call: Call, who: SignedIn) -> FirstSteps:
    """Return how far the operator's merchants are from the first login."""
    with call.reading():
        found = panel_lists.find_merchant_beginnings(call.db, who.merchant_ids, _LOOKED_AT)
    if len(found) == _LOOKED_AT:
        return FirstSteps(None, True, True, True)
    return FirstSteps(*found[0]) if found else FirstSteps(None, False, False, False)
