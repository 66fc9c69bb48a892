"""`gatehouse application`: the programs that call, and their policies."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

from gatehouse.cli import secret_input
from gatehouse.cli.opening import open_call
from gatehouse.cli.option_types import (
    NOTHING,
    add_options,
    any_merchant_option,
    duration,
    given,
    merchant_option,
    number,
    or_none,
    origin,
    role,
    text,
)
from gatehouse.cli.printing import Shown, json_option, print_once_hint, print_record, print_records
from gatehouse.operations import applications, clients
from gatehouse.operations.applications import Application
from gatehouse.operations.clients import Client, Seen

_NAME, _TOKEN = text(200), text(200)


def _every_origin(_context: click.Context, _option: click.Parameter, values: tuple[Any, ...]) -> list[str] | None:
    """Return the origins that were given, none of them for the word `none`, or None for no option at all."""
    if NOTHING in values and len(values) > 1:
        raise click.BadParameter("none cannot stand beside an origin")
    return [each for each in values if each is not NOTHING] if values else None


_policy_options = add_options(
    [
        click.option("--minimum-version", type=or_none(text(40)), help="Older programs are told to update, as 2.10.3."),
        click.option("--default-role", type=or_none(role), help="Role of a Login that names none, as 15 or Customer."),
        click.option("--session-lifetime", type=duration(), help="Longest life of a session, as 24h."),
        click.option("--session-idle-lifetime", type=duration(), help="Life of a session that is not used, as 30m."),
        click.option("--cookie-lifetime", type=duration(), help="Life of a login cookie, as 30d."),
        click.option(
            "--cookie-grace",
            type=duration(least=timedelta(0)),
            help="How long the cookie before the newest is still answered, as 60.",
        ),
        click.option(
            "--requires-devices/--requires-no-devices", default=None, help="Whether a Login needs an activated device."
        ),
        click.option(
            "--registers-devices-by-token/--registers-devices-after-login",
            default=None,
            help="Whether devices may be registered before anybody logs in.",
        ),
        click.option("--signature", type=click.Choice(applications.SIGNATURES), help="When signatures are checked."),
        click.option(
            "--boolean-results/--object-results", default=None, help="Whether some JSON results are a bare boolean."
        ),
        click.option(
            "--origin",
            "origins",
            multiple=True,
            type=or_none(origin),
            callback=_every_origin,
            help="Whose web pages may call the JSON, as https://shop.example.com; may be given often.",
        ),
    ]
)


@click.group
def application() -> None:
    """Programs that call, and their policies.

    \b
    gatehouse application add --merchant 1 "Acme shop" --default-role Customer
    gatehouse application set 1 --session-idle-lifetime 1h --minimum-version 2.10
    gatehouse application set 1 --origin https://shop.example.com
    gatehouse application clients 1
    gatehouse application disable 1
    """


@application.command("add")
@click.argument("name", type=_NAME)
@merchant_option
@click.option("--token", type=_TOKEN, help="The token that shipped programs hold already; otherwise one is drawn.")
@click.option("--token-stdin", is_flag=True, help="Read that token from standard input.")
@click.option("--hash-key-stdin", is_flag=True, help="Read their hash key from standard input, after the token.")
@_policy_options
@json_option
def add(
    name: str,
    merchant_id: int,
    token: str | None,
    token_stdin: bool,
    hash_key_stdin: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Add an application, and show its token and hash key this once."""
    if token_stdin:
        if token:
            raise click.UsageError("--token and --token-stdin exclude each other")
        token = _TOKEN(secret_input.read_line("token"))
    hash_key = secret_input.read_line("hash key") if hash_key_stdin else None
    with open_call() as call:
        added = applications.add_application(call, merchant_id, name, token, hash_key, **given(options))
    secrets = {"applicationToken": added.token, "hashKey": added.hash_key}
    print_record({**_shown(added.application), **secrets}, as_json)
    print_once_hint("the token and the hash key")


@application.command("set")
@click.argument("application_id", metavar="NUMBER", type=number)
@click.option("--name", type=_NAME, help="Another name.")
@_policy_options
@json_option
def change(application_id: int, as_json: bool, **options: Any) -> None:
    """Change what is given, and show the application. "none" takes a version, a role or every origin away."""
    with open_call() as call:
        print_record(_shown(applications.change_application(call, application_id, **given(options))), as_json)


@application.command("list")
@any_merchant_option
@json_option
def list_every(merchant_id: int | None, as_json: bool) -> None:
    """List the applications of all merchants or of one."""
    with open_call() as call:
        found = [_shown(each) for each in applications.list_applications(call, merchant_id)]
    names = ["applicationId", "merchantId", "name", "defaultRole", "minimumVersion", "signature", "origins"]
    print_records(found, [*names, "disabledAt"], as_json)


@application.command("show")
@click.argument("application_id", metavar="NUMBER", type=number)
@json_option
def show(application_id: int, as_json: bool) -> None:
    """Show an application, without its token and hash key."""
    with open_call() as call:
        print_record(_shown(applications.show_application(call, application_id)), as_json)


@application.command("clients")
@click.argument("application_id", metavar="[NUMBER]", type=number, required=False)
@any_merchant_option
@json_option
def list_clients(application_id: int | None, merchant_id: int | None, as_json: bool) -> None:
    """List which client stacks call, by method, and what had to be tolerated of them.

    Of all applications, or of one. What the last seconds brought is not in it yet.
    """
    with open_call() as call:
        if application_id is not None:
            applications.show_application(call, application_id)
        found = [_shown_client(each) for each in clients.list_clients(call, merchant_id, application_id)]
    if as_json:
        print_records(found, [], as_json)
        return
    told = [
        {**each, "methods": _tally(each["methods"], "method"), "tolerances": _tally(each["tolerances"], "kind")}
        for each in found
    ]
    print_records(told, ["applicationId", "stack", "calls", "lastSeenAt", "methods", "tolerances"], as_json)


@application.command("disable")
@click.argument("application_id", metavar="NUMBER", type=number)
@json_option
def disable(application_id: int, as_json: bool) -> None:
    """Refuse the application's token."""
    with open_call() as call:
        print_record(_shown(applications.set_application_disabled(call, application_id, True)), as_json)


@application.command("enable")
@click.argument("application_id", metavar="NUMBER", type=number)
@json_option
def enable(application_id: int, as_json: bool) -> None:
    """Accept the application's token again."""
    with open_call() as call:
        print_record(_shown(applications.set_application_disabled(call, application_id, False)), as_json)


@application.command("renew-token")
@click.argument("application_id", metavar="NUMBER", type=number)
@json_option
def renew_token(application_id: int, as_json: bool) -> None:
    """Give the application a new token, shown this once. The old one ends at once."""
    with open_call() as call:
        token = applications.renew_application_token(call, application_id)
    print_record({"applicationId": application_id, "applicationToken": token}, as_json)
    print_once_hint("the token")


@application.command("renew-hash-key")
@click.argument("application_id", metavar="NUMBER", type=number)
@json_option
def renew_hash_key(application_id: int, as_json: bool) -> None:
    """Give the application a new hash key, shown this once. The old one ends at once."""
    with open_call() as call:
        hash_key = applications.renew_application_hash_key(call, application_id)
    print_record({"applicationId": application_id, "hashKey": hash_key}, as_json)
    print_once_hint("the hash key")


def _shown(found: Application) -> Shown:
    return {
        "applicationId": found.id,
        "merchantId": found.merchant_id,
        "name": found.name,
        "minimumVersion": found.minimum_version,
        "defaultRole": None if found.default_role is None else str(found.default_role),
        "sessionLifetime": found.session_lifetime,
        "sessionIdleLifetime": found.session_idle_lifetime,
        "cookieLifetime": found.cookie_lifetime,
        "cookieGrace": found.cookie_grace,
        "requiresDevices": found.requires_devices,
        "registersDevicesByToken": found.registers_devices_by_token,
        "signature": found.signature,
        "booleanResults": found.boolean_results,
        "origins": found.origins,
        "disabledAt": found.disabled_at,
        "createdAt": found.created_at,
    }


def _shown_client(found: Client) -> Shown:
    return {
        "applicationId": found.application_id,
        "merchantId": found.merchant_id,
        "stack": found.stack,
        "calls": found.calls,
        "lastSeenAt": found.last_seen_at,
        "methods": [_shown_seen(each, "method") for each in found.methods],
        "tolerances": [_shown_seen(each, "kind") for each in found.tolerances],
    }


def _shown_seen(seen: Seen, name: str) -> Shown:
    return {
        name: seen.name,
        "calls": seen.calls,
        "firstSeenAt": seen.first_seen_at,
        "lastSeenAt": seen.last_seen_at,
    }


def _tally(shown: Sequence[Shown], name: str) -> list[str]:
    return [f"{each[name]} {each['calls']}" for each in shown]
