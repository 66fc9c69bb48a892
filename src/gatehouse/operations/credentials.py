"""Whether what somebody typed is the account's password, or its temporary one."""

from enum import Enum

from gatehouse.operations.calls import Call
from gatehouse.security import tokens
from gatehouse.storage.accounts import Account
from gatehouse.storage.temporary_passwords import TemporaryPassword


class Proof(Enum):
    """What a given password turned out to be."""

    WRONG = "wrong"
    PASSWORD = "password"
    TEMPORARY = "temporary"
    TEMPORARY_EXPIRED = "temporary_expired"

    @property
    def is_right(self) -> bool:
        """Whether it proves that its sender is the account's owner."""
        return self in (Proof.PASSWORD, Proof.TEMPORARY)


def prove(call: Call, account: Account | None, temporary: TemporaryPassword | None, given: str) -> Proof:
    """Compare the password given with what is kept; without an account, do the same work and say WRONG.

    Takes as long as one Argon2 verification, so call it with no connection held.
    """
    is_password = call.passwords.verify(account.password_hash if account else None, given)
    is_temporary = tokens.matches(temporary.password_digest if temporary else None, tokens.digest(given))
    if is_password:
        return Proof.PASSWORD
    if temporary is None or not is_temporary:
        return Proof.WRONG
    return Proof.TEMPORARY if temporary.expires_at > call.now else Proof.TEMPORARY_EXPIRED
