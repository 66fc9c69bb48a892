"""`gatehouse merchant`: merchants and the rules by which their accounts are kept."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click

from gatehouse.cli.opening import open_call
from gatehouse.cli.option_types import NUMBER, Duration, Text, given
from gatehouse.cli.printing import Shown, json_option, print_record, print_records
from gatehouse.domain.password_policy import MAX_PASSWORD_BYTES
from gatehouse.operations import merchants
from gatehouse.storage.merchants import Merchant


@click.group
def merchant() -> None:
    """Merchants and their password rules.

    \b
    gatehouse merchant add Acme --region US --password-min-length 10
    gatehouse merchant set 1 --temporary-password-lifetime 1h
    gatehouse merchant list --json
    """


def _policy_options[Command: Callable[..., Any]](command: Command) -> Command:
    return command
