"""Tells owners that somebody tries passwords for their account: once a day, however many are tried."""

from datetime import timedelta

from gatehouse.domain.messages import MessageKind
from gatehouse.operations import outbox
from gatehouse.operations.calls import Call
from gatehouse.storage import accounts
from gatehouse.storage import outbox as messages
from gatehouse.storage.account_requests import AccountRequest
from gatehouse.storage.accounts import Account

WARNED_EVERY = timedelta(hours=24)


def warn_of_guesses(call: Call, request: AccountRequest) -> None:
    """Warn the owners of the accounts that an identity means, if it means any, in the transaction of the call."""
    given, merchant_id = request.identity, request.merchant_id
    found = list(accounts.find_by_email(call.db, merchant_id, given["email_key"])) if given.get("email_key") else []
    if given.get("username_key"):
        named = accounts.find_by_username(call.db, merchant_id, given["username_key"])
        found += [named] if named is not None and named not in found else []
    for account in found:
        warn_owner(call, account)


def warn_owner(call: Call, account: Account) -> None:
    """Warn this account's owner, unless that was done of late."""
    accounts.lock(call.db, account.id)
    kinds = (MessageKind.MANY_WRONG_GUESSES.value,)
    if not messages.count_mails(call.db, account.id, kinds, call.now - WARNED_EVERY):
        outbox.queue_mail(call, MessageKind.MANY_WRONG_GUESSES, account)
