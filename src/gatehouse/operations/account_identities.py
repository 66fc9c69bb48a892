"""What names an account: the forms under which names are compared, and who may have which."""

from collections.abc import Sequence
from typing import Any

from gatehouse.domain import identity, lookalikes
from gatehouse.domain.errors import AdministrationError
from gatehouse.operations.calls import Call
from gatehouse.storage import accounts, locks
from gatehouse.storage.accounts import Account


def check_shapes(email: str | None, username: str | None) -> None:
    """Refuse what is no name, and what becomes longer than its column in the form under which it is compared.

    Raises AdministrationError.
    """
    if not (email or username):
        raise AdministrationError("an account needs an e-mail address or a username", "email")
    if email and not identity.is_email(email):
        raise AdministrationError("this is not an e-mail address", "email")
    if email and len(identity.email_key(email)) > identity.MAX_EMAIL_LENGTH:
        raise AdministrationError("this e-mail address is too long", "email")
    if username and not 1 <= len(identity.username_key(username)) <= identity.MAX_USERNAME_LENGTH:
        raise AdministrationError("this username is too long, or nobody could see it", "username")


def columns_of_email(email: str | None) -> dict[str, Any]:
    """Return the columns that keep an address."""
    key = identity.email_key(email) if email else None
    return {
        "email": email,
        "email_key": key,
        "email_skeleton_digest": lookalikes.skeleton_digest(key) if key else None,
    }


def columns_of_username(username: str | None) -> dict[str, Any]:
    """Return the columns that keep a username."""
    key = identity.username_key(username) if username else None
    return {
        "username": username,
        "username_key": key,
        "username_skeleton_digest": lookalikes.skeleton_digest(key) if key else None,
    }


def check_free(
    call: Call,
    merchant_id: int,
    *,
    email: str | None = None,
    username: str | None = None,
    customer_number: str | None = None,
    allow_lookalike: bool = False,
    besides: int = 0,
) -> None:
    """Refuse a name that another account of the merchant has, or one that looks like it, unless that is allowed.

    `besides` is the number of the account that gets the names. Raises AdministrationError.
    """
    if username:
        namesake = accounts.find_by_username(call.db, merchant_id, identity.username_key(username))
        if namesake is not None and namesake.id != besides:
            raise AdministrationError("the merchant has an account of this username", "username")
    if not allow_lookalike:
        _check_lookalikes(call, merchant_id, email, username, besides)
    if customer_number and accounts.has_customer_number(call.db, merchant_id, customer_number, besides):
        raise AdministrationError("the merchant has an account of this customer number", "customer_number")


def give_cards(call: Call, account: Account, printed: Sequence[str]) -> None:
    """Let the account have these cards and no others. Raises AdministrationError."""
    wanted = {identity.card_number_key(each): each for each in printed}
    for key, number in wanted.items():
        owner = accounts.find_card(call.db, account.merchant_id, key)
        if owner not in (None, account.id):
            raise AdministrationError("another account of the merchant has this card", "cards")
        if owner is None:
            accounts.add_card(call.db, account, number, key)
    accounts.keep_cards(call.db, account.id, list(wanted))


def _check_lookalikes(call: Call, merchant_id: int, email: str | None, username: str | None, besides: int) -> None:
    # Two that are added at the same moment would not see each other.
    locks.take(call.db, locks.NEW_IDENTITIES)
    if email:
        key = identity.email_key(email)
        if accounts.has_lookalike_email(call.db, merchant_id, key, lookalikes.skeleton_digests(email, key), besides):
            text = "another account of the merchant has an e-mail address that looks like this one"
            raise AdministrationError(text, "allow_lookalike")
    if username:
        key = identity.username_key(username)
        digests = lookalikes.skeleton_digests(username, key)
        if accounts.has_lookalike_username(call.db, merchant_id, key, digests, besides):
            text = "another account of the merchant has a username that looks like this one"
            raise AdministrationError(text, "allow_lookalike")
