"""Who is asking: the application by its token, the person by the session's token."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.operations.calls import Call
from gatehouse.security import tokens
from gatehouse.storage import accounts, applications, devices, integrations, merchants, sessions
from gatehouse.storage.accounts import Account
from gatehouse.storage.applications import Application
from gatehouse.storage.integrations import Integration
from gatehouse.storage.merchants import Merchant
from gatehouse.storage.sessions import Session

_USE_NOTED_AFTER = timedelta(minutes=1)
"""How stale a session's last use may be before it is written again: a write for every read would cost too much."""


@dataclass(frozen=True)
class LoggedIn:
    """The person behind a call."""

    session: Session
    account: Account


def find_application(call: Call) -> Application | ReturnCode:
    """Return the calling application, or APPLICATION_TOKEN_REQUIRED or INVALID_APPLICATION_TOKEN.

    The token is the caller's, else that of `GATEHOUSE_DEFAULT_APPLICATION`.
    """
    token = call.caller.application_token or call.settings.default_application
    if not token:
        return ReturnCode.APPLICATION_TOKEN_REQUIRED
    found = applications.find_by_token(call.db, tokens.digest(token))
    return found or ReturnCode.INVALID_APPLICATION_TOKEN


def find_session(call: Call) -> Session | ReturnCode:
    """Return the caller's live session, or why there is none.

    APPLICATION_TOKEN_REQUIRED or INVALID_APPLICATION_TOKEN of the application; SESSION_REQUIRED without a
    token; SESSION_EXPIRED with one that is unknown, ended, expired or of another application. A session
    names its application, so a caller that has one need not send the application's token as well.
    """
    application: Application | None = None
    if call.caller.application_token or not call.caller.credentials_token:
        found = find_application(call)
        if isinstance(found, ReturnCode):
            return found
        application = found
    if not call.caller.credentials_token:
        return ReturnCode.SESSION_REQUIRED
    session = sessions.find_live(call.db, tokens.digest(call.caller.credentials_token), call.now)
    if session is None or (application is not None and application.id != session.application_id):
        return ReturnCode.SESSION_EXPIRED
    return session


def find_logged_in(
    call: Call, *, may_owe_password: bool = False, may_lack_device: bool = False
) -> LoggedIn | ReturnCode:
    """Return the person behind the call's session, or why the call may not go on.

    What `find_session` says; PASSWORD_CHANGE_REQUIRED after a login with a temporary password, unless
    `may_owe_password`; DEVICE_NOT_ACTIVATED where the application wants an activated device and the
    session is not from one, unless `may_lack_device`. Who owes a password may change it from any device:
    otherwise neither duty could be met before the other. Source: contract, Login; DecodeLoginCookie.
    """
    session = find_session(call)
    if isinstance(session, ReturnCode):
        return session
    if session.must_change_password and not may_owe_password:
        return ReturnCode.PASSWORD_CHANGE_REQUIRED
    if session.requires_devices and not may_lack_device and not session.must_change_password:
        device = session.device_id and devices.find_registered(
            call.db, session.merchant_id, session.device_id, session.account_id
        )
        if not device or device.activated_at is None:
            return ReturnCode.DEVICE_NOT_ACTIVATED
    account = accounts.find(call.db, session.account_id)
    assert account is not None, "a session's account is kept as long as the session"
    return LoggedIn(session, account)


def note_use(call: Call, session: Session) -> None:
    """Begin the session's idle time anew, in the transaction of the call."""
    if session.last_used_at + _USE_NOTED_AFTER <= call.now:
        sessions.note_use(call.db, session.id, call.now)


def status_refusal(account: Account) -> ReturnCode | None:
    """Return why an account in this state may not log in, or None."""
    match AccountStatus(account.status):
        case AccountStatus.DISABLED:
            return ReturnCode.ACCOUNT_DISABLED
        case AccountStatus.LOCKED:
            return ReturnCode.ACCOUNT_LOCKED
        case AccountStatus.ACTIVE:
            return None


@dataclass(frozen=True)
class Partner:
    """The integration behind a guestmanagement call, and the merchant that it calls for."""

    integration: Integration
    merchant: Merchant
    authentication: str

    @property
    def is_anonymous(self) -> bool:
        """Whether the person behind the call is a stranger, who may not learn who exists."""
        return self.authentication == "anonymous"


def find_integration(call: Call) -> Integration | ReturnCode:
    """Return the integration that calls, or INVALID_CLIENT_CREDENTIALS."""
    client_id, secret = call.caller.client_id, call.caller.client_secret
    if not client_id or not secret:
        return ReturnCode.INVALID_CLIENT_CREDENTIALS
    found = integrations.find_by_secret(call.db, client_id, tokens.digest(secret), call.now)
    return found or ReturnCode.INVALID_CLIENT_CREDENTIALS


def find_partner(
    call: Call, merchant_id: int, authentication: str | None, allowed: Collection[str]
) -> Partner | ReturnCode:
    """Return the integration that calls, for this merchant, or why it may not.

    INVALID_CLIENT_CREDENTIALS; AUTHENTICATION_NOT_ALLOWED when the integration may not use the kind of
    authentication, or the call does not allow it; MERCHANT_NOT_FOUND for a merchant that is not one of the
    integration's. Without a kind, `b2b` counts where the integration may use it. Source: contract, guestmanagement.
    """
    found = find_integration(call)
    if isinstance(found, ReturnCode):
        return found
    kind = authentication or ("b2b" if "b2b" in found.authentication else "anonymous")
    if kind not in found.authentication or kind not in allowed:
        return ReturnCode.AUTHENTICATION_NOT_ALLOWED
    if merchant_id != found.merchant_id and merchant_id not in integrations.find_merchants(call.db, found.id):
        return ReturnCode.MERCHANT_NOT_FOUND
    return Partner(found, merchants.get(call.db, merchant_id), kind)
