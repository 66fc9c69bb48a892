"""What proxies tell of a request before them: who called, by which scheme, and at which host.

Only the word of trusted proxies counts (`GATEHOUSE_TRUSTED_PROXIES`, and who comes by the file of a socket), and only
that of the kind of header that they are set up to write (`GATEHOUSE_FORWARDED_HEADER`): of the other kind, a proxy
passes on whatever a client made up.
"""

import ipaddress
import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatehouse.config import Network, Settings

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_PAIR = re.compile(r"""\s*([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*""")
_ESCAPED = re.compile(r"\\(.)")

_FOUND = "gatehouse.origin"

_MOST_TOLD = 16
"""Addresses that the log tells of in a process: any caller may send such headers, and fill no disk with it."""

_log = logging.getLogger("gatehouse.forwarded")
_told: set[str] = set()
_telling = threading.Lock()


@dataclass(frozen=True)
class Origin:
    """How the caller reached the outermost proxy that is trusted. None where nothing is told, or by nobody trusted."""

    source: str | None
    scheme: str | None = None
    host: str | None = None


@dataclass(frozen=True)
class _Told:
    """Three lists, each with the word of the outermost proxy first. They need not be of one length."""

    sources: list[str]
    schemes: list[str]
    hosts: list[str]


def origin(environ: dict[str, Any], settings: Settings) -> Origin:
    """Return who called and how, after as many proxies as are trusted, beginning with the nearest.

    It is found out once for a request: the log, the limits, the audit trail and the addresses all ask.
    """
    found = environ.get(_FOUND)
    if found is None:
        found = environ[_FOUND] = _origin(environ, settings)
    assert isinstance(found, Origin)
    return found


def _origin(environ: Mapping[str, Any], settings: Settings) -> Origin:
    peer: str | None = environ.get("REMOTE_ADDR") or None
    proxies = settings.trusted_proxies
    if not proxies and peer is not None and ":" not in peer:
        _note_unheeded(peer, environ)
        return Origin(peer)
    address = _address(peer or "")
    # Who may reach the file of a socket has been decided by its rights, and has no address.
    is_by_file = peer is None and "unix:" in settings.bind
    if not is_by_file and (not proxies or address is None or not _is_trusted(address, proxies)):
        shown = str(address) if address else peer
        _note_unheeded(shown, environ)
        return Origin(shown)
    told = _rfc7239(environ) if settings.forwarded_header == "forwarded" else _x_forwarded(environ)
    source, hops = address, 1
    for text in reversed(told.sources):
        found = _address(text)
        if found is None:
            break
        source = found
        if not _is_trusted(found, proxies):
            break
        hops += 1
    return Origin(str(source) if source else None, _word(told.schemes, hops), _word(told.hosts, hops))


def _note_unheeded(source: str | None, environ: Mapping[str, Any]) -> None:
    """Tell the operator, once for an address, that it speaks like a proxy and is not trusted.

    Behind such a proxy everybody has the same address, and shares one limit for guesses and requests.
    """
    if source is None or source in _told or len(_told) >= _MOST_TOLD:
        return
    if "HTTP_X_FORWARDED_FOR" not in environ and "HTTP_FORWARDED" not in environ:
        return
    with _telling:
        if source in _told or len(_told) >= _MOST_TOLD:
            return
        _told.add(source)
    _log.warning(
        "%s sends forwarded headers and is not trusted, so that all callers behind it share one limit; "
        "if it is a proxy of yours, name it in GATEHOUSE_TRUSTED_PROXIES",
        source,
    )


def _word(told: list[str], hops: int) -> str | None:
    """Return what the outermost trusted proxy said.

    Where each of them adds its word, that is as many from the end as there are such proxies. What stands before it was
    sent by a client. Where there are fewer words, the inner proxies have passed on what they got.
    """
    return told[-min(hops, len(told))] if told else None


def _x_forwarded(environ: Mapping[str, Any]) -> _Told:
    names = ("FOR", "PROTO", "HOST")
    return _Told(*(_parts(str(environ.get(f"HTTP_X_FORWARDED_{name}", ""))) for name in names))


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _rfc7239(environ: Mapping[str, Any]) -> _Told:
    """Read `Forwarded: for=192.0.2.60;proto=https;host=login.example.com, for="[2001:db8::1]"`.

    What stands before a part that cannot be read was written further out, and does not count. Source: RFC 7239, 4.
    """
    value = str(environ.get("HTTP_FORWARDED", ""))
    elements: list[dict[str, str]] = [{}]
    position = 0
    while position < len(value):
        pair = _PAIR.match(value, position)
        if pair is not None:
            quoted, token = pair.group(2), pair.group(3)
            elements[-1][pair.group(1).casefold()] = token if quoted is None else _ESCAPED.sub(r"\1", quoted)
            position = pair.end()
        rest = value[position:].lstrip()
        if rest.startswith(","):
            elements.append({})
        elif rest and not rest.startswith(";"):
            # Find where the next element begins; a comma inside of a broken quotation may be taken for it.
            elements = [{}]
            rest = rest[rest.find(",") :] if "," in rest else ""
        position = len(value) - len(rest) + 1
    found = [each for each in elements if each]
    return _Told(
        [each.get("for", "") for each in found],
        [each["proto"] for each in found if "proto" in each],
        [each["host"] for each in found if "host" in each],
    )


def _address(text: str) -> IpAddress | None:
    """Return an address, which may have a port behind it and, if it is one of IPv6, brackets around it."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A socket for both families shows callers of IPv4 so.
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address


def _is_trusted(address: IpAddress, proxies: tuple[Network, ...]) -> bool:
    return any(address in network for network in proxies)
