"""What anybody may ask for an account by naming it: noted in the call, and done by the worker soon after.

The call does the same, and takes as long, whether there is such an account or not: it looks for none.
"""

from enum import StrEnum

from gatehouse.operations.calls import Call
from gatehouse.storage import account_requests


class RequestKind(StrEnum):
    """What is to be done for the account, if there is one."""

    TEMPORARY_PASSWORD = "temporary_password"
    RESET_CODE = "reset_code"
    MANY_WRONG_GUESSES = "many_wrong_guesses"


def note(
    call: Call, kind: RequestKind, merchant_id: int, application_id: int | None = None, **identity: object
) -> None:
    """Note what is asked, in the transaction of the call, and wake the worker after it."""
    account_requests.add(
        call.db,
        merchant_id=merchant_id,
        application_id=application_id,
        kind=kind.value,
        identity=identity,
        source=call.caller.source,
        request_id=call.caller.request_id,
        created_at=call.now,
    )
    call.note_queued()
