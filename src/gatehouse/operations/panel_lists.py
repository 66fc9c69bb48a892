"""What the panel lists of a merchant or an account, a page at a time, and how an account is found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gatehouse.domain import identity
from gatehouse.operations.calls import Call
from gatehouse.operations.merchants import get_merchant
from gatehouse.operations.messages import MessageRecord, record_of
from gatehouse.operations.phone_numbers import normalised_phone
from gatehouse.storage import accounts, audit, panel_lists
from gatehouse.storage.accounts import Account
from gatehouse.storage.audit import AuditEntry, AuditFilter
from gatehouse.storage.devices import Device
from gatehouse.storage.login_cookies import LoginCookie
from gatehouse.storage.merchants import Merchant
from gatehouse.storage.panel_lists import LiveSession

PAGE = 50
"""Records of a page."""
GLANCE = 10
"""Records of a list on an account's own page."""
MOST_FOUND = 50
"""Accounts that a search gives at most."""

Listed = TypeVar("Listed")


@dataclass(frozen=True)
class Page(Generic[Listed]):
    """A page of records, and the number after whose record the next one goes on, or None when this is the last."""

    records: Sequence[Listed]
    continues_at: int | None


@dataclass(frozen=True)
class AccountGlance:
    """What belongs to an account, the newest of each."""

    cards: Sequence[str]
    sessions: Sequence[LiveSession]
    login_cookies: Sequence[LoginCookie]
    devices: Sequence[Device]
    messages: Sequence[MessageRecord]
    entries: Sequence[AuditEntry]


def list_merchants_of(call: Call, merchant_ids: Collection[int] | None, name: str, after: int | None) -> Page[Merchant]:
    """Return a page of these merchants, or of all, whose names have this in them, by number from after one on."""
    with call.reading():
        # Databases differ in what they take for the same letter.
        named = [
            number
            for number, each in panel_lists.find_merchant_names(call.db, merchant_ids).items()
            if number > (after or 0) and name.casefold() in each.casefold()
        ]
        return _page(panel_lists.find_merchants(call.db, named[: PAGE + 1]))


def list_newest_accounts(call: Call, merchant_id: int, before: int | None) -> Page[Account]:
    """Return a page of the merchant's accounts, newest first."""
    with call.reading():
        found = panel_lists.find_accounts(call.db, merchant_id, before, PAGE + 1)
    return _page(found)


def search_accounts(call: Call, merchant_id: int, text: str) -> Sequence[Account]:
    """Return the merchant's accounts that have exactly this as number, e-mail, username, card or phone, by number."""
    found: dict[int, Account] = {}
    with call.reading():
        merchant = get_merchant(call, merchant_id)
        numbers = [int(text)] if text.isascii() and text.isdigit() and len(text) <= 18 else []
        card = identity.card_number_key(text)
        of_card = accounts.find_card(call.db, merchant_id, card) if card else None
        numbers += [of_card] if of_card is not None else []
        for number in numbers:
            account = accounts.find(call.db, number)
            if account is not None and account.merchant_id == merchant_id:
                found[account.id] = account
        if named := accounts.find_by_username(call.db, merchant_id, identity.username_key(text)):
            found[named.id] = named
        for each in accounts.find_by_email(call.db, merchant_id, identity.email_key(text))[:MOST_FOUND]:
            found[each.id] = each
        if phone := normalised_phone(text, merchant.region):
            for each in panel_lists.find_accounts_by_phone(call.db, merchant_id, phone, MOST_FOUND):
                found[each.id] = each
    return [found[number] for number in sorted(found)]


def glance_at_account(call: Call, account: Account) -> AccountGlance:
    """Return the newest of all that belongs to the account."""
    with call.reading():
        messages = panel_lists.find_messages(call.db, account.merchant_id, None, GLANCE, account_id=account.id)
        return AccountGlance(
            cards=[number for _, number in accounts.find_cards(call.db, [account.id])],
            sessions=panel_lists.find_live_sessions(call.db, account.id, call.now, GLANCE),
            login_cookies=panel_lists.find_login_cookies(call.db, account.id, call.now, GLANCE),
            devices=panel_lists.find_devices(call.db, account.merchant_id, None, GLANCE, account_id=account.id),
            messages=[record_of(call, each) for each in messages],
            entries=panel_lists.find_entries_of_account(call.db, account.merchant_id, account.id, GLANCE),
        )


def list_newest_devices(
    call: Call,
    merchant_id: int,
    before: int | None,
    *,
    device_id: str | None = None,
    application_id: int | None = None,
    state: str | None = None,
) -> tuple[Page[Device], Mapping[int, tuple[str | None, str | None]]]:
    """Return a page of the merchant's registrations, newest first, and their owners' addresses and usernames."""
    with call.reading():
        found = panel_lists.find_devices(
            call.db,
            merchant_id,
            before,
            PAGE + 1,
            device_id=device_id,
            application_id=application_id,
            state=state,
        )
        owners = {each.account_id for each in found if each.account_id is not None}
        return _page(found), panel_lists.find_account_names(call.db, owners)


def list_messages_of(call: Call, merchant_id: int, before: int | None, state: str | None = None) -> Page[MessageRecord]:
    """Return a page of the merchant's messages, in one state where given, newest first."""
    with call.reading():
        page = _page(panel_lists.find_messages(call.db, merchant_id, before, PAGE + 1, state=state))
        return Page([record_of(call, each) for each in page.records], page.continues_at)


def list_newest_entries(call: Call, wanted: AuditFilter, before: int | None) -> Page[AuditEntry]:
    """Return a page of audit entries that agree in all that is given, newest first."""
    with call.reading():
        return _page(audit.find_before(call.db, wanted, before, PAGE + 1))


def _page(found: Sequence[Listed]) -> Page[Listed]:
    """Return the first records of a list that was asked for one more than a page has."""
    records = found[:PAGE]
    last = getattr(records[-1], "id", None) if len(found) > PAGE else None
    return Page(records, last)
