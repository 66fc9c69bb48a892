"""The kinds of values that options and arguments take, and the options that several groups share.

Each kind is a function from what was typed to the value; click shows its name in the help.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from gatehouse.domain import roles
from gatehouse.domain.origins import find_origin
from gatehouse.operations.phone_numbers import is_region
from gatehouse.operations.reset_codes import VERIFICATION_FIELDS

Command = TypeVar("Command", bound=Callable[..., Any])

NOTHING = object()
"""What an option gives for the word `none`; click keeps None for an option that is absent."""

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST_DAYS = 3_650
_GREATEST_NUMBER = 2**63 - 1


def number(value: str) -> int:
    """A kind: the number of a record. Beyond 64 bits a database would fail instead of finding nothing."""
    if not re.fullmatch(r"[0-9]{1,19}", value) or not 1 <= int(value) <= _GREATEST_NUMBER:
        raise click.BadParameter("must be the number of a record")
    return int(value)


def text(max_length: int) -> Callable[[str], str]:
    """Return a kind: a line of at most this many characters, without outer blanks."""

    def convert(value: str) -> str:
        line = value.strip()
        if not line:
            raise click.BadParameter("must not be empty")
        if len(line) > max_length:
            raise click.BadParameter(f"must not have more than {max_length} characters")
        if not line.isprintable():
            raise click.BadParameter("must not have characters that cannot be printed")
        return line

    convert.__name__ = "text"
    return convert


def duration(least: timedelta = timedelta(seconds=1)) -> Callable[[str], timedelta]:
    """Return a kind: seconds, or a number with a unit as `30m`, `24h`, `30d`, of this length or more."""

    def convert(value: str) -> timedelta:
        found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", value.strip())
        if found is None:
            raise click.BadParameter("must be a number of seconds, or a number with s, m, h or d, as 30m")
        seconds = int(found[1]) * _UNITS[found[2]]
        if seconds > _LONGEST_DAYS * _UNITS["d"]:
            raise click.BadParameter(f"must not be longer than {_LONGEST_DAYS}d")
        if seconds < least.total_seconds():
            raise click.BadParameter(f"must not be shorter than {int(least.total_seconds())} seconds")
        return timedelta(seconds=seconds)

    convert.__name__ = "duration"
    return convert


def region(value: str) -> str:
    """A kind: a country as its two letters (ISO 3166-1), given in capitals."""
    letters = value.strip().upper()
    if not is_region(letters):
        raise click.BadParameter("must be the two letters of a country, as US")
    return letters


def web_page(value: str) -> str:
    """A kind: the address of a page, in which a query may stand."""
    address = value.strip()
    try:
        parts = urlsplit(address)
        is_page = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        is_page = is_page and (parts.port is None or parts.port > 0)
    except ValueError:
        is_page = False
    if not is_page or not address.isascii() or not address.isprintable() or " " in address or len(address) > 500:
        raise click.BadParameter("must be the address of a page, as https://shop.example.com/new-password")
    return address


def origin(value: str) -> str:
    """A kind: the origin of a web page, as browsers write it."""
    found = find_origin(value)
    if found is None:
        raise click.BadParameter("must be scheme, host and perhaps port, as https://shop.example.com")
    return found


def colour(value: str) -> str:
    """A kind: a colour as #1d4ed8."""
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value.strip()):
        raise click.BadParameter("must be a colour, as #1d4ed8")
    return value.strip().lower()


def verification_fields(value: str) -> list[str]:
    """A kind: names of fields with commas between them, or the word `none` for no field."""
    if value.strip().casefold() == "none":
        return []
    given = {name.strip().casefold() for name in value.split(",")}
    known = {name.casefold(): name for name in VERIFICATION_FIELDS}
    if not given <= known.keys():
        raise click.BadParameter(f"must be some of {', '.join(VERIFICATION_FIELDS)}, or none")
    return [name for name in VERIFICATION_FIELDS if name.casefold() in given]


def past_date(value: str) -> date:
    """A kind: a day as 1980-12-31, which is not to come."""
    try:
        day = date.fromisoformat(value.strip())
    except ValueError:
        raise click.BadParameter("must be a day, as 1980-12-31") from None
    if day > datetime.now(UTC).date():
        raise click.BadParameter("must be a day in the past")
    return day


def role(value: str) -> roles.UserRole:
    """A kind: a role by its number or its name."""
    found = roles.find_role(value)
    if found is None:
        known = ", ".join(f"{each.value} {each.wire_name}" for each in roles.UserRole)
        raise click.BadParameter(f"must be one of {known}")
    return found


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
