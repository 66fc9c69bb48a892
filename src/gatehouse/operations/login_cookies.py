"""Login cookies: made by Login, decoded and rotated by DecodeLoginCookie, ended when one comes back too late.

A cookie is `series | generation | signature`. The series is drawn once and kept as a digest; the generation
counts the cookies of the series; the signature shows that this service made it, so that a cookie which was
spoiled on its way is told from one that was issued and is now replayed.
"""

import base64
import binascii
import hmac
import secrets

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.messages import MessageKind
from gatehouse.domain.results import DecodeCookieResult
from gatehouse.operations import audit, callers, guessing, outbox
from gatehouse.operations.calls import Call
from gatehouse.operations.sessions import start_session
from gatehouse.security import tokens
from gatehouse.storage import accounts, devices, login_cookies, sessions
from gatehouse.storage.accounts import Account
from gatehouse.storage.applications import Application
from gatehouse.storage.login_cookies import LoginCookie

MAX_WRONG_COOKIES = 1000
"""Cookies that nobody was given, from one network in 15 minutes. A shop full of tills may have many old ones."""

_SERIES_BYTES, _GENERATION_BYTES, _SIGNATURE_BYTES = 16, 4, 32


def start_series(call: Call, application: Application, account: Account, device_id: str | None) -> tuple[int, str]:
    """Add a series and return its number and its first cookie."""
    series = secrets.token_bytes(_SERIES_BYTES)
    number = login_cookies.add(
        call.db,
        merchant_id=application.merchant_id,
        application_id=application.id,
        account_id=account.id,
        device_id=device_id,
        series_digest=_digest(series),
        generation=0,
        rotated_at=call.now,
        expires_at=call.now + application.cookie_lifetime,
        created_at=call.now,
    )
    return number, _encode(call, series, 0)


def decode_login_cookie(call: Call, cookie: str | None) -> DecodeCookieResult:
    """Give a new session for a login cookie, and the next cookie of its series.

    The cookie before the newest is answered like the newest one during the application's grace time, so that
    parallel calls and lost answers do no harm. Presented later, it was copied: the series and its sessions end
    and the owner is told. Returns SUCCESS; MISSING_FIELD; INVALID_COOKIE for one that is unknown, spoiled, ended
    or of another application, TOO_MANY_REQUESTS after too many of them;
    COOKIE_EXPIRED; COOKIE_REPLAYED; DEVICE_BLOCKED; ACCOUNT_DISABLED, ACCOUNT_LOCKED.
    Source: contract, who is calling; Account Service seed, DecodeLoginCookie.
    """
    decoded = _decode(call, cookie) if cookie else None
    # Only who has a cookie of ours gets a transaction that writes, of which SQLite has one at a time.
    with call.writing() if decoded else call.reading():
        application = callers.find_application(call)
        if isinstance(application, ReturnCode):
            return DecodeCookieResult(return_code=application)
        if decoded:
            return _answer(call, application, *decoded)
    if not cookie:
        return DecodeCookieResult(return_code=ReturnCode.MISSING_FIELD, detail="Cookie")
    return _refuse_guess(call)


def find_valid(call: Call, application: Application, cookie: str) -> LoginCookie | None:
    """Return the series of a cookie that this application could decode now, or None; it is not rotated. Reads."""
    decoded = _decode(call, cookie)
    kept = login_cookies.find(call.db, _digest(decoded[0])) if decoded else None
    if decoded is None or kept is None or kept.application_id != application.id or kept.ended_at is not None:
        return None
    is_current = decoded[1] == kept.generation or _is_previous(call, application, kept, decoded[1])
    return kept if is_current and kept.expires_at > call.now else None


def look_at(call: Call, application: Application, cookie: str) -> tuple[LoginCookie | None, ReturnCode | None]:
    """Return the series of a cookie and why it would not be decoded now, or None for each; nothing is ended. Reads."""
    decoded = _decode(call, cookie)
    kept = login_cookies.find(call.db, _digest(decoded[0])) if decoded else None
    if decoded is None or kept is None or kept.application_id != application.id:
        return None, ReturnCode.INVALID_COOKIE
    account = accounts.find(call.db, kept.account_id)
    assert account is not None, "a login cookie's account is kept as long as the cookie"
    return kept, _refusal(call, application, account, kept, decoded[1])


def _is_previous(call: Call, application: Application, kept: LoginCookie, generation: int) -> bool:
    """Whether this is the cookie before the newest, in its grace time."""
    return generation == kept.generation - 1 and call.now < kept.rotated_at + application.cookie_grace


def _answer(call: Call, application: Application, series: bytes, generation: int) -> DecodeCookieResult:
    found = login_cookies.find_and_lock(call.db, _digest(series))
    if found is None:
        return _refuse_foreign(call, application, None)
    kept, account = found
    if kept.application_id != application.id:
        return _refuse_foreign(call, application, kept)
    call.known.device_id = kept.device_id
    refusal = _refusal(call, application, account, kept, generation)
    if refusal is not None:
        if refusal is ReturnCode.COOKIE_REPLAYED:
            _end_stolen(call, kept, account)
        else:
            _record(call, AuditEvent.LOGIN_COOKIE_REFUSED, kept, refusal)
        return DecodeCookieResult(return_code=refusal)

    if generation == kept.generation:
        # A cookie in its grace time was rotated by an earlier call, whose new cookie is this call's answer, too.
        login_cookies.rotate(call.db, kept, call.now + application.cookie_lifetime, call.now)
    token = start_session(call, application, account, kept.device_id, login_cookie_id=kept.id)
    _record(call, AuditEvent.LOGIN_COOKIE_ROTATED, kept, None)
    return DecodeCookieResult(
        return_code=ReturnCode.SUCCESS,
        number=str(account.id),
        credentials_token=token,
        email=account.email,
        encoded_cookie=_encode(call, series, generation + 1),
        cookie_lifetime=application.cookie_lifetime,
        full_name=account.full_name,
    )


def _refuse_foreign(call: Call, application: Application, kept: LoginCookie | None) -> DecodeCookieResult:
    """Refuse a cookie of ours that this application was not given; one that is another's leaves an audit entry."""
    refused = _refuse_guess(call)
    if kept is not None and refused.return_code is ReturnCode.INVALID_COOKIE:
        audit.record(
            call,
            AuditEvent.LOGIN_COOKIE_REFUSED,
            merchant_id=application.merchant_id,
            application_id=application.id,
            # Another merchant's account is nothing that this one may know of.
            account_id=kept.account_id if kept.merchant_id == application.merchant_id else None,
            outcome=refused.return_code,
        )
    return refused


def _refuse_guess(call: Call) -> DecodeCookieResult:
    """Count a cookie that nobody was given. A valid one is always answered: 128 random bits need no other defence."""
    budgets = [guessing.of_network(call, "login cookie", MAX_WRONG_COOKIES)]
    with call.reading():
        wait = guessing.wait(call, budgets)
    if wait is None:
        with call.writing():
            wait = guessing.count_wrong(call, budgets).wait
    code = ReturnCode.INVALID_COOKIE if wait is None else ReturnCode.TOO_MANY_REQUESTS
    return DecodeCookieResult(return_code=code, retry_after=wait)


def _refusal(
    call: Call, application: Application, account: Account, kept: LoginCookie, generation: int
) -> ReturnCode | None:
    """Return why this cookie is not answered, or None."""
    if kept.replayed_at is not None:
        return ReturnCode.COOKIE_REPLAYED
    # The block ended the series; its owner is told why.
    if kept.device_id and devices.is_blocked(call.db, kept.merchant_id, kept.device_id):
        return ReturnCode.DEVICE_BLOCKED
    if kept.ended_at is not None:
        return ReturnCode.INVALID_COOKIE
    if kept.expires_at <= call.now:
        return ReturnCode.COOKIE_EXPIRED
    if generation != kept.generation and not _is_previous(call, application, kept, generation):
        return ReturnCode.COOKIE_REPLAYED
    return callers.status_refusal(account)


def _end_stolen(call: Call, kept: LoginCookie, account: Account) -> None:
    """End the series and its sessions; tell the owner, once."""
    if login_cookies.end_as_replayed(call.db, kept.id, call.now):
        sessions.end_of_login_cookie(call.db, kept.id, call.now)
        outbox.queue_mail(call, MessageKind.LOGIN_COOKIE_REPLAYED, account)
    _record(call, AuditEvent.LOGIN_COOKIE_REPLAYED, kept, ReturnCode.COOKIE_REPLAYED)


def _record(call: Call, event: AuditEvent, kept: LoginCookie, outcome: ReturnCode | None) -> None:
    audit.record(
        call,
        event,
        merchant_id=kept.merchant_id,
        application_id=kept.application_id,
        account_id=kept.account_id,
        outcome=outcome,
    )


def _digest(series: bytes) -> bytes:
    return tokens.digest(series.hex())


def _encode(call: Call, series: bytes, generation: int) -> str:
    content = series + generation.to_bytes(_GENERATION_BYTES, "big")
    return base64.urlsafe_b64encode(content + call.keys.sign_login_cookie(content)).decode().rstrip("=")


def _decode(call: Call, cookie: str) -> tuple[bytes, int] | None:
    """Return series and generation of a cookie that this service made, or None for anything else."""
    try:
        raw = base64.b64decode(cookie + "=" * (-len(cookie) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    content, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    if len(content) != _SERIES_BYTES + _GENERATION_BYTES:
        return None
    if not hmac.compare_digest(signature, call.keys.sign_login_cookie(content)):
        return None
    return content[:_SERIES_BYTES], int.from_bytes(content[_SERIES_BYTES:], "big")
