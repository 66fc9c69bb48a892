"""The kinds of values that options and arguments take, and the options that several groups share."""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, TypeVar

import click

from gatehouse.domain import roles
from gatehouse.operations.phone_numbers import is_region

Command = TypeVar("Command", bound=Callable[..., Any])

NUMBER = click.IntRange(1, 2**63 - 1)
"""The number of a record."""

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST_DAYS = 3_650


class Text(click.ParamType):
    """A line of text with as many characters as its column takes."""

    name = "text"

    def __init__(self, max_length: int) -> None:
        """Take the length of the column."""
        self._max_length = max_length

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text without outer blanks."""
        text = str(value).strip()
        if not text:
            self.fail("must not be empty", param, ctx)
        if len(text) > self._max_length:
            self.fail(f"must not have more than {self._max_length} characters", param, ctx)
        if not text.isprintable():
            self.fail("must not have characters that cannot be printed", param, ctx)
        return text


class Duration(click.ParamType):
    """A length of time, in seconds or as `30m`, `24h`, `30d`."""

    name = "duration"

    def __init__(self, least: timedelta = timedelta(seconds=1)) -> None:
        """Take the shortest duration that is allowed."""
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the duration."""
        found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", str(value).strip())
        if found is None:
            self.fail("must be a number of seconds, or a number with s, m, h or d, as 30m", param, ctx)
        seconds = int(found[1]) * _UNITS[found[2]]
        if seconds > _LONGEST_DAYS * _UNITS["d"]:
            self.fail(f"must not be longer than {_LONGEST_DAYS}d", param, ctx)
        if seconds < self._least.total_seconds():
            self.fail(f"must not be shorter than {int(self._least.total_seconds())} seconds", param, ctx)
        return timedelta(seconds=seconds)


class Region(click.ParamType):
    """A country as its two letters (ISO 3166-1)."""

    name = "region"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the letters in capitals."""
        region = str(value).strip().upper()
        if not is_region(region):
            self.fail("must be the two letters of a country, as US", param, ctx)
        return region


class Role(click.ParamType):
    """A role by its number or its name."""

    name = "role"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> roles.UserRole:
        """Return the role."""
        role = value if isinstance(value, roles.UserRole) else roles.find_role(str(value))
        if role is None:
            known = ", ".join(f"{each.value} {each.wire_name}" for each in roles.UserRole)
            self.fail(f"must be one of {known}", param, ctx)
        return role


class OrNone(click.ParamType):
    """A value of another type, or the word `none`, which takes a value away.."""

    def __init__(self, inner: click.ParamType) -> None:
        """Take the type of the values."""
        self._inner = inner
        self.name = f"{inner.name}|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value or NOTHING."""
        if str(value).casefold() == "none":
            return NOTHING
        return self._inner.convert(value, param, ctx)


NOTHING = object()
"""What an option gives for the word `none`; click keeps None for an option that is absent."""

merchant_option = click.option("--merchant", "merchant_id", type=NUMBER, required=True, help="Number of the merchant.")
any_merchant_option = click.option("--merchant", "merchant_id", type=NUMBER, help="Only those of this merchant.")
after_option = click.option(
    "--after", type=click.IntRange(0, 2**63 - 1), default=0, help="Only those with a number above this one."
)


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
