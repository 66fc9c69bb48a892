"""E-mail addresses, usernames and card numbers: normalised for comparison, and masked for display."""

import re
import unicodedata

_CARD_SEPARATORS = re.compile(r"[\s-]+")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Source: Unicode 15.0, DerivedCoreProperties, Default_Ignorable_Code_Point."""

MAX_EMAIL_LENGTH = 254
"""Characters in an address. Source: RFC 5321, 4.5.3.1.3 (path of 256 with its angle brackets)."""

MAX_USERNAME_LENGTH = 200
"""Characters in a username."""


def email_key(email: str) -> str:
    """Return the form under which an e-mail address is compared: folded, with its domain in one spelling.

    `xn--mnchen-3ya.de` is `münchen.de`, and the full stops of other scripts separate labels as well.
    Source: RFC 5890, 2.3.2.1; UTS #46, 4 (label separators).
    """
    key = _folded(email)
    local, at, domain = key.rpartition("@")
    if not at or ("xn--" not in domain and domain.isascii()):
        return key
    return local + at + ".".join(_unicode_label(label) for label in domain.replace("\u3002", ".").split("."))


def username_key(username: str) -> str:
    """Return the form under which a username is compared."""
    return _folded(username)


def without_invisible(text: str) -> str:
    """Return the text without characters that nobody sees, such as a zero-width space."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def _folded(text: str) -> str:
    """Return NFKC_Casefold of the text, without outer blanks: both databases then compare alike.

    Source: Unicode 15.0, 3.13, R5 (toNFKC_Casefold) and D146 (why case is folded twice).
    """
    if text.isascii():
        return text.strip().lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", without_invisible(text)).casefold())
    return unicodedata.normalize("NFKC", without_invisible(folded).casefold()).strip()


def _unicode_label(label: str) -> str:
    """Return a label of a domain as people read it; one that is not the ASCII form of such a label stays as it is."""
    if not label.startswith("xn--"):
        return label
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
        is_plain = decoded.encode("punycode").decode("ascii") == label[4:]
    except (UnicodeError, OverflowError, ValueError):
        return label
    return _folded(decoded) if is_plain and not decoded.isascii() else label


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
