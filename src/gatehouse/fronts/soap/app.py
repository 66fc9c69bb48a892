"""The address of the service: guards what comes in, hands calls to Spyne, serves WSDL and help page."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from gatehouse.domain.errors import place_of
from gatehouse.fronts import http
from gatehouse.fronts.account_calls import AccountCall
from gatehouse.fronts.http import Environ
from gatehouse.fronts.soap import faults, help_page, reading, wsdl
from gatehouse.fronts.soap.faults import Fault, SoapFault
from gatehouse.fronts.soap.protocol import TARGET_NAMESPACE, SpyneServer, make_application
from gatehouse.fronts.soap.service import Exchange
from gatehouse.fronts.soap.types import DATA_NAMESPACE
from gatehouse.fronts.soap.versions import BY_MEDIA_TYPE, SoapVersion
from gatehouse.operations.core import Core

PATH = "/v2/account.svc"
"""Matched without regard to case, with and without a slash at its end."""

StartResponse = Callable[..., Any]
Headers = list[tuple[str, str]]

_log = logging.getLogger("gatehouse.soap")


class SoapFront:
    """The WSGI application at `PATH`."""

    def __init__(self, core: Core) -> None:
        """Build the Spyne application and read the WSDL, so that no request waits for either."""
        self._core = core
        settings = core.settings
        self._namespaces = {TARGET_NAMESPACE: settings.soap_namespace, DATA_NAMESPACE: settings.data_namespace}
        self._server = SpyneServer(make_application(self._namespaces))
        self._documents = wsdl.Documents(self._namespaces)
        self._limits = reading.Limits(settings.soap_max_depth, settings.soap_max_nodes)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request_id = http.new_request_id()
        method = environ["REQUEST_METHOD"]
        if method == "POST":
            status, headers, body = self._post(environ, request_id)
        elif method in ("GET", "HEAD"):
            status, headers, body = self._get(environ)
        else:
            status, headers, body = HTTPStatus.METHOD_NOT_ALLOWED, [("Allow", "GET, HEAD, POST")], b""
        headers += [
            ("Content-Length", str(len(body))),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Request-Id", request_id),
        ]
        start_response(f"{status.value} {status.phrase}", headers)
        return [] if method == "HEAD" else [body]

    def _post(self, environ: Environ, request_id: str) -> tuple[HTTPStatus, Headers, bytes]:
        media = _NO_SOAP
        try:
            media = _media(environ.get("CONTENT_TYPE", ""))
            return self._call(environ, media, request_id)
        except SoapFault as error:
            fault = error
        except Exception as error:
            _log.error("a request failed: %s request=%s", place_of(error), request_id)
            fault = SoapFault(Fault.INTERNAL)
        _log.info("fault %s request=%s", fault.fault.name, request_id)
        # A sender of neither version is answered in the older one, which more clients read.
        version = media.version or SoapVersion.SOAP_11
        headers = [("Content-Type", version.content_type), ("Cache-Control", "no-store")]
        return faults.status_of(fault.fault, version), headers, faults.render(fault, version)

    def _call(self, environ: Environ, media: "_Media", request_id: str) -> tuple[HTTPStatus, Headers, bytes]:
        settings = self._core.settings
        if media.version is None:
            raise SoapFault(Fault.NOT_SOAP)
        body = _read_body(environ, settings.soap_max_bytes)
        action = media.action if media.version is SoapVersion.SOAP_12 else http.header(environ, "SOAPAction")
        envelope = reading.read_envelope(
            body, media.version, media.charset, action, settings.soap_namespace, self._limits
        )
        given = envelope.headers
        tokens = (http.header(environ, "applicationToken"), given.application_token)
        call = AccountCall(
            method=envelope.method,
            members=envelope.members,
            application_tokens=[token for token in tokens if token],
            credentials_token=http.credentials_token(environ, given.credentials_token),
            source=http.source_address(environ, settings),
            request_id=request_id,
        )
        exchange = Exchange(self._core, call, media.version)
        if media.version is SoapVersion.SOAP_12 and given.addressing and given.message_id:
            exchange.addressing = (given.addressing, given.message_id)
        reply = self._server.run(exchange)
        if reply is None or exchange.result is None:
            raise SoapFault(Fault.INTERNAL)
        headers: Headers = [("Content-Type", media.version.content_type), ("Cache-Control", "no-store")]
        is_https = http.base_address(environ, settings).startswith("https:")
        headers += [("Set-Cookie", each) for each in http.cookies_to_set(call.method, exchange.result, is_https)]
        return HTTPStatus.OK, headers, reply

    def _get(self, environ: Environ) -> tuple[HTTPStatus, Headers, bytes]:
        address = http.base_address(environ, self._core.settings) + PATH
        query = {
            name.casefold(): value.casefold()
            for name, value in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        }
        if not query.keys() & wsdl.QUERIES:
            page = help_page.render(address)
            return HTTPStatus.OK, [("Content-Type", "text/html; charset=utf-8"), *help_page.HEADERS], page
        document = self._documents.find(query, address)
        if document is None:
            return (
                HTTPStatus.NOT_FOUND,
                [("Content-Type", "text/plain; charset=utf-8")],
                b"There is no such document.\n",
            )
        return HTTPStatus.OK, [("Content-Type", SoapVersion.SOAP_11.content_type)], document


@dataclass(frozen=True)
class _Media:
    """What the media type says: the version of SOAP, if it is of one, the charset and SOAP 1.2's action."""

    version: SoapVersion | None
    charset: str | None
    action: str | None


_NO_SOAP = _Media(None, None, None)


@lru_cache(maxsize=256)
def _media(content_type: str) -> _Media:
    message = Message()
    message["Content-Type"] = content_type or "none/none"
    charset, action = message.get_param("charset"), message.get_param("action")
    return _Media(
        BY_MEDIA_TYPE.get(message.get_content_type()),
        charset.strip(" '\"") or None if isinstance(charset, str) else None,
        action if isinstance(action, str) else None,
    )


def _read_body(environ: Environ, limit: int) -> bytes:
    """Return the body. Raises SoapFault when it is larger than the limit, compressed, or cut off."""
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().casefold() not in ("", "identity"):
        raise SoapFault(Fault.NOT_SOAP)
    try:
        return http.read_body(environ, limit)
    except http.BodyTooLargeError:
        raise SoapFault(Fault.TOO_LARGE) from None
    except http.BodyIncompleteError:
        raise SoapFault(Fault.INCOMPLETE) from None
