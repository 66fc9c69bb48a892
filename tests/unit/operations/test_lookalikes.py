"""Tests of what operations/accounts.py says of identities that look like another account's."""

import threading

import pytest

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.roles import UserRole
from gatehouse.operations import accounts
from gatehouse.storage import tables
from tests.factories import EMAIL, make_account, make_merchant

CYRILLIC_JANE = "j\u0430ne"


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        ({"username": CYRILLIC_JANE}, "a username that looks like this one"),
        ({"email": f"{CYRILLIC_JANE}@example.com"}, "an e-mail address that looks like this one"),
        ({"email": "jane@ex\u0430mple.com", "username": "somebody"}, "an e-mail address that looks like this one"),
    ],
)
def test_lookalike_of_anothers_identity_is_refused(shop, identity, reason):
    """Who has it could pass for Jane before other customers and the staff."""
    with pytest.raises(AdministrationError, match=reason):
        accounts.add_account(shop.call(), shop.merchant.id, UserRole.CUSTOMER, **identity)

    assert [row.id for row in shop.rows(tables.accounts)] == [shop.account.id]


def test_operator_may_allow_a_lookalike(shop):
    """Two people may really be called so; both can log in, each as oneself."""
    added = accounts.add_account(
        shop.call(),
        shop.merchant.id,
        UserRole.CUSTOMER,
        username=CYRILLIC_JANE,
        password="another long one 7",
        allow_lookalike=True,
    )

    result = shop.login(email=None, username=CYRILLIC_JANE, password="another long one 7")
    assert (result.return_code, result.number) == (ReturnCode.SUCCESS, str(added.id))
    assert shop.login().number == str(shop.account.id)


def test_same_address_is_no_lookalike(shop):
    """Several accounts may share an address."""
    assert make_account(shop.core, shop.merchant, email=EMAIL.upper()).email == EMAIL.upper()


def test_accounts_of_other_merchants_are_not_compared(shop):
    """They are other people's customers, and their names nobody else's business."""
    assert make_account(shop.core, make_merchant(shop.core), username=CYRILLIC_JANE)


@pytest.mark.parametrize(
    "identity", [{"username": "\u200b"}, {"username": "\ufdfa" * 20}, {"email": "\ufdfa" * 20 + "@b.de"}]
)
def test_identity_that_fits_no_column_is_refused(shop, identity):
    """Folding may leave nothing of a text, or make it many times as long."""
    with pytest.raises(AdministrationError, match="too long"):
        accounts.add_account(shop.call(), shop.merchant.id, UserRole.CUSTOMER, **identity)


def test_of_lookalikes_added_at_once_one_is_refused(shop):
    """Neither would see the other while both are being added."""
    names, barrier, outcomes = ["bobcat", "b0bcat", "b\u043ebcat", "bobc\u0430t"], threading.Barrier(4), []

    def add(name):
        barrier.wait()
        try:
            outcomes.append(make_account(shop.core, shop.merchant, username=name, password=None).username)
        except AdministrationError:
            outcomes.append(None)

    threads = [threading.Thread(target=add, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes, key=str)[:3] == [None] * 3
    assert len({*outcomes} - {None}) == 1
