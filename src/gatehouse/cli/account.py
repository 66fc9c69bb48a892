"""`gatehouse account`: accounts, as an operator adds and changes them."""

from collections.abc import Sequence
from typing import Any

import click

from gatehouse.cli import secret_input
from gatehouse.cli.opening import open_call
from gatehouse.cli.option_types import (
    after_option,
    any_merchant_option,
    given,
    merchant_option,
    number,
    or_none,
    past_date,
    role,
    text,
)
from gatehouse.cli.printing import Shown, json_option, print_more_hint, print_record, print_records
from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.roles import UserRole
from gatehouse.operations import accounts
from gatehouse.operations.accounts import Account


@click.group
def account() -> None:
    """Accounts of a merchant's customers and staff.

    \b
    gatehouse account add --merchant 1 --email jane@example.com --full-name "Jane Doe"
    gatehouse account password 1001
    gatehouse account lock 1001
    """


@account.command("add")
@merchant_option
@click.option("--role", type=role, default="Customer", show_default=True, help="Number or name.")
@click.option("--email", type=text(254), help="E-mail address, which may belong to several accounts.")
@click.option("--username", type=text(200), help="Username, which belongs to one account of the merchant.")
@click.option("--phone", type=text(40), help="Phone number.")
@click.option("--full-name", type=text(200), help="Name as in mails.")
@click.option("--customer-number", type=text(100), help="Number in the merchant's own books.")
@click.option("--postal-code", type=text(20), help="Postal code, for merchants that verify it.")
@click.option("--date-of-birth", type=past_date, help="Day of birth as 1980-12-31, for merchants that verify it.")
@click.option("--card", "cards", type=text(64), multiple=True, help="Printed number of a card; may be given often.")
@click.option("--no-password", is_flag=True, help="Without a password: ResetPassword sends the first one.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, and do not ask for it.")
@click.option("--pincode", "with_pincode", is_flag=True, help="Ask for a pincode as well.")
@click.option("--pincode-stdin", is_flag=True, help="Read a pincode from standard input, after the password.")
@click.option("--allow-lookalike", is_flag=True, help="Take an identity that looks like another account's.")
@json_option
def add(
    merchant_id: int,
    role: UserRole,
    cards: tuple[str, ...],
    no_password: bool,
    password_stdin: bool,
    with_pincode: bool,
    pincode_stdin: bool,
    allow_lookalike: bool,
    as_json: bool,
    **names: Any,
) -> None:
    """Add an account. Its password is asked for, and not shown."""
    if no_password and password_stdin:
        raise click.UsageError("--no-password and --password-stdin exclude each other")
    if not names["email"] and not names["username"]:
        raise click.UsageError("an account needs --email or --username")
    password = None if no_password else _take("password", password_stdin)
    pincode = _take("pincode", pincode_stdin) if with_pincode or pincode_stdin else None
    with open_call() as call:
        added = accounts.add_account(
            call,
            merchant_id,
            role,
            password=password,
            pincode=pincode,
            cards=cards,
            allow_lookalike=allow_lookalike,
            **names,
        )
    print_record(_shown(added, cards), as_json)


@account.command("set")
@click.argument("account_id", metavar="NUMBER", type=number)
@click.option("--role", type=role, help="Number or name; another one ends sessions and login cookies.")
@click.option("--email", type=or_none(text(254)), help="E-mail address, or none; ends what was mailed to the old one.")
@click.option("--username", type=or_none(text(200)), help="Username, or none.")
@click.option("--customer-number", type=or_none(text(100)), help="Number in the merchant's own books, or none.")
@click.option("--card", "cards", type=text(64), multiple=True, help="All of its cards from now on; may be given often.")
@click.option("--phone", type=or_none(text(40)), help="Phone number, or none.")
@click.option("--full-name", type=or_none(text(200)), help="Name as in mails, or none.")
@click.option("--postal-code", type=or_none(text(20)), help="Postal code, or none.")
@click.option("--date-of-birth", type=or_none(past_date), help="Day of birth as 1980-12-31, or none.")
@click.option("--allow-lookalike", is_flag=True, help="Take an identity that looks like another account's.")
@json_option
def change(account_id: int, cards: tuple[str, ...], allow_lookalike: bool, as_json: bool, **values: Any) -> None:
    """Change what is given, and show the account."""
    changed = given(values) | ({"cards": list(cards)} if cards else {})
    with open_call() as call:
        accounts.change_account(call, account_id, allow_lookalike=allow_lookalike, **changed)
        print_record(_shown(*accounts.show_account(call, account_id)), as_json)


@account.command("list")
@any_merchant_option
@after_option
@json_option
def list_page(merchant_id: int | None, after: int, as_json: bool) -> None:
    """List up to a thousand accounts of all merchants or of one, by number."""
    with open_call() as call:
        found = accounts.list_accounts(call, merchant_id, after)
    names = ["accountId", "merchantId", "userrole", "email", "username", "phone", "fullName", "status", "lastLoginAt"]
    print_records([_shown(each) for each in found], names, as_json)
    if len(found) == accounts.PAGE:
        print_more_hint(found[-1].id)


@account.command("show")
@click.argument("account_id", metavar="NUMBER", type=number)
@json_option
def show(account_id: int, as_json: bool) -> None:
    """Show an account and its cards, without its password."""
    with open_call() as call:
        print_record(_shown(*accounts.show_account(call, account_id)), as_json)


@account.command("password")
@click.argument("account_id", metavar="NUMBER", type=number)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, and do not ask for it.")
@json_option
def password(account_id: int, password_stdin: bool, as_json: bool) -> None:
    """Give an account a new password. Its sessions and login cookies end."""
    new_password = _take("password", password_stdin)
    with open_call() as call:
        print_record(_shown(accounts.set_account_password(call, account_id, new_password)), as_json)


@account.command("disable")
@click.argument("account_id", metavar="NUMBER", type=number)
@json_option
def disable(account_id: int, as_json: bool) -> None:
    """Refuse the account's logins; its sessions and login cookies end."""
    _set_status(account_id, AccountStatus.DISABLED, as_json)


@account.command("enable")
@click.argument("account_id", metavar="NUMBER", type=number)
@json_option
def enable(account_id: int, as_json: bool) -> None:
    """Accept the account's logins again, whether it was disabled or locked."""
    _set_status(account_id, AccountStatus.ACTIVE, as_json)


@account.command("lock")
@click.argument("account_id", metavar="NUMBER", type=number)
@json_option
def lock(account_id: int, as_json: bool) -> None:
    """Lock the account; its sessions and login cookies end."""
    _set_status(account_id, AccountStatus.LOCKED, as_json)


def _set_status(account_id: int, status: AccountStatus, as_json: bool) -> None:
    with open_call() as call:
        print_record(_shown(accounts.set_account_status(call, account_id, status)), as_json)


def _take(what: str, from_stdin: bool) -> str:
    return secret_input.read_line(what) if from_stdin else secret_input.ask(what.capitalize())


def _shown(found: Account, cards: Sequence[str] | None = None) -> Shown:
    shown: dict[str, Any] = {
        "accountId": found.id,
        "merchantId": found.merchant_id,
        "userrole": str(found.role),
        "email": found.email,
        "username": found.username,
        "phone": found.phone,
        "fullName": found.full_name,
        "customerNumber": found.customer_number,
        "postalCode": found.postal_code,
        "dateOfBirth": found.date_of_birth.isoformat() if found.date_of_birth else None,
        "status": found.status,
        "hasPassword": found.password_hash is not None,
        "hasPincode": found.pincode_hash is not None,
        "lastLoginAt": found.last_login_at,
        "createdAt": found.created_at,
    }
    return shown if cards is None else shown | {"printedCardNumbers": list(cards)}
