"""What a front reads from a request that somebody pasted, and how a pasted text becomes a request.

Nothing of it is performed, kept or logged. Secrets are hidden here already, so that no page can show them.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from gatehouse.domain.tolerances import Tolerance
from gatehouse.fronts import charsets
from gatehouse.fronts.http import Environ
from gatehouse.fronts.media_types import read_media_type
from gatehouse.operations.calls import Call
from gatehouse.operations.explanations.course import Course
from gatehouse.operations.signed_in import SignedIn

READER = "gatehouse.pasted_requests"
"""Under which name the application keeps the `Reader` that the panel uses."""

HIDDEN = "hidden"

_REQUEST_LINE = re.compile(r"([A-Za-z]{3,10}) +(\S+)(?: +HTTP/[0-9.]+)?")
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_|~-]{1,100}) *: *(.*)")
_DECLARED = re.compile(r"""<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")

_BEGINS_BODY = ("<", "{", "[")
_OF_THE_WIRE = frozenset(
    {
        "CONTENT_LENGTH",
        "HTTP_CONTENT_ENCODING",
        "HTTP_TRANSFER_ENCODING",
        "HTTP_FORWARDED",
        "HTTP_X_FORWARDED_FOR",
        "HTTP_X_FORWARDED_PROTO",
        "HTTP_X_FORWARDED_HOST",
    }
)
"""Headers that do not count: a trace shows the body without its coding, and took another way than the request."""


_SHOWN_HEADERS = {"Content-Type": "CONTENT_TYPE", "SOAPAction": "HTTP_SOAPACTION", "Signature": "HTTP_SIGNATURE"}


class Kind(StrEnum):
    """What a value is, which decides who may see it."""

    SECRET = "secret"
    EMAIL = "email"
    NAME = "name"
    PHONE = "phone"
    CARD = "card"
    PRIVATE = "private"
    PLAIN = "plain"


_KINDS: Mapping[str, Kind] = {
    "email": Kind.EMAIL,
    "username": Kind.NAME,
    "phonenumber": Kind.PHONE,
    "phone": Kind.PHONE,
    "printedcardnumber": Kind.CARD,
    "postalcode": Kind.PRIVATE,
    "dateofbirth": Kind.PRIVATE,
    **dict.fromkeys(
        ("userrole", "appname", "deviceid", "setcookie", "options", "merchantid", "accountid", "authentication"),
        Kind.PLAIN,
    ),
    **dict.fromkeys(("client_id", "soapaction", "content-type", "user-agent", "action"), Kind.PLAIN),
}
"""By the name in small letters. What is not here is a secret."""


@dataclass(frozen=True)
class ReadValue:
    """A member or header as it was read; of a secret, that there is one. `note` is what is odd about it."""

    name: str
    text: str
    kind: Kind
    note: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why a request comes to no operation at all: where it ends, what the caller is answered, and what to change."""

    step: str
    answer: str
    text: str
    advice: str


@dataclass(frozen=True, kw_only=True, repr=False)
class ReadRequest:
    """What was read. With `explain` it came to an operation, whose course that returns; else there is a refusal."""

    protocol: str
    method: str | None = None
    members: Sequence[ReadValue] = ()
    headers: Sequence[ReadValue] = ()
    tolerances: Collection[Tolerance] = ()
    notes: Sequence[str] = ()
    refusal: Refusal | None = None
    explain: Callable[[Call, SignedIn], Course] | None = None


class Reader(Protocol):
    """Reads pasted requests, whichever front they are for. `choices` are what a body without a path may be for."""

    @property
    def choices(self) -> Sequence[tuple[str, Sequence[tuple[str, str]]]]:
        """Groups of addresses with their names."""

    def read(self, text: str, source: str | None, address: str) -> ReadRequest | None:
        """Return what is read of a text, or None where it does not say for which address it is."""


@dataclass(frozen=True, repr=False)
class Pasted:
    """A request that was pasted: what a server would hand on, whether there were headers above the body, and some."""

    environ: Environ
    has_headers: bool
    shown_headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The path in small letters, without a slash at its end, or an empty text."""
        return str(self.environ["PATH_INFO"]).casefold().rstrip("/")

    @property
    def begins(self) -> str:
        """The first character of the body, or an empty text."""
        body: bytes = self.environ["gatehouse.body"]
        return body.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip()[:1].decode("latin-1")


def read_value(name: str, value: object, *, counts_blanks: bool | None = None) -> ReadValue:
    """Return a value as it may be shown. Unless it is said, blanks around secrets count."""
    kind = _KINDS.get(name.casefold(), Kind.SECRET)
    counts_blanks = kind is Kind.SECRET if counts_blanks is None else counts_blanks
    if value is None:
        return ReadValue(name, "", kind, "null, which is as if it were absent")
    if not isinstance(value, str):
        return ReadValue(name, "", kind, "no text")
    note = ""
    if not value:
        note = "empty, which is as if it were absent"
    elif value != value.strip():
        note = "has blanks around it, which count" if counts_blanks else "has blanks around it, which do not count"
    return ReadValue(name, HIDDEN if kind is Kind.SECRET and value else value, kind, note)


def parse(text: str, source: str | None) -> Pasted:
    """Return the request that a pasted text is: a body alone, or with headers and perhaps a request line above it."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n").split("\n")
    environ: Environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "", "QUERY_STRING": "", "wsgi.url_scheme": "http"}
    if source:
        environ["REMOTE_ADDR"] = source
    at = _read_head(lines, environ)
    for name in _OF_THE_WIRE:
        environ.pop(name, None)
    body = _encode("\n".join(lines[at:]), str(environ.get("CONTENT_TYPE", "")))
    environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body)), "gatehouse.body": body}
    shown = {name: str(environ[key]) for name, key in _SHOWN_HEADERS.items() if key in environ}
    return Pasted(environ, has_headers=at > 0, shown_headers=shown)


def _read_head(lines: Sequence[str], environ: Environ) -> int:
    """Take request line and headers; return at which line the body begins."""
    # Without the marks of `curl -v`.
    unmarked = [line[2:] if line.startswith("> ") else "" if line == ">" else line for line in lines]
    at, last = 0, ""
    if (
        unmarked
        and not unmarked[0].startswith(_BEGINS_BODY)
        and (found := _REQUEST_LINE.fullmatch(unmarked[0].strip()))
    ):
        environ["REQUEST_METHOD"] = found[1].upper()
        # A target that is written wrongly has no path.
        path = _path_of(found[2])
        environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
        at = 1
    while at < len(lines):
        line = unmarked[at]
        if not line.strip():
            return at + 1 if at else at
        if line.lstrip("\ufeff \t").startswith(_BEGINS_BODY):
            return at
        if line[0] in " \t" and last:
            environ[last] = f"{environ[last]} {_raw(line.strip())}"
        elif found := _HEADER.fullmatch(line.strip()):
            name = found[1].upper().replace("-", "_")
            last = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
            # As servers do with a header that comes twice.
            environ[last] = f"{environ[last]},{_raw(found[2])}" if last in environ else _raw(found[2])
        else:
            return at
        at += 1
    return at


def _path_of(target: str) -> str:
    try:
        return urlsplit(target).path
    except ValueError:
        return ""


def _raw(text: str) -> str:
    """Return a header's value as servers hand it on, byte for byte."""
    return text.encode("utf-8", "replace").decode("latin-1")


def _encode(text: str, content_type: str) -> bytes:
    """Return the body in the charset that it says to be in, as it was on the wire."""
    charset = read_media_type(content_type).charset
    if charset is None and (declared := _DECLARED.search(text[:400])):
        charset = charsets.find_charset(declared[1])
    try:
        return text.encode(charset or "utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
