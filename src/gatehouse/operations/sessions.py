"""Sessions: started by Login and DecodeLoginCookie, ended by LogOff."""

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.results import ServiceResult
from gatehouse.operations import audit, callers
from gatehouse.operations.calls import Call
from gatehouse.security import tokens
from gatehouse.storage import login_cookies, sessions
from gatehouse.storage.accounts import Account
from gatehouse.storage.applications import Application


def start_session(
    call: Call,
    application: Application,
    account: Account,
    device_id: str | None,
    *,
    login_cookie_id: int | None,
    must_change_password: bool = False,
) -> str:
    """Add a session and return its credentials token, of which only the digest is kept."""
    token = tokens.draw_token()
    sessions.add(
        call.db,
        merchant_id=application.merchant_id,
        application_id=application.id,
        account_id=account.id,
        login_cookie_id=login_cookie_id,
        device_id=device_id,
        token_digest=tokens.digest(token),
        must_change_password=must_change_password,
        last_used_at=call.now,
        expires_at=call.now + application.session_lifetime,
        created_at=call.now,
    )
    return token


def log_off(call: Call) -> ServiceResult:
    """End the caller's session and the login cookie that came with it.

    Returns SUCCESS, also without a session, and then also without an application's token, because the call has no
    member for one; SESSION_EXPIRED when the session had ended before; INVALID_APPLICATION_TOKEN.
    Source: contract, Methods; Account Service seed, LogOff.
    """
    with call.reading():
        session = callers.find_session(call)
    if session in (ReturnCode.SESSION_REQUIRED, ReturnCode.APPLICATION_TOKEN_REQUIRED):
        return ServiceResult(return_code=ReturnCode.SUCCESS)
    if isinstance(session, ReturnCode):
        return ServiceResult(return_code=session)
    with call.writing():
        # The cookie goes first, as everywhere: calls that take both in the same order cannot wait for each other.
        if session.login_cookie_id is not None:
            login_cookies.end(call.db, session.login_cookie_id, call.now)
        sessions.end(call.db, session.id, call.now)
        audit.record(
            call,
            AuditEvent.SESSION_ENDED,
            merchant_id=session.merchant_id,
            application_id=session.application_id,
            account_id=session.account_id,
        )
        return ServiceResult(return_code=ReturnCode.SUCCESS, number=str(session.account_id))
