"""What the hosted page shows and does for who opens the link of a reset mail."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from gatehouse.domain.events import AuditEvent
from gatehouse.domain.password_policy import PasswordPolicy
from gatehouse.domain.results import ServiceResult
from gatehouse.operations import audit, callers, guessing, passwords, rates, reset_codes
from gatehouse.operations.calls import Call
from gatehouse.operations.guessing import Budget
from gatehouse.storage import accounts, merchants
from gatehouse.storage import audit as audit_entries
from gatehouse.storage import reset_codes as kept_codes
from gatehouse.storage.reset_codes import ResetCode

MAX_LINKS, LINKS_COUNTED = 4, timedelta(hours=1)
"""Links that an account may have been mailed in this time, by whatever way, and the page still sends another."""

MAX_WRONG_OF_NETWORK, MAX_WRONG_OF_ALL = 20, 100
"""Wrong codes of a partner's own making in 15 minutes, before further ones are not looked at.

One network alone cannot use up what is allowed to all, and many together still cannot search for a code.
"""


class PageState(StrEnum):
    """What a link is good for."""

    OPEN = "open"
    EXPIRED = "expired"
    USED = "used"
    UNKNOWN = "unknown"
    CLOSED = "closed"
    """The account may not log in, so a new password would be of no use."""
    LIMITED = "limited"
    """Too many wrong codes were tried from here, or too many requests made."""


@dataclass(frozen=True, kw_only=True)
class ResetPage:
    """What the page shows. The merchant's name, colour and language are those of the code, where it is known."""

    state: PageState
    merchant_name: str | None = None
    colour: str | None = None
    language: str | None = None
    rules: PasswordPolicy = field(default_factory=PasswordPolicy)
    retry_after: timedelta | None = None


def open_page(call: Call, code: str) -> ResetPage:
    """Return what to show for this code, which is not used up by looking at it: mail scanners follow links."""
    if wait := rates.wait(call):
        return ResetPage(state=PageState.LIMITED, retry_after=wait)
    # Our own codes cannot be guessed; to hold them back would only help who wants to lock guests out.
    budgets = [] if not code or reset_codes.UNGUESSABLE.fullmatch(code) else _budgets(call)
    with call.reading():
        if budgets and (wait := guessing.wait(call, budgets)):
            return ResetPage(state=PageState.LIMITED, retry_after=wait)
        kept = _find(call, code)
    if kept is None:
        return _count_wrong(call, budgets)
    with call.reading():
        merchant = merchants.get(call.db, kept.merchant_id)
        return ResetPage(
            state=_state(call, kept),
            merchant_name=merchant.name,
            colour=merchant.colour,
            language=merchant.language,
            rules=passwords.policy_of(merchant),
        )


def choose(call: Call, code: str, new_password: str) -> ServiceResult:
    """Give the account of this code a new password.

    The caller has asked `open_page` first, which bounds guesses. Returns SUCCESS; INVALID_RESET_CODE,
    RESET_CODE_EXPIRED; ACCOUNT_DISABLED, ACCOUNT_LOCKED; PASSWORD_TOO_WEAK, PASSWORD_REUSED,
    PASSWORD_COMPROMISED, which do not use the code up.
    """
    with call.reading():
        kept = _find(call, code)
        if refusal := reset_codes.refusal_of_code(call, kept):
            return ServiceResult(return_code=refusal)
    assert kept is not None, "an unknown code was refused"
    result = reset_codes.choose_password(call, kept, new_password)
    audit.record_refusal(call, "reset page", result.return_code)
    return result


def send_again(call: Call, code: str) -> None:
    """Mail the owner of an expired or used code a new link.

    Nothing is said of whether that was done: not for an unknown code, one that still works, an account that
    is closed or has no address, nor after MAX_LINKS in LINKS_COUNTED.
    """
    with call.writing():
        kept = _find(call, code)
        if kept is None or _state(call, kept) not in (PageState.EXPIRED, PageState.USED):
            return
        accounts.lock(call.db, kept.account_id)
        account = accounts.find(call.db, kept.account_id)
        if account is None or account.email is None:
            return
        since = call.now - LINKS_COUNTED
        event = AuditEvent.RESET_CODE_SENT.value
        sent = audit_entries.count_of_account_since(call.db, kept.merchant_id, account.id, event, since)
        if sent < MAX_LINKS:
            reset_codes.send_code(call, merchants.get(call.db, kept.merchant_id), account)


def _budgets(call: Call) -> Sequence[Budget]:
    return [
        guessing.of_network(call, "reset page", MAX_WRONG_OF_NETWORK),
        Budget(("reset page",), MAX_WRONG_OF_ALL, keeps_window=True),
    ]


def _count_wrong(call: Call, budgets: Sequence[Budget]) -> ResetPage:
    """Count a wrong code where that is of use, and return what to show."""
    if budgets:
        with call.writing():
            if wait := guessing.count_wrong(call, budgets).wait:
                return ResetPage(state=PageState.LIMITED, retry_after=wait)
    return ResetPage(state=PageState.UNKNOWN)


def _find(call: Call, code: str) -> ResetCode | None:
    if not 1 <= len(code) <= reset_codes.MAX_RESET_CODE_LENGTH:
        return None
    return kept_codes.find_for_hosted_page(call.db, call.keys.reset_code_digest(code))


def _state(call: Call, kept: ResetCode) -> PageState:
    account = accounts.find(call.db, kept.account_id)
    if account is None or callers.status_refusal(account):
        return PageState.CLOSED
    if kept.used_at is not None:
        return PageState.USED
    return PageState.EXPIRED if kept.expires_at <= call.now else PageState.OPEN
