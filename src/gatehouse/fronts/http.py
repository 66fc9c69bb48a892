"""HTTP as the protocols of `account.svc` share it: who calls and from where, and the cookies that go back."""

import ipaddress
import re
import uuid
from typing import Any

from gatehouse.config import Network, Settings
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.results import DecodeCookieResult, LoginResult, ServiceResult
from gatehouse.fronts.data_contracts import CREDENTIALS_HEADER

Environ = dict[str, Any]

LOGIN_COOKIE = "EncodedCookie"

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class BodyTooLargeError(Exception):
    """A request's body is declared or measured larger than the limit."""


class BodyIncompleteError(Exception):
    """A request's body ended before the length that was declared."""


def read_body(environ: Environ, limit: int) -> bytes:
    """Return the body of a request. Raises BodyTooLargeError and BodyIncompleteError."""
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length.isdigit() and int(length) > limit:
        raise BodyTooLargeError
    # Without a length the server ends the stream after the last chunk.
    body: bytes = environ["wsgi.input"].read(int(length) if length.isdigit() else limit + 1)
    if len(body) > limit:
        raise BodyTooLargeError
    if length.isdigit() and len(body) < int(length):
        raise BodyIncompleteError
    return body


def new_request_id() -> str:
    """Return an id under which a call is logged, audited and told to the caller."""
    return str(uuid.uuid4())


def source_address(environ: Environ, settings: Settings) -> str | None:
    """Return the caller's address: the peer's, or behind trusted proxies the last one that is not one of them."""
    peer: str | None = environ.get("REMOTE_ADDR") or None
    if peer is None or not _is_trusted(peer, settings.trusted_proxies):
        return peer
    for address in reversed(_list(environ, "HTTP_X_FORWARDED_FOR")):
        if not _is_address(address):
            break
        if not _is_trusted(address, settings.trusted_proxies):
            return address
    return peer


def base_address(environ: Environ, settings: Settings) -> str:
    """Return scheme and host that callers use, such as `https://login.example.com`.

    From `GATEHOUSE_PUBLIC_URL`, else the request; forwarded headers count from trusted proxies only.
    """
    if settings.public_url:
        return settings.public_url
    scheme, host = environ.get("wsgi.url_scheme", "http"), environ.get("HTTP_HOST", "")
    if _is_trusted(environ.get("REMOTE_ADDR") or "", settings.trusted_proxies):
        # The last value is the one that the nearest proxy wrote.
        scheme = next(iter(reversed(_list(environ, "HTTP_X_FORWARDED_PROTO"))), scheme).casefold()
        host = next(iter(reversed(_list(environ, "HTTP_X_FORWARDED_HOST"))), host)
    if not _HOST.fullmatch(host):
        host = f"{environ.get('SERVER_NAME', 'localhost')}:{environ.get('SERVER_PORT', '80')}"
    return f"{'https' if scheme == 'https' else 'http'}://{host}"


def header(environ: Environ, name: str) -> str | None:
    """Return an HTTP header, decoded as UTF-8 where it is that, or None when it is absent or empty."""
    raw: str = environ.get("HTTP_" + name.upper().replace("-", "_"), "")
    try:
        text = raw.encode("latin-1").decode()
    except UnicodeError:
        text = raw
    return text.strip() or None


def cookie(environ: Environ, name: str) -> str | None:
    """Return the first cookie of this name that has a value, or None. Other cookies, however odd, do not matter."""
    for pair in str(environ.get("HTTP_COOKIE", "")).split(";"):
        key, _, value = pair.partition("=")
        if key.strip().casefold() == name.casefold() and (text := value.strip().strip('"')):
            return text
    return None


def credentials_token(environ: Environ, soap_header: str | None = None) -> str | None:
    """Return the session's token. A header wins over the cookie, which jars never forget."""
    return header(environ, CREDENTIALS_HEADER) or soap_header or cookie(environ, CREDENTIALS_HEADER)


def cookies_to_set(method: str, result: ServiceResult, is_https: bool) -> list[str]:
    """Return the values of the `Set-Cookie` headers that go with a result."""
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


def _list(environ: Environ, name: str) -> list[str]:
    return [part.strip() for part in str(environ.get(name, "")).split(",") if part.strip()]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_trusted(address: str, proxies: tuple[Network, ...]) -> bool:
    return bool(proxies) and _is_address(address) and any(ipaddress.ip_address(address) in each for each in proxies)
