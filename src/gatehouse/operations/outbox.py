"""Queues messages: one row for a mail or SMS, in the transaction of the call."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gatehouse.domain.messages import MessageKind, MessageState
from gatehouse.operations.calls import Call
from gatehouse.operations.phone_numbers import country_of
from gatehouse.storage import locks, merchants, outbox
from gatehouse.storage.accounts import Account

MAILS_COUNTED = timedelta(minutes=15)
"""How far back mails are counted that anybody may ask for."""

NUMBER_COUNTED, OTHERS_COUNTED = timedelta(minutes=15), timedelta(hours=1)
"""How far back SMS are counted for one phone number, and for a merchant and a country."""


def queue_mail(
    call: Call, kind: MessageKind, account: Account, expires_at: datetime | None = None, **content: str
) -> None:
    """Queue a mail to the account's owner; an account without an address gets none.

    `content` are the values of the kind's template beside the merchant's and the owner's names.
    """
    if account.email is None:
        return
    names = {"full_name": account.full_name or "", "username": account.username or ""}
    _queue(call, kind, account.merchant_id, account.id, account.email, expires_at, content | names, {})


def is_mail_limit_reached(call: Call, account: Account) -> bool:
    """Whether the account was mailed so often of late, at anybody's request, that one more would be a nuisance.

    Mails from before the last change of the password do not count: it was the owner who asked for them. Ask with the
    account locked, so that parallel calls do not pass the limit together.
    """
    kinds = (MessageKind.TEMPORARY_PASSWORD.value, MessageKind.RESET_CODE.value)
    since = max(call.now - MAILS_COUNTED, account.password_changed_at or account.created_at)
    sent = outbox.count_mails(call.db, account.id, kinds, since)
    return sent >= call.settings.mails_per_account


def queue_sms(
    call: Call, kind: MessageKind, account: Account, phone: str, expires_at: datetime | None = None, **content: str
) -> None:
    """Queue an SMS to this number, which is not always the account's own.

    One beyond the limits against SMS pumping is recorded as abandoned. The caller is not told, because who
    pumps would learn when to go on.
    """
    country = country_of(phone)
    failure = _limit_reached(call, account.merchant_id, phone, country)
    if failure is None:
        values: dict[str, Any] = {"country": country}
    else:
        values = {"state": MessageState.ABANDONED.value, "failure": failure, "content": None}
    _queue(call, kind, account.merchant_id, account.id, phone, expires_at, content, values)


def _limit_reached(call: Call, merchant_id: int, phone: str, country: str) -> str | None:
    """Return which limit one more SMS would pass, or None."""
    # One after another until the commit, so that parallel calls do not pass a limit together.
    locks.take(call.db, locks.SMS_LIMITS)
    counts = outbox.count_sms(
        call.db, phone, merchant_id, country, call.now - NUMBER_COUNTED, call.now - OTHERS_COUNTED
    )
    by_country: Mapping[str, int] = call.settings.sms_per_country
    if counts.country >= by_country.get(country, by_country["*"]):
        return f"limit of SMS to the country {country}"
    if counts.merchant >= call.settings.sms_per_merchant:
        return "limit of SMS of the merchant"
    if counts.number >= call.settings.sms_per_number:
        return "limit of SMS to the number"
    return None


def _queue(
    call: Call,
    kind: MessageKind,
    merchant_id: int,
    account_id: int,
    recipient: str,
    expires_at: datetime | None,
    content: dict[str, str],
    values: dict[str, Any],
) -> None:
    merchant = merchants.get(call.db, merchant_id)
    looks = {"merchant": merchant.name, "language": merchant.language, "colour": merchant.colour}
    queued = {
        "merchant_id": merchant_id,
        "account_id": account_id,
        "kind": kind.value,
        "medium": kind.medium.value,
        "recipient": recipient,
        "content": content | looks,
        "state": MessageState.QUEUED.value,
        "attempts": 0,
        "due_at": call.now,
        "expires_at": expires_at,
        "created_at": call.now,
    }
    outbox.add(call.db, **(queued | values))
    call.note_queued()
