"""Accounts of a merchant: found, looked at, helped and closed."""

from collections.abc import Sequence

from flask import Response, url_for

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.tasks import Tab, Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import account_support, accounts, panel_lists
from gatehouse.operations.accounts import Account

tasks = Tasks("accounts", tab=Tab("Accounts", "accounts_show_all"))

_ACCOUNT = "/merchants/<merchant_id>/accounts/<account_id>"
_ENDS = "Its sessions and login cookies end at once; whoever uses it is signed out."


@tasks.page("/merchants/<merchant_id>/accounts", Right.READ)
def show_all(visit: Visit, merchant_id: int) -> Response:
    """List the newest accounts, or those that a text finds."""
    wanted = visit.asked("q")
    if wanted:
        found = panel_lists.search_accounts(visit.call, merchant_id, wanted)
        if len(found) == 1:
            return visit.go("accounts_show", merchant_id=merchant_id, account_id=found[0].id)
        return visit.render("accounts/list", accounts=found, wanted=wanted, next=None)
    page = panel_lists.list_newest_accounts(visit.call, merchant_id, visit.asked_number("before"))
    following = page.next_before and url_for(
        "admin.accounts_show_all", merchant_id=merchant_id, before=page.next_before
    )
    return visit.render("accounts/list", accounts=page.records, wanted="", next=following)


@tasks.page(_ACCOUNT, Right.READ)
def show(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Show an account and what belongs to it."""
    account = _account(visit, account_id)
    return visit.render(
        "accounts/show",
        account=account,
        name=_name(visit, account),
        glance=panel_lists.glance_at_account(visit.call, account),
    )


@tasks.form(f"{_ACCOUNT}/lock", Right.CHANGE_ACCOUNTS)
def lock(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Lock the account."""
    if visit.is_sent:
        accounts.set_account_status(visit.call, account_id, AccountStatus.LOCKED)
        return _back(visit, merchant_id, account_id, "account_locked")
    effects = ["Nobody can log in to it, and the answer says that it is locked.", _ENDS, "You can unlock it again."]
    return _ask(visit, account_id, "Lock", effects)


@tasks.form(f"{_ACCOUNT}/unlock", Right.CHANGE_ACCOUNTS)
def unlock(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Unlock the account."""
    if visit.is_sent:
        account_support.unlock_account(visit.call, account_id)
        return _back(visit, merchant_id, account_id, "account_unlocked")
    effects = [
        "Its owner can log in again with the password that it has.",
        "Wrong passwords that were counted for its names are forgotten. Where they came from one network, "
        "that network may have to wait for up to a quarter of an hour.",
    ]
    return _ask(visit, account_id, "Unlock", effects, is_dangerous=False)


@tasks.form(f"{_ACCOUNT}/disable", Right.CHANGE_ACCOUNTS)
def disable(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Disable the account."""
    if visit.is_sent:
        accounts.set_account_status(visit.call, account_id, AccountStatus.DISABLED)
        return _back(visit, merchant_id, account_id, "account_disabled")
    effects = ["Nobody can log in to it.", _ENDS, "Nothing is deleted, and you can enable it again."]
    return _ask(visit, account_id, "Disable", effects)


@tasks.form(f"{_ACCOUNT}/enable", Right.CHANGE_ACCOUNTS)
def enable(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Enable the account."""
    if visit.is_sent:
        accounts.set_account_status(visit.call, account_id, AccountStatus.ACTIVE)
        return _back(visit, merchant_id, account_id, "account_enabled")
    effects = ["Its owner can log in again with the password that it has."]
    return _ask(visit, account_id, "Enable", effects, is_dangerous=False)


@tasks.form(f"{_ACCOUNT}/end-sessions", Right.CHANGE_ACCOUNTS)
def end_sessions(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """End everything that is open for the account."""
    if visit.is_sent:
        account_support.end_account_sessions(visit.call, account_id)
        return _back(visit, merchant_id, account_id, "sessions_ended")
    effects = [
        _ENDS,
        "A temporary password or reset link that was mailed and not used ends, too.",
        "The password stays: its owner can log in again. This cannot be undone.",
    ]
    return _ask(visit, account_id, "End all sessions of", effects, button="End all sessions")


@tasks.form(f"{_ACCOUNT}/reset", Right.START_RESETS)
def reset(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Mail the owner a link to choose a new password."""
    if visit.is_sent:
        account_support.start_reset(visit.call, account_id)
        return _back(visit, merchant_id, account_id, "reset_started")
    account = _account(visit, account_id)
    effects = [
        f"A mail with a link goes to {visit.shown.email(account.email)}.",
        "Who opens the link can choose a new password. Until then the present one works.",
        "A link that was mailed before ends.",
    ]
    return _ask(visit, account_id, "Start a reset for", effects, button="Send the mail", is_dangerous=False)


def _ask(
    visit: Visit,
    account_id: int,
    what: str,
    effects: Sequence[str],
    button: str | None = None,
    is_dangerous: bool = True,
) -> Response:
    account = _account(visit, account_id)
    back = url_for("admin.accounts_show", merchant_id=account.merchant_id, account_id=account_id)
    title = f"{what} {_name(visit, account)}"
    return visit.confirm(title, effects, button or f"{what} the account", back, is_dangerous=is_dangerous)


def _back(visit: Visit, merchant_id: int, account_id: int, done: str) -> Response:
    return visit.go("accounts_show", done=done, merchant_id=merchant_id, account_id=account_id)


def _account(visit: Visit, account_id: int) -> Account:
    return accounts.show_account(visit.call, account_id)[0]


def _name(visit: Visit, account: Account) -> str:
    """Return what the account is called, as far as this operator may see it."""
    if account.email:
        return visit.shown.email(account.email)
    return visit.shown.name(account.username)
