"""Origins of web pages, as browsers write them: scheme, host and port."""

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]{2,45}\]")
_USUAL_PORTS = {"https": 443, "http": 80, "capacitor": None, "ionic": None}
"""By scheme; the last two are those of mobile applications that are web pages inside."""

_LONGEST = 280
"""Characters: a name has at most 253."""


def find_origin(text: str) -> str | None:
    """Return the origin as a browser sends it, in small letters and without a usual port, or None when this is none.

    An address with a path, a query or a person in it is none, nor are `*` and `null`. Source: RFC 6454, 6.2.
    """
    given = text.strip().casefold()
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme, parts.netloc if parts.port is None else parts.netloc.removesuffix(f":{port}")
    if scheme not in _USUAL_PORTS or given.removesuffix("/") != f"{scheme}://{parts.netloc}" or len(given) > _LONGEST:
        return None
    if port == 0 or not _HOST.fullmatch(host):
        return None
    return f"{scheme}://{host}" if port in (None, _USUAL_PORTS[scheme]) else f"{scheme}://{host}:{port}"
