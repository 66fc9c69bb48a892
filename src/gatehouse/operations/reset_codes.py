"""The three guestmanagement calls: a code that lets a guest who forgot the password choose a new one."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

from gatehouse.domain import guest_masks, identity
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.messages import MessageKind
from gatehouse.domain.results import GuestResult, ServiceResult
from gatehouse.operations import account_requests, audit, callers, guessing, outbox, passwords
from gatehouse.operations.account_requests import RequestKind
from gatehouse.operations.callers import Partner
from gatehouse.operations.calls import Call
from gatehouse.operations.guessing import Budget
from gatehouse.operations.phone_numbers import normalised_phone
from gatehouse.storage import accounts, merchants, reset_codes
from gatehouse.storage.account_requests import AccountRequest
from gatehouse.storage.accounts import Account
from gatehouse.storage.merchants import Merchant
from gatehouse.storage.reset_codes import ResetCode

HIDDEN_EMAIL = "*****@*****"
"""What an anonymous caller is told of an address that it does not know. Source: contract, guestmanagement."""

LEAST_RESET_CODE_LENGTH, MAX_RESET_CODE_LENGTH = 8, 200
"""Characters of a partner's own code. A merchant may ask for more than the least. Source: contract, issue 3."""

VERIFICATION_FIELDS = ("phone", "postalCode", "dateOfBirth")
"""What a merchant may ask a guest for, by the wire names."""

UNGUESSABLE = re.compile(r"[A-Za-z0-9_-]{32}")
"""The shape of the codes that we make. A wrong one is an old link; there is no use in guessing 192 bits."""

MAX_WRONG_CODES = 100
"""Wrong codes of a partner's own making in 15 minutes, before further ones are not looked at."""

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
    others may not learn who exists: ACCOUNT_NOT_FOUND, EMAIL_MISSING, ACCOUNT_DISABLED, ACCOUNT_LOCKED,
    TOO_MANY_REQUESTS. What a stranger asks for is only noted here, and done by `send_to_stranger` soon after.
    Source: contract, guestmanagement; newer Guest Management seed, Generate And Send.
    """
    with call.writing():
        partner = callers.find_partner(call, request.merchant_id, request.authentication, ("anonymous", "b2b"))
        if isinstance(partner, GuestResult):
            return partner
        return _send(call, partner, request, None)


def send(call: Call, request: GuestRequest, code: str | None) -> GuestResult:
    """Mail the guest a link with the partner's own code, or with a new one where none is given.

    Returns what `generate_and_send` does; NOT_THIRD_PARTY_ACCOUNT_OF_RECORD; INVALID_FIELD for a code that is
    too short, too long or in use for another account. Source: both Guest Management seeds, Send Guest Reset
    Password Code.
    """
    with call.writing():
        partner = callers.find_partner(call, request.merchant_id, request.authentication, ("b2b",))
        if isinstance(partner, GuestResult):
            return partner
        if not partner.merchant.third_party_accounts_of_record:
            return GuestResult(return_code=ReturnCode.NOT_THIRD_PARTY_ACCOUNT_OF_RECORD)
        if code is not None and not partner.merchant.reset_code_min_length <= len(code) <= MAX_RESET_CODE_LENGTH:
            return GuestResult(return_code=ReturnCode.INVALID_FIELD, detail="resetCode")
        return _send(call, partner, request, code)


def redeem(call: Call, merchant_id: int, authentication: str | None, code: str, new_password: str) -> GuestResult:
    """Give the account of this code a new password; sessions and login cookies end, the owner is told.

    Returns SUCCESS; what `callers.find_partner` says; NOT_THIRD_PARTY_ACCOUNT_OF_RECORD; INVALID_RESET_CODE;
    RESET_CODE_EXPIRED; ACCOUNT_DISABLED, ACCOUNT_LOCKED; PASSWORD_TOO_WEAK, PASSWORD_REUSED,
    PASSWORD_COMPROMISED, which do not use the code up; TOO_MANY_REQUESTS after too many wrong codes. Source: newer
    Guest Management seed, Reset Guest Password.
    """
    with call.writing():
        partner = callers.find_partner(call, merchant_id, authentication, ("b2b",))
        if isinstance(partner, GuestResult):
            return partner
        merchant = partner.merchant
        if not merchant.third_party_accounts_of_record:
            return GuestResult(return_code=ReturnCode.NOT_THIRD_PARTY_ACCOUNT_OF_RECORD)
        # Our own codes cannot be guessed; to hold them back would only help who wants to lock guests out.
        budgets = [] if UNGUESSABLE.fullmatch(code) else [budget_of(merchant)]
        if budgets and (wait := guessing.wait(call, budgets)):
            return GuestResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=wait)
        kept = reset_codes.find(call.db, merchant.id, call.keys.reset_code_digest(code))
        if refusal := refusal_of_code(call, kept):
            if kept is None and budgets and (wait := guessing.count_wrong(call, budgets).wait):
                return GuestResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=wait)
            _record(call, AuditEvent.RESET_CODE_REFUSED, merchant, kept.account_id if kept else None, refusal)
            return GuestResult(return_code=refusal)
    assert kept is not None
    result = choose_password(call, kept, new_password)
    return GuestResult(return_code=result.return_code, number=result.number, detail=result.detail)


def refusal_of_credentials(call: Call) -> GuestResult | None:
    """Return what `callers.find_integration` refuses, or None for a partner: asked of a request that cannot be read."""
    with call.writing():
        found = callers.find_integration(call)
    return found if isinstance(found, GuestResult) else None


def look_ahead(call: Call, merchant: Merchant, request: GuestRequest) -> tuple[Sequence[Account], GuestResult | None]:
    """Return the accounts that a request means, and what a partner is told of them where that is a refusal. Reads."""
    missing = tuple(name for name in merchant.verification_fields if not request.verification.get(name))
    if missing:
        return [], GuestResult(return_code=ReturnCode.MORE_INFO_REQUIRED, fields=missing)
    found = _find_verified(call, merchant, request.identity, request.verification)
    return found, _refusal_of_accounts(found)


def refusal_of_code(call: Call, kept: ResetCode | None) -> ReturnCode | None:
    """Return why a code is not taken, or None."""
    if kept is None or kept.used_at is not None:
        return ReturnCode.INVALID_RESET_CODE
    return ReturnCode.RESET_CODE_EXPIRED if kept.expires_at <= call.now else None


def choose_password(call: Call, kept: ResetCode, new_password: str) -> ServiceResult:
    """Use a code that was found good, unless the new password is refused. This waits and works."""
    call.known.merchant_id, call.known.account_id = kept.merchant_id, kept.account_id
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


def send_to_stranger(call: Call, asked: AccountRequest) -> None:
    """Mail every account that a stranger's request means and that can be mailed, in its transaction."""
    merchant = merchants.get(call.db, asked.merchant_id)
    given = dict(asked.identity)
    verification = given.pop("verification")
    call.known.integration_id = given.pop("integration_id")
    call.known.identities = _said(GuestIdentity(**given))
    found = _find_verified(call, merchant, GuestIdentity(**given), verification)
    able = [
        account
        for account in found
        if account.status == AccountStatus.ACTIVE and account.email and not passwords.is_outdated(asked, account)
    ]
    for account in able[: passwords.MAX_ACCOUNTS_OF_AN_ADDRESS]:
        send_code(call, merchant, account)
    if not able:
        known = found[0].id if found else None
        _record(call, AuditEvent.PASSWORD_RESET_REQUESTED, merchant, known, ReturnCode.ACCOUNT_NOT_FOUND)


def send_code(call: Call, merchant: Merchant, account: Account, code: str | None = None) -> GuestResult | None:
    """Make the code, or a new one, the account's only one, and mail its owner the link.

    Returns None; or TOO_MANY_REQUESTS when the account was mailed too often of late, and INVALID_FIELD when the code
    is another account's: then the code that the owner was mailed before still works.
    """
    code = code or secrets.token_urlsafe(_CODE_BYTES)
    expires_at = call.now + merchant.reset_code_lifetime
    accounts.lock(call.db, account.id)
    if outbox.is_mail_limit_reached(call, account):
        _record(call, AuditEvent.PASSWORD_RESET_REQUESTED, merchant, account.id, ReturnCode.TOO_MANY_REQUESTS)
        return GuestResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=outbox.MAILS_COUNTED)
    if not reset_codes.replace(call.db, account, call.keys.reset_code_digest(code), expires_at, call.now):
        return GuestResult(return_code=ReturnCode.INVALID_FIELD, detail="resetCode")
    outbox.queue_mail(
        call,
        MessageKind.RESET_CODE,
        account,
        expires_at=expires_at,
        link=_link(call, merchant, code),
        minutes=str(int(merchant.reset_code_lifetime.total_seconds() // 60)),
    )
    _record(call, AuditEvent.RESET_CODE_SENT, merchant, account.id)
    return None


def _send(call: Call, partner: Partner, request: GuestRequest, code: str | None) -> GuestResult:
    merchant = partner.merchant
    missing = tuple(name for name in merchant.verification_fields if not request.verification.get(name))
    if missing:
        return GuestResult(return_code=ReturnCode.MORE_INFO_REQUIRED, fields=missing)
    if partner.is_anonymous:
        given = asdict(request.identity)
        given |= {"verification": dict(request.verification), "integration_id": partner.integration.id}
        account_requests.note(call, RequestKind.RESET_CODE, merchant.id, **given)
        return GuestResult(return_code=ReturnCode.SUCCESS, email=_shown_email(call, merchant, request))
    call.known.identities = _said(request.identity)
    found = _find_verified(call, merchant, request.identity, request.verification)
    if refusal := _refusal_of_accounts(found):
        known = found[0].id if found else None
        _record(call, AuditEvent.PASSWORD_RESET_REQUESTED, merchant, known, refusal.return_code)
        return refusal
    (account,) = found
    refusal_of_sending = send_code(call, merchant, account, code)
    if refusal_of_sending is not None:
        return refusal_of_sending
    return GuestResult(return_code=ReturnCode.SUCCESS, number=str(account.id), email=account.email)


def _refusal_of_accounts(found: Sequence[Account]) -> GuestResult | None:
    """Return what a partner is told when these are not one account that can be mailed, or None."""
    if len(found) > 1:
        return GuestResult(return_code=ReturnCode.MORE_INFO_REQUIRED, fields=OTHER_IDENTITIES)
    if not found:
        return GuestResult(return_code=ReturnCode.ACCOUNT_NOT_FOUND)
    if status := callers.status_refusal(found[0]):
        return GuestResult(return_code=status)
    return None if found[0].email else GuestResult(return_code=ReturnCode.EMAIL_MISSING)


def _find_verified(
    call: Call, merchant: Merchant, given: GuestIdentity, verification: Mapping[str, str]
) -> Sequence[Account]:
    """Return the accounts that the identity means and whose verification fields are right."""
    found = _find_accounts(call, merchant, given)
    # Compared for nobody, too: to read a phone number takes longer than everything else here.
    compared = _comparable(merchant, verification)
    return [account for account in found if _is_verified(merchant, account, compared)]


def _said(given: GuestIdentity) -> tuple[str, ...]:
    """Return the identity that was given, whichever it is."""
    return tuple(str(each) for each in asdict(given).values() if each is not None)


def budget_of(merchant: Merchant) -> Budget:
    """Return the budget of wrong codes of partners' own making."""
    return Budget(("reset code", merchant.id), MAX_WRONG_CODES, keeps_window=True)


def _find_accounts(call: Call, merchant: Merchant, given: GuestIdentity) -> Sequence[Account]:
    """Return the merchant's accounts that the identity means: several only for an address."""
    found: Account | None = None
    if given.email is not None:
        return accounts.find_by_email(call.db, merchant.id, identity.email_key(given.email))
    if given.username is not None:
        found = accounts.find_by_username(call.db, merchant.id, identity.username_key(given.username))
    elif given.printed_card_number is not None:
        found = accounts.find_by_card(call.db, merchant.id, identity.card_number_key(given.printed_card_number))
    elif given.account_id is not None:
        found = accounts.find(call.db, given.account_id)
    return [found] if found is not None and found.merchant_id == merchant.id else []


def _is_verified(merchant: Merchant, account: Account, verification: Mapping[str, str | None]) -> bool:
    """Whether every field that the merchant asks for is the account's own; `verification` as `_comparable` has it."""
    born = account.date_of_birth
    own = {
        "phone": account.phone,
        "postalCode": _bare(account.postal_code),
        "dateOfBirth": born.isoformat() if born else None,
    }
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


def _shown_email(call: Call, merchant: Merchant, request: GuestRequest) -> str:
    """Return what an anonymous caller may see of the address, alike whether there is an account or not.

    Both masks are made for everybody, because the time must not tell which of them is shown.
    """
    given = request.identity
    if given.email is not None:
        return given.email
    if not merchant.shows_masked_email:
        return HIDDEN_EMAIL
    found = _find_verified(call, merchant, given, request.verification)
    # The mask of nobody must change when that of somebody would, and stay when it would stay.
    compared = (
        identity.username_key(given.username or ""),
        identity.card_number_key(given.printed_card_number or ""),
        given.account_id,
        _comparable(merchant, request.verification),
    )
    nobodys = guest_masks.mask_of_nobody(call.keys.mask_bytes(f"{merchant.id} {compared}"), merchant.region)
    email = found[0].email if found else None
    somebodys = guest_masks.mask_of(email or nobodys, merchant.region)
    return somebodys if email else nobodys


def _link(call: Call, merchant: Merchant, code: str) -> str:
    """Return the address of the page with the code in it, in whatever letters. It never comes from a request."""
    # %20 for a blank, because not every page takes + for one.
    escaped = quote(code, safe="")
    if merchant.reset_page is None:
        return f"{call.settings.own_url}/reset?code={escaped}"
    parts = urlsplit(merchant.reset_page)
    pair = f"{quote(merchant.reset_page_parameter, safe='')}={escaped}"
    return urlunsplit(parts._replace(query=f"{parts.query}&{pair}" if parts.query else pair))


def _record(
    call: Call, event: AuditEvent, merchant: Merchant, account_id: int | None, outcome: ReturnCode | None = None
) -> None:
    audit.record(call, event, merchant_id=merchant.id, account_id=account_id, outcome=outcome)
