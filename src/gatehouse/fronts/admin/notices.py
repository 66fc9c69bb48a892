"""What a page says after something was done, by the name that it has in the address."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """A text; a bad one is of something that was not done."""

    text: str
    is_bad: bool = False


NOTICES: Mapping[str, Notice] = {
    "expired": Notice("You were signed out, or your session ended. Nothing was changed. Sign in again.", is_bad=True),
    "signed_out": Notice("You are signed out."),
    "signed_out_everywhere": Notice("You are signed out everywhere."),
    "password_changed": Notice("Your password was changed. Your other sessions have ended."),
    "second_factor_removed": Notice("Your second factor was removed. Only your password protects your account now."),
    "time_zone_set": Notice("Times are shown in your time zone now."),
    "account_locked": Notice("The account is locked. Its sessions and login cookies have ended."),
    "account_unlocked": Notice("The account may log in again."),
    "account_disabled": Notice("The account is disabled. Its sessions and login cookies have ended."),
    "account_enabled": Notice("The account may log in again."),
    "sessions_ended": Notice("The account's sessions and login cookies have ended."),
    "reset_started": Notice("A reset was started: the mail is on its way."),
    "devices_blocked": Notice("Blocked. What was begun on it has ended."),
    "devices_unblocked": Notice("No longer blocked."),
    "devices_forgotten": Notice("Forgotten. Whoever has it must register it anew."),
    "message_queued": Notice("The message is queued again."),
    "application_disabled": Notice("The application is disabled: no program can call with its token."),
    "application_enabled": Notice("The application may call again."),
    "integration_disabled": Notice("The integration is disabled: its partner cannot call."),
    "integration_enabled": Notice("The integration may call again."),
    "secret_ended": Notice("The secret has ended."),
    "nothing_chosen": Notice("Nothing was done: choose at least one.", is_bad=True),
}
