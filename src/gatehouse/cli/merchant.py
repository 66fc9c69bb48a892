"""`gatehouse merchant`: merchants and the rules by which their accounts are kept."""

from datetime import timedelta
from typing import Any

import click

from gatehouse.cli.opening import open_call
from gatehouse.cli.option_types import (
    add_options,
    colour,
    duration,
    given,
    number,
    or_none,
    region,
    text,
    verification_fields,
    web_page,
)
from gatehouse.cli.printing import Shown, json_option, print_record, print_records
from gatehouse.domain.password_policy import MAX_PASSWORD_BYTES
from gatehouse.operations import merchants
from gatehouse.operations.merchants import LANGUAGES, MAX_PASSWORD_HISTORY, MAX_PASSWORD_STRENGTH, Merchant
from gatehouse.operations.reset_codes import LEAST_RESET_CODE_LENGTH, MAX_RESET_CODE_LENGTH, VERIFICATION_FIELDS

_LENGTH = click.IntRange(1, MAX_PASSWORD_BYTES)

_NAME = text(200)

_policy_options = add_options(
    [
        click.option("--region", type=region, help="Country whose phone numbers need no prefix, as US."),
        click.option("--password-min-length", type=_LENGTH, help="Characters of the shortest password."),
        click.option("--password-max-length", type=_LENGTH, help="Characters of the longest password."),
        click.option(
            "--password-min-strength",
            type=click.IntRange(0, MAX_PASSWORD_STRENGTH),
            help="0, any, to 4, very hard to guess (zxcvbn).",
        ),
        click.option(
            "--password-history",
            type=click.IntRange(0, MAX_PASSWORD_HISTORY),
            help="Former passwords that may not come back.",
        ),
        click.option(
            "--temporary-password-lifetime",
            type=duration(least=timedelta(minutes=1)),
            help="How long a temporary password is valid, as 30m.",
        ),
        click.option(
            "--reset-replaces-password/--reset-keeps-password",
            default=None,
            help="Whether ResetPassword ends the present password at once.",
        ),
        click.option(
            "--third-party-accounts-of-record/--own-accounts-of-record",
            default=None,
            help="Whether the merchant keeps its accounts of record with a third party.",
        ),
        click.option("--reset-page", type=or_none(web_page), help="Own page for reset codes; none: the hosted one."),
        click.option("--reset-page-parameter", type=text(40), help="Query parameter of that page for the code."),
        click.option(
            "--reset-code-lifetime",
            type=duration(least=timedelta(minutes=1)),
            help="How long a reset code is valid, as 1h.",
        ),
        click.option(
            "--reset-code-min-length",
            type=click.IntRange(LEAST_RESET_CODE_LENGTH, MAX_RESET_CODE_LENGTH),
            help="Characters of the shortest code that a partner may choose.",
        ),
        click.option(
            "--verification-fields",
            type=verification_fields,
            help=f"What a guest must tell: some of {','.join(VERIFICATION_FIELDS)}, or none.",
        ),
        click.option(
            "--shows-masked-email/--hides-email",
            default=None,
            help="Whether a stranger is shown j***@e***.com, or nothing of the address.",
        ),
        click.option("--language", type=click.Choice(LANGUAGES), help="Language of messages and pages."),
        click.option("--colour", type=colour, help="Colour of messages and pages, as #1d4ed8."),
    ]
)


@click.group
def merchant() -> None:
    """Merchants and their password rules.

    \b
    gatehouse merchant add Acme --region US --password-min-length 10
    gatehouse merchant set 1 --temporary-password-lifetime 1h
    gatehouse merchant list --json
    """


@merchant.command("add")
@click.argument("name", type=_NAME)
@_policy_options
@json_option
def add(name: str, as_json: bool, **policies: Any) -> None:
    """Add a merchant. What is not given has its default."""
    with open_call() as call:
        print_record(_shown(merchants.add_merchant(call, name, **given(policies))), as_json)


@merchant.command("set")
@click.argument("merchant_id", metavar="NUMBER", type=number)
@click.option("--name", type=_NAME, help="Another name.")
@_policy_options
@json_option
def change(merchant_id: int, as_json: bool, **values: Any) -> None:
    """Change what is given, and show the merchant."""
    with open_call() as call:
        print_record(_shown(merchants.change_merchant(call, merchant_id, **given(values))), as_json)


@merchant.command("list")
@json_option
def list_every(as_json: bool) -> None:
    """List all merchants."""
    with open_call() as call:
        found = [_shown(each) for each in merchants.list_merchants(call)]
    names = ["merchantId", "name", "region", "passwordMinLength", "passwordHistory", "thirdPartyAccountsOfRecord"]
    print_records(found, names, as_json)


@merchant.command("show")
@click.argument("merchant_id", metavar="NUMBER", type=number)
@json_option
def show(merchant_id: int, as_json: bool) -> None:
    """Show a merchant."""
    with open_call() as call:
        print_record(_shown(merchants.show_merchant(call, merchant_id)), as_json)


def _shown(found: Merchant) -> Shown:
    return {
        "merchantId": found.id,
        "name": found.name,
        "region": found.region,
        "passwordMinLength": found.password_min_length,
        "passwordMaxLength": found.password_max_length,
        "passwordMinStrength": found.password_min_strength,
        "passwordHistory": found.password_history,
        "temporaryPasswordLifetime": found.temporary_password_lifetime,
        "resetReplacesPassword": found.reset_replaces_password,
        "thirdPartyAccountsOfRecord": found.third_party_accounts_of_record,
        "resetPage": found.reset_page,
        "resetPageParameter": found.reset_page_parameter,
        "resetCodeLifetime": found.reset_code_lifetime,
        "resetCodeMinLength": found.reset_code_min_length,
        "verificationFields": found.verification_fields,
        "showsMaskedEmail": found.shows_masked_email,
        "language": found.language,
        "colour": found.colour,
        "createdAt": found.created_at,
    }
