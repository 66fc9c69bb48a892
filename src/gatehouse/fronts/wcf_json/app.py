"""`POST /v2/account.svc/<Method>`: the same calls with JSON in and `{"d": result}` out."""

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import UnavailableError, place_of
from gatehouse.domain.tolerances import Tolerance
from gatehouse.fronts import account_calls, call_log, data_contracts, http
from gatehouse.fronts.account_calls import AccountCall
from gatehouse.fronts.http import Environ
from gatehouse.fronts.media_types import MediaType, read_media_type
from gatehouse.fronts.wcf_json import cors
from gatehouse.fronts.wcf_json.dates import json_date
from gatehouse.fronts.wcf_json.reading import MalformedBodyError, read_members
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core
from gatehouse.operations.origins import ListedOrigins
from gatehouse.operations.signatures import gives_boolean_results, refusal_of_signature, sign

METHODS = {name.casefold(): name for name in data_contracts.REQUESTS}
"""The methods by their name in small letters, as it stands behind the address."""

_BOOLEAN_METHODS = frozenset({"DeviceActivate", "DeviceSendActivationCode", "ResetPassword"})
_MEDIA_TYPES = ("application/json", "text/json")
_ALLOW = "OPTIONS, POST"

_JSON = "application/json; charset=utf-8"

StartResponse = Callable[..., Any]
Headers = list[tuple[str, str]]

_log = logging.getLogger("gatehouse.wcf_json")


class RefusalError(Exception):
    """A request that never comes to an operation: its HTTP status, and the message of its body."""

    def __init__(self, status: HTTPStatus, message: str, headers: Headers | None = None) -> None:
        super().__init__(status.phrase)
        self.status, self.message, self.headers = status, message, headers or []


class JsonFront:
    """The WSGI application of the JSON calls. The path's last part names the method."""

    def __init__(self, core: Core) -> None:
        """Take the core."""
        self._core = core
        self._origins = ListedOrigins()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        exchange = _Exchange(environ, http.new_request_id())
        call_log.current().front = "json"
        try:
            status, headers, body = self._answer(exchange)
        except UnavailableError as error:
            _log.error("unavailable: %s request=%s", error, exchange.request_id)
            status, headers = HTTPStatus.SERVICE_UNAVAILABLE, []
            body = _dump({"Message": ReturnCode.SERVICE_UNAVAILABLE.message})
        except Exception as error:
            _log.error("a request failed: %s request=%s", place_of(error), exchange.request_id)
            status, headers = HTTPStatus.INTERNAL_SERVER_ERROR, []
            body = _dump({"Message": ReturnCode.INTERNAL_ERROR.message})
        headers += [
            ("Content-Type", _JSON),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Request-Id", exchange.request_id),
            ("Vary", "Origin"),
        ]
        start_response(f"{status.value} {status.phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, exchange: "_Exchange") -> tuple[HTTPStatus, Headers, bytes]:
        if exchange.environ["REQUEST_METHOD"] == "OPTIONS":
            call = Call(self._core, Caller(request_id=exchange.request_id))
            allowed = cors.preflight_headers(exchange.environ, call, self._origins)
            return HTTPStatus.OK, [("Allow", _ALLOW), *allowed], b""
        try:
            status, headers, body = self._call(exchange)
        except RefusalError as refusal:
            status, headers, body = refusal.status, refusal.headers, _dump({"Message": refusal.message})
        # Also of a refusal: a page must be told that its user has to log in again.
        caller = Caller(application_token=_application_token(exchange.environ), request_id=exchange.request_id)
        call = exchange.call or Call(self._core, caller)
        return status, [*headers, *cors.answer_headers(exchange.environ, call)], body

    def _call(self, exchange: "_Exchange") -> tuple[HTTPStatus, Headers, bytes]:
        environ = exchange.environ
        method = call_log.current().method = _method(environ)
        request, body = self.read(environ, exchange.request_id)
        call = exchange.call = account_calls.open_call(self._core, request)
        signature = http.header(environ, "Signature")
        result = account_calls.answer(call, request, lambda call: refusal_of_signature(call, body, signature))
        if result.return_code is ReturnCode.SESSION_EXPIRED and method not in account_calls.WITHOUT_SESSION:
            # Mobile applications forget their user on this status, so it is used for nothing else.
            raise RefusalError(HTTPStatus.FORBIDDEN, result.message)
        is_https = http.comes_by_https(environ, self._core.settings)
        headers = http.headers_of(method, result, is_https)
        is_boolean = method in _BOOLEAN_METHODS and gives_boolean_results(call)
        answer = _dump({"d": result.is_success if is_boolean else data_contracts.wire_result(method, result)})
        if own_signature := sign(call, answer):
            headers.append(("Signature", own_signature))
        return HTTPStatus.OK, headers, answer

    def read(self, environ: Environ, request_id: str) -> tuple[AccountCall, bytes]:
        """Return the call that a request is, and its body. Raises RefusalError."""
        settings = self._core.settings
        method = _method(environ)
        if environ["REQUEST_METHOD"] != "POST":
            raise RefusalError(HTTPStatus.METHOD_NOT_ALLOWED, "Use POST.", [("Allow", _ALLOW)])
        media = read_media_type(environ.get("CONTENT_TYPE", ""))
        tolerances = set(media.tolerances)
        body = _read_body(environ, media, settings.soap_max_bytes, tolerances)
        try:
            members = read_members(method, body, media.charset, settings.soap_max_depth, tolerances)
        except MalformedBodyError as error:
            raise RefusalError(HTTPStatus.BAD_REQUEST, str(error)) from None
        token = _application_token(environ)
        call = AccountCall(
            method=method,
            members=members,
            application_tokens=[token] if token else [],
            credentials_token=http.credentials_token(environ),
            source=http.source_address(environ, settings),
            request_id=request_id,
            login_cookie=http.cookie(environ, http.LOGIN_COOKIE),
            user_agent=environ.get("HTTP_USER_AGENT"),
            tolerances=tolerances,
        )
        return call, body


@dataclass
class _Exchange:
    """One request, its id, and its call as soon as it is known who makes it."""

    environ: Environ
    request_id: str
    call: Call | None = None


def _method(environ: Environ) -> str:
    return METHODS[environ["PATH_INFO"].rstrip("/").rpartition("/")[2].casefold()]


def _application_token(environ: Environ) -> str | None:
    return http.header(environ, data_contracts.APPLICATION_HEADER)


def _read_body(environ: Environ, media: MediaType, limit: int, noted: set[Tolerance]) -> bytes:
    try:
        body = http.read_inflated_body(environ, limit, noted)
    except http.UnknownCodingError:
        raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is compressed as nobody knows.") from None
    except http.BodyTooLargeError:
        raise RefusalError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large.") from None
    except http.BodyIncompleteError:
        raise RefusalError(HTTPStatus.BAD_REQUEST, "The request ended before it was complete.") from None
    except http.BodyCorruptError:
        raise RefusalError(HTTPStatus.BAD_REQUEST, "The body is not what its coding says.") from None
    if not body:
        return body
    if media.name not in _MEDIA_TYPES:
        raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The media type is not application/json.")
    if not media.is_readable:
        raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The charset is not known.")
    if media.name != _MEDIA_TYPES[0]:
        noted.add(Tolerance.ODD_MEDIA_TYPE)
    return body


def _dump(value: object) -> bytes:
    return _ENCODER.encode(value).encode()


def _json_value(value: object) -> str:
    assert isinstance(value, datetime), type(value).__name__
    return json_date(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_json_value)
