"""Explains who calls: an application by its token, a person by the session's, a partner by its secret. Reads only."""

from collections.abc import Sequence

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.networks import network_of
from gatehouse.operations import callers, guessing, signatures
from gatehouse.operations.callers import MAX_WRONG_SECRETS, LoggedIn
from gatehouse.operations.calls import Call
from gatehouse.operations.explanations.course import Course, utc_text, wait_text
from gatehouse.operations.guessing import Budget
from gatehouse.operations.signed_in import SignedIn
from gatehouse.security import tokens
from gatehouse.storage import accounts, applications, explanations, integrations, merchants
from gatehouse.storage.applications import Application
from gatehouse.storage.integrations import Integration
from gatehouse.storage.merchants import Merchant

APPLICATION, SESSION, PARTNER = "The application", "The session", "The partner"
"""Names of steps."""

MOST_DEVICES = 5
"""Registrations of one device that are shown."""

_STATUSES = {
    AccountStatus.DISABLED: (ReturnCode.ACCOUNT_DISABLED, "The account is disabled."),
    AccountStatus.LOCKED: (ReturnCode.ACCOUNT_LOCKED, "The account is locked."),
}


def explain_application(call: Call, who: SignedIn, course: Course) -> Application | None:
    """Add the step of the application's token; return the application, or None where the call ends here."""
    token = call.caller.application_token or call.settings.default_application
    if not token:
        text = "The call has no application token, neither as a member nor in a header, and there is no default."
        course.refuses(APPLICATION, ReturnCode.APPLICATION_TOKEN_REQUIRED, text)
        return None
    found = explanations.find_application(call.db, tokens.digest(token))
    if found is None or not who.works_for(found.merchant_id):
        text = f"The application token names no application{_where(who)}."
        course.refuses(APPLICATION, ReturnCode.INVALID_APPLICATION_TOKEN, text)
        return None
    _note_application(call, course, found)
    if found.disabled_at is not None:
        text = f"The token is that of {found.name}, which is disabled."
        course.refuses(APPLICATION, ReturnCode.INVALID_APPLICATION_TOKEN, text)
        return None
    source = "" if call.caller.application_token else ", by the setting GATEHOUSE_DEFAULT_APPLICATION"
    course.passes(APPLICATION, f"{found.name}{source}.")
    return found


def explain_signature(
    call: Call, who: SignedIn, course: Course, bodies: Sequence[bytes], signature: str | None
) -> None:
    """Add the step of a JSON call's signature, where its application looks at one.

    `bodies` are the forms that the body may have had. A signature that fits none of them is left open: a copy need
    not have the bytes that were sent. What is not known of the application, its own step says.
    """
    with call.reading():
        found = callers.find_calling_application(call)
        if found is None or not who.works_for(found.merchant_id) or found.signature == "off":
            return
        fits = any(signatures.refusal_of_signature(call, body, signature) is None for body in bodies)
    name = "The signature"
    if signature is None and not fits:
        text = f"{found.name} asks for signed calls, and no Signature came with this one."
        course.refuses(name, ReturnCode.INVALID_SIGNATURE, text)
    elif signature is None:
        course.passes(name, f"There is none, and {found.name} does not ask for one.")
    elif fits:
        course.passes(name, "It fits the body and the hash key of the application.")
    elif found.hash_key_sealed is None:
        text = f"There is one, and {found.name} has no hash key: a call that is signed is refused."
        course.refuses(name, ReturnCode.INVALID_SIGNATURE, text)
    else:
        text = (
            "It does not fit what was pasted. Either the caller signs with another hash key, or other bytes than it "
            "sends, which is answered with InvalidSignature; or the copy is not what was sent, to the byte."
        )
        course.leaves_open(name, text)


def explain_session(
    call: Call, who: SignedIn, course: Course, *, may_owe_password: bool = False, may_lack_device: bool = False
) -> LoggedIn | None:
    """Add the steps up to the person behind the session; return that person, or None where the call ends here."""
    application: Application | None = None
    if call.caller.application_token or not call.caller.credentials_token:
        application = explain_application(call, who, course)
        if application is None:
            return None
    if not call.caller.credentials_token:
        text = "The call has no credentials token: neither a header nor a cookie of that name came with it."
        course.refuses(SESSION, ReturnCode.SESSION_REQUIRED, text)
        return None
    kept = explanations.find_session(call.db, tokens.digest(call.caller.credentials_token))
    if kept is None or not who.works_for(kept.merchant_id):
        course.refuses(SESSION, ReturnCode.SESSION_EXPIRED, f"The credentials token names no session{_where(who)}.")
        return None
    owner = applications.find(call.db, kept.application_id)
    account = accounts.find(call.db, kept.account_id)
    assert owner is not None, "a session's application is kept as long as the session"
    assert account is not None, "a session's account is kept as long as the session"
    if application is None:
        _note_application(call, course, owner)
        course.passes(APPLICATION, f"{owner.name}, to which the session belongs.")
    elif application.id != owner.id:
        course.refuses(SESSION, ReturnCode.SESSION_EXPIRED, "The session is one of another application.")
        return None
    course.accounts.append(account)
    note_device(call, course, kept.merchant_id, kept.device_id)
    idle_until = kept.last_used_at + owner.session_idle_lifetime
    if kept.ended_at is not None:
        by = "by LogOff, a new password, a block or an operator"
        text = f"The session ended at {utc_text(kept.ended_at)}: {by}."
    elif owner.disabled_at is not None:
        text = "The session's application is disabled."
    elif account.status != AccountStatus.ACTIVE:
        text = f"The session's account is {account.status.lower()}."
    elif kept.expires_at <= call.now:
        text = f"The session was as old as sessions of this application may become at {utc_text(kept.expires_at)}."
    elif idle_until <= call.now:
        text = f"The session was not used for too long, and so expired at {utc_text(idle_until)}."
    else:
        text = ""
    if text:
        course.refuses(SESSION, ReturnCode.SESSION_EXPIRED, text)
        return None
    course.passes(SESSION, "It is alive.")
    return _explain_duties(call, course, may_owe_password, may_lack_device)


def _explain_duties(call: Call, course: Course, may_owe_password: bool, may_lack_device: bool) -> LoggedIn | None:
    """Add the step of what the person has to do before anything else."""
    found = callers.find_logged_in(call, may_owe_password=may_owe_password, may_lack_device=may_lack_device)
    if isinstance(found, LoggedIn):
        return found
    texts = {
        ReturnCode.PASSWORD_CHANGE_REQUIRED: "The login was with a temporary password, which has to be changed first.",
        ReturnCode.DEVICE_NOT_ACTIVATED: "The application wants an activated device, and the session is not from one.",
    }
    course.refuses("What is owed first", found, texts.get(found, found.message))
    return None


def explain_partner(call: Call, who: SignedIn, course: Course) -> Integration | None:
    """Add the step of a partner's name and secret; return its integration, or None where the call ends here."""
    client_id, secret = call.caller.client_id, call.caller.client_secret
    if not client_id or not secret:
        text = "The call has no client id and secret that can be read, neither in HTTP Basic nor in its body."
        course.refuses(PARTNER, ReturnCode.INVALID_CLIENT_CREDENTIALS, text)
        return None
    found = integrations.find_by_client_id(call.db, client_id)
    if found is None or not who.works_for(found.merchant_id):
        text = f"The client id names no integration{_where(who)}."
        course.refuses(PARTNER, ReturnCode.INVALID_CLIENT_CREDENTIALS, text)
        return None
    course.integration = found
    course.merchant = merchants.find(call.db, found.merchant_id)
    counted = ("client secret", client_id, network_of(call.caller.source))
    if wait := guessing.wait(call, [Budget(counted, MAX_WRONG_SECRETS, keeps_window=True)]):
        text = f"This client id waits {wait_text(wait)} after {MAX_WRONG_SECRETS} wrong secrets from this network."
        course.refuses(PARTNER, ReturnCode.TOO_MANY_REQUESTS, text)
        return None
    if found.disabled_at is not None:
        text = f"The integration {found.name} is disabled."
    else:
        # Secrets are ours and long: to know one is no guess, unlike a password.
        kept = explanations.find_secret(call.db, found.id, tokens.digest(secret))
        if kept is None:
            text = f"The secret is none of {found.name}: it was never made, or was replaced."
        elif kept.expires_at is not None and kept.expires_at <= call.now:
            text = f"The secret is number {kept.id} of {found.name}, which ended at {utc_text(kept.expires_at)}."
        else:
            course.passes(PARTNER, f"{found.name}, with its secret number {kept.id}.")
            return found
    course.refuses(PARTNER, ReturnCode.INVALID_CLIENT_CREDENTIALS, text)
    return None


def explain_merchant(
    call: Call,
    who: SignedIn,
    course: Course,
    found: Integration,
    merchant_id: int,
    authentication: str | None,
    allowed: tuple[str, ...],
) -> tuple[Merchant, bool] | None:
    """Add the step of the merchant and the kind of authentication; return it, and whether a stranger asks."""
    kind = authentication or ("b2b" if "b2b" in found.authentication else "anonymous")
    if kind not in found.authentication or kind not in allowed:
        own = "the integration may not use it" if kind not in found.authentication else "this call does not allow it"
        course.refuses("The authentication", ReturnCode.AUTHENTICATION_NOT_ALLOWED, f"It is {kind}, and {own}.")
        return None
    is_its_own = merchant_id == found.merchant_id or merchant_id in integrations.find_merchants(call.db, found.id)
    merchant = merchants.find(call.db, merchant_id) if is_its_own and who.works_for(merchant_id) else None
    if merchant is None:
        text = f"The number {merchant_id} is that of no merchant which {found.name} may call for{_where(who)}."
        course.refuses("The merchant", ReturnCode.MERCHANT_NOT_FOUND, text)
        return None
    course.merchant = merchant
    course.passes("The merchant", f"{merchant.name}; the call is {kind}.")
    return merchant, kind == "anonymous"


def refuse_status(course: Course, status: str) -> bool:
    """Add the step of the account's state where it is refused; return whether it is."""
    refused = _STATUSES.get(AccountStatus(status))
    if refused is not None:
        course.refuses("The account", *refused)
    return refused is not None


def _note_application(call: Call, course: Course, found: Application) -> None:
    course.application = found
    course.merchant = merchants.find(call.db, found.merchant_id)


def note_device(call: Call, course: Course, merchant_id: int, device_id: str | None) -> None:
    """Name the merchant's registrations of the device."""
    known = {each.id for each in course.devices}
    if device_id:
        found = explanations.find_devices(call.db, merchant_id, device_id, MOST_DEVICES)
        course.devices += [each for each in found if each.id not in known]


def _where(who: SignedIn) -> str:
    """Return what an operator who sees some merchants alone is told beside: of the others, nothing can be said."""
    return "" if who.merchant_ids is None else " at the merchants that you look after"
