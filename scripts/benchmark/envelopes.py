"""The SOAP requests that are measured, as bytes for the wire, and what is read out of their replies."""

import re
from xml.sax.saxutils import escape

PATH = "/v2/account.svc"

_NAMESPACE = "http://tempuri.org/"
_COOKIE = re.compile(rb"<a:EncodedCookie>([^<]+)<")
_KEY = re.compile(rb"<a:Key>([^<]+)<")


def request(method: str, application_token: str, **members: str) -> bytes:
    """Return one HTTP request with its envelope, as a .NET proxy would send it. The connection is kept."""
    content = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in members.items())
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<{method} xmlns="{_NAMESPACE}">{content}</{method}></s:Body></s:Envelope>'
    ).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml; charset=utf-8\r\n"
        f'SOAPAction: "{_NAMESPACE}IAccount/{method}"\r\napplicationToken: {application_token}\r\n'
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def cookie_in(reply: bytes) -> str:
    """Return the login cookie of a reply."""
    found = _COOKIE.search(reply)
    assert found is not None, f"there is no login cookie in {reply!r}"
    return found[1].decode()


def key_in(reply: bytes) -> str:
    """Return the return code's key of a reply, or an empty text."""
    found = _KEY.search(reply)
    return found[1].decode() if found else ""
