"""The languages of the pages: which one a reader gets, and its texts."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "de", "es", "fr")
"""In the order in which the pages offer them. Source: ISO 639-1."""


@cache
def texts(language: str) -> Mapping[str, str]:
    """Return every text of one of LANGUAGES by its name."""
    found: dict[str, str] = json.loads(files(__package__).joinpath("texts", f"{language}.json").read_text("utf-8"))
    return found


def best_language(chosen: str | None, accepted: Iterable[tuple[str, float]], merchants: str | None) -> str:
    """Return the reader's choice, else the first that the browser accepts, else the merchant's, else English.

    `accepted` are language tags with their weights, best first. Source: RFC 9110, 12.5.4.
    """
    if chosen in LANGUAGES:
        return str(chosen)
    for tag, weight in accepted:
        language = tag.partition("-")[0].casefold()
        if weight > 0 and language in LANGUAGES:
            return language
    return str(merchants) if merchants in LANGUAGES else LANGUAGES[0]
