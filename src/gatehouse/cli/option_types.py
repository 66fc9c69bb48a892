"""The kinds of values that options and arguments take, and the options that several groups share.

Each kind is a function from what was typed to the value; click shows its name in the help.
"""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, TypeVar

import click

from gatehouse.operations import typed_values
from gatehouse.operations.reset_codes import VERIFICATION_FIELDS

Command = TypeVar("Command", bound=Callable[..., Any])

NOTHING = object()
"""What an option gives for the word `none`; click keeps None for an option that is absent."""

_GREATEST_NUMBER = 2**63 - 1


def number(value: str) -> int:
    """A kind: the number of a record. Beyond 64 bits a database would fail instead of finding nothing."""
    if not re.fullmatch(r"[0-9]{1,19}", value) or not 1 <= int(value) <= _GREATEST_NUMBER:
        raise click.BadParameter("must be the number of a record")
    return int(value)


def option_kind(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a kind of `operations/typed_values.py` as click takes it, which says why a value is refused."""

    def convert(value: str) -> Any:
        try:
            return kind(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    convert.__name__ = kind.__name__
    return convert


def text(max_length: int) -> Callable[[str], str]:
    """Return a kind: a line of at most this many characters, without outer blanks."""
    return option_kind(typed_values.text(max_length))


def duration(least: timedelta = timedelta(seconds=1)) -> Callable[[str], timedelta]:
    """Return a kind: seconds, or a number with a unit as `30m`, `24h`, `30d`, of this length or more."""
    return option_kind(typed_values.duration(least))


region = option_kind(typed_values.region)
web_page = option_kind(typed_values.web_page)
origin = option_kind(typed_values.origin)
colour = option_kind(typed_values.colour)
past_date = option_kind(typed_values.past_date)
role = option_kind(typed_values.role)


def verification_fields(value: str) -> list[str]:
    """A kind: names of fields with commas between them, or the word `none` for no field."""
    if value.strip().casefold() == "none":
        return []
    given = {name.strip().casefold() for name in value.split(",")}
    known = {name.casefold(): name for name in VERIFICATION_FIELDS}
    if not given <= known.keys():
        raise click.BadParameter(f"must be some of {', '.join(VERIFICATION_FIELDS)}, or none")
    return [name for name in VERIFICATION_FIELDS if name.casefold() in given]


def or_none(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a kind: a value of another one, or the word `none` for NOTHING."""

    def convert(value: str) -> Any:
        return NOTHING if value.strip().casefold() == "none" else kind(value)

    convert.__name__ = f"{kind.__name__}|none"
    return convert


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given, with None for those that take a value away."""
    return {name: None if value is NOTHING else value for name, value in options.items() if value is not None}


def add_options(options: Iterable[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    """Return a decorator that gives a command these options, in this order in its help."""

    def decorate(command: Command) -> Command:
        for option in reversed(list(options)):
            command = option(command)
        return command

    return decorate


merchant_option = click.option("--merchant", "merchant_id", type=number, required=True, help="Number of the merchant.")
any_merchant_option = click.option("--merchant", "merchant_id", type=number, help="Only those of this merchant.")
after_option = click.option(
    "--after", type=click.IntRange(0, _GREATEST_NUMBER), default=0, help="Only those with a number above this one."
)
