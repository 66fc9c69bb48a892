"""What a stranger is shown of a guest's address: a mask, of somebody or of nobody, that does not tell which."""

from bisect import bisect
from itertools import accumulate

HIDDEN = "***"
"""Stands for what is hidden, and for an ending that would tell too much."""

_ENDINGS = {"com": 46, "net": 5, "org": 4, "eu": 2, HIDDEN: 3}
"""How often a mask of nobody has an ending, besides `_OWN_ENDING` of 100 for that of the merchant's country."""

_OWN_ENDING = 40

_COMMON_LETTERS = "jjjjjjmmmmmmaaaaaassssssccccddddllllrrrkkkbbbtttppphhheeennngggffwwii"
_LETTERS = {letter: 1 + _COMMON_LETTERS.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz0123456789*"}
"""How often an address begins with a letter, about. The last one stands for all others."""


def mask_of(email: str, region: str) -> str:
    """Return `j***@e***.com` for `jane@example.com`, with letters and endings that a mask of nobody may have, too."""
    local, _, domain = email.partition("@")
    name, _, ending = domain.rpartition(".")
    shown = ending.casefold() if ending.casefold() in _endings(region) else HIDDEN
    return f"{_first(local)}***@{_first(name or ending)}***.{shown}"


def mask_of_nobody(drawn: bytes, region: str) -> str:
    """Return the mask that these bytes make, which must be at least six and always the same for one identity."""
    local, name = (_draw(_LETTERS, drawn[at : at + 2]) for at in (0, 2))
    return f"{local}***@{name}***.{_draw(_endings(region), drawn[4:6])}"


def _first(text: str) -> str:
    letter = text[:1].casefold()
    return letter if letter in _LETTERS else "*"


def _endings(region: str) -> dict[str, int]:
    """Return how often each ending is drawn. Source of the one exception: IANA's root zone."""
    own = "uk" if region == "GB" else region.casefold()
    return _ENDINGS | {own: _OWN_ENDING}


def _draw(often: dict[str, int], drawn: bytes) -> str:
    sums = list(accumulate(often.values()))
    return list(often)[bisect(sums, int.from_bytes(drawn) * sums[-1] >> 8 * len(drawn))]
