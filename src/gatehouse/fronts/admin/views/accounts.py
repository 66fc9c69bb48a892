"""Accounts of a merchant: found, looked at, helped and closed."""

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.operators import Right
from gatehouse.domain.roles import UserRole
from gatehouse.fronts.admin.filling import Asked, fill
from gatehouse.fronts.admin.form_fields.accounts import ACCOUNT
from gatehouse.fronts.admin.subjects import Subject
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
    following = page.continues_at and url_for(
        "admin.accounts_show_all", merchant_id=merchant_id, before=page.continues_at
    )
    return visit.render("accounts/list", accounts=page.records, wanted="", next=following)


@tasks.form("/merchants/<merchant_id>/accounts/add", Right.CHANGE_ACCOUNTS)
def add(visit: Visit, merchant_id: int) -> Response:
    """Add an account, and mail its owner a link to choose a password."""

    def save(values: Mapping[str, Any], _: str | None) -> Response:
        added = account_support.invite_account(visit.call, merchant_id, **_with_flag(values))
        done = "account_invited" if added.email else "account_added"
        return visit.go("accounts_show", done=done, merchant_id=merchant_id, account_id=added.id)

    asked = Asked(
        title="Add an account",
        sections=ACCOUNT,
        button="Add the account",
        back=url_for("admin.accounts_show_all", merchant_id=merchant_id),
        lead="Its owner gets a mail with a link to choose a password. Without an address nobody can log in to it yet.",
        defaults={"role": UserRole.CUSTOMER},
    )
    return fill(visit, asked, save)


@tasks.page(_ACCOUNT, Right.READ)
def show(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Show an account and what belongs to it."""
    account = accounts.show_account(visit.call, account_id)[0]
    return visit.render(
        "accounts/show",
        account=account,
        name=_name(visit, account),
        glance=panel_lists.glance_at_account(visit.call, account),
    )


@tasks.form(f"{_ACCOUNT}/change", Right.CHANGE_ACCOUNTS)
def change(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Correct what names and describes the account."""
    subject = _subject(visit, account_id)

    def save(values: Mapping[str, Any], seen: str | None) -> Response:
        accounts.change_account(visit.call, account_id, seen, **_with_flag(values))
        return subject.go_back(visit, "account_changed")

    def present() -> Mapping[str, Any]:
        return accounts.values_of(*accounts.show_account(visit.call, account_id))

    asked = Asked(
        title=f"Change {subject.name}",
        sections=ACCOUNT,
        button="Save",
        back=subject.address,
        lead="Another address ends a temporary password or reset link that was mailed to the present one, which gets a "
        "mail that says so. "
        "Another role ends all sessions and login cookies.",
        present=present,
    )
    return fill(visit, asked, save)


@tasks.form(f"{_ACCOUNT}/lock", Right.CHANGE_ACCOUNTS)
def lock(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Lock the account."""
    if visit.is_sent:
        accounts.set_account_status(visit.call, account_id, AccountStatus.LOCKED)
        return _subject(visit, account_id).go_back(visit, "account_locked")
    effects = ["Nobody can log in to it, and the answer says that it is locked.", _ENDS, "You can unlock it again."]
    return _subject(visit, account_id).ask(visit, "Lock", effects)


@tasks.form(f"{_ACCOUNT}/unlock", Right.CHANGE_ACCOUNTS)
def unlock(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Unlock the account; of one that is not locked, forget the wrong passwords."""
    subject = _subject(visit, account_id)
    if visit.is_sent:
        account_support.unlock_account(visit.call, account_id)
        return subject.go_back(visit, "account_unlocked")
    effects = [
        "Wrong passwords that were counted for its names are forgotten. Where they came from one network, "
        "that network may have to wait for up to a quarter of an hour.",
    ]
    if accounts.show_account(visit.call, account_id)[0].status != AccountStatus.LOCKED:
        title = "Forget the wrong passwords for"
        return subject.ask(visit, title, effects, "Forget wrong passwords", is_dangerous=False)
    effects.insert(0, "Its owner can log in again with the password that it has.")
    return subject.ask(visit, "Unlock", effects, is_dangerous=False)


@tasks.form(f"{_ACCOUNT}/disable", Right.CHANGE_ACCOUNTS)
def disable(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Disable the account."""
    if visit.is_sent:
        accounts.set_account_status(visit.call, account_id, AccountStatus.DISABLED)
        return _subject(visit, account_id).go_back(visit, "account_disabled")
    effects = ["Nobody can log in to it.", _ENDS, "Nothing is deleted, and you can enable it again."]
    return _subject(visit, account_id).ask(visit, "Disable", effects)


@tasks.form(f"{_ACCOUNT}/enable", Right.CHANGE_ACCOUNTS)
def enable(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Enable the account."""
    if visit.is_sent:
        accounts.set_account_status(visit.call, account_id, AccountStatus.ACTIVE)
        return _subject(visit, account_id).go_back(visit, "account_enabled")
    effects = ["Its owner can log in again with the password that it has."]
    return _subject(visit, account_id).ask(visit, "Enable", effects, is_dangerous=False)


@tasks.form(f"{_ACCOUNT}/end-sessions", Right.CHANGE_ACCOUNTS)
def end_sessions(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """End everything that is open for the account."""
    if visit.is_sent:
        account_support.end_account_sessions(visit.call, account_id)
        return _subject(visit, account_id).go_back(visit, "sessions_ended")
    effects = [
        _ENDS,
        "A temporary password or reset link that was mailed and not used ends, too.",
        "The password stays: its owner can log in again. This cannot be undone.",
    ]
    return _subject(visit, account_id).ask(visit, "End all sessions of", effects, button="End all sessions")


@tasks.form(f"{_ACCOUNT}/reset", Right.START_RESETS)
def reset(visit: Visit, merchant_id: int, account_id: int) -> Response:
    """Mail the owner a link to choose a new password."""
    if visit.is_sent:
        account_support.start_reset(visit.call, account_id)
        return _subject(visit, account_id).go_back(visit, "reset_started")
    account = accounts.show_account(visit.call, account_id)[0]
    effects = [
        f"A mail with a link goes to {visit.shown.email(account.email)}.",
        "Who opens the link can choose a new password. Until then the present one works.",
        "A link that was mailed before ends.",
    ]
    return _subject(visit, account_id).ask(
        visit, "Start a reset for", effects, button="Send the mail", is_dangerous=False
    )


def _with_flag(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with a flag in the place of its one checkbox."""
    return {**values, "allow_lookalike": bool(values["allow_lookalike"])}


def _subject(visit: Visit, account_id: int) -> Subject:
    account = accounts.show_account(visit.call, account_id)[0]
    numbers = {"merchant_id": account.merchant_id, "account_id": account_id}
    return Subject("account", _name(visit, account), "accounts_show", numbers)


def _name(visit: Visit, account: Account) -> str:
    """Return what the account is called, as far as this operator may see it."""
    if account.email:
        return visit.shown.email(account.email)
    return visit.shown.name(account.username)
