"""What an operator does for the owner of an account: let in again, sign out everywhere, start a reset."""

from gatehouse.domain import identity
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.operations import accounts as administration
from gatehouse.operations import audit, guessing, passwords, reset_codes
from gatehouse.operations.calls import Call
from gatehouse.operations.merchants import get_merchant
from gatehouse.storage.accounts import Account


def unlock_account(call: Call, account_id: int) -> Account:
    """Let a locked account log in again, and look at its next password at once. Raises AdministrationError.

    Wrong passwords that were counted for its names are forgotten; those for a name and a network end by themselves.
    """
    with call.writing():
        account = administration.show_account(call, account_id)[0]
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
        if account.status != AccountStatus.ACTIVE:
            raise AdministrationError(f"the account is {account.status.lower()}, and could not log in afterwards")
        if account.email is None:
            raise AdministrationError("the account has no e-mail address")
        refusal = reset_codes.send_code(call, get_merchant(call, account.merchant_id), account)
        if refusal is not None:
            raise AdministrationError("the owner was mailed too often in the last minutes; wait a quarter of an hour")
