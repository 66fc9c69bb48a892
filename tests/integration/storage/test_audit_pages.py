"""Tests of the pages of storage/audit.py, on both databases."""

from datetime import timedelta

import pytest

from gatehouse.storage import audit
from gatehouse.storage.audit import AuditFilter
from tests.factories import NOON

HOUR = timedelta(hours=1)


@pytest.fixture
def trail(shop):
    """A merchant's trail: three logins and three refused ones, of one account."""
    for _ in range(3):
        shop.login()
        shop.login(password="a wrong one")
    return shop


def wanted_of(entries, wanted):
    """Return the numbers of the entries that are wanted, newest first."""
    return [
        each.id
        for each in reversed(entries)
        if (wanted.account_id is None or each.account_id == wanted.account_id)
        and (wanted.event is None or each.event == wanted.event)
        and (wanted.outcome is None or each.outcome == wanted.outcome)
        and (wanted.since is None or each.created_at >= wanted.since)
        and (wanted.until is None or each.created_at < wanted.until)
    ]


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"event": "session.started"},
        {"event": "session.started", "since": NOON - HOUR, "until": NOON + HOUR},
        {"event": "session.started", "since": NOON + HOUR},
        {"event": "login.refused", "outcome": "InvalidCredentials"},
        {"outcome": "InvalidCredentials"},
        {"event": "nothing of the kind"},
    ],
    ids=lambda others: "-".join(others) or "all",
)
@pytest.mark.parametrize("of_account", [True, False], ids=["account", "merchant"])
def test_pages_have_what_is_wanted_and_nothing_else(trail, others, of_account):
    """Whichever index is read for it, from the newest on, page after page."""
    account = {"account_id": trail.account.id} if of_account else {}
    wanted = AuditFilter(merchant_id=trail.merchant.id, **account, **others)
    with trail.core.database.reading() as db:
        expected = wanted_of(audit.find_every(db, trail.merchant.id), wanted)
        found, before = [], None
        while page := audit.find_before(db, wanted, before, 2):
            found += [each.id for each in page]
            before = found[-1]

    assert found == expected
    assert bool(expected) is (others.get("event") != "nothing of the kind" and others.get("since") != NOON + HOUR)
