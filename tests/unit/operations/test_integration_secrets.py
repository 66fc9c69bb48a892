"""Tests of secrets and merchants of integrations, as operators change them, and of the commands for it."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from gatehouse.cli.main import main
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import AdministrationError
from gatehouse.operations import integrations
from gatehouse.operations.reset_codes import generate_and_send
from tests.factories import NOON, make_merchant
from tests.partner import make_partner


@pytest.fixture
def partner(shop):
    """A partner with one secret."""
    return make_partner(shop)


def outcome(partner, secret):
    """Call with this secret."""
    return generate_and_send(partner.call(secret), partner.request()).return_code


def test_two_secrets_live_at_once(partner):
    """So that a partner's server changes over without a pause."""
    new = integrations.add_integration_secret(partner.shop.call(), partner.integration.id, timedelta(hours=1))

    assert outcome(partner, partner.secret) is outcome(partner, new) is ReturnCode.SUCCESS
    partner.shop.clock.advance(hours=1)
    assert outcome(partner, partner.secret) is ReturnCode.INVALID_CLIENT_CREDENTIALS
    assert outcome(partner, new) is ReturnCode.SUCCESS


def test_no_more_than_two_secrets_live(partner):
    """The second must be in use before a third is of any good."""
    call = partner.shop.call()
    integrations.add_integration_secret(call, partner.integration.id)

    with pytest.raises(AdministrationError, match="two live secrets"):
        integrations.add_integration_secret(call, partner.integration.id)
    partner.shop.clock.advance(days=7)
    assert integrations.add_integration_secret(partner.shop.call(), partner.integration.id)


def test_end_of_the_older_is_never_put_off(partner):
    """An operator who said one hour meant it."""
    number = partner.integration.id
    first, second = timedelta(hours=1), timedelta(days=9)
    integrations.add_integration_secret(partner.shop.call(), number, first)
    ended = integrations.list_integration_secrets(partner.shop.call(), number)[1]
    integrations.end_integration_secret(partner.shop.call(), number, ended.id)
    integrations.add_integration_secret(partner.shop.call(), number, second)

    kept = integrations.list_integration_secrets(partner.shop.call(), number)
    assert [each.expires_at for each in kept] == [NOON + first, NOON, None]


def test_secrets_are_listed_with_their_last_use(partner):
    """An operator sees when the old one is not used any more."""
    partner.shop.clock.advance(minutes=5)
    outcome(partner, partner.secret)

    (kept,) = integrations.list_integration_secrets(partner.shop.call(), partner.integration.id)
    assert (kept.created_at, kept.expires_at, kept.last_used_at) == (NOON, None, NOON + timedelta(minutes=5))


def test_secret_is_ended_at_once(partner):
    """It was seen where it should not have been."""
    number = partner.integration.id
    (kept,) = integrations.list_integration_secrets(partner.shop.call(), number)

    integrations.end_integration_secret(partner.shop.call(), number, kept.id)

    assert outcome(partner, partner.secret) is ReturnCode.INVALID_CLIENT_CREDENTIALS
    with pytest.raises(AdministrationError, match="no secret of this number"):
        integrations.end_integration_secret(partner.shop.call(), number, kept.id + 1)


def test_merchants_of_an_integration(partner):
    """Its own comes first and stays."""
    call, number, own = partner.shop.call(), partner.integration.id, partner.shop.merchant.id
    other = make_merchant(partner.shop.core).id

    assert integrations.allow_merchant(call, number, other) == [own, other]
    assert integrations.allow_merchant(call, number, other) == [own, other]
    assert integrations.deny_merchant(call, number, other) == [own]
    for merchant, reason in ((other, "does not call"), (own, "belongs to this merchant")):
        with pytest.raises(AdministrationError, match=reason):
            integrations.deny_merchant(call, number, merchant)
    with pytest.raises(AdministrationError, match="no merchant of this number"):
        integrations.allow_merchant(call, number, 99)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command on an installation of its own, and return the JSON that it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEHOUSE_SECRET_KEY", "k" * 40)
    monkeypatch.setenv("GATEHOUSE_ARGON2_MEMORY_KIB", "8")

    def command(*arguments, refused=False):
        done = CliRunner().invoke(main, [*arguments, "--json"])
        assert bool(done.exit_code) is refused, done.output
        return done.output if refused else json.loads(done.stdout)

    command("migrate")
    return command


def test_commands_for_merchants(run):
    """Everything that a merchant decides about resets."""
    run("merchant", "add", "Acme", "--third-party-accounts-of-record", "--verification-fields", "dateofbirth,phone")
    changed = ["--reset-page", "https://shop.example.com/new?a=1", "--reset-page-parameter", "code"]
    changed += ["--reset-code-lifetime", "2h", "--reset-code-min-length", "12", "--shows-masked-email"]
    changed += ["--language", "de", "--colour", "#AA0011"]
    shown = run("merchant", "set", "1", *changed)

    assert {name: shown[name] for name in list(shown)[9:-1]} == {
        "thirdPartyAccountsOfRecord": True,
        "resetPage": "https://shop.example.com/new?a=1",
        "resetPageParameter": "code",
        "resetCodeLifetime": 7200,
        "resetCodeMinLength": 12,
        "verificationFields": ["phone", "dateOfBirth"],
        "showsMaskedEmail": True,
        "language": "de",
        "colour": "#aa0011",
    }
    shown = run("merchant", "set", "1", "--reset-page", "none", "--verification-fields", "none")
    assert (shown["resetPage"], shown["verificationFields"]) == (None, [])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--reset-page", "shop.example.com"),
        ("--reset-page", "javascript:alert(1)"),
        ("--reset-page", "https://user@shop.example.com/"),
        ("--verification-fields", "shoeSize"),
        ("--colour", "red"),
        ("--language", "it"),
        ("--reset-code-min-length", "7"),
    ],
)
def test_merchant_is_not_given_what_cannot_be(run, option, value):
    """Before it stands in a mail."""
    run("merchant", "add", "Acme")

    assert option in run("merchant", "set", "1", option, value, refused=True)


def test_commands_for_accounts(run):
    """What a merchant may verify."""
    run("merchant", "add", "Acme")
    shown = run(
        "account", "add", "--merchant", "1", "--username", "jane", "--no-password", "--date-of-birth", "1980-12-31"
    )
    assert (shown["postalCode"], shown["dateOfBirth"]) == (None, "1980-12-31")

    shown = run("account", "set", "1001", "--postal-code", "8001", "--date-of-birth", "none", "--phone", "2015550123")
    assert (shown["postalCode"], shown["dateOfBirth"], shown["phone"]) == ("8001", None, "+12015550123")
    names = ("--email", "jane@example.com", "--username", "none", "--role", "Merchant", "--card", "6006 4912")
    shown = run("account", "set", "1001", *names)
    assert (shown["email"], shown["username"], shown["userrole"]) == ("jane@example.com", None, "20")
    assert shown["printedCardNumbers"] == ["6006 4912"]
    assert "phone number" in run("account", "set", "1001", "--phone", "12", refused=True)
    assert "day" in run("account", "set", "1001", "--date-of-birth", "31.12.1980", refused=True)


def test_commands_for_integrations(run):
    """Secrets and merchants."""
    run("merchant", "add", "Acme")
    run("merchant", "add", "Other")
    run("integration", "add", "Partner", "--merchant", "1", "--client-id", "partner")

    assert len(run("integration", "add-secret", "1", "--older-lives", "1d")["clientSecret"]) == 43
    first, second = run("integration", "list-secrets", "1")
    assert (first["isLive"], second["isLive"], second["expiresAt"]) == (True, True, None)
    assert first["expiresAt"] is not None
    assert [each["isLive"] for each in run("integration", "end-secret", "1", str(first["secretId"]))] == [False, True]
    assert run("integration", "allow-merchant", "1", "2")["merchants"] == [1, 2]
    assert run("integration", "show", "1")["merchants"] == [1, 2]
    assert run("integration", "deny-merchant", "1", "2")["merchants"] == [1]
