"""Explains a request that was made, from what the audit trail keeps of it and what is so now. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass

from gatehouse.domain import identity
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.advice import ADVICE
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.roles import UserRole
from gatehouse.operations import audit, guessing
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.explanations.course import wait_text
from gatehouse.operations.explanations.texts import BY_KEY, MEANINGS, event_text
from gatehouse.operations.signed_in import SignedIn
from gatehouse.storage import accounts, applications, explanations, integrations, merchants, panel_lists
from gatehouse.storage.accounts import Account
from gatehouse.storage.applications import Application
from gatehouse.storage.audit import AuditEntry
from gatehouse.storage.devices import Device
from gatehouse.storage.integrations import Integration
from gatehouse.storage.merchants import Merchant

MOST_ENTRIES = 20
"""Entries of one request that are shown. A call makes one or two; what an operator does to many may make more."""

NEIGHBOURS = 5
"""Entries before and after that are shown."""

NEWEST = 10
"""Entries of an outcome that are shown."""

LOOKED_THROUGH = 50_000
"""The newest entries of the installation, among which those of an outcome are looked for."""

_NEARBY = 200
"""Entries of the merchant, on each side, among which those from the same network or name are looked for."""

_DEVICES = 50
"""Devices of an account among which that of an entry is looked for."""


@dataclass(frozen=True, kw_only=True)
class RequestExplained:
    """One audit entry of a request: what happened, why, what the caller should change, and what is so now.

    `before` and `after` are entries of the same account, or where none is known from the same address or name. `given`
    says by what the caller named the account. `now` are facts of the present, of which some may have changed since.
    """

    entry: AuditEntry
    what: str
    code: ReturnCode | None
    meaning: str
    advice: str
    given: Sequence[str]
    now: Sequence[str]
    merchant: Merchant
    account: Account | None
    application: Application | None
    integration: Integration | None
    device: Device | None
    before: Sequence[AuditEntry]
    after: Sequence[AuditEntry]


def explain_request(call: Call, who: SignedIn, request_id: str) -> Sequence[RequestExplained]:
    """Return what the audit trails of the operator's merchants have of this request; empty where they have nothing."""
    with call.reading():
        entries = explanations.find_entries_of_request(call.db, request_id, who.merchant_ids, MOST_ENTRIES)
    return [_explain(call, entry) for entry in entries]


@dataclass(frozen=True)
class OutcomeExplained:
    """An outcome: what it means, what the caller should change, and the newest entries that have it."""

    code: ReturnCode
    meaning: str
    advice: str
    entries: Sequence[AuditEntry]


def explain_outcome(call: Call, who: SignedIn, key: str) -> OutcomeExplained | None:
    """Return what the outcome of this key means, with the newest of it at the operator's merchants; None for none."""
    code = BY_KEY.get(key)
    if code is None:
        return None
    with call.reading():
        found = explanations.find_newest_refusals(call.db, key, who.merchant_ids, NEWEST, LOOKED_THROUGH)
    return OutcomeExplained(code, MEANINGS[code], ADVICE[code], found)


def _explain(call: Call, entry: AuditEntry) -> RequestExplained:
    with call.reading():
        merchant = merchants.get(call.db, entry.merchant_id)
        account = accounts.find(call.db, entry.account_id) if entry.account_id else None
        application = applications.find(call.db, entry.application_id) if entry.application_id else None
        integration = integrations.find(call.db, entry.integration_id) if entry.integration_id else None
        device = _find_device(call, entry)
        before, after = _neighbours(call, entry)
    code = BY_KEY.get(entry.outcome or "")
    return RequestExplained(
        entry=entry,
        what=event_text(entry.event),
        code=code,
        meaning=_meaning(entry, code),
        advice=ADVICE[code] if code else "",
        given=_given(call, entry, account),
        now=_facts(call, entry, account),
        merchant=merchant,
        account=account,
        application=application,
        integration=integration,
        device=device,
        before=before,
        after=after,
    )


def _meaning(entry: AuditEntry, code: ReturnCode | None) -> str:
    """Return why, as exactly as the entry tells."""
    if code is None:
        return "Nothing was refused."
    if code is ReturnCode.INVALID_CREDENTIALS and entry.event == AuditEvent.LOGIN_REFUSED:
        if entry.account_id is None:
            return "No account of the merchant has the name that was given. The caller was not told that."
        return "There is an account of this name, and the password was wrong."
    if code is ReturnCode.INVALID_CREDENTIALS:
        return "The session was good, and the present password that came with the call was wrong."
    if code is ReturnCode.INVALID_COOKIE and entry.account_id is None:
        return "The login cookie is good, but it was given to another application."
    return MEANINGS[code]


def _given(call: Call, entry: AuditEntry, account: Account | None) -> Sequence[str]:
    """Return by which of its names the account was named, which the entry tells by digests."""
    if account is None or not entry.identity:
        return []
    names = {"e-mail address": account.email, "username": account.username, "number": str(account.id)}
    return [
        name
        for name, value in names.items()
        if value and audit.identity_digest(call.keys, entry.merchant_id, value) in entry.identity.split()
    ]


def _facts(call: Call, entry: AuditEntry, account: Account | None) -> Sequence[str]:
    """Return what is so now and matters here."""
    if account is None:
        return []
    facts = [f"The account is {account.status.lower()}, in the role {UserRole(account.role).wire_name}."]
    if account.password_hash is None:
        facts.append("It has no password but perhaps a temporary one.")
    elif account.password_changed_at is not None and account.password_changed_at > entry.created_at:
        facts.append("Its password was changed since.")
    if entry.event == AuditEvent.LOGIN_REFUSED and account.status == AccountStatus.ACTIVE:
        facts.append(_wait(call, entry, account))
    return facts


def _wait(call: Call, entry: AuditEntry, account: Account) -> str:
    """Return whether the account's names have to wait now, when the call comes from where this one came from."""
    own = call.of_caller(Caller(source=entry.source, request_id=call.caller.request_id))
    said = [f"email_key: {identity.email_key(account.email)}"] if account.email else []
    said += [f"username_key: {identity.username_key(account.username)}"] if account.username else []
    with own.reading():
        found = guessing.wait(own, guessing.of_password(own, account.merchant_id, entry.application_id or 0, said))
    if found is None:
        return "Its next password from there is looked at."
    return f"From there no password of it is looked at for {wait_text(found)}, after too many wrong ones."


def _find_device(call: Call, entry: AuditEntry) -> Device | None:
    """Return the registration that the entry is about: by its number, or the account's of which it has the digest."""
    if not entry.device:
        return None
    found = panel_lists.find_devices(call.db, entry.merchant_id, None, _DEVICES, account_id=entry.account_id)
    return next(
        (each for each in found if audit.device_digest(call.keys, entry.merchant_id, each.device_id) == entry.device),
        None,
    )


def _neighbours(call: Call, entry: AuditEntry) -> tuple[Sequence[AuditEntry], Sequence[AuditEntry]]:
    if entry.account_id is not None:
        return explanations.find_entries_around(call.db, entry, NEIGHBOURS)
    before, after = explanations.find_entries_around(call.db, entry, _NEARBY)
    near_before = [each for each in before if _is_alike(each, entry)]
    near_after = [each for each in after if _is_alike(each, entry)]
    return near_before[-NEIGHBOURS:], near_after[:NEIGHBOURS]


def _is_alike(one: AuditEntry, other: AuditEntry) -> bool:
    return any(
        getattr(one, name) is not None and getattr(one, name) == getattr(other, name) for name in ("source", "identity")
    )
