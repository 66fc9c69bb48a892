"""Who is asking: the application by its token, the person by the session's token."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.networks import network_of
from gatehouse.domain.results import GuestResult
from gatehouse.operations import audit, guessing
from gatehouse.operations.calls import Call
from gatehouse.operations.guessing import Budget
from gatehouse.security import tokens
from gatehouse.storage import applications, devices, integrations, merchants, sessions
from gatehouse.storage.accounts import Account
from gatehouse.storage.applications import Application
from gatehouse.storage.integrations import Integration
from gatehouse.storage.merchants import Merchant
from gatehouse.storage.sessions import Session

MAX_WRONG_SECRETS = 20
"""Wrong secrets under one client id from one network in 15 minutes."""

_USE_NOTED_AFTER = timedelta(minutes=1)
"""How stale a session's last use may be before it is written again: a write for every read would cost too much."""


@dataclass(frozen=True)
class LoggedIn:
    """The person behind a call."""

    session: Session
    account: Account


def find_application(call: Call) -> Application | ReturnCode:
    """Return the calling application, or APPLICATION_TOKEN_REQUIRED or INVALID_APPLICATION_TOKEN.

    The token is the caller's, else that of `GATEHOUSE_DEFAULT_APPLICATION`. It is read once in a call.
    """
    if call.application is None:
        call.application = _read_application(call)
        if isinstance(call.application, Application):
            call.calling = (call.application.merchant_id, call.application.id)
    return call.application


def find_calling_application(call: Call) -> Application | None:
    """Return the application behind a call, which its token names or else its live session; None where neither does.

    For a call that is refused for want of a session it may be the application as it was a moment ago.
    """
    if call.caller.lacks_session and (remembered := _named_of_late(call)):
        return remembered
    with call.reading():
        if call.application is None and _is_named_by_session(call):
            session = find_session(call)
            if isinstance(session, ReturnCode):
                return None
            call.application = applications.find(call.db, session.application_id)
        found = find_application(call)
    return found if isinstance(found, Application) else None


def _read_application(call: Call) -> Application | ReturnCode:
    digest = _application_digest(call)
    if digest is None:
        return ReturnCode.APPLICATION_TOKEN_REQUIRED
    found = applications.find_by_token(call.db, digest)
    if found is None:
        return ReturnCode.INVALID_APPLICATION_TOKEN
    call.known_applications.note(digest, found)
    return found


def _named_of_late(call: Call) -> Application | None:
    """Return the application that the caller's token named a moment ago; enough to refuse, never to allow."""
    digest = _application_digest(call) if call.application is None else None
    found = call.known_applications.find(digest) if digest else None
    if found is not None:
        call.calling = (found.merchant_id, found.id)
    return found


def _application_digest(call: Call) -> bytes | None:
    """Return the digest of the application's token, the caller's or else the installation's; None without one."""
    token = call.caller.application_token or call.settings.default_application
    return tokens.digest(token) if token else None


def _is_named_by_session(call: Call) -> bool:
    return not call.caller.application_token and bool(call.caller.credentials_token)


def find_session(call: Call) -> Session | ReturnCode:
    """Return the caller's live session, or why there is none.

    APPLICATION_TOKEN_REQUIRED or INVALID_APPLICATION_TOKEN of the application; SESSION_REQUIRED without a
    token; SESSION_EXPIRED with one that is unknown, ended, expired or of another application. A session
    names its application, so a caller that has one need not send the application's token as well.
    """
    found = _find_live(call)
    return found if isinstance(found, ReturnCode) else found.session


def _find_live(call: Call) -> LoggedIn | ReturnCode:
    application: Application | None = None
    if not call.caller.credentials_token and _named_of_late(call):
        return ReturnCode.SESSION_REQUIRED
    if not _is_named_by_session(call):
        found = find_application(call)
        if isinstance(found, ReturnCode):
            return found
        application = found
    if not call.caller.credentials_token:
        return ReturnCode.SESSION_REQUIRED
    live = sessions.find_live(call.db, tokens.digest(call.caller.credentials_token), call.now)
    if live is None or (application is not None and application.id != live[0].application_id):
        return ReturnCode.SESSION_EXPIRED
    who = LoggedIn(*live)
    call.calling = (who.session.merchant_id, who.session.application_id)
    call.known.note_session(who.session)
    return who


def find_logged_in(
    call: Call, *, may_owe_password: bool = False, may_lack_device: bool = False
) -> LoggedIn | ReturnCode:
    """Return the person behind the call's session, or why the call may not go on.

    What `find_session` says; PASSWORD_CHANGE_REQUIRED after a login with a temporary password, unless
    `may_owe_password`; DEVICE_NOT_ACTIVATED where the application wants an activated device and the
    session is not from one, unless `may_lack_device`. Who owes a password may change it from any device:
    otherwise neither duty could be met before the other. Source: contract, Login; DecodeLoginCookie.
    """
    who = _find_live(call)
    if isinstance(who, ReturnCode):
        return who
    session = who.session
    if session.must_change_password and not may_owe_password:
        return ReturnCode.PASSWORD_CHANGE_REQUIRED
    if session.requires_devices and not may_lack_device and not session.must_change_password:
        device = session.device_id and devices.find_registered(
            call.db, session.application_id, session.device_id, session.account_id
        )
        if not device or device.activated_at is None:
            return ReturnCode.DEVICE_NOT_ACTIVATED
    return who


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


def find_integration(call: Call) -> Integration | GuestResult:
    """Return the integration that calls; or INVALID_CLIENT_CREDENTIALS, TOO_MANY_REQUESTS after too many wrong ones.

    Wrong secrets are counted by the name and the network that they come with, so that no stranger holds up a partner.
    """
    client_id, secret = call.caller.client_id, call.caller.client_secret
    if not client_id or not secret:
        return GuestResult(return_code=ReturnCode.INVALID_CLIENT_CREDENTIALS)
    counted = ("client secret", client_id, network_of(call.caller.source))
    budgets = [Budget(counted, MAX_WRONG_SECRETS, keeps_window=True)]
    if wait := guessing.wait(call, budgets):
        return GuestResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=wait)
    found = integrations.find_by_secret(call.db, client_id, tokens.digest(secret), call.now)
    if found is not None:
        call.known.note_integration(found)
        return found
    if wait := guessing.count_wrong(call, budgets).wait:
        return GuestResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=wait)
    _record_wrong_secret(call, client_id)
    return GuestResult(return_code=ReturnCode.INVALID_CLIENT_CREDENTIALS)


def find_partner(
    call: Call, merchant_id: int, authentication: str | None, allowed: Collection[str]
) -> Partner | GuestResult:
    """Return the integration that calls, for this merchant, or why it may not.

    What `find_integration` says; AUTHENTICATION_NOT_ALLOWED when the integration may not use the kind of
    authentication, or the call does not allow it; MERCHANT_NOT_FOUND for a merchant that is not one of the
    integration's. Without a kind, `b2b` counts where the integration may use it. Source: contract, guestmanagement.
    """
    found = find_integration(call)
    if isinstance(found, GuestResult):
        return found
    kind = authentication or ("b2b" if "b2b" in found.authentication else "anonymous")
    if kind not in found.authentication or kind not in allowed:
        return GuestResult(return_code=ReturnCode.AUTHENTICATION_NOT_ALLOWED)
    if merchant_id != found.merchant_id and merchant_id not in integrations.find_merchants(call.db, found.id):
        return GuestResult(return_code=ReturnCode.MERCHANT_NOT_FOUND)
    call.known.note_integration(found, merchant_id)
    return Partner(found, merchants.get(call.db, merchant_id), kind)


def _record_wrong_secret(call: Call, client_id: str) -> None:
    """Add an audit entry where the name is an integration's: whoever has the name may try its secret."""
    meant = integrations.find_by_client_id(call.db, client_id)
    if meant is not None:
        audit.record(
            call,
            AuditEvent.INTEGRATION_REFUSED,
            merchant_id=meant.merchant_id,
            outcome=ReturnCode.INVALID_CLIENT_CREDENTIALS,
            subject=str(meant.id),
        )
