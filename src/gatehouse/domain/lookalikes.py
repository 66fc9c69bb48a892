"""Whether two identities look alike though they are not the same, such as `paypal` with a letter of another script."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from gatehouse.domain.identity import without_invisible

_CAPITAL_I_AFTER_SMALL = re.compile(r"(?<=[a-z])I")
"""`PaypaI` is read as `Paypal`; the I of `Ian` is read as what it is."""


def skeleton(key: str) -> str:
    """Return what identities that look alike have in common, from the form under which one is compared.

    Never show it, and never take it for an identity. Capital prototypes are folded, because identities are compared
    without regard to case: `b0b` looks like `bob`. Text that runs from right to left is not put into the order in
    which it is shown. Source: UTS #39, 4 (skeleton).
    """
    return unicodedata.normalize("NFD", _replaced(unicodedata.normalize("NFD", key)).casefold())


def skeletons(identity: str, key: str) -> frozenset[str]:
    """Return every skeleton that a new identity may have: of its key, and of the capitals that it is written in.

    `key` is the form under which the identity is compared. A capital may look like one of another script
    where their small letters do not, as the second letter of Cyrillic does.
    """
    shown = unicodedata.normalize("NFD", without_invisible(unicodedata.normalize("NFKC", identity)).strip())
    shown = _CAPITAL_I_AFTER_SMALL.sub("l", shown).replace("I", "i")
    return frozenset({skeleton(key), skeleton(_replaced(shown).casefold())})


def skeleton_digest(key: str) -> bytes:
    """Return what is kept of a skeleton, which has no greatest length."""
    return hashlib.sha256(skeleton(key).encode(errors="replace")).digest()


def skeleton_digests(identity: str, key: str) -> list[bytes]:
    """Return the digests of every skeleton that a new identity may have."""
    return [hashlib.sha256(each.encode(errors="replace")).digest() for each in skeletons(identity, key)]


def _replaced(text: str) -> str:
    if text.isascii():
        return text.translate(_ascii_prototypes())
    prototypes = _prototypes()
    return "".join(prototypes.get(character, character) for character in text)


@cache
def _ascii_prototypes() -> Mapping[int, str]:
    return {ord(each): prototype for each, prototype in _prototypes().items() if each.isascii()}


@cache
def _prototypes() -> Mapping[str, str]:
    """Return the prototype of every character that looks like something else."""
    found: dict[str, str] = {}
    for line in files(__package__).joinpath("confusables.txt").read_text("ascii").splitlines():
        if not line.startswith("#"):
            prototype, *others = ("".join(chr(int(point, 16)) for point in each.split("+")) for each in line.split())
            found |= dict.fromkeys(others, prototype)
    return found
