"""`gatehouse integration`: partners' servers that call for a merchant."""

from collections.abc import Sequence
from datetime import timedelta

import click

from gatehouse.cli import secret_input
from gatehouse.cli.opening import open_call
from gatehouse.cli.option_types import any_merchant_option, duration, merchant_option, number, text
from gatehouse.cli.printing import Shown, json_option, print_once_hint, print_record, print_records
from gatehouse.operations import integrations
from gatehouse.operations.calls import Call
from gatehouse.operations.integrations import (
    AUTHENTICATION_KINDS,
    OLDER_SECRET_LIFETIME,
    Integration,
    IntegrationSecret,
)


@click.group
def integration() -> None:
    """Partners' servers that call for a merchant.

    \b
    gatehouse integration add --merchant 1 "Loyalty partner" --client-id loyalty --authentication b2b
    gatehouse integration add-secret 1 --older-lives 7d
    gatehouse integration allow-merchant 1 2
    gatehouse integration disable 1
    """


@integration.command("add")
@click.argument("name", type=text(200))
@merchant_option
@click.option("--client-id", type=text(100), required=True, help="The name that the partner calls under.")
@click.option(
    "--authentication",
    type=click.Choice(AUTHENTICATION_KINDS),
    multiple=True,
    default=AUTHENTICATION_KINDS,
    show_default=True,
    help="A kind of authentication that it may use; may be given twice.",
)
@click.option(
    "--secret-stdin", is_flag=True, help="Read the secret that the partner holds already from standard input."
)
@json_option
def add(
    name: str, merchant_id: int, client_id: str, authentication: tuple[str, ...], secret_stdin: bool, as_json: bool
) -> None:
    """Add an integration, and show its secret this once."""
    secret = secret_input.read_line("secret") if secret_stdin else None
    kinds = [kind for kind in AUTHENTICATION_KINDS if kind in authentication]
    with open_call() as call:
        added, secret = integrations.add_integration(call, merchant_id, name, kinds, client_id, secret)
    print_record({**_shown(added), "clientSecret": secret}, as_json)
    print_once_hint("the secret")


@integration.command("list")
@any_merchant_option
@json_option
def list_every(merchant_id: int | None, as_json: bool) -> None:
    """List the integrations of all merchants or of one."""
    with open_call() as call:
        found = [_shown(each) for each in integrations.list_integrations(call, merchant_id)]
    print_records(found, ["integrationId", "merchantId", "name", "clientId", "authentication", "disabledAt"], as_json)


@integration.command("show")
@click.argument("integration_id", metavar="NUMBER", type=number)
@json_option
def show(integration_id: int, as_json: bool) -> None:
    """Show an integration and the merchants that it may call for, without its secrets."""
    with open_call() as call:
        found = integrations.show_integration(call, integration_id)
        print_record({**_shown(found), "merchants": list(integrations.merchants_of(call, found))}, as_json)


@integration.command("renew-secret")
@click.argument("integration_id", metavar="NUMBER", type=number)
@json_option
def renew_secret(integration_id: int, as_json: bool) -> None:
    """Give the integration a new secret, shown this once. Every older one ends at once."""
    with open_call() as call:
        secret = integrations.renew_integration_secret(call, integration_id)
    print_record({"integrationId": integration_id, "clientSecret": secret}, as_json)
    print_once_hint("the secret")


@integration.command("add-secret")
@click.argument("integration_id", metavar="NUMBER", type=number)
@click.option(
    "--older-lives",
    type=duration(),
    default=f"{OLDER_SECRET_LIFETIME.days}d",
    show_default=True,
    help="How long the secret that is replaced still works, as 7d.",
)
@click.option(
    "--secret-stdin", is_flag=True, help="Read the secret that the partner holds already from standard input."
)
@json_option
def add_secret(integration_id: int, older_lives: timedelta, secret_stdin: bool, as_json: bool) -> None:
    """Give the integration a second secret, shown this once, so that its server can change over."""
    given = secret_input.read_line("secret") if secret_stdin else None
    with open_call() as call:
        secret = integrations.add_integration_secret(call, integration_id, older_lives, given)
    print_record({"integrationId": integration_id, "clientSecret": secret}, as_json)
    print_once_hint("the secret")


@integration.command("list-secrets")
@click.argument("integration_id", metavar="NUMBER", type=number)
@json_option
def list_secrets(integration_id: int, as_json: bool) -> None:
    """List when the integration's secrets were made, end and were last used."""
    with open_call() as call:
        _print_secrets(call, integrations.list_integration_secrets(call, integration_id), as_json)


@integration.command("end-secret")
@click.argument("integration_id", metavar="NUMBER", type=number)
@click.argument("secret_id", metavar="SECRET", type=number)
@json_option
def end_secret(integration_id: int, secret_id: int, as_json: bool) -> None:
    """End one secret at once; its number is in the list."""
    with open_call() as call:
        _print_secrets(call, integrations.end_integration_secret(call, integration_id, secret_id), as_json)


@integration.command("allow-merchant")
@click.argument("integration_id", metavar="NUMBER", type=number)
@click.argument("merchant_id", metavar="MERCHANT", type=number)
@json_option
def allow_merchant(integration_id: int, merchant_id: int, as_json: bool) -> None:
    """Let the integration call for another merchant as well."""
    with open_call() as call:
        allowed = integrations.allow_merchant(call, integration_id, merchant_id)
    print_record({"integrationId": integration_id, "merchants": list(allowed)}, as_json)


@integration.command("deny-merchant")
@click.argument("integration_id", metavar="NUMBER", type=number)
@click.argument("merchant_id", metavar="MERCHANT", type=number)
@json_option
def deny_merchant(integration_id: int, merchant_id: int, as_json: bool) -> None:
    """Let the integration call for this merchant no longer."""
    with open_call() as call:
        allowed = integrations.deny_merchant(call, integration_id, merchant_id)
    print_record({"integrationId": integration_id, "merchants": list(allowed)}, as_json)


@integration.command("disable")
@click.argument("integration_id", metavar="NUMBER", type=number)
@json_option
def disable(integration_id: int, as_json: bool) -> None:
    """Refuse the integration's calls."""
    with open_call() as call:
        print_record(_shown(integrations.set_integration_disabled(call, integration_id, True)), as_json)


@integration.command("enable")
@click.argument("integration_id", metavar="NUMBER", type=number)
@json_option
def enable(integration_id: int, as_json: bool) -> None:
    """Accept the integration's calls again."""
    with open_call() as call:
        print_record(_shown(integrations.set_integration_disabled(call, integration_id, False)), as_json)


def _print_secrets(call: Call, found: Sequence[IntegrationSecret], as_json: bool) -> None:
    shown = [
        {
            "secretId": each.id,
            "isLive": each.is_live(call.now),
            "createdAt": each.created_at,
            "expiresAt": each.expires_at,
            "lastUsedAt": each.last_used_at,
        }
        for each in found
    ]
    print_records(shown, ["secretId", "isLive", "createdAt", "expiresAt", "lastUsedAt"], as_json)


def _shown(found: Integration) -> Shown:
    return {
        "integrationId": found.id,
        "merchantId": found.merchant_id,
        "name": found.name,
        "clientId": found.client_id,
        "authentication": found.authentication,
        "disabledAt": found.disabled_at,
        "createdAt": found.created_at,
    }
