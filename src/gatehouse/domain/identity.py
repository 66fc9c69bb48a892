"""E-mail addresses, usernames and card numbers: normalised for comparison, and masked for display."""

import re
import unicodedata

_CARD_SEPARATORS = re.compile(r"[\s-]+")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")

MAX_EMAIL_LENGTH = 254
"""Characters in an address. Source: RFC 5321, 4.5.3.1.3 (path of 256 with its angle brackets)."""


def email_key(email: str) -> str:
    """Return the form under which an e-mail address is compared: NFKC, case folded, without outer blanks."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def username_key(username: str) -> str:
    """Return the form under which a username is compared: NFKC, case folded, without outer blanks."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def is_email(text: str) -> bool:
    """Whether the text has the shape of an address; only a mail that arrives proves that it is one."""
    return len(text) <= MAX_EMAIL_LENGTH and _EMAIL.fullmatch(text) is not None


def card_number_key(number: str) -> str:
    """Return a printed card number as it is compared: without the blanks and hyphens that group it."""
    return _CARD_SEPARATORS.sub("", number).casefold()


def mask_email(email: str) -> str:
    """Return `j***@e***.com` for `jane@example.com`: enough for its owner to recognise it."""
    local, _, domain = email.partition("@")
    name, dot, ending = domain.rpartition(".")
    return f"{local[:1]}***@{(name or ending)[:1]}***{dot}{ending if name else ''}"


def mask_phone(phone: str) -> str:
    """Return a phone number with all but its last two digits hidden."""
    return "*" * max(len(phone) - 2, 0) + phone[-2:]
