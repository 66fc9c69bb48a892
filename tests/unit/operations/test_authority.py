"""Tests of operations/authority.py: what an operator may do is decided by operations, whatever a page has shown."""

from datetime import timedelta

import pytest

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.errors import AdministrationError, NotAllowedError
from gatehouse.domain.operators import NO_AUTHORITY, RIGHTS, Authority, OperatorRole, Right
from gatehouse.domain.roles import UserRole
from gatehouse.operations import (
    account_support,
    accounts,
    applications,
    device_support,
    devices,
    integrations,
    merchants,
    messages,
    operators,
)
from gatehouse.operations.calls import Call, Caller
from tests import factories

NOBODY = 999
"""The number of an operator that is none."""

# What is decided here is decided before a database is asked: one kind is enough.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def numbers(shop):
    """The numbers of one record of each kind, of the same merchant."""
    session = shop.log_in()
    device = shop.register(session)
    call = Call(shop.core, Caller())
    integration, _ = integrations.add_integration(call, shop.merchant.id, "Partner", ["b2b"], "partner")
    account_support.start_reset(call, shop.account.id)
    return {
        "merchant": shop.merchant.id,
        "account": shop.account.id,
        "application": shop.application.application.id,
        "integration": integration.id,
        "device": device,
        "message": shop.messages()[-1].id,
    }


def as_role(shop, role, merchant_ids):
    """Return a call of an operator."""
    call = Call(shop.core, Caller())
    call.authority = Authority(NOBODY, RIGHTS[role], merchant_ids, call.now)
    return call


CHANGES = {
    "add a merchant": (Right.ADD_MERCHANTS, lambda call, n: merchants.add_merchant(call, "Other")),
    "change a merchant": (Right.CHANGE_MERCHANT, lambda call, n: merchants.change_merchant(call, n["merchant"])),
    "add an application": (
        Right.CHANGE_MERCHANT,
        lambda call, n: applications.add_application(call, n["merchant"], "Till"),
    ),
    "change an application": (
        Right.CHANGE_MERCHANT,
        lambda call, n: applications.change_application(call, n["application"], cookie_grace=timedelta(hours=1)),
    ),
    "make a token": (
        Right.CHANGE_MERCHANT,
        lambda call, n: applications.renew_application_token(call, n["application"]),
    ),
    "make a hash key": (
        Right.CHANGE_MERCHANT,
        lambda call, n: applications.renew_application_hash_key(call, n["application"]),
    ),
    "disable an application": (
        Right.CHANGE_MERCHANT,
        lambda call, n: applications.set_application_disabled(call, n["application"], True),
    ),
    "add an integration": (
        Right.CHANGE_MERCHANT,
        lambda call, n: integrations.add_integration(call, n["merchant"], "Second", ["b2b"], "second"),
    ),
    "change an integration": (
        Right.CHANGE_MERCHANT,
        lambda call, n: integrations.change_integration(call, n["integration"], name="Other name"),
    ),
    "replace a secret": (
        Right.CHANGE_MERCHANT,
        lambda call, n: integrations.renew_integration_secret(call, n["integration"]),
    ),
    "add a secret": (
        Right.CHANGE_MERCHANT,
        lambda call, n: integrations.add_integration_secret(call, n["integration"]),
    ),
    "end a secret": (
        Right.CHANGE_MERCHANT,
        lambda call, n: integrations.end_integration_secret(call, n["integration"], 1),
    ),
    "disable an integration": (
        Right.CHANGE_MERCHANT,
        lambda call, n: integrations.set_integration_disabled(call, n["integration"], True),
    ),
    "add an account": (
        Right.CHANGE_ACCOUNTS,
        lambda call, n: accounts.add_account(call, n["merchant"], UserRole.CUSTOMER, username="mary"),
    ),
    "invite an account": (
        Right.CHANGE_ACCOUNTS,
        lambda call, n: account_support.invite_account(call, n["merchant"], UserRole.CUSTOMER, email="a@example.com"),
    ),
    "change an account": (
        Right.CHANGE_ACCOUNTS,
        lambda call, n: accounts.change_account(call, n["account"], full_name="Jane Roe"),
    ),
    "disable an account": (
        Right.CHANGE_ACCOUNTS,
        lambda call, n: accounts.set_account_status(call, n["account"], AccountStatus.DISABLED),
    ),
    "give a password": (
        Right.CHANGE_ACCOUNTS,
        lambda call, n: accounts.set_account_password(call, n["account"], "four quiet otters swim"),
    ),
    "unlock an account": (Right.CHANGE_ACCOUNTS, lambda call, n: account_support.unlock_account(call, n["account"])),
    "end sessions": (Right.CHANGE_ACCOUNTS, lambda call, n: account_support.end_account_sessions(call, n["account"])),
    "start a reset": (Right.START_RESETS, lambda call, n: account_support.start_reset(call, n["account"])),
    "block a device": (Right.BLOCK_DEVICES, lambda call, n: devices.set_device_blocked(call, n["device"], True)),
    "block devices": (
        Right.BLOCK_DEVICES,
        lambda call, n: device_support.set_devices_blocked(call, n["merchant"], [n["device"]], True),
    ),
    "forget devices": (
        Right.FORGET_DEVICES,
        lambda call, n: device_support.forget_devices(call, n["merchant"], [n["device"]]),
    ),
    "add an operator": (
        Right.MANAGE_OPERATORS,
        lambda call, n: operators.invite_operator(call, "eve", OperatorRole.OWNER),
    ),
    "list operators": (Right.MANAGE_OPERATORS, lambda call, n: operators.list_operators(call)),
}
LOOKS = {
    "merchant": merchants.show_merchant,
    "account": accounts.show_account,
    "application": applications.show_application,
    "integration": integrations.show_integration,
    "device": devices.show_device,
    "message": messages.show_message,
}


@pytest.mark.parametrize("what", CHANGES)
def test_who_has_the_right_may_change(shop, numbers, what):
    """Each change, as the role that may do least of those that may do it."""
    right, change = CHANGES[what]
    role = next(each for each in reversed(OperatorRole) if right in RIGHTS[each])

    assert change(as_role(shop, role, frozenset({shop.merchant.id})), numbers) != 0


def test_who_has_not_the_right_changes_nothing(shop, numbers):
    """The page that leads there is not asked."""
    before = shop.events()

    for right, change in CHANGES.values():
        for role in OperatorRole:
            if right not in RIGHTS[role]:
                with pytest.raises(NotAllowedError, match="does not have this right"):
                    change(as_role(shop, role, frozenset({shop.merchant.id})), numbers)
    assert shop.events() == before


def test_another_merchants_records_are_not_there(shop, numbers):
    """Neither for an operator of another merchant, nor for somebody who is not signed in."""
    before = shop.events()

    for right, change in CHANGES.values():
        if right in RIGHTS[OperatorRole.MANAGER]:
            for call in (as_role(shop, OperatorRole.MANAGER, frozenset({NOBODY})), as_nobody(shop)):
                with pytest.raises(AdministrationError, match="there is no"):
                    change(call, numbers)
    assert shop.events() == before


def test_another_merchants_records_are_not_shown(shop, numbers):
    """What a page has not checked is not told either."""
    for kind, look in LOOKS.items():
        with pytest.raises(AdministrationError, match="there is no"):
            look(as_role(shop, OperatorRole.MANAGER, frozenset({NOBODY})), numbers[kind])
        assert look(as_role(shop, OperatorRole.SUPPORT, frozenset({shop.merchant.id})), numbers[kind])


def test_merchants_are_listed_for_who_works_for_them(shop):
    """An owner works for all."""
    factories.make_merchant(shop.core, name="Other")

    assert len(merchants.list_merchants(as_role(shop, OperatorRole.OWNER, None))) == 2
    listed = merchants.list_merchants(as_role(shop, OperatorRole.MANAGER, frozenset({shop.merchant.id})))
    assert [each.id for each in listed] == [shop.merchant.id]
    assert merchants.list_merchants(as_nobody(shop)) == []


def as_nobody(shop):
    """Return a call from the panel of somebody who is not signed in."""
    call = Call(shop.core, Caller())
    call.authority = NO_AUTHORITY
    return call
