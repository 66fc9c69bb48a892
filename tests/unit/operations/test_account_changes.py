"""Tests of operations/accounts.py and account_support.py: names that are corrected, and owners who are invited."""

import pytest

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import AdministrationError, ChangedMeanwhileError
from gatehouse.domain.roles import UserRole
from gatehouse.operations import account_support, accounts, applications, integrations, merchants
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.passwords import reset_password
from gatehouse.operations.revisions import revision_of
from gatehouse.storage import tables
from tests.factories import EMAIL, PASSWORD, make_account, make_merchant


@pytest.fixture
def call(core):
    """A command's call."""
    return Call(core, Caller())


def last_change(shop):
    """Return what the newest entry says of values before and after."""
    return shop.rows(tables.audit_entries)[-1].changes


def test_names_are_corrected(shop, call):
    """The new ones log in, the old ones do not, and the trail has both."""
    values = {"email": "jane.doe@example.org", "username": "jdoe", "cards": ["6006 4912"], "customer_number": "C-7"}
    accounts.change_account(call, shop.account.id, **values)

    assert shop.login(email="Jane.Doe@example.org").return_code is ReturnCode.SUCCESS
    assert shop.login(email=None, username="JDOE").return_code is ReturnCode.SUCCESS
    assert shop.login(email=EMAIL).return_code is ReturnCode.INVALID_CREDENTIALS
    changed = next(each for each in shop.rows(tables.audit_entries) if each.event == "account.changed")
    assert changed.changes == {
        "email": [EMAIL, "jane.doe@example.org"],
        "username": ["jane", "jdoe"],
        "customer_number": [None, "C-7"],
        "cards": [[], ["6006 4912"]],
    }


def test_cards_are_replaced(shop, call):
    """One that is taken away is free for another account; one that is another's is refused."""
    accounts.change_account(call, shop.account.id, cards=["6006 4912", "6006 4913"])
    accounts.change_account(call, shop.account.id, cards=["60064913", "6006 4914"])
    other = make_account(shop.core, shop.merchant, cards=["6006-4912"])

    assert accounts.show_account(call, shop.account.id)[1] == ["6006 4913", "6006 4914"]
    with pytest.raises(AdministrationError, match="another account of the merchant has this card") as caught:
        accounts.change_account(call, other.id, cards=["6006 4913"])
    assert caught.value.field == "cards"
    assert accounts.show_account(call, other.id)[1] == ["6006-4912"]


def test_another_address_ends_what_was_mailed_to_the_one_before(shop, call):
    """Who has that mailbox could otherwise choose the password; sessions stay."""
    session = shop.log_in()
    reset_password(shop.call(), EMAIL)
    password = shop.messages("temporary_password")[-1].content["temporary_password"]
    account_support.start_reset(call, shop.account.id)

    accounts.change_account(call, shop.account.id, email="new@example.com")

    assert shop.login(email="new@example.com", password=password).return_code is ReturnCode.INVALID_CREDENTIALS
    assert shop.rows(tables.reset_codes) == [] or shop.rows(tables.reset_codes)[0].used_at is not None
    assert shop.register(session) > 0


def test_the_address_before_is_told_of_another_one(shop, call):
    """Without the new one, and by the name that it knew; of what else is changed nobody is told."""
    accounts.change_account(call, shop.account.id, full_name="Jane Roe", phone="+12015550144")
    assert shop.messages() == []

    accounts.change_account(call, shop.account.id, email="new@example.com", full_name="Janet Roe")
    [told] = shop.messages()
    assert (told.kind, told.recipient, told.account_id) == ("email_changed", EMAIL, shop.account.id)
    assert (told.content["full_name"], told.content["username"]) == ("Jane Roe", "jane")
    assert "new@example.com" not in str(told.content)

    accounts.change_account(call, shop.account.id, email=None)
    assert [each.recipient for each in shop.messages()] == [EMAIL, "new@example.com"]


def test_nobody_is_told_of_the_same_mailbox_or_of_a_first_address(shop, call):
    """Another case is the same address; and where there was none, there is nobody to tell."""
    accounts.change_account(call, shop.account.id, email=EMAIL.upper())
    other = make_account(shop.core, shop.merchant, username="noaddress")
    accounts.change_account(call, other.id, email="first@example.com")

    assert shop.messages() == []


def test_nobody_is_told_of_a_change_that_was_refused(shop, call):
    """The mail is in the transaction of the change."""
    make_account(shop.core, shop.merchant, email="mary@example.com", username="mary")
    with pytest.raises(AdministrationError):
        accounts.change_account(call, shop.account.id, email="new@example.com", username="mary")

    assert shop.messages() == []


def test_another_role_ends_sessions(shop, call):
    """What is open was begun in the role before."""
    shop.log_in()
    accounts.change_account(call, shop.account.id, role=UserRole.MERCHANT)

    assert all(each.ended_at is not None for each in shop.rows(tables.sessions))
    assert last_change(shop) == {"role": [15, 20]}
    assert shop.login(user_role="20").return_code is ReturnCode.SUCCESS


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"email": None, "username": None}, "email", "needs an e-mail address or a username"),
        ({"email": "nobody"}, "email", "not an e-mail address"),
        ({"username": "MARY"}, "username", "account of this username"),
        ({"customer_number": "C-1"}, "customer_number", "customer number"),
        ({"email": "rnary@example.com"}, "allow_lookalike", "looks like this one"),
        ({"phone": "twelve"}, "phone", "not a phone number"),
    ],
)
def test_what_an_account_may_not_have_is_refused_at_its_field(shop, call, values, field, text):
    """And nothing of the change is done."""
    make_account(shop.core, shop.merchant, email="mary@example.com", username="mary", customer_number="C-1")

    with pytest.raises(AdministrationError, match=text) as caught:
        accounts.change_account(call, shop.account.id, full_name="Somebody", **values)
    assert caught.value.field == field
    assert shop.present_account().full_name == "Jane Doe"


def test_a_typing_error_may_look_like_what_it_is_corrected_to(shop, call):
    """An account is no look-alike of itself; of another one an operator may allow it."""
    other = make_account(shop.core, shop.merchant, email="rnary@example.com")

    assert accounts.change_account(call, other.id, email="mary@example.com").email == "mary@example.com"
    accounts.change_account(call, shop.account.id, email="rnary@example.com", allow_lookalike=True)


def test_nobody_overwrites_what_somebody_else_has_changed(shop, call):
    """Of every kind of record: the second of two who saw the same is told."""
    added, _ = integrations.add_integration(call, shop.merchant.id, "Partner", ["b2b"], "partner")
    application = shop.application.application
    records = [
        (merchants.change_merchant, shop.merchant.id, merchants.values_of(shop.merchant), "name"),
        (applications.change_application, application.id, applications.values_of(application), "name"),
        (integrations.change_integration, added.id, integrations.values_of(call, added), "name"),
        (accounts.change_account, shop.account.id, accounts.values_of(shop.account, []), "full_name"),
    ]
    for change, number, values, name in records:
        seen = revision_of(values)
        change(call, number, seen, **{name: "First"})
        before = shop.events()
        with pytest.raises(ChangedMeanwhileError):
            change(call, number, seen, **{name: "Second"})
        change(call, number, **{name: "First"})
        assert shop.events() == before, "what changes nothing is no event"


def test_a_login_is_no_change(shop, call):
    """An operator who corrects a name need not be quicker than its owner."""
    seen = revision_of(accounts.values_of(*accounts.show_account(call, shop.account.id)))
    shop.log_in()

    assert accounts.change_account(call, shop.account.id, seen, full_name="Jane Roe").full_name == "Jane Roe"


def test_an_owner_is_invited(shop, call):
    """By a link; nobody else ever knows the password."""
    added = account_support.invite_account(call, shop.merchant.id, UserRole.CUSTOMER, email="new@example.com")

    assert added.password_hash is None
    sent = shop.messages("reset_code")[-1]
    assert (sent.recipient, sent.account_id) == ("new@example.com", added.id)
    assert shop.login(email="new@example.com", password=PASSWORD).return_code is ReturnCode.INVALID_CREDENTIALS

    without = account_support.invite_account(call, shop.merchant.id, UserRole.CUSTOMER, username="nobody")
    assert shop.messages("reset_code")[-1].account_id != without.id


def test_an_integration_calls_for_the_merchants_that_it_was_given(shop, call):
    """All at once, with one entry; its own stays."""
    first, second = make_merchant(shop.core), make_merchant(shop.core)
    added, _ = integrations.add_integration(call, shop.merchant.id, "Partner", ["b2b"], "partner")
    integrations.change_integration(call, added.id, merchant_ids=[first.id], authentication=["anonymous", "b2b"])
    integrations.change_integration(call, added.id, merchant_ids=[second.id])

    found = integrations.show_integration(call, added.id)
    assert integrations.merchants_of(call, found) == [shop.merchant.id, second.id]
    assert found.authentication == ["anonymous", "b2b"]
    assert last_change(shop) == {"merchants": [[shop.merchant.id, first.id], [shop.merchant.id, second.id]]}
    with pytest.raises(AdministrationError, match="no merchant"):
        integrations.change_integration(call, added.id, merchant_ids=[999])
