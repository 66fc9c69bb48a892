"""What a page says after something was done, by the name that it has in the address."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """A text; a bad one is of something that was not done.

    `undo` is the endpoint that undoes what was done, for the record that the page is about.
    """

    text: str
    is_bad: bool = False
    undo: str | None = None


NOTICES: Mapping[str, Notice] = {
    "expired": Notice("You were signed out, or your session ended. Nothing was changed. Sign in again.", is_bad=True),
    "signed_out": Notice("You are signed out."),
    "signed_out_everywhere": Notice("You are signed out everywhere."),
    "password_changed": Notice("Your password was changed. Your other sessions have ended."),
    "second_factor_removed": Notice("Your second factor was removed. Only your password protects your account now."),
    "time_zone_set": Notice("Times are shown in your time zone now."),
    "account_locked": Notice(
        "The account is locked. Its sessions and login cookies have ended.", undo="accounts_unlock"
    ),
    "account_unlocked": Notice("The account may log in again."),
    "account_disabled": Notice(
        "The account is disabled. Its sessions and login cookies have ended.", undo="accounts_enable"
    ),
    "account_enabled": Notice("The account may log in again.", undo="accounts_disable"),
    "sessions_ended": Notice("The account's sessions and login cookies have ended."),
    "reset_started": Notice("A reset was started: the mail is on its way."),
    "devices_blocked": Notice("Blocked. What was begun on it has ended."),
    "devices_unblocked": Notice("No longer blocked."),
    "devices_forgotten": Notice("Forgotten. Whoever has it must register it anew."),
    "message_queued": Notice("The message is queued again."),
    "application_disabled": Notice(
        "The application is disabled: no program can call with its token.", undo="applications_enable"
    ),
    "application_enabled": Notice("The application may call again.", undo="applications_disable"),
    "integration_disabled": Notice("The integration is disabled: its partner cannot call.", undo="integrations_enable"),
    "integration_enabled": Notice("The integration may call again.", undo="integrations_disable"),
    "secret_ended": Notice("The secret has ended."),
    "merchant_added": Notice("The merchant is there. Next it needs an application, whose token programs call with."),
    "merchant_changed": Notice("Saved. It counts from the next call on."),
    "account_added": Notice("The account is there. It has no password, and no address that a link could be mailed to."),
    "account_invited": Notice("The account is there, and a mail with a link to choose a password is on its way."),
    "account_changed": Notice("Saved."),
    "application_changed": Notice("Saved. It counts from the next call on."),
    "integration_changed": Notice("Saved. It counts from the next call on."),
    "operator_changed": Notice("Saved. It counts from the operator's next page on."),
    "operator_disabled": Notice("The operator is disabled, and signed out everywhere.", undo="operators_enable"),
    "operator_enabled": Notice("The operator may sign in again.", undo="operators_disable"),
    "operator_signed_out": Notice("The operator is signed out everywhere."),
    "operator_factor_removed": Notice("The second factor was removed, and the operator is signed out everywhere."),
    "own_password_owed": Notice("Choose a password of your own first; the one that you were given ends then."),
    "nothing_chosen": Notice("Nothing was done: choose at least one.", is_bad=True),
}
