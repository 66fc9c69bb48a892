"""What a password and a pincode must be."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

MAX_PASSWORD_BYTES = 1024
"""Bytes that are taken as a password at all, composed and in UTF-8; more is refused before hashing, never cut off."""

_UNSENDABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry, and half characters: a password with one could be chosen and not be used with SOAP."""

MIN_PINCODE_DIGITS, MAX_PINCODE_DIGITS = 4, 12

# Of the most used four-digit pins, those that are neither a run, a repetition nor a year.
_COMMON_PINCODES = frozenset({"0007", "0852", "1004", "1122", "1357", "2468", "2580", "5683"})


@dataclass(frozen=True)
class PasswordPolicy:
    """A merchant's password rules.

    Lengths are in characters; `min_strength` is zxcvbn's score, 0 (any) to 4 (very unguessable);
    `history` is how many former passwords may not come back.
    Source: NIST SP 800-63B-4, 3.1.1.2: at least 8 characters, at least 64 allowed, no composition rules.
    """

    min_length: int = 8
    max_length: int = MAX_PASSWORD_BYTES
    min_strength: int = 2
    history: int = 0

    @property
    def has_own_max_length(self) -> bool:
        """Whether the merchant allows fewer characters than any password may have."""
        return self.max_length < MAX_PASSWORD_BYTES


class Weakness(Enum):
    """Why a password is refused, with the English text that completes PASSWORD_TOO_WEAK; pages have others."""

    TOO_SHORT = "it is shorter than {min_length} characters"
    TOO_LONG = "it is longer than {max_length} characters"
    REPETITIVE = "it repeats one or two characters"
    OWN_NAME = "it is made from the user's own name or address"
    GUESSABLE = "it is too easy to guess"
    UNSENDABLE = "it has a character that is none of a text"

    def text(self, policy: PasswordPolicy) -> str:
        """Return the English text, with the lengths of the policy that was broken."""
        return self.value.format(min_length=policy.min_length, max_length=policy.max_length)


MIN_DIFFERENT_CHARACTERS = 3
"""Fewer are one or two characters repeated, which no estimate need be asked about."""


def bytes_of(password: str) -> bytes:
    """Return the bytes that stand for a password: NFC, because keyboards compose letters differently, and in UTF-8.

    Half a character, which no front lets through, has bytes, too, so that nothing fails on one.
    Source: NIST SP 800-63B-4, 3.1.1.2.
    """
    if password.isascii():
        return password.encode()
    return unicodedata.normalize("NFC", password).encode(errors="surrogatepass")


def is_too_long(password: str) -> bool:
    """Whether a password has more bytes than are taken at all."""
    return len(bytes_of(password)) > MAX_PASSWORD_BYTES


def weakness(policy: PasswordPolicy, password: str, names: Iterable[str]) -> Weakness | None:
    """Return why the password breaks a rule that needs no estimate, or None when it keeps them.

    `names` are the user's own: a password may not be one of them, nor one with up to three characters added.
    """
    if len(password) < policy.min_length:
        return Weakness.TOO_SHORT
    # A password of more bytes could be chosen here, but no front would take it at the next login.
    if len(password) > policy.max_length or is_too_long(password):
        return Weakness.TOO_LONG
    if _UNSENDABLE.search(password):
        return Weakness.UNSENDABLE
    if len(set(password)) < MIN_DIFFERENT_CHARACTERS:
        return Weakness.REPETITIVE
    folded = password.casefold()
    for name in names:
        if len(name) >= 3 and name.casefold() in folded and len(password) - len(name) < 4:
            return Weakness.OWN_NAME
    return None


def pincode_weakness(pincode: str) -> str | None:
    """Return why the pincode is refused, or None. Digits are ASCII: a till has no others."""
    if not (pincode.isascii() and pincode.isdigit()):
        return "it must have digits only"
    if not MIN_PINCODE_DIGITS <= len(pincode) <= MAX_PINCODE_DIGITS:
        return f"it must have {MIN_PINCODE_DIGITS} to {MAX_PINCODE_DIGITS} digits"
    if _is_run(pincode) or _is_repetition(pincode) or _is_year(pincode) or pincode in _COMMON_PINCODES:
        return "it is too easy to guess"
    return None


def _is_run(digits: str) -> bool:
    """Whether each digit is one more, or each one less, than the digit before it, with 9 and 0 as neighbours."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(digits)}
    return steps in ({1}, {9})


def _is_repetition(digits: str) -> bool:
    """Whether a block of up to half the length is all there is, as in 1111, 1212 or 123123."""
    return any(
        digits == digits[:size] * (len(digits) // size)
        for size in range(1, len(digits) // 2 + 1)
        if len(digits) % size == 0
    )


def _is_year(digits: str) -> bool:
    return len(digits) == 4 and digits[:2] in ("19", "20")
