"""How values are shown: times in the operator's zone, and personal values masked for who may not see them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup

from gatehouse.domain import identity, roles

HIDDEN = "•••"
_CARD_DIGITS_SHOWN = 4
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")
"""A moment as entries of the audit trail have it."""

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


@dataclass(frozen=True)
class Shown:
    """Makes values readable. With `is_unmasked` personal ones are shown whole."""

    zone_name: str
    is_unmasked: bool

    def moment(self, value: datetime | None, nothing: str = "never") -> Markup | str:
        """Return a moment in the operator's zone, with UTC when one points at it."""
        if value is None:
            return nothing
        local = self.local(value)
        utc = value.astimezone(UTC)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M:%S} UTC", f"{local:%Y-%m-%d %H:%M}"
        )

    def local(self, value: datetime) -> datetime:
        """Return a moment in the operator's zone."""
        return value.astimezone(_zone(self.zone_name) or UTC)

    def start_of(self, day: date) -> datetime:
        """Return the moment at which a day begins in the operator's zone."""
        return datetime.combine(day, time(), _zone(self.zone_name) or UTC).astimezone(UTC)

    @property
    def zone(self) -> str:
        """The name of the zone that times are in."""
        return self.zone_name if _zone(self.zone_name) else "UTC"

    def email(self, value: str | None) -> str:
        """Return an e-mail address, or enough of it to know it by."""
        return self._masked(value, identity.mask_email)

    def phone(self, value: str | None) -> str:
        """Return a phone number, or its end."""
        return self._masked(value, identity.mask_phone)

    def masked_phone(self, value: str | None) -> str:
        """Return the end of a phone number, where it is enough for everybody."""
        return identity.mask_phone(value) if value else self._masked(None, str)

    def name(self, value: str | None) -> str:
        """Return a name or username, or the first letter of each of its words."""
        return self._masked(value, lambda text: " ".join(f"{word[:1]}***" for word in text.split()))

    def card(self, value: str) -> str:
        """Return a printed card number, or its end."""
        return self._masked(value, lambda text: f"{HIDDEN} {text[-_CARD_DIGITS_SHOWN:]}")

    def private(self, value: str | date | None) -> str:
        """Return a value that nobody need recognise, or that there is one."""
        text = value.isoformat() if isinstance(value, date) else value
        return self._masked(text, lambda _: HIDDEN)

    def value(self, value: object) -> str:
        """Return a value of an audit entry as people say it."""
        match value:
            case None:
                return "nothing"
            case bool():
                return "yes" if value else "no"
            case list():
                return ", ".join(map(str, value)) or "none"
            case str() if _MOMENT.fullmatch(value):
                return f"{self.local(datetime.fromisoformat(value)):%Y-%m-%d %H:%M}"
            case _:
                return str(value)

    def duration(self, value: timedelta) -> str:
        """Return a duration in the largest unit that it is a whole number of."""
        seconds = int(value.total_seconds())
        name, size = next((name, size) for name, size in _UNITS if seconds % size == 0)
        return f"{seconds // size} {name}{'s' if seconds != size else ''}"

    def role(self, number: int) -> str:
        """Return the name of an account's role."""
        found = roles.find_role(str(number))
        return found.wire_name if found else str(number)

    def _masked(self, value: str | None, mask: Callable[[str], str]) -> str:
        if not value:
            return "–"  # noqa: RUF001  an en dash stands for nothing in a table
        return value if self.is_unmasked else mask(value)
