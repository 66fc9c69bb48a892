"""The one place where parts meet: settings in, a WSGI application out."""

import gc
from collections.abc import Callable, Iterable
from typing import Any

from gatehouse.config import Settings
from gatehouse.fronts.soap.app import PATH as SOAP_PATH
from gatehouse.fronts.soap.app import SoapFront
from gatehouse.operations.core import Core, make_core

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def create_app(settings: Settings, core: Core | None = None) -> Wsgi:
    """Return the service. Nothing is connected until the first call."""
    soap = SoapFront(core or make_core(settings))
    gc.freeze()

    def gatehouse(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").casefold().rstrip("/")
        if path == SOAP_PATH:
            return soap(environ, start_response)
        return _not_found(environ, start_response)

    return gatehouse


def _not_found(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = f"There is nothing at this address. The account service is at {SOAP_PATH}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response("404 Not Found", [*headers, ("X-Content-Type-Options", "nosniff")])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
