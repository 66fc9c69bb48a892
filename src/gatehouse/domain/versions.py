"""Program versions, as applications name them."""

import re

_VERSION = re.compile(r"(\d{1,9}(?:\.\d{1,9}){0,3})\s*$")


def find_version(text: str) -> tuple[int, ...] | None:
    """Return the version at the end of an application's name (`Till/2.10.3`, `Till 2.10`), or None.

    Trailing zeros do not count, so that 2.0 and 2 compare as equal.
    """
    found = _VERSION.search(text)
    if found is None:
        return None
    parts = [int(part) for part in found[1].split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def is_older(application_name: str | None, minimum: str | None) -> bool:
    """Whether the name carries a version that is below the minimum; without either version it does not."""
    if not application_name or not minimum:
        return False
    version, least = find_version(application_name), find_version(minimum)
    return version is not None and least is not None and version < least
