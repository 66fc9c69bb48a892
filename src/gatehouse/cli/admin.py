"""`gatehouse admin`: the operators who may sign in to the panel."""

from collections.abc import Sequence

import click

from gatehouse.cli import secret_input
from gatehouse.cli.opening import open_call
from gatehouse.cli.option_types import number
from gatehouse.cli.printing import Shown, json_option, print_record, print_records
from gatehouse.domain.operators import OperatorRole
from gatehouse.operations import operators
from gatehouse.operations.operators import Operator, OperatorHappening

_ROLES = click.Choice([each.value for each in OperatorRole])
_stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, and do not ask for it."
)


@click.group
def admin() -> None:
    """Operators, who sign in to the panel at /admin.

    An owner works for every merchant. A manager may change everything of some merchants; support may read
    masked data of some merchants, start resets and block devices.

    \b
    gatehouse admin add jane --role owner
    gatehouse admin add joe --role support --merchant 1 --merchant 2
    gatehouse admin list
    """


@admin.command("add")
@click.argument("username")
@click.option("--role", type=_ROLES, default=OperatorRole.OWNER.value, show_default=True, help="What it is there for.")
@click.option("--merchant", "merchant_ids", type=number, multiple=True, help="A merchant; may be given often.")
@_stdin_option
@json_option
def add(username: str, role: str, merchant_ids: tuple[int, ...], password_stdin: bool, as_json: bool) -> None:
    """Add an operator. The password is asked for, and not shown."""
    password = _take_password(password_stdin)
    with open_call() as call:
        added = operators.add_operator(call, username, OperatorRole(role), password, merchant_ids)
    print_record(_shown(added, sorted(set(merchant_ids))), as_json)


@admin.command("set")
@click.argument("operator_id", metavar="NUMBER", type=number)
@click.option("--role", type=_ROLES, help="What it is there for.")
@click.option("--merchant", "merchant_ids", type=number, multiple=True, help="All of its merchants from now on.")
@json_option
def change(operator_id: int, role: str | None, merchant_ids: tuple[int, ...], as_json: bool) -> None:
    """Give an operator another role, or other merchants."""
    with open_call() as call:
        operators.change_operator(call, operator_id, OperatorRole(role) if role else None, merchant_ids or None)
    _print(operator_id, as_json)


@admin.command("list")
@json_option
def list_every(as_json: bool) -> None:
    """List the operators, by number."""
    with open_call() as call:
        found = operators.list_operators(call)
    names = ["operatorNumber", "username", "role", "merchants", "hasSecondFactor", "disabledAt", "lastSignedInAt"]
    print_records([_shown(*each) for each in found], names, as_json)


@admin.command("show")
@click.argument("operator_id", metavar="NUMBER", type=number)
@json_option
def show(operator_id: int, as_json: bool) -> None:
    """Show an operator, and what happened to it of late."""
    with open_call() as call:
        found, merchant_ids, happened = operators.show_operator(call, operator_id)
    print_record(_shown(found, merchant_ids), as_json)
    if not as_json and happened:
        click.echo()
        print_records([_shown_event(each) for each in happened], ["createdAt", "event", "source"], as_json)


@admin.command("password")
@click.argument("operator_id", metavar="NUMBER", type=number)
@_stdin_option
@json_option
def password(operator_id: int, password_stdin: bool, as_json: bool) -> None:
    """Give an operator a new password. All of its sessions end."""
    new_password = _take_password(password_stdin)
    with open_call() as call:
        operators.set_operator_password(call, operator_id, new_password)
    _print(operator_id, as_json)


@admin.command("remove-second-factor")
@click.argument("operator_id", metavar="NUMBER", type=number)
@json_option
def remove_second_factor(operator_id: int, as_json: bool) -> None:
    """Ask an operator who has lost it for no code any more. All of its sessions end."""
    with open_call() as call:
        operators.remove_second_factor(call, operator_id)
    _print(operator_id, as_json)


@admin.command("sign-out")
@click.argument("operator_id", metavar="NUMBER", type=number)
@json_option
def sign_out(operator_id: int, as_json: bool) -> None:
    """End all sessions of an operator."""
    with open_call() as call:
        operators.end_operator_sessions(call, operator_id)
    _print(operator_id, as_json)


@admin.command("disable")
@click.argument("operator_id", metavar="NUMBER", type=number)
@json_option
def disable(operator_id: int, as_json: bool) -> None:
    """Let an operator sign in no longer. All of its sessions end."""
    with open_call() as call:
        operators.set_operator_disabled(call, operator_id, True)
    _print(operator_id, as_json)


@admin.command("enable")
@click.argument("operator_id", metavar="NUMBER", type=number)
@json_option
def enable(operator_id: int, as_json: bool) -> None:
    """Let an operator sign in again."""
    with open_call() as call:
        operators.set_operator_disabled(call, operator_id, False)
    _print(operator_id, as_json)


def _print(operator_id: int, as_json: bool) -> None:
    with open_call() as call:
        found, merchant_ids, _ = operators.show_operator(call, operator_id)
    print_record(_shown(found, merchant_ids), as_json)


def _take_password(from_stdin: bool) -> str:
    return secret_input.read_line("password") if from_stdin else secret_input.ask("Password")


def _shown(found: Operator, merchant_ids: Sequence[int]) -> Shown:
    return {
        "operatorNumber": found.id,
        "username": found.username,
        "role": found.role,
        "merchants": "all" if found.role == OperatorRole.OWNER else list(merchant_ids),
        "hasSecondFactor": found.totp_confirmed_at is not None,
        "timeZone": found.time_zone,
        "disabledAt": found.disabled_at,
        "lastSignedInAt": found.last_signed_in_at,
        "createdAt": found.created_at,
    }


def _shown_event(happened: OperatorHappening) -> Shown:
    return {"createdAt": happened.created_at, "event": happened.event, "source": happened.source}
