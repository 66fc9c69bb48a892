"""Accounts, as an operator adds and changes them. What their owners may do themselves is in the other files."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from gatehouse.domain import identity, lookalikes, password_policy
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.messages import MessageKind
from gatehouse.domain.roles import UserRole
from gatehouse.operations import audit, outbox, passwords
from gatehouse.operations.calls import Call
from gatehouse.operations.merchants import get_merchant
from gatehouse.operations.phone_numbers import normalised_phone
from gatehouse.storage import accounts, locks
from gatehouse.storage.accounts import Account as Account
from gatehouse.storage.merchants import Merchant

PAGE = 1000
"""Accounts that a list gives at most; the next page begins after the last number of this one."""


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
    if not (email or username):
        raise AdministrationError("an account needs an e-mail address or a username")
    if email and not identity.is_email(email):
        raise AdministrationError("this is not an e-mail address")
    _check_key_lengths(email, username)
    if pincode and (weakness := password_policy.pincode_weakness(pincode)):
        raise AdministrationError(f"the pincode is refused: {weakness}")
    with call.reading():
        merchant = get_merchant(call, merchant_id)
    number = _phone(merchant, phone) if phone else None
    if password:
        _check_password(call, merchant, passwords.names_of(merchant, username, email, full_name), password)
        password_hash = call.passwords.hash(password)
    if pincode:
        pincode_hash = call.passwords.hash(pincode)
    with call.writing():
        if username and accounts.find_by_username(call.db, merchant_id, identity.username_key(username)):
            raise AdministrationError("the merchant has an account of this username")
        if not allow_lookalike:
            _check_lookalikes(call, merchant_id, email, username)
        if customer_number and accounts.has_customer_number(call.db, merchant_id, customer_number):
            raise AdministrationError("the merchant has an account of this customer number")
        added = accounts.add(
            call.db,
            merchant_id=merchant_id,
            role=role.value,
            email=email,
            email_key=identity.email_key(email) if email else None,
            username=username,
            username_key=identity.username_key(username) if username else None,
            email_skeleton_digest=lookalikes.skeleton_digest(identity.email_key(email)) if email else None,
            username_skeleton_digest=lookalikes.skeleton_digest(identity.username_key(username)) if username else None,
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
        for card in cards:
            if accounts.find_card(call.db, merchant_id, identity.card_number_key(card)):
                raise AdministrationError("another account of the merchant has this card")
            accounts.add_card(call.db, account, card, identity.card_number_key(card))
        shown = ("role", "email", "username", "phone", "full_name", "customer_number", "postal_code", "date_of_birth")
        audit.record(
            call,
            AuditEvent.ACCOUNT_ADDED,
            merchant_id=merchant_id,
            account_id=added,
            changes=audit.changes_of(None, {name: getattr(account, name) for name in (*shown, "status")}),
        )
    return account


def change_account(call: Call, account_id: int, **values: Any) -> Account:
    """Change what is given of phone, full name, postal code and date of birth. Raises AdministrationError."""
    with call.writing():
        account = _account(call, account_id)
        if values.get("phone"):
            values["phone"] = _phone(get_merchant(call, account.merchant_id), values["phone"])
        if values:
            accounts.change(call.db, account_id, **values)
            audit.record(
                call,
                AuditEvent.ACCOUNT_CHANGED,
                merchant_id=account.merchant_id,
                account_id=account_id,
                changes=audit.changes_of(account, values),
            )
        return _account(call, account_id)


def set_account_status(call: Call, account_id: int, status: AccountStatus) -> Account:
    """Let an account log in or not; where it may not, sessions and login cookies end. Raises AdministrationError."""
    with call.writing():
        account = _account(call, account_id)
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
        return _account(call, account_id), [number for _, number in accounts.find_cards(call.db, [account_id])]


def list_accounts(call: Call, merchant_id: int | None, after: int = 0) -> Sequence[Account]:
    """Return a page of the accounts of one merchant or of all, by number."""
    with call.reading():
        return accounts.find_page(call.db, merchant_id, after, PAGE)


def _phone(merchant: Merchant, text: str) -> str:
    number = normalised_phone(text, merchant.region)
    if number is None:
        raise AdministrationError("this is not a phone number; write it with its country, as +12015550123")
    return number


def _check_key_lengths(email: str | None, username: str | None) -> None:
    """Refuse what becomes longer than its column when it is put into the form under which it is compared."""
    if email and len(identity.email_key(email)) > identity.MAX_EMAIL_LENGTH:
        raise AdministrationError("this e-mail address is too long")
    if username and not 1 <= len(identity.username_key(username)) <= identity.MAX_USERNAME_LENGTH:
        raise AdministrationError("this username is too long, or nobody could see it")


def _check_lookalikes(call: Call, merchant_id: int, email: str | None, username: str | None) -> None:
    # Two that are added at the same moment would not see each other.
    locks.take(call.db, locks.NEW_IDENTITIES)
    if email:
        key = identity.email_key(email)
        if accounts.has_lookalike_email(call.db, merchant_id, key, lookalikes.skeleton_digests(email, key)):
            raise AdministrationError("another account of the merchant has an e-mail address that looks like this one")
    if username:
        key = identity.username_key(username)
        if accounts.has_lookalike_username(call.db, merchant_id, key, lookalikes.skeleton_digests(username, key)):
            raise AdministrationError("another account of the merchant has a username that looks like this one")


def _check_password(call: Call, merchant: Merchant, names: list[str], password: str) -> None:
    if refusal := passwords.refusal_of_new_password(call, merchant, names, password, former=[]):
        raise AdministrationError(refusal.message)


def _account(call: Call, account_id: int) -> Account:
    found = accounts.find(call.db, account_id)
    if found is None:
        raise AdministrationError("there is no account of this number")
    return found
