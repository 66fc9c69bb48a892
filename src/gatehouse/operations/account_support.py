"""What an operator does for the owner of an account: let in again, sign out everywhere, start a reset."""

from typing import Any

from gatehouse.domain import identity
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.operators import Right
from gatehouse.domain.roles import UserRole
from gatehouse.operations import accounts as administration
from gatehouse.operations import audit, authority, guessing, passwords, reset_codes
from gatehouse.operations.calls import Call
from gatehouse.operations.merchants import get_merchant
from gatehouse.storage.accounts import Account


def invite_account(call: Call, merchant_id: int, role: UserRole, **values: Any) -> Account:
    """Add an account without a password, and mail its owner a link to choose one. Raises AdministrationError.

    Without an address nothing is mailed. The values are those of `add_account`.
    """
    with call.writing():
        account = administration.add_account(call, merchant_id, role, **values)
        if account.email is not None:
            start_reset(call, account.id)
        return account


def unlock_account(call: Call, account_id: int) -> Account:
    """Let a locked account log in again, and look at its next password at once. Raises AdministrationError.

    Wrong passwords that were counted for its names are forgotten; those for a name and a network end by themselves.
    """
    with call.writing():
        account = administration.show_account(call, account_id)[0]
        authority.require(call, Right.CHANGE_ACCOUNTS, account.merchant_id)
        if account.status == AccountStatus.DISABLED:
            raise AdministrationError("the account is disabled; enable it instead")
        # Under the names that Login counts them by.
        said = [f"email_key: {identity.email_key(account.email)}"] if account.email else []
        said += [f"username_key: {identity.username_key(account.username)}"] if account.username else []
        guessing.reopen(call, guessing.of_password(call, account.merchant_id, 0, said))
        return administration.set_account_status(call, account_id, AccountStatus.ACTIVE)


def end_account_sessions(call: Call, account_id: int) -> Account:
    """End sessions, login cookies, temporary password and reset code of the account. Raises AdministrationError."""
    with call.writing():
        account = administration.show_account(call, account_id)[0]
        authority.require(call, Right.CHANGE_ACCOUNTS, account.merchant_id)
        passwords.end_other_access(call, account)
        audit.record(
            call,
            AuditEvent.SESSION_ENDED,
            merchant_id=account.merchant_id,
            account_id=account_id,
            subject="all",
        )
        return account


def start_reset(call: Call, account_id: int) -> None:
    """Mail the owner a link with a new reset code; the password stays until it is used. Raises AdministrationError."""
    with call.writing():
        account = administration.show_account(call, account_id)[0]
        authority.require(call, Right.START_RESETS, account.merchant_id)
        if account.status != AccountStatus.ACTIVE:
            raise AdministrationError(f"the account is {account.status.lower()}, and could not log in afterwards")
        if account.email is None:
            raise AdministrationError("the account has no e-mail address")
        refusal = reset_codes.send_code(call, get_merchant(call, account.merchant_id), account)
        if refusal is not None:
            raise AdministrationError("the owner was mailed too often in the last minutes; wait a quarter of an hour")
