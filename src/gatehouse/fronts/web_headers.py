"""The headers that tell a browser what it must not do with an answer, on every answer of every front.

A front says what is stricter or looser for its own pages. Programs that call the service read none of them.
Source: OWASP Secure Headers Project; ASVS 5.0, 3.4.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from gatehouse.config import Settings
from gatehouse.fronts import http

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_DEFAULTS = {
    "Cache-Control": "no-store",
    # Of what is no page: if a browser shows it all the same, it loads nothing, runs nothing and is in no frame.
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    # Not for calls of other origins that are listed: those are made with CORS, and this is for all others.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_OF_PAGES = {"Cross-Origin-Opener-Policy": "same-origin"}


def guarded(app: Wsgi, settings: Settings) -> Wsgi:
    """Return the application with what is missing added to the headers of each answer."""
    # Browsers heed it over https alone. Source: RFC 6797, 7.2 and 8.1.
    https = {"Strict-Transport-Security": f"max-age={settings.hsts_seconds}"} if settings.hsts_seconds else {}

    @lru_cache(maxsize=128)
    def missing(given: frozenset[str], is_page: bool, is_https: bool) -> list[tuple[str, str]]:
        wanted = _DEFAULTS | (_OF_PAGES if is_page else {}) | (https if is_https else {})
        return [(name, value) for name, value in wanted.items() if name.casefold() not in given]

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            given = {name.casefold(): value for name, value in headers}
            is_page = given.get("content-type", "").startswith("text/html")
            is_https = bool(https) and http.comes_by_https(environ, settings)
            return start_response(status, headers + missing(frozenset(given), is_page, is_https), *rest)

        return app(environ, start)

    return call
