"""Cross-origin calls: which pages a browser lets read an answer. Source: Fetch standard, CORS protocol.

Tokens come in headers, which scripts set themselves. So credentials are never allowed: no page of another origin may
call with the cookies that its visitor has.
"""

from gatehouse.fronts.data_contracts import APPLICATION_HEADER, CREDENTIALS_HEADER
from gatehouse.fronts.http import Environ
from gatehouse.operations.calls import Call
from gatehouse.operations.origins import ListedOrigins, may_read

_REQUEST_HEADERS = f"{APPLICATION_HEADER}, {CREDENTIALS_HEADER}, Content-Type, Signature, X-Requested-With"
_ANSWER_HEADERS = "Signature, X-Request-Id, Retry-After"

_KEPT_SECONDS = "600"
"""How long a browser may remember that it may call."""

Headers = list[tuple[str, str]]


def preflight_headers(environ: Environ, call: Call, origins: ListedOrigins) -> Headers:
    """Return what a browser is told that asks before a call, which is nothing for an origin that nobody lists.

    It names no application yet, so that the origins of all of them count. Raises UnavailableError.
    """
    origin = environ.get("HTTP_ORIGIN")
    if not origin or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in environ or origin not in origins.find(call):
        return []
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Methods", "POST"),
        ("Access-Control-Allow-Headers", _REQUEST_HEADERS),
        ("Access-Control-Max-Age", _KEPT_SECONDS),
    ]


def answer_headers(environ: Environ, call: Call) -> Headers:
    """Return what lets a page read the answer, if the calling application lists its origin. Raises UnavailableError."""
    origin = environ.get("HTTP_ORIGIN")
    if not origin or not may_read(call, origin):
        return []
    return [("Access-Control-Allow-Origin", origin), ("Access-Control-Expose-Headers", _ANSWER_HEADERS)]
