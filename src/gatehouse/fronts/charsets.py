"""Charsets as clients spell them and as bytes show them.

The list is closed: Python remembers every name that it is asked for, and a caller may invent any number of them.
"""

import re

from gatehouse.domain.tolerances import Tolerance

_UTF_16 = "utf-16le"

_BY_SPELLING = {
    "utf8": "utf-8",
    # Some toolkits name what RFC 2376 says of text/xml without a charset, and send UTF-8.
    "usascii": "utf-8",
    "ascii": "utf-8",
    "utf16": _UTF_16,
    "unicode": _UTF_16,
    "ucs2": _UTF_16,
    "utf16le": _UTF_16,
    "utf16be": "utf-16be",
    "unicodefffe": "utf-16be",
    "latin1": "iso-8859-1",
    **{f"iso8859{part}": f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)},
    **{f"{name}{page}": f"windows-{page}" for name in ("windows", "cp", "xcp") for page in range(1250, 1259)},
    **{name.replace("-", "").replace("_", ""): name for name in ("koi8-r", "koi8-u", "gbk", "gb18030", "big5")},
    **{name.replace("-", "").replace("_", ""): name for name in ("shift_jis", "euc-jp", "euc-kr")},
    "gb2312": "gbk",
}
"""A name that both Python and libxml2 know, by its letters and digits."""

_REGISTERED = frozenset(_BY_SPELLING.values()) | {"utf-16", "us-ascii", "gb2312"}

_BY_START = {
    b"\xef\xbb": ("utf-8", 3),
    b"\xff\xfe": (_UTF_16, 2),
    b"\xfe\xff": ("utf-16be", 2),
    # The first letter of XML or JSON without a mark before it.
    b"<\0": (_UTF_16, 0),
    b"\0<": ("utf-16be", 0),
    b"{\0": (_UTF_16, 0),
    b"\0{": ("utf-16be", 0),
}

_LATIN_1 = frozenset({"iso-8859-1", "windows-1252"})
_ODD = re.compile(r"[^a-z0-9]+")


def find_charset(spelled: str) -> str | None:
    """Return the name that parsers know of a charset, however it is spelled, or None for one that is not read."""
    return _BY_SPELLING.get(_ODD.sub("", spelled.casefold()))


def is_registered(spelled: str) -> bool:
    """Whether a charset is spelled as it is registered."""
    return spelled.casefold() in _REGISTERED


def is_utf_16(charset: str | None) -> bool:
    """Whether this is one of the two forms of UTF-16."""
    return charset is not None and charset.startswith("utf-16")


def charset_of_start(body: bytes) -> tuple[str, int] | None:
    """Return what the first bytes show, where they can be nothing else: the charset, and how long the mark is."""
    return _BY_START.get(body[:2])


def without_mark(body: bytes, charset: str | None, shown: tuple[str, int], noted: set[Tolerance]) -> bytes:
    """Return the body without its byte order mark; note the mark, and a charset that was named and is another."""
    name, length = shown
    if length:
        noted.add(Tolerance.BYTE_ORDER_MARK)
    if charset not in (None, name) and not (is_utf_16(charset) and is_utf_16(name)):
        noted.add(Tolerance.ODD_CHARSET)
    return body[length:]


def note_charset(charset: str | None, noted: set[Tolerance]) -> None:
    """Note a charset that is not UTF-8."""
    if charset is None or charset == "utf-8":
        return
    if is_utf_16(charset):
        noted.add(Tolerance.UTF_16)
    else:
        noted.add(Tolerance.LATIN_1 if charset in _LATIN_1 else Tolerance.OTHER_CHARSET)
