"""Does what calls asked for an account by naming it: the worker's part of `account_requests`."""

import logging
from collections.abc import Callable, Mapping

from gatehouse.domain.errors import UnavailableError, place_of
from gatehouse.operations import owner_warnings, passwords, reset_codes
from gatehouse.operations.account_requests import RequestKind
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core
from gatehouse.storage import account_requests
from gatehouse.storage.account_requests import AccountRequest

_log = logging.getLogger("gatehouse.requests")


def fulfil_next(core: Core) -> bool:
    """Do what the oldest request asks, and remove it in the same transaction. Returns False when there is none.

    One that cannot be done is logged and removed, so that it does not keep the others waiting. Raises UnavailableError.
    """
    with core.database.reading() as db:
        if not account_requests.has_any(db):
            return False
    request: AccountRequest | None = None
    call = Call(core, Caller())
    try:
        with call.writing():
            request = account_requests.take(call.db)
            if request is None:
                return False
            call.caller = Caller(source=request.source, request_id=request.request_id or "")
            _FULFIL[RequestKind(request.kind)](call, request)
    except UnavailableError:
        raise
    except Exception as error:  # a fault of ours in this one request
        if request is None:
            raise
        _log.error("a request for an account failed: %s request=%s", place_of(error), request.request_id)
        with call.writing():
            account_requests.remove(call.db, request.id)
    return True


_FULFIL: Mapping[RequestKind, Callable[[Call, AccountRequest], None]] = {
    RequestKind.TEMPORARY_PASSWORD: passwords.send_temporary_passwords,
    RequestKind.RESET_CODE: reset_codes.send_to_stranger,
    RequestKind.MANY_WRONG_GUESSES: owner_warnings.warn_of_guesses,
}
