"""The three guestmanagement calls: a code that lets a guest who forgot the password choose a new one."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote, urlsplit, urlunsplit

from gatehouse.domain import identity
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.messages import MessageKind
from gatehouse.domain.results import GuestResult, ServiceResult
from gatehouse.operations import audit, callers, outbox, passwords
from gatehouse.operations.callers import Partner
from gatehouse.operations.calls import Call
from gatehouse.operations.phone_numbers import normalised_phone
from gatehouse.storage import accounts, merchants, reset_codes
from gatehouse.storage import audit as audit_entries
from gatehouse.storage.accounts import Account
from gatehouse.storage.merchants import Merchant
from gatehouse.storage.reset_codes import ResetCode

HIDDEN_EMAIL = "*****@*****"
"""What an anonymous caller is told of an address that it does not know. Source: contract, guestmanagement."""

LEAST_RESET_CODE_LENGTH, MAX_RESET_CODE_LENGTH = 8, 200
"""Characters of a partner's own code. A merchant may ask for more than the least. Source: contract, issue 3."""

VERIFICATION_FIELDS = ("phone", "postalCode", "dateOfBirth")
"""What a merchant may ask a guest for, by the wire names."""

MAX_REFUSALS, REFUSALS_COUNTED = 100, timedelta(minutes=15)
"""Wrong codes that a merchant's partners may send in this time before they are told to wait."""

OTHER_IDENTITIES = ("username", "accountId", "printedCardNumber")
"""What tells accounts apart that share an address."""

_CODE_BYTES = 24
"""192 random bits, in 32 URL-safe characters."""


@dataclass(frozen=True, kw_only=True)
class GuestIdentity:
    """Who forgot the password: exactly one of these is given."""

    username: str | None = None
    account_id: int | None = None
    printed_card_number: str | None = None
    email: str | None = None


@dataclass(frozen=True, kw_only=True)
class GuestRequest:
    """A call to send a code. `verification` holds the fields that a merchant may ask for, by their wire names."""

    merchant_id: int
    identity: GuestIdentity
    authentication: str | None = None
    verification: Mapping[str, str] = field(default_factory=dict)


def generate_and_send(call: Call, request: GuestRequest) -> GuestResult:
    """Mail the guest a link with a new code.

    Returns SUCCESS with the address (hidden from an anonymous caller that did not give it); what
    `callers.find_partner` says; MORE_INFO_REQUIRED with the fields; and to a partner alone, because
    others may not learn who exists: ACCOUNT_NOT_FOUND, EMAIL_MISSING, ACCOUNT_DISABLED, ACCOUNT_LOCKED.
    Source: contract, guestmanagement; newer Guest Management seed, Generate And Send.
    """
    with call.writing():
        partner = callers.find_partner(call, request.merchant_id, request.authentication, ("anonymous", "b2b"))
        if isinstance(partner, ReturnCode):
            return GuestResult(return_code=partner)
        return _send(call, partner, request, None)


def send(call: Call, request: GuestRequest, code: str | None) -> GuestResult:
    """Mail the guest a link with the partner's own code, or with a new one where none is given.

    Returns what `generate_and_send` does; NOT_THIRD_PARTY_ACCOUNT_OF_RECORD; INVALID_FIELD for a code that is
    too short, too long or in use for another account. Source: both Guest Management seeds, Send Guest Reset
    Password Code.
    """
    with call.writing():
        partner = callers.find_partner(call, request.merchant_id, request.authentication, ("b2b",))
        if isinstance(partner, ReturnCode):
            return GuestResult(return_code=partner)
        if not partner.merchant.third_party_accounts_of_record:
            return GuestResult(return_code=ReturnCode.NOT_THIRD_PARTY_ACCOUNT_OF_RECORD)
        if code is not None and not partner.merchant.reset_code_min_length <= len(code) <= MAX_RESET_CODE_LENGTH:
            return GuestResult(return_code=ReturnCode.INVALID_FIELD, detail="resetCode")
        return _send(call, partner, request, code)


def redeem(call: Call, merchant_id: int, authentication: str | None, code: str, new_password: str) -> GuestResult:
    """Give the account of this code a new password; sessions and login cookies end, the owner is told.

    Returns SUCCESS; what `callers.find_partner` says; NOT_THIRD_PARTY_ACCOUNT_OF_RECORD; INVALID_RESET_CODE;
    RESET_CODE_EXPIRED; ACCOUNT_DISABLED, ACCOUNT_LOCKED; PASSWORD_TOO_WEAK, PASSWORD_REUSED, which do not use
    the code up; TOO_MANY_REQUESTS. Source: newer Guest Management seed, Reset Guest Password.
    """
    with call.writing():
        partner = callers.find_partner(call, merchant_id, authentication, ("b2b",))
        if isinstance(partner, ReturnCode):
            return GuestResult(return_code=partner)
        merchant = partner.merchant
        if not merchant.third_party_accounts_of_record:
            return GuestResult(return_code=ReturnCode.NOT_THIRD_PARTY_ACCOUNT_OF_RECORD)
        since = call.now - REFUSALS_COUNTED
        if audit_entries.count_since(call.db, merchant.id, AuditEvent.RESET_CODE_REFUSED.value, since) >= MAX_REFUSALS:
            return GuestResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=REFUSALS_COUNTED)
        kept = reset_codes.find(call.db, merchant.id, call.keys.reset_code_digest(code))
        if refusal := refusal_of_code(call, kept):
            _record(call, AuditEvent.RESET_CODE_REFUSED, merchant, kept.account_id if kept else None, refusal)
            return GuestResult(return_code=refusal)
    assert kept is not None
    result = choose_password(call, kept, new_password)
    return GuestResult(return_code=result.return_code, number=result.number, detail=result.detail)


def refusal_of_credentials(call: Call) -> ReturnCode | None:
    """Return INVALID_CLIENT_CREDENTIALS, or None for a partner: what is asked of a request that cannot be read."""
    with call.writing():
        found = callers.find_integration(call)
    return found if isinstance(found, ReturnCode) else None


def refusal_of_code(call: Call, kept: ResetCode | None) -> ReturnCode | None:
    """Return why a code is not taken, or None."""
    if kept is None or kept.used_at is not None:
        return ReturnCode.INVALID_RESET_CODE
    return ReturnCode.RESET_CODE_EXPIRED if kept.expires_at <= call.now else None


def choose_password(call: Call, kept: ResetCode, new_password: str) -> ServiceResult:
    """Use a code that was found good, unless the new password is refused. This waits and works."""
    with call.reading():
        merchant = merchants.get(call.db, kept.merchant_id)
        account = accounts.find(call.db, kept.account_id)
        assert account is not None, "a code's account is kept as long as the code"
        former = accounts.find_former_passwords(call.db, account.id, merchant.password_history)
    if status := callers.status_refusal(account):
        return ServiceResult(return_code=status)
    names = passwords.names_of(merchant, account.username, account.email, account.full_name)
    if account.password_hash and merchant.password_history:
        former = [account.password_hash, *former]
    if refused := passwords.refusal_of_new_password(call, merchant, names, new_password, former):
        return refused
    new_hash = call.passwords.hash(new_password)
    with call.writing():
        # The account first, as everybody else does: a password that is changed now holds it and ends our code.
        accounts.lock(call.db, account.id)
        if not reset_codes.use(call.db, kept, call.now):
            return ServiceResult(return_code=ReturnCode.INVALID_RESET_CODE)
        accounts.add_former_password(call.db, account, merchant.password_history, call.now)
        accounts.change(call.db, account.id, password_hash=new_hash, password_changed_at=call.now)
        passwords.end_other_access(call, account)
        outbox.queue_mail(call, MessageKind.PASSWORD_CHANGED, account)
        _record(call, AuditEvent.RESET_CODE_REDEEMED, merchant, account.id)
        return ServiceResult(return_code=ReturnCode.SUCCESS, number=str(account.id))


def send_code(call: Call, merchant: Merchant, account: Account, code: str | None = None) -> None:
    """Make the code, or a new one, the account's only one, and mail its owner the link."""
    code = code or secrets.token_urlsafe(_CODE_BYTES)
    expires_at = call.now + merchant.reset_code_lifetime
    accounts.lock(call.db, account.id)
    reset_codes.replace(call.db, account, call.keys.reset_code_digest(code), expires_at, call.now)
    outbox.queue_mail(
        call,
        MessageKind.RESET_CODE,
        account,
        expires_at=expires_at,
        link=_link(call, merchant, code),
        minutes=str(int(merchant.reset_code_lifetime.total_seconds() // 60)),
    )
    _record(call, AuditEvent.RESET_CODE_SENT, merchant, account.id)


def _send(call: Call, partner: Partner, request: GuestRequest, code: str | None) -> GuestResult:
    merchant = partner.merchant
    missing = tuple(name for name in merchant.verification_fields if not request.verification.get(name))
    if missing:
        return GuestResult(return_code=ReturnCode.MORE_INFO_REQUIRED, fields=missing)
    found = [
        account
        for account in _find_accounts(call, merchant, request.identity)
        if _is_verified(merchant, account, request.verification)
    ]
    if code is not None and _is_taken(call, merchant, found, code):
        return GuestResult(return_code=ReturnCode.INVALID_FIELD, detail="resetCode")
    if partner.is_anonymous:
        return _send_to_stranger(call, merchant, request, found)
    if refusal := _refusal_of_accounts(found):
        known = found[0].id if found else None
        _record(call, AuditEvent.PASSWORD_RESET_REQUESTED, merchant, known, refusal.return_code)
        return refusal
    (account,) = found
    send_code(call, merchant, account, code)
    return GuestResult(return_code=ReturnCode.SUCCESS, number=str(account.id), email=account.email)


def _send_to_stranger(call: Call, merchant: Merchant, request: GuestRequest, found: Sequence[Account]) -> GuestResult:
    """Mail every account that can be mailed, and answer alike whether there was one."""
    able = [account for account in found if account.status == AccountStatus.ACTIVE and account.email]
    for account in able[: passwords.MAX_ACCOUNTS_OF_AN_ADDRESS]:
        send_code(call, merchant, account)
    if not able:
        known = found[0].id if found else None
        _record(call, AuditEvent.PASSWORD_RESET_REQUESTED, merchant, known, ReturnCode.ACCOUNT_NOT_FOUND)
    return GuestResult(return_code=ReturnCode.SUCCESS, email=_shown_email(call, merchant, request, found))


def _refusal_of_accounts(found: Sequence[Account]) -> GuestResult | None:
    """Return what a partner is told when these are not one account that can be mailed, or None."""
    if len(found) > 1:
        return GuestResult(return_code=ReturnCode.MORE_INFO_REQUIRED, fields=OTHER_IDENTITIES)
    if not found:
        return GuestResult(return_code=ReturnCode.ACCOUNT_NOT_FOUND)
    if status := callers.status_refusal(found[0]):
        return GuestResult(return_code=status)
    return None if found[0].email else GuestResult(return_code=ReturnCode.EMAIL_MISSING)


def _find_accounts(call: Call, merchant: Merchant, given: GuestIdentity) -> Sequence[Account]:
    """Return the merchant's accounts that the identity means: several only for an address."""
    found: Account | None = None
    if given.email is not None:
        return accounts.find_by_email(call.db, merchant.id, identity.email_key(given.email))
    if given.username is not None:
        found = accounts.find_by_username(call.db, merchant.id, identity.username_key(given.username))
    elif given.printed_card_number is not None:
        number = accounts.find_card(call.db, merchant.id, identity.card_number_key(given.printed_card_number))
        found = accounts.find(call.db, number) if number is not None else None
    elif given.account_id is not None:
        found = accounts.find(call.db, given.account_id)
    return [found] if found is not None and found.merchant_id == merchant.id else []


def _is_verified(merchant: Merchant, account: Account, given: Mapping[str, str]) -> bool:
    """Whether every field that the merchant asks for is the account's own."""
    born = account.date_of_birth
    own = {
        "phone": account.phone,
        "postalCode": _bare(account.postal_code),
        "dateOfBirth": born.isoformat() if born else None,
    }
    verification = _comparable(merchant, given)
    return all(own.get(name) and own[name] == verification[name] for name in merchant.verification_fields)


def _comparable(merchant: Merchant, given: Mapping[str, str]) -> dict[str, str | None]:
    """Return the fields that the merchant asks for as they are compared."""
    compare: dict[str, Callable[[str], str | None]] = {
        "phone": lambda text: normalised_phone(text, merchant.region),
        "postalCode": _bare,
        "dateOfBirth": str.strip,
    }
    return {name: compare[name](given[name]) for name in merchant.verification_fields}


def _bare(text: str | None) -> str:
    return "".join(character for character in (text or "").casefold() if character.isalnum())


def _is_taken(call: Call, merchant: Merchant, found: Sequence[Account], code: str) -> bool:
    kept = reset_codes.find(call.db, merchant.id, call.keys.reset_code_digest(code))
    return kept is not None and kept.account_id not in [account.id for account in found]


def _shown_email(call: Call, merchant: Merchant, request: GuestRequest, found: Sequence[Account]) -> str:
    """Return what an anonymous caller may see of the address, alike whether there is an account or not."""
    given = request.identity
    if given.email is not None:
        return given.email
    if not merchant.shows_masked_email:
        return HIDDEN_EMAIL
    if found and found[0].email:
        return identity.mask_email(found[0].email)
    # The mask of nobody must change when that of somebody would, and stay when it would stay.
    compared = (
        identity.username_key(given.username or ""),
        identity.card_number_key(given.printed_card_number or ""),
        given.account_id,
        _comparable(merchant, request.verification),
    )
    letters = "abcdefghijklmnopqrstuvwxyz"
    drawn = call.keys.mask_bytes(f"{merchant.id} {compared}")
    return f"{letters[drawn[0] % 26]}***@{letters[drawn[1] % 26]}***.com"


def _link(call: Call, merchant: Merchant, code: str) -> str:
    """Return the address of the page with the code in it, in whatever letters. It never comes from a request."""
    # %20 for a blank, because not every page takes + for one.
    escaped = quote(code, safe="")
    if merchant.reset_page is None:
        base = call.settings.public_url or f"http://{call.settings.bind}"
        return f"{base}/reset?code={escaped}"
    parts = urlsplit(merchant.reset_page)
    pair = f"{quote(merchant.reset_page_parameter, safe='')}={escaped}"
    return urlunsplit(parts._replace(query=f"{parts.query}&{pair}" if parts.query else pair))


def _record(
    call: Call, event: AuditEvent, merchant: Merchant, account_id: int | None, outcome: ReturnCode | None = None
) -> None:
    audit.record(call, event, merchant_id=merchant.id, account_id=account_id, outcome=outcome)
