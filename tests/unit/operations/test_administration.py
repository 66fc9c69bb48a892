"""Tests of what operators do: operations/merchants.py, applications.py, integrations.py and accounts.py."""

from datetime import timedelta

import pytest

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.roles import UserRole
from gatehouse.operations import accounts, applications, integrations, merchants
from gatehouse.operations.calls import Call, Caller
from gatehouse.security import tokens
from gatehouse.storage import tables
from tests.factories import EMAIL, NOON, PASSWORD, make_account, make_application, make_merchant


@pytest.fixture
def call(core):
    """An operator's call."""
    return Call(core, Caller())


def test_merchant_has_the_contracts_policies_unless_told_otherwise(call):
    """NIST's lengths, half an hour for temporary passwords, and no history."""
    merchant = merchants.add_merchant(call, "Acme", password_history=5)

    assert (merchant.name, merchant.region) == ("Acme", "US")
    assert (merchant.password_min_length, merchant.password_max_length) == (8, 1024)
    assert merchant.password_history == 5
    assert merchant.temporary_password_lifetime == timedelta(minutes=30)
    assert merchant.reset_replaces_password is False
    assert merchants.list_merchants(call) == [merchant]


def test_two_merchants_cannot_have_one_name(call, core):
    """An operator types the name; it must mean one."""
    merchants.add_merchant(call, "Acme")
    other = merchants.add_merchant(call, "Other")

    with pytest.raises(AdministrationError, match="a merchant of this name exists"):
        merchants.add_merchant(call, "Acme")
    with pytest.raises(AdministrationError, match="a merchant of this name exists"):
        merchants.change_merchant(call, other.id, name="Acme")
    assert merchants.change_merchant(call, other.id, name="Other", region="CH").region == "CH"


@pytest.mark.parametrize(("least", "most"), [(0, 10), (11, 10)])
def test_lengths_of_passwords_must_be_possible(call, least, most):
    """Nobody could ever set a password."""
    merchant = merchants.add_merchant(call, "Acme")

    with pytest.raises(AdministrationError, match="must not be shorter"):
        merchants.add_merchant(call, "Other", password_min_length=least, password_max_length=most)
    with pytest.raises(AdministrationError, match="must not be shorter"):
        merchants.change_merchant(call, merchant.id, password_min_length=least, password_max_length=most)


def test_records_that_are_not_there_are_an_operators_error(call):
    """With a text that says which."""
    changes = [
        lambda: merchants.change_merchant(call, 99, region="CH"),
        lambda: applications.change_application(call, 99),
        lambda: applications.add_application(call, 99, "Web"),
        lambda: integrations.add_integration(call, 99, "Partner", ["b2b"], "partner"),
        lambda: integrations.renew_integration_secret(call, 99),
        lambda: accounts.add_account(call, 99, UserRole.CUSTOMER, username="jane"),
        lambda: accounts.set_account_password(call, 99, PASSWORD),
        lambda: accounts.set_account_status(call, 99, AccountStatus.ACTIVE),
    ]

    for change in changes:
        with pytest.raises(AdministrationError, match=r"there is no .* of this number"):
            change()


def test_application_gets_its_secrets_once(call, core):
    """The token is kept as a digest, the hash key sealed."""
    merchant = make_merchant(core)

    added = applications.add_application(call, merchant.id, "Web")

    [row] = [row for row in _rows(core, tables.applications)]
    assert row.token_digest == tokens.digest(added.token)
    assert core.keys.unseal(row.hash_key_sealed, "hash key") == added.hash_key
    assert added.hash_key.encode() not in row.hash_key_sealed
    assert added.application.session_lifetime == timedelta(hours=24)
    assert added.application.session_idle_lifetime == timedelta(minutes=30)
    assert added.application.cookie_lifetime == timedelta(days=30)
    assert added.application.cookie_grace == timedelta(seconds=60)


def test_application_keeps_the_token_that_its_programs_have(call, core):
    """The point of replacing a vendor's service."""
    merchant = make_merchant(core)

    added = applications.add_application(call, merchant.id, "Web", token="6E1F0A5C", hash_key="key")

    assert (added.token, added.hash_key) == ("6E1F0A5C", "key")
    with pytest.raises(AdministrationError, match="another application has this token"):
        applications.add_application(call, merchant.id, "Web 2", token="6E1F0A5C")


def test_two_applications_of_a_merchant_cannot_have_one_name(call, core):
    """Two merchants' may."""
    merchant, other = make_merchant(core), make_merchant(core)
    make_application(core, merchant, name="Web")
    second = make_application(core, merchant, name="Mobile").application

    with pytest.raises(AdministrationError, match="the merchant has an application of this name"):
        applications.add_application(call, merchant.id, "Web")
    with pytest.raises(AdministrationError, match="the merchant has an application of this name"):
        applications.change_application(call, second.id, name="Web")
    assert applications.add_application(call, other.id, "Web").application.merchant_id == other.id


@pytest.mark.parametrize("version", ["new", "2.0-beta"])
def test_minimum_version_must_be_one(call, core, version):
    """No program could ever be compared with it."""
    merchant = make_merchant(core)

    with pytest.raises(AdministrationError, match="a version is numbers"):
        applications.add_application(call, merchant.id, "Web", minimum_version=version)


def test_renewed_application_token_ends_the_old_one(shop):
    """A token that leaked is worth nothing from then on."""
    token = applications.renew_application_token(shop.call(), shop.application.application.id)

    assert shop.login().return_code is ReturnCode.INVALID_APPLICATION_TOKEN
    assert shop.login(token=token).return_code is ReturnCode.SUCCESS


def test_renewed_hash_key_replaces_the_old_one(shop):
    """It is sealed like the first."""
    key = applications.renew_application_hash_key(shop.call(), shop.application.application.id)

    [row] = shop.rows(tables.applications)
    assert shop.core.keys.unseal(row.hash_key_sealed, "hash key") == key
    assert key != shop.application.hash_key


def test_disabled_application_is_let_in_again(shop):
    """Disabling deletes nothing."""
    number = shop.application.application.id
    applications.set_application_disabled(shop.call(), number, True)
    assert shop.login().return_code is ReturnCode.INVALID_APPLICATION_TOKEN

    applications.set_application_disabled(shop.call(), number, False)
    assert shop.login().return_code is ReturnCode.SUCCESS


def test_integration_is_added_with_a_secret_shown_once(call, core):
    """Its kinds of authentication come back as they were given, from both databases."""
    merchant = make_merchant(core)

    integration, secret = integrations.add_integration(call, merchant.id, "Partner", ["anonymous", "b2b"], "partner-1")

    assert integration.authentication == ["anonymous", "b2b"]
    [kept] = _rows(core, tables.integration_secrets)
    assert kept.secret_digest == tokens.digest(secret)
    renewed = integrations.renew_integration_secret(call, integration.id)
    [kept] = _rows(core, tables.integration_secrets)
    assert kept.secret_digest == tokens.digest(renewed)
    assert renewed != secret


@pytest.mark.parametrize("kinds", [[], ["b2c"], ["b2b", "admin"]])
def test_kinds_of_authentication_are_the_contracts(call, core, kinds):
    """An integration with another kind could do nothing, or too much."""
    merchant = make_merchant(core)

    with pytest.raises(AdministrationError, match="anonymous and b2b"):
        integrations.add_integration(call, merchant.id, "Partner", kinds, "partner-1")


def test_integrations_have_names_of_their_own(call, core):
    """The client_id for all merchants, the name for one."""
    merchant, other = make_merchant(core), make_merchant(core)
    integrations.add_integration(call, merchant.id, "Partner", ["b2b"], "partner-1")

    with pytest.raises(AdministrationError, match="an integration calls under this name"):
        integrations.add_integration(call, other.id, "Other", ["b2b"], "partner-1")
    with pytest.raises(AdministrationError, match="the merchant has an integration of this name"):
        integrations.add_integration(call, merchant.id, "Partner", ["b2b"], "partner-2")


def test_integration_is_disabled_and_let_in_again(call, core):
    """Its row says since when."""
    integration, _ = integrations.add_integration(call, make_merchant(core).id, "Partner", ["b2b"], "partner-1")

    assert integrations.set_integration_disabled(call, integration.id, True).disabled_at == NOON
    assert integrations.set_integration_disabled(call, integration.id, False).disabled_at is None
    assert [each.id for each in integrations.list_integrations(call, None)] == [integration.id]


def test_account_is_kept_normalised(call, core):
    """The phone as a gateway dials it, the cards as they are printed and as they are compared."""
    merchant = make_merchant(core)

    account = accounts.add_account(
        call,
        merchant.id,
        UserRole.MERCHANT_SUB,
        password=PASSWORD,
        pincode="1593",
        email="Jane@Example.com",
        username="Jane",
        phone="(201) 555-0123",
        cards=["6035 7100 0001 1"],
    )

    assert (account.role, account.status) == (21, "Active")
    assert (account.email, account.username, account.phone) == ("Jane@Example.com", "Jane", "+12015550123")
    assert core.passwords.verify(account.password_hash, PASSWORD)
    assert core.passwords.verify(account.pincode_hash, "1593")
    assert accounts.show_account(call, account.id) == (account, ["6035 7100 0001 1"])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "needs an e-mail address or a username"),
        ({"email": "jane"}, "not an e-mail address"),
        ({"username": "jane", "phone": "12"}, "not a phone number"),
        ({"username": "jane", "pincode": "1234"}, "the pincode is refused: it is too easy to guess"),
        ({"username": "jane", "password": "short"}, "too weak: it is shorter than 8 characters"),
        ({"username": "long name of jane", "password": "long name of jane1"}, "made from the user's own name"),
    ],
)
def test_account_that_breaks_a_rule_is_not_added(call, core, values, reason):
    """An operator keeps the merchant's rules, too."""
    merchant = make_merchant(core)

    with pytest.raises(AdministrationError, match=reason):
        accounts.add_account(call, merchant.id, UserRole.CUSTOMER, **values)
    assert _rows(core, tables.accounts) == []


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"username": "JANE"}, "an account of this username"),
        ({"username": "joan", "customer_number": "C-77"}, "an account of this customer number"),
        ({"username": "joan", "cards": ["6035-7100"]}, "another account of the merchant has this card"),
    ],
)
def test_what_names_one_account_is_not_given_to_another(call, core, values, reason):
    """Nothing of the refused account stays; another merchant may have the same."""
    merchant, other = make_merchant(core), make_merchant(core)
    make_account(core, merchant, username="jane", customer_number="C-77", cards=["6035 7100"])

    with pytest.raises(AdministrationError, match=reason):
        accounts.add_account(call, merchant.id, UserRole.CUSTOMER, **values)

    assert len(_rows(core, tables.accounts)) == 1
    assert accounts.add_account(call, other.id, UserRole.CUSTOMER, **values).merchant_id == other.id


def test_operators_password_keeps_the_merchants_rules(shop):
    """And a refused one changes nothing."""
    with pytest.raises(AdministrationError, match="too weak"):
        accounts.set_account_password(shop.call(), shop.account.id, "short")

    assert shop.login().return_code is ReturnCode.SUCCESS


def test_operators_change_is_audited(shop):
    """Each with the account that it was about."""
    since = len(shop.events())

    accounts.set_account_status(shop.call(), shop.account.id, AccountStatus.LOCKED)
    shop.set_application(default_role=15)
    shop.set_merchant(region="CH")

    assert shop.events(since) == [
        ("account.changed", None),
        ("application.changed", None),
        ("merchant.changed", None),
    ]
    assert [row.subject for row in shop.rows(tables.audit_entries)][-3] == "Locked"


def test_accounts_are_listed_by_number(core, call):
    """Of one merchant or of all, page by page."""
    one, other = make_merchant(core), make_merchant(core)
    first, second, third = make_account(core, one), make_account(core, other), make_account(core, one)

    assert [each.id for each in accounts.list_accounts(call, None)] == [first.id, second.id, third.id]
    assert [each.id for each in accounts.list_accounts(call, one.id)] == [first.id, third.id]
    assert [each.id for each in accounts.list_accounts(call, one.id, after=first.id)] == [third.id]


def test_several_accounts_may_have_one_address(core):
    """A family shares it; Login then asks for the username."""
    merchant = make_merchant(core)
    make_account(core, merchant, email=EMAIL, username="jane")

    assert make_account(core, merchant, email=EMAIL, username="joan").email == EMAIL


def _rows(core, table):
    with core.database.reading() as db:
        return list(db.execute(table.select()))
