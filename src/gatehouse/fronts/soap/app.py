"""The address of the service: guards what comes in, hands calls to Spyne, serves WSDL and help page."""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from gatehouse.domain.errors import place_of
from gatehouse.domain.tolerances import Tolerance
from gatehouse.fronts import call_log, http
from gatehouse.fronts.account_calls import AccountCall
from gatehouse.fronts.http import Environ
from gatehouse.fronts.media_types import MediaType, read_media_type
from gatehouse.fronts.soap import faults, reading, wsdl
from gatehouse.fronts.soap.faults import Fault, SoapFault
from gatehouse.fronts.soap.help.pages import HelpPages
from gatehouse.fronts.soap.protocol import TARGET_NAMESPACE, SpyneServer, make_application
from gatehouse.fronts.soap.service import Exchange
from gatehouse.fronts.soap.types import DATA_NAMESPACE
from gatehouse.fronts.soap.versions import BY_MEDIA_TYPE, SoapVersion
from gatehouse.operations.core import Core

PATH = http.ACCOUNT_SERVICE
"""Matched without regard to case, with and without a slash at its end."""

ADDRESSES = frozenset({PATH, f"{PATH}/soap", f"{PATH}/basic"})
"""All that are the same: some clients have the address of an endpoint, as configurations of WCF name them."""

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
        self.help = HelpPages(settings, PATH)
        limits = reading.Limits(settings.soap_max_depth, settings.soap_max_nodes)
        self._reader = reading.EnvelopeReader(settings.soap_namespace, settings.data_namespace, limits)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request_id = http.new_request_id()
        call_log.current().front = "soap"
        method = environ["REQUEST_METHOD"]
        if self.help.has(environ.get("PATH_INFO", "")):
            status, headers, body = self.help.answer(environ)
        elif method == "POST":
            status, headers, body = self._post(environ, request_id)
        elif method in ("GET", "HEAD"):
            status, headers, body = self._get(environ)
        else:
            status = HTTPStatus.OK if method == "OPTIONS" else HTTPStatus.METHOD_NOT_ALLOWED
            headers, body = [("Allow", "OPTIONS, GET, HEAD, POST")], b""
        headers += [
            ("Content-Length", str(len(body))),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Request-Id", request_id),
        ]
        start_response(f"{status.value} {status.phrase}", headers)
        return [] if method == "HEAD" else [body]

    def _post(self, environ: Environ, request_id: str) -> tuple[HTTPStatus, Headers, bytes]:
        media = read_media_type(environ.get("CONTENT_TYPE", ""))
        version = BY_MEDIA_TYPE.get(media.name)
        try:
            if version is None or not media.is_readable:
                raise SoapFault(Fault.NOT_SOAP)
            return self._call(environ, media, version, request_id)
        except SoapFault as error:
            fault = error
        except Exception as error:
            _log.error("a request failed: %s request=%s", place_of(error), request_id)
            fault = SoapFault(Fault.INTERNAL)
        call_log.current().outcome = fault.fault.name
        # A sender of neither version is answered in the older one, which more clients read.
        version = version or SoapVersion.SOAP_11
        headers = [("Content-Type", version.content_type), ("Cache-Control", "no-store")]
        return faults.status_of(fault.fault, version), headers, faults.render(fault, version)

    def _call(
        self, environ: Environ, media: MediaType, version: SoapVersion, request_id: str
    ) -> tuple[HTTPStatus, Headers, bytes]:
        call, given = self.read(environ, media, version, request_id)
        exchange = Exchange(self._core, call, version)
        if version is SoapVersion.SOAP_12 and given.addressing and given.message_id:
            exchange.addressing = (given.addressing, given.message_id)
        reply = self._server.run(exchange)
        if reply is None or exchange.result is None:
            raise SoapFault(Fault.INTERNAL)
        headers: Headers = [("Content-Type", version.content_type), ("Cache-Control", "no-store")]
        headers += http.headers_of(call.method, exchange.result, http.comes_by_https(environ, self._core.settings))
        return HTTPStatus.OK, headers, reply

    def read(
        self, environ: Environ, media: MediaType, version: SoapVersion, request_id: str
    ) -> tuple[AccountCall, reading.Headers]:
        """Return the call that a request is, and what its envelope's header said. Raises SoapFault."""
        settings = self._core.settings
        tolerances = set(media.tolerances)
        if _has_suffix(environ):
            tolerances.add(Tolerance.SOAP_SUFFIX)
        body = _read_body(environ, settings.soap_max_bytes, tolerances)
        is_12 = version is SoapVersion.SOAP_12
        action = media.parameters.get("action") if is_12 else http.header(environ, "SOAPAction")
        envelope = self._reader.read(body, version, media.charset, action)
        given = envelope.headers
        tokens = (http.header(environ, "applicationToken"), given.application_token)
        call = AccountCall(
            method=envelope.method,
            members=envelope.members,
            application_tokens=[token for token in tokens if token],
            credentials_token=http.credentials_token(environ, given.credentials_token),
            source=http.source_address(environ, settings),
            request_id=request_id,
            login_cookie=http.cookie(environ, http.LOGIN_COOKIE),
            user_agent=environ.get("HTTP_USER_AGENT"),
            tolerances=tolerances | envelope.tolerances,
        )
        return call, given

    def _get(self, environ: Environ) -> tuple[HTTPStatus, Headers, bytes]:
        address = http.base_address(environ, self._core.settings) + PATH
        query = {
            name.casefold(): value.casefold()
            for name, value in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        }
        if not query.keys() & wsdl.QUERIES:
            if _has_suffix(environ):
                return HTTPStatus.FOUND, [("Location", address)], b""
            return self.help.answer(environ)
        document = self._documents.find(query, address)
        if document is None:
            return (
                HTTPStatus.NOT_FOUND,
                [("Content-Type", "text/plain; charset=utf-8")],
                b"There is no such document.\n",
            )
        return HTTPStatus.OK, [("Content-Type", SoapVersion.SOAP_11.content_type)], document


def _has_suffix(environ: Environ) -> bool:
    return str(environ.get("PATH_INFO", "")).rstrip("/").casefold() != PATH


def _read_body(environ: Environ, limit: int, noted: set[Tolerance]) -> bytes:
    """Return the body. Raises SoapFault when it is larger than the limit, cut off, or compressed as nobody knows."""
    try:
        return http.read_inflated_body(environ, limit, noted)
    except http.UnknownCodingError:
        raise SoapFault(Fault.NOT_SOAP) from None
    except http.BodyTooLargeError:
        raise SoapFault(Fault.TOO_LARGE) from None
    except http.BodyIncompleteError:
        raise SoapFault(Fault.INCOMPLETE) from None
    except http.BodyCorruptError:
        raise SoapFault(Fault.NOT_XML) from None
