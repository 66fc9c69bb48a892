"""HTTP as the protocols of `account.svc` share it: who calls and from where, and the cookies that go back."""

import random
import re
import time
import uuid
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache
from math import ceil
from typing import Any

from gatehouse.config import Settings
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.results import DecodeCookieResult, LoginResult, ServiceResult
from gatehouse.domain.tolerances import Tolerance
from gatehouse.fronts.data_contracts import CREDENTIALS_HEADER
from gatehouse.fronts.forwarded import origin

Environ = dict[str, Any]

ACCOUNT_SERVICE = "/v2/account.svc"
"""Where `account.svc` is, in the case that its address is shown in."""

LOGIN_COOKIE = "EncodedCookie"

_LONGEST_LENGTH = 18
"""Digits of a `Content-Length` that are read."""

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class BodyTooLargeError(Exception):
    """A request's body is declared or measured larger than the limit."""


class BodyIncompleteError(Exception):
    """A request's body ended before the length that was declared."""


class BodyCorruptError(Exception):
    """A request's body is not what its coding says."""


class UnknownCodingError(Exception):
    """A request's body is compressed in a way that is not read."""


_CODINGS = {"gzip": Tolerance.GZIP, "x-gzip": Tolerance.GZIP, "deflate": Tolerance.DEFLATE}


def read_body(environ: Environ, limit: int) -> bytes:
    """Return the body of a request. Raises BodyTooLargeError and BodyIncompleteError."""
    length = _declared_length(environ)
    if length is not None and length > limit:
        raise BodyTooLargeError
    # Without a length the server ends the stream after the last chunk.
    body: bytes = environ["wsgi.input"].read(limit + 1 if length is None else length)
    if len(body) > limit:
        raise BodyTooLargeError
    if length is not None and len(body) < length:
        raise BodyIncompleteError
    return body


def _declared_length(environ: Environ) -> int | None:
    """Return the length that the request has by its header, or None when that is not a number in ASCII digits."""
    text = str(environ.get("CONTENT_LENGTH") or "")
    if not (text.isascii() and text.isdigit()):
        return None
    # What has more digits is beyond every limit, and Python reads no number of thousands of them.
    return int(text.lstrip("0")[:_LONGEST_LENGTH] or "0")


def read_inflated_body(environ: Environ, limit: int, noted: set[Tolerance]) -> bytes:
    """Return the body of a request, inflated where it is compressed; neither form may be larger than the limit.

    Raises BodyTooLargeError, BodyIncompleteError, BodyCorruptError and UnknownCodingError.
    """
    coding = str(environ.get("HTTP_CONTENT_ENCODING") or "").strip().casefold()
    if coding in ("", "identity"):
        return read_body(environ, limit)
    if coding not in _CODINGS:
        raise UnknownCodingError
    body = read_body(environ, limit)
    if not body:
        return body
    noted.add(_CODINGS[coding])
    return _inflate(body, _window(body, _CODINGS[coding]), limit)


def _window(body: bytes, coding: Tolerance) -> int:
    """Return what zlib wants to be told of the form: gzip, zlib, or bare as some send it who say `deflate`."""
    if coding is Tolerance.GZIP:
        return 16 + zlib.MAX_WBITS
    # Source: RFC 1950, 2.2.
    has_header = body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS


def _inflate(body: bytes, window: int, limit: int) -> bytes:
    inflator = zlib.decompressobj(window)
    try:
        # No more than one byte too many is ever inflated.
        inflated = inflator.decompress(body, limit + 1)
    except zlib.error:
        raise BodyCorruptError from None
    if len(inflated) > limit:
        raise BodyTooLargeError
    if not inflator.eof or inflator.unused_data:
        raise BodyCorruptError
    return inflated


def new_request_id() -> str:
    """Return an id under which a call is logged, audited and told to the caller.

    It begins with the time, so that the trail's index of ids grows at its end. Source: RFC 9562, 5.7 (version 7).
    """
    # No secret, so that the system need not be asked for chance. Python begins anew with it in each process.
    milliseconds, chance = time.time_ns() // 1_000_000, random.getrandbits(74)
    random_a, random_b = chance >> 62, chance & (1 << 62) - 1
    digits = f"{milliseconds << 80 | 7 << 76 | random_a << 64 | 2 << 62 | random_b:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def moment_of_request(request_id: str) -> datetime | None:
    """Return when an id of `new_request_id` was made; None for another one."""
    try:
        found = uuid.UUID(request_id)
    except ValueError:
        return None
    return datetime.fromtimestamp((found.int >> 80) / 1000, UTC) if found.version == 7 else None


def source_address(environ: Environ, settings: Settings) -> str | None:
    """Return the caller's address: the peer's, or behind trusted proxies the last one that is not one of them."""
    return origin(environ, settings).source


def base_address(environ: Environ, settings: Settings) -> str:
    """Return scheme and host that callers use, such as `https://login.example.com`.

    From `GATEHOUSE_PUBLIC_URL`, else the request; forwarded headers count from trusted proxies only.
    """
    if settings.public_url:
        return settings.public_url
    host = origin(environ, settings).host or environ.get("HTTP_HOST", "")
    if not _HOST.fullmatch(host):
        host = f"{environ.get('SERVER_NAME') or 'localhost'}:{environ.get('SERVER_PORT') or '80'}"
    return f"{'https' if comes_by_https(environ, settings) else 'http'}://{host}"


def comes_by_https(environ: Environ, settings: Settings) -> bool:
    """Whether callers come by https, as far as `GATEHOUSE_PUBLIC_URL` or else the request tells."""
    if settings.public_url:
        return settings.public_url.startswith("https:")
    scheme = origin(environ, settings).scheme or str(environ.get("wsgi.url_scheme", "http"))
    return scheme.casefold() == "https"


def header(environ: Environ, name: str) -> str | None:
    """Return an HTTP header, decoded as UTF-8 where it is that, or None when it is absent or empty."""
    raw: str | None = environ.get(_key_of_header(name))
    if not raw:
        return None
    try:
        text = raw.encode("latin-1").decode()
    except UnicodeError:
        text = raw
    return text.strip() or None


@cache
def _key_of_header(name: str) -> str:
    return "HTTP_" + name.upper().replace("-", "_")


def cookie(environ: Environ, name: str) -> str | None:
    """Return the first cookie of this name that has a value, or None. Other cookies, however odd, do not matter."""
    sent = environ.get("HTTP_COOKIE")
    if not sent:
        return None
    # Axis 1 sends a header for each cookie, which the server joins by commas.
    for pair in re.split("[;,]", str(sent)):
        key, _, value = pair.partition("=")
        if key.strip().casefold() == name.casefold() and (text := value.strip().strip('"')):
            return text
    return None


def credentials_token(environ: Environ, soap_header: str | None = None) -> str | None:
    """Return the session's token. A header wins over the cookie, which jars never forget."""
    return header(environ, CREDENTIALS_HEADER) or soap_header or cookie(environ, CREDENTIALS_HEADER)


def headers_of(method: str, result: ServiceResult, is_https: bool) -> list[tuple[str, str]]:
    """Return the headers that go with a result: the cookies to set, and how long to wait before the next call."""
    headers = [("Set-Cookie", each) for each in _cookies_to_set(method, result, is_https)]
    if result.retry_after is not None:
        headers.append(("Retry-After", retry_after(result.retry_after)))
    return headers


def retry_after(wait: timedelta) -> str:
    """Return the value of a `Retry-After` header: whole seconds, never too few (RFC 9110, 10.2.3)."""
    return str(ceil(wait.total_seconds()))


def _cookies_to_set(method: str, result: ServiceResult, is_https: bool) -> list[str]:
    found: list[str] = []
    if isinstance(result, LoginResult | DecodeCookieResult):
        if result.credentials_token:
            found.append(_set_cookie(CREDENTIALS_HEADER, result.credentials_token, is_https))
        if result.encoded_cookie and result.cookie_lifetime:
            seconds = int(result.cookie_lifetime.total_seconds())
            found.append(_set_cookie(LOGIN_COOKIE, result.encoded_cookie, is_https, max_age=seconds))
    elif method == "LogOff" and result.return_code in (ReturnCode.SUCCESS, ReturnCode.SESSION_EXPIRED):
        found = [_set_cookie(name, "", is_https, max_age=0) for name in (CREDENTIALS_HEADER, LOGIN_COOKIE)]
    return found


def _set_cookie(name: str, value: str, is_https: bool, max_age: int | None = None) -> str:
    parts = [f"{name}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if max_age is not None:
        parts.append(f"Max-Age={max_age}")
        if max_age == 0:
            # Old clients know no Max-Age.
            parts.append("Expires=Thu, 01 Jan 1970 00:00:00 GMT")
    if is_https:
        parts.append("Secure")
    return "; ".join(parts)
