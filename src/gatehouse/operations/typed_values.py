"""The kinds of values that an operator types, in a command or in the panel, and the rules that each keeps.

A kind is a function from what was typed to the value; it raises ValueError with what must be, as "must not be empty".
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from gatehouse.domain import roles, versions
from gatehouse.domain.origins import find_origin
from gatehouse.operations.phone_numbers import is_region

Kind = Callable[[str], Any]

LONGEST_LIFETIME = timedelta(days=3_650)

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST_PAGE = 500


def text(longest: int) -> Callable[[str], str]:
    """Return a kind: a line of at most this many characters, without outer blanks."""

    def convert(value: str) -> str:
        line = value.strip()
        if not line:
            raise ValueError("must not be empty")
        if len(line) > longest:
            raise ValueError(f"must not have more than {longest} characters")
        if not line.isprintable():
            raise ValueError("must not have characters that cannot be printed")
        return line

    convert.__name__ = "text"
    return convert


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a kind: a whole number from the least to the most."""

    def convert(value: str) -> int:
        digits = value.strip()
        if not re.fullmatch(r"[0-9]{1,9}", digits) or not least <= int(digits) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(digits)

    convert.__name__ = "whole_number"
    return convert


def duration(least: timedelta = timedelta(seconds=1)) -> Callable[[str], timedelta]:
    """Return a kind: seconds, or a number with a unit as `30m`, `24h`, `30d`, of this length or more."""

    def convert(value: str) -> timedelta:
        found = re.fullmatch(r"([0-9]{1,9}) ?([smhd]?)", value.strip())
        if found is None:
            raise ValueError("must be a number of seconds, or a number with s, m, h or d, as 30m")
        seconds = int(found[1]) * _UNITS[found[2]]
        if seconds > LONGEST_LIFETIME.total_seconds():
            raise ValueError(f"must not be longer than {LONGEST_LIFETIME.days}d")
        if seconds < least.total_seconds():
            raise ValueError(f"must not be shorter than {int(least.total_seconds())} seconds")
        return timedelta(seconds=seconds)

    convert.__name__ = "duration"
    return convert


def written_duration(value: timedelta) -> str:
    """Return a duration as `duration` reads it, in the largest unit that it is a whole number of."""
    seconds = int(value.total_seconds())
    units = [(size, unit) for unit, size in _UNITS.items() if unit and seconds and seconds % size == 0]
    size, unit = max(units, default=(1, "s"))
    return f"{seconds // size}{unit}"


def region(value: str) -> str:
    """A kind: a country as its two letters (ISO 3166-1), given in capitals."""
    letters = value.strip().upper()
    if not is_region(letters):
        raise ValueError("must be the two letters of a country, as US")
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
    is_plain = address.isascii() and address.isprintable() and " " not in address
    if not is_page or not is_plain or len(address) > _LONGEST_PAGE:
        raise ValueError("must be the address of a page, as https://shop.example.com/new-password")
    return address


def origin(value: str) -> str:
    """A kind: the origin of a web page, as browsers write it."""
    found = find_origin(value)
    if found is None:
        raise ValueError("must be scheme, host and perhaps port, as https://shop.example.com")
    return found


def colour(value: str) -> str:
    """A kind: a colour as #1d4ed8."""
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value.strip()):
        raise ValueError("must be a colour, as #1d4ed8")
    return value.strip().lower()


def version(value: str) -> str:
    """A kind: the version of a program, as it names it."""
    line = text(40)(value)
    if versions.find_version(line) is None:
        raise ValueError("must be numbers with points between them, as 2.10.3")
    return line


def past_date(value: str) -> date:
    """A kind: a day as 1980-12-31, which is not to come."""
    try:
        day = date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("must be a day, as 1980-12-31") from None
    if day > datetime.now(UTC).date():
        raise ValueError("must be a day in the past")
    return day


def role(value: str) -> roles.UserRole:
    """A kind: a role by its number or its name."""
    found = roles.find_role(value)
    if found is None:
        known = ", ".join(f"{each.value} {each.wire_name}" for each in roles.UserRole)
        raise ValueError(f"must be one of {known}")
    return found
