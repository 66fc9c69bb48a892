"""From an HTTP request to a JSON object and the partner's credentials. What the members mean is in shapes.py."""

import base64
import binascii
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from gatehouse.config import Settings
from gatehouse.domain.codes import ReturnCode
from gatehouse.fronts import http
from gatehouse.fronts.http import Environ
from gatehouse.fronts.json_nesting import nesting

JsonObject = dict[str, Any]

MEDIA_TYPE = "application/json"

_LONGEST_NUMBER = 40
"""Characters of an integer that is read as a number; no member has one of half this length."""

_NOT_A_NUMBER = object()
"""In the place of NaN and Infinity until they are refused."""


class RefusedRequest(Exception):  # noqa: N818  it is an answer, not an error of ours
    """Raised for a request that never comes to an operation: its HTTP status, and what the failure body says."""

    def __init__(self, status: HTTPStatus, code: ReturnCode, detail: str = "") -> None:
        super().__init__(code.key)
        self.status, self.code, self.detail = status, code, detail


@dataclass(frozen=True, repr=False)
class Credentials:
    """What a partner's server calls itself, and its secret. Neither is verified yet."""

    client_id: str
    client_secret: str


class Unreadable:
    """In the place of a number that is too long to be one. No member may have it."""


def read_object(environ: Environ, settings: Settings, members: Sequence[str]) -> JsonObject:
    """Return the JSON object of a request's body. Raises RefusedRequest with 400, 413 or 415.

    `members` are the names that may be told to the caller; others are the caller's own and are not repeated.
    """
    if http.header(environ, "Content-Encoding") not in (None, "identity"):
        raise RefusedRequest(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, ReturnCode.INVALID_REQUEST, "its body is compressed")
    media_type = str(environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().casefold()
    if media_type != MEDIA_TYPE:
        detail = f"its media type is not {MEDIA_TYPE}"
        raise RefusedRequest(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, ReturnCode.INVALID_REQUEST, detail)
    body = _read_body(environ, settings.soap_max_bytes)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad("it is not JSON in UTF-8") from None
    if nesting(text) > settings.soap_max_depth:
        raise _bad("it is nested too deep")
    return _parse(text, members)


def basic_credentials(environ: Environ) -> Credentials | None:
    """Return the credentials of HTTP Basic, or None when there are none that can be read. Source: RFC 7617."""
    scheme, _, encoded = (http.header(environ, "Authorization") or "").partition(" ")
    if scheme.casefold() != "basic":
        return None
    try:
        raw = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    client_id, colon, client_secret = text.partition(":")
    return make_credentials(client_id, client_secret) if colon else None


def make_credentials(client_id: object, client_secret: object) -> Credentials | None:
    """Return credentials where both are texts without anything that no client id or secret has, else None."""
    if not (isinstance(client_id, str) and isinstance(client_secret, str) and client_id and client_secret):
        return None
    if has_unprintable(client_id) or has_unprintable(client_secret):
        return None
    return Credentials(client_id, client_secret)


def has_unprintable(text: str) -> bool:
    """Whether there is a control character or half a character, which no database would keep."""
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def _read_body(environ: Environ, limit: int) -> bytes:
    try:
        return http.read_body(environ, limit)
    except http.BodyTooLargeError:
        raise RefusedRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, ReturnCode.REQUEST_TOO_LARGE) from None
    except http.BodyIncompleteError:
        raise _bad("it ended before it was complete") from None


def _parse(text: str, members: Sequence[str]) -> JsonObject:
    has_constant = False

    def read_constant(_name: str) -> object:
        nonlocal has_constant
        has_constant = True
        return _NOT_A_NUMBER

    def read_members(pairs: list[tuple[str, Any]]) -> JsonObject:
        found: JsonObject = {}
        for name, value in pairs:
            known = name if name in members else "a member"
            if name in found:
                raise _bad(f"{known} is there twice")
            if value is _NOT_A_NUMBER:
                raise _bad(f"{known} is no number that JSON has")
            found[name] = value
        return found

    try:
        value = json.loads(text, object_pairs_hook=read_members, parse_constant=read_constant, parse_int=_read_integer)
    except ValueError:
        raise _bad("it is not JSON") from None
    if has_constant:
        raise _bad("it has a number that JSON does not have")
    if not isinstance(value, dict):
        raise _bad("it is not a JSON object")
    return value


def _read_integer(digits: str) -> object:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else Unreadable()


def _bad(detail: str) -> RefusedRequest:
    return RefusedRequest(HTTPStatus.BAD_REQUEST, ReturnCode.INVALID_REQUEST, detail)
