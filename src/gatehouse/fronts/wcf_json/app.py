"""`POST /v2/account.svc/<Method>`: the same calls with JSON in and `{"d": result}` out."""

import json
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import UnavailableError, place_of
from gatehouse.domain.results import ServiceResult
from gatehouse.fronts import account_calls, data_contracts, http
from gatehouse.fronts.account_calls import AccountCall
from gatehouse.fronts.http import Environ
from gatehouse.fronts.wcf_json.dates import json_date
from gatehouse.fronts.wcf_json.reading import MalformedBodyError, read_members
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core
from gatehouse.operations.signatures import gives_boolean_results, refusal_of_signature, sign

METHODS = {name.casefold(): name for name in data_contracts.REQUESTS}
"""The methods by their name in small letters, as it stands behind the address."""

_BOOLEAN_METHODS = frozenset({"DeviceActivate", "DeviceSendActivationCode", "ResetPassword"})
_IGNORES_SESSION = frozenset({"Login", "DecodeLoginCookie", "ResetPassword"})

_JSON = "application/json; charset=utf-8"

StartResponse = Callable[..., Any]
Headers = list[tuple[str, str]]

_log = logging.getLogger("gatehouse.wcf_json")


class _RefusalError(Exception):
    """A request that never comes to an operation: its HTTP status, and the message of its body."""

    def __init__(self, status: HTTPStatus, message: str, headers: Headers | None = None) -> None:
        super().__init__(status.phrase)
        self.status, self.message, self.headers = status, message, headers or []


class JsonFront:
    """The WSGI application of the JSON calls. The path's last part names the method."""

    def __init__(self, core: Core) -> None:
        """Take the core."""
        self._core = core

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request_id = http.new_request_id()
        try:
            status, headers, body = self._call(environ, request_id)
        except _RefusalError as refusal:
            status, headers, body = refusal.status, refusal.headers, _dump({"Message": refusal.message})
        except UnavailableError as error:
            _log.error("unavailable: %s request=%s", error, request_id)
            status, headers = HTTPStatus.SERVICE_UNAVAILABLE, []
            body = _dump({"Message": ReturnCode.SERVICE_UNAVAILABLE.message})
        except Exception as error:
            _log.error("a request failed: %s request=%s", place_of(error), request_id)
            status, headers = HTTPStatus.INTERNAL_SERVER_ERROR, []
            body = _dump({"Message": ReturnCode.INTERNAL_ERROR.message})
        headers += [
            ("Content-Type", _JSON),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Request-Id", request_id),
        ]
        start_response(f"{status.value} {status.phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _call(self, environ: Environ, request_id: str) -> tuple[HTTPStatus, Headers, bytes]:
        settings = self._core.settings
        method = METHODS[environ["PATH_INFO"].rstrip("/").rpartition("/")[2].casefold()]
        if environ["REQUEST_METHOD"] != "POST":
            raise _RefusalError(HTTPStatus.METHOD_NOT_ALLOWED, "Use POST.", [("Allow", "POST")])
        body = _read_body(environ, settings.soap_max_bytes)
        try:
            members = read_members(method, body, settings.soap_max_depth)
        except MalformedBodyError as error:
            raise _RefusalError(HTTPStatus.BAD_REQUEST, str(error)) from None
        token = http.header(environ, data_contracts.APPLICATION_HEADER)
        request = AccountCall(
            method=method,
            members=members,
            application_tokens=[token] if token else [],
            credentials_token=http.credentials_token(environ),
            source=http.source_address(environ, settings),
            request_id=request_id,
        )
        # Signed is what a header or a member says; where they differ, the call itself is refused.
        named = token or next((str(text) for name, text in members if name == "applicationToken" and text), None)
        caller = Caller(application_token=named, source=request.source, request_id=request_id)
        call = Call(self._core, caller)
        refusal = refusal_of_signature(call, body, http.header(environ, "Signature"))
        if refusal is not None:
            result = ServiceResult(return_code=refusal)
        else:
            result = account_calls.answer(self._core, request)
        if result.return_code is ReturnCode.SESSION_EXPIRED and method not in _IGNORES_SESSION:
            # Mobile applications forget their user on this status, so it is used for nothing else.
            raise _RefusalError(HTTPStatus.FORBIDDEN, result.message)
        is_https = http.base_address(environ, settings).startswith("https:")
        headers: Headers = [("Set-Cookie", each) for each in http.cookies_to_set(method, result, is_https)]
        is_boolean = method in _BOOLEAN_METHODS and gives_boolean_results(call)
        answer = _dump({"d": result.is_success if is_boolean else data_contracts.wire_result(method, result)})
        signature = sign(call, answer)
        if signature:
            headers.append(("Signature", signature))
        return HTTPStatus.OK, headers, answer


def _read_body(environ: Environ, limit: int) -> bytes:
    if http.header(environ, "Content-Encoding") not in (None, "identity"):
        raise _RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is compressed.")
    try:
        body = http.read_body(environ, limit)
    except http.BodyTooLargeError:
        raise _RefusalError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large.") from None
    except http.BodyIncompleteError:
        raise _RefusalError(HTTPStatus.BAD_REQUEST, "The request ended before it was complete.") from None
    media_type = str(environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().casefold()
    if body and media_type not in ("application/json", "text/json"):
        raise _RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The media type is not application/json.")
    return body


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_json_value).encode()


def _json_value(value: object) -> str:
    assert isinstance(value, datetime), type(value).__name__
    return json_date(value)
