"""Which program a client is made with, told by its User-Agent."""

import re

MAX_LENGTH = 80
"""Characters of a stack's name."""

UNNAMED = "(none)"
"""Clients that do not say, such as those of WCF."""

OTHER = "(other)"
"""Stacks beyond those that are told apart."""

_MICROSOFT = re.compile(r"((?:MS|Mono) Web Services) Client Protocol (\d+(?:\.\d+)?)")
_BROWSERS = (
    ("PowerShell", re.compile(r"PowerShell/(\d+)")),
    ("Edge", re.compile(r"Edge?/(\d+)")),
    ("Opera", re.compile(r"OPR/(\d+)")),
    ("Firefox", re.compile(r"Firefox/(\d+)")),
    ("Chrome", re.compile(r"(?:Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+)\S* (?:Mobile/\S+ )?Safari/")),
    ("Internet Explorer", re.compile(r"MSIE (\d+)|Trident/.*rv:(\d+)")),
)
_PRODUCT = re.compile(r"(.+?)[/ ]v?(\d{1,5}(?:\.\d{1,5})?)(?![0-9])")
_ODD = re.compile(r"[^\x21-\x7e]+")


def stack_of(user_agent: str | None) -> str:
    """Return the name and the first two numbers of the version, as `PHP-SOAP 8.2`; at most MAX_LENGTH characters.

    What changes with each machine, such as the operating system or the last part of a version, is left out, so that a
    stack is one and not a hundred.
    """
    text = _ODD.sub(" ", user_agent or "")[:500].strip()
    if not text:
        return UNNAMED
    if microsoft := _MICROSOFT.search(text):
        return f"{microsoft[1]} {microsoft[2]}"
    if text.startswith("Mozilla/"):
        for name, pattern in _BROWSERS:
            if browser := pattern.search(text):
                return f"{name} {next(filter(None, browser.groups()))}"
    before_comment = text.partition("(")[0].strip()
    if product := _PRODUCT.match(before_comment):
        return f"{product[1].rstrip('/ ')[: MAX_LENGTH - 12]} {product[2]}"
    return before_comment.partition(" ")[0].strip("/")[:MAX_LENGTH] or OTHER
