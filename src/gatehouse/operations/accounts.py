"""Accounts, as an operator adds and changes them. What their owners may do themselves is in the other files."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from gatehouse.domain import identity, password_policy
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.messages import MessageKind
from gatehouse.domain.operators import Right
from gatehouse.domain.roles import UserRole
from gatehouse.operations import account_identities, audit, authority, outbox, passwords, revisions
from gatehouse.operations.calls import Call
from gatehouse.operations.merchants import get_merchant
from gatehouse.operations.phone_numbers import normalised_phone
from gatehouse.storage import accounts, reset_codes, temporary_passwords
from gatehouse.storage.accounts import Account as Account
from gatehouse.storage.merchants import Merchant

PAGE = 1000
"""Accounts that a list gives at most; the next page begins after the last number of this one."""

_CHANGEABLE = ("role", "email", "username", "phone", "full_name", "customer_number", "postal_code", "date_of_birth")


def add_account(
    call: Call,
    merchant_id: int,
    role: UserRole,
    *,
    password: str | None = None,
    pincode: str | None = None,
    email: str | None = None,
    username: str | None = None,
    phone: str | None = None,
    full_name: str | None = None,
    customer_number: str | None = None,
    postal_code: str | None = None,
    date_of_birth: date | None = None,
    cards: Sequence[str] = (),
    password_hash: str | None = None,
    pincode_hash: str | None = None,
    allow_lookalike: bool = False,
) -> Account:
    """Add an account; password and pincode must keep the merchant's rules. Raises AdministrationError.

    A hash that was made before may be given in the place of a password or a pincode. An address or a username that
    looks like another account's is refused, unless `allow_lookalike`: who has it could pass for the other.
    """
    authority.require(call, Right.CHANGE_ACCOUNTS, merchant_id)
    account_identities.check_shapes(email, username)
    if pincode and (weakness := password_policy.pincode_weakness(pincode)):
        raise AdministrationError(f"the pincode is refused: {weakness}", "pincode")
    with call.reading():
        merchant = get_merchant(call, merchant_id)
    number = _phone(merchant, phone) if phone else None
    if password:
        _check_password(call, merchant, passwords.names_of(merchant, username, email, full_name), password)
        password_hash = call.passwords.hash(password)
    if pincode:
        pincode_hash = call.passwords.hash(pincode)
    with call.writing():
        account_identities.check_free(
            call,
            merchant_id,
            email=email,
            username=username,
            customer_number=customer_number,
            allow_lookalike=allow_lookalike,
        )
        added = accounts.add(
            call.db,
            merchant_id=merchant_id,
            role=role.value,
            **account_identities.columns_of_email(email),
            **account_identities.columns_of_username(username),
            phone=number,
            full_name=full_name,
            customer_number=customer_number,
            postal_code=postal_code,
            date_of_birth=date_of_birth,
            status=AccountStatus.ACTIVE.value,
            password_hash=password_hash,
            pincode_hash=pincode_hash,
            password_changed_at=call.now if password_hash else None,
            created_at=call.now,
        )
        account = _account(call, added)
        account_identities.give_cards(call, account, cards)
        shown = {name: getattr(account, name) for name in (*_CHANGEABLE, "status")}
        audit.record(
            call,
            AuditEvent.ACCOUNT_ADDED,
            merchant_id=merchant_id,
            account_id=added,
            changes=audit.changes_of(None, shown | ({"cards": list(cards)} if cards else {})),
        )
    return account


def change_account(
    call: Call, account_id: int, seen: str | None = None, allow_lookalike: bool = False, **values: Any
) -> Account:
    """Change what is given of what names and describes an account, and return it. Raises AdministrationError.

    Another role ends what is open for the account; another address ends what was mailed to the one before, so that
    who has that mailbox can choose no password, and a mail there says so (ASVS 5.0, 6.3.7). `seen` is the revision
    that the account was seen in, where it must be the same still.
    """
    with call.writing():
        account = _locked_account(call, account_id)
        before = values_of(account, _cards(call, account_id))
        revisions.check_revision(seen, before)
        if values.get("phone"):
            values["phone"] = _phone(get_merchant(call, account.merchant_id), values["phone"])
        changed = {name: new for name, new in values.items() if new != before[name]}
        if not changed:
            return account
        _check_names(call, account, changed, allow_lookalike)
        changes = audit.changes_of(account, {name: new for name, new in changed.items() if name != "cards"})
        if "cards" in changed:
            account_identities.give_cards(call, account, changed["cards"])
            changes["cards"] = [before["cards"], list(changed["cards"])]
        if columns := _columns(changed):
            accounts.change(call.db, account_id, **columns)
        if "email" in changed and _is_other_mailbox(account.email, changed["email"]):
            outbox.queue_mail(call, MessageKind.EMAIL_CHANGED, account)
        if "role" in changed:
            passwords.end_other_access(call, account)
        elif "email" in changed:
            temporary_passwords.end(call.db, account_id)
            reset_codes.end(call.db, account_id)
        audit.record(
            call,
            AuditEvent.ACCOUNT_CHANGED,
            merchant_id=account.merchant_id,
            account_id=account_id,
            changes=changes,
        )
        return _account(call, account_id)


def set_account_status(call: Call, account_id: int, status: AccountStatus) -> Account:
    """Let an account log in or not; where it may not, sessions and login cookies end. Raises AdministrationError."""
    with call.writing():
        account = _locked_account(call, account_id)
        accounts.change(call.db, account_id, status=status.value)
        if status is not AccountStatus.ACTIVE:
            passwords.end_other_access(call, account)
        audit.record(
            call,
            AuditEvent.ACCOUNT_CHANGED,
            merchant_id=account.merchant_id,
            account_id=account_id,
            subject=status.value,
            changes=audit.changes_of(account, {"status": status}),
        )
        return _account(call, account_id)


def set_account_password(call: Call, account_id: int, password: str) -> Account:
    """Give an account a password; its sessions and login cookies end, its owner is told. Raises AdministrationError."""
    with call.reading():
        account = _account(call, account_id)
        authority.require(call, Right.CHANGE_ACCOUNTS, account.merchant_id)
        merchant = get_merchant(call, account.merchant_id)
    names = passwords.names_of(merchant, account.username, account.email, account.full_name)
    _check_password(call, merchant, names, password)
    password_hash = call.passwords.hash(password)
    with call.writing():
        accounts.add_former_password(call.db, account, merchant.password_history, call.now)
        accounts.change(call.db, account_id, password_hash=password_hash, password_changed_at=call.now)
        passwords.end_other_access(call, account)
        outbox.queue_mail(call, MessageKind.PASSWORD_CHANGED, account)
        audit.record(
            call,
            AuditEvent.PASSWORD_CHANGED,
            merchant_id=account.merchant_id,
            account_id=account_id,
            changes=audit.changes_of(account, {"password_hash": password_hash}),
        )
        return _account(call, account_id)


def show_account(call: Call, account_id: int) -> tuple[Account, Sequence[str]]:
    """Return the account and the printed numbers of its cards. Raises AdministrationError."""
    with call.reading():
        account = _account(call, account_id)
        authority.require(call, Right.READ, account.merchant_id)
        return account, _cards(call, account_id)


def list_accounts(call: Call, merchant_id: int | None, after: int = 0) -> Sequence[Account]:
    """Return a page of the accounts of one merchant or of all, by number."""
    with call.reading():
        return accounts.find_page(call.db, merchant_id, after, PAGE)


def values_of(account: Account, cards: Sequence[str]) -> Mapping[str, Any]:
    """Return what `change_account` may change, by name."""
    return {name: getattr(account, name) for name in _CHANGEABLE} | {"cards": list(cards)}


def _check_names(call: Call, account: Account, changed: Mapping[str, Any], allow_lookalike: bool) -> None:
    """Refuse names that the account may not have."""
    if changed.keys() & {"email", "username"}:
        email, username = changed.get("email", account.email), changed.get("username", account.username)
        account_identities.check_shapes(email, username)
    account_identities.check_free(
        call,
        account.merchant_id,
        email=changed.get("email"),
        username=changed.get("username"),
        customer_number=changed.get("customer_number"),
        allow_lookalike=allow_lookalike,
        besides=account.id,
    )


def _columns(changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that keep these values."""
    columns = {name: new for name, new in changed.items() if name not in ("email", "username", "cards", "role")}
    if "email" in changed:
        columns |= account_identities.columns_of_email(changed["email"])
    if "username" in changed:
        columns |= account_identities.columns_of_username(changed["username"])
    if "role" in changed:
        columns["role"] = int(changed["role"])
    return columns


def _is_other_mailbox(before: str | None, now: str | None) -> bool:
    """Whether there was an address, and mails go to it no longer."""
    if not before:
        return False
    return not now or identity.email_key(before) != identity.email_key(now)


def _phone(merchant: Merchant, text: str) -> str:
    number = normalised_phone(text, merchant.region)
    if number is None:
        raise AdministrationError("this is not a phone number; write it with its country, as +12015550123", "phone")
    return number


def _check_password(call: Call, merchant: Merchant, names: list[str], password: str) -> None:
    if refusal := passwords.refusal_of_new_password(call, merchant, names, password, former=[]):
        raise AdministrationError(refusal.message, "password")


def _cards(call: Call, account_id: int) -> Sequence[str]:
    return [number for _, number in accounts.find_cards(call.db, [account_id])]


def _locked_account(call: Call, account_id: int) -> Account:
    """Return the account to somebody who may change it, with every other change of it held back."""
    accounts.lock(call.db, account_id)
    found = _account(call, account_id)
    authority.require(call, Right.CHANGE_ACCOUNTS, found.merchant_id)
    return found


def _account(call: Call, account_id: int) -> Account:
    found = accounts.find(call.db, account_id)
    if found is None:
        raise AdministrationError("there is no account of this number")
    return found
