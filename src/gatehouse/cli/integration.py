"""`gatehouse integration`: partners' servers that call for a merchant."""

import click

from gatehouse.cli import secret_input
from gatehouse.cli.opening import open_call
from gatehouse.cli.option_types import any_merchant_option, merchant_option, number, text
from gatehouse.cli.printing import Shown, json_option, print_once_hint, print_record, print_records
from gatehouse.operations import integrations
from gatehouse.operations.integrations import AUTHENTICATION_KINDS, Integration


@click.group
def integration() -> None:
    """Partners' servers that call for a merchant.

    \b
    gatehouse integration add --merchant 1 "Loyalty partner" --client-id loyalty --authentication b2b
    gatehouse integration renew-secret 1
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
    if ":" in client_id:
        # HTTP Basic ends the name at the first colon (RFC 7617).
        raise click.UsageError("a client id has no colon")
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
    """Show an integration, without its secret."""
    with open_call() as call:
        print_record(_shown(integrations.show_integration(call, integration_id)), as_json)


@integration.command("renew-secret")
@click.argument("integration_id", metavar="NUMBER", type=number)
@json_option
def renew_secret(integration_id: int, as_json: bool) -> None:
    """Give the integration a new secret, shown this once. The old one ends at once."""
    with open_call() as call:
        secret = integrations.renew_integration_secret(call, integration_id)
    print_record({"integrationId": integration_id, "clientSecret": secret}, as_json)
    print_once_hint("the secret")


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
