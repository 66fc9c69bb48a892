"""The addresses of the three calls: from an HTTP request to the operation and back to JSON."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from gatehouse.config import Settings
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import UnavailableError, place_of
from gatehouse.domain.results import GuestResult
from gatehouse.fronts import call_log, http
from gatehouse.fronts.guestmanagement import reading, shapes
from gatehouse.fronts.guestmanagement.reading import JsonObject, RefusedRequest
from gatehouse.fronts.guestmanagement.shapes import RefusedMember
from gatehouse.fronts.http import Environ
from gatehouse.operations import audit, rates, reset_codes
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core

FOLDER = "/guestmanagement/"

REALM = 'Basic realm="guestmanagement", charset="UTF-8"'

_log = logging.getLogger("gatehouse.calls")

_STATUS = {
    ReturnCode.INVALID_CLIENT_CREDENTIALS: HTTPStatus.UNAUTHORIZED,
    ReturnCode.TOO_MANY_REQUESTS: HTTPStatus.TOO_MANY_REQUESTS,
}
"""Outcomes that HTTP tells as well; all others are 200. Source: contract, guestmanagement."""


@dataclass(frozen=True)
class GuestCall:
    """One of the calls: what performs it, and whether its answer has the address that a mail went to."""

    perform: Callable[[Call, JsonObject], GuestResult]
    has_email: bool


def _generate_and_send(call: Call, given: JsonObject) -> GuestResult:
    return reset_codes.generate_and_send(call, shapes.read(shapes.GenerateAndSend, given).to_request())


def _send(call: Call, given: JsonObject) -> GuestResult:
    members = shapes.read(shapes.Send, given)
    return reset_codes.send(call, members.to_request(), members.reset_code)


def _reset_password(call: Call, given: JsonObject) -> GuestResult:
    members = shapes.read(shapes.ResetPassword, given)
    return reset_codes.redeem(
        call, members.merchant_id, members.authentication, members.reset_password_code, members.new_password
    )


CALLS: Mapping[str, GuestCall] = {
    "generateAndSendGuestResetPasswordCode": GuestCall(_generate_and_send, has_email=True),
    "sendGuestResetPasswordCode": GuestCall(_send, has_email=True),
    "resetGuestPassword": GuestCall(_reset_password, has_email=False),
}


def paths(settings: Settings) -> dict[str, str]:
    """Return the addresses of the calls, each under its form without regard to case."""
    prefixes = {"", settings.rest_prefix or ""}
    every = [f"{prefix}{FOLDER}{name}.json" for prefix in prefixes for name in CALLS]
    return {path.casefold(): path for path in every}


def make_blueprint(core: Core) -> Blueprint:
    """Return the calls under `/guestmanagement/`, with and without `GATEHOUSE_REST_PREFIX` before it."""
    blueprint = Blueprint("guestmanagement", __name__)
    for path in paths(core.settings).values():
        name = path.rpartition("/")[2].removesuffix(".json")
        blueprint.add_url_rule(
            path,
            endpoint=f"{name} {len(path)}",
            view_func=partial(_answer, core, name),
            methods=["POST"],
            provide_automatic_options=False,
        )
    return blueprint


def refuse(status: HTTPStatus, headers: Mapping[str, str]) -> Response:
    """Return the failure body for a request that came to no call, such as one with a wrong verb."""
    result = GuestResult(return_code=ReturnCode.INVALID_REQUEST, detail=status.phrase.lower())
    return _respond(status, result, False, http.new_request_id(), headers)


def _answer(core: Core, name: str) -> Response:
    """Perform the call and return its answer; whatever goes wrong here is a failure, too.

    What goes wrong with us is logged with the id of the request. Nothing that was sent is ever logged.
    """
    request_id, environ = http.new_request_id(), request.environ
    source = http.source_address(environ, core.settings)
    status: HTTPStatus | None = None
    try:
        result = _perform(core, name, environ, source, request_id)
    except RefusedRequest as error:
        status, result = error.status, GuestResult(return_code=error.code, detail=error.detail)
    except UnavailableError as error:
        _log.error("%s unavailable: %s request=%s", name, error, request_id)
        result = GuestResult(return_code=ReturnCode.SERVICE_UNAVAILABLE)
    except Exception as error:
        _log.error("%s failed: %s request=%s", name, place_of(error), request_id)
        result = GuestResult(return_code=ReturnCode.INTERNAL_ERROR)
    entry = call_log.current()
    entry.method, entry.outcome = name, result.return_code.key
    status = status or _STATUS.get(result.return_code, HTTPStatus.OK)
    return _respond(status, result, CALLS[name].has_email, request_id)


def _perform(core: Core, name: str, environ: Environ, source: str | None, request_id: str) -> GuestResult:
    given = reading.read_object(environ, core.settings, sorted(shapes.NAMES))
    credentials, members = shapes.take_credentials(given)
    if environ.get("HTTP_AUTHORIZATION"):
        credentials = reading.basic_credentials(environ)
    if credentials is None:
        return GuestResult(return_code=ReturnCode.INVALID_CLIENT_CREDENTIALS)
    caller = Caller(
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        source=source,
        request_id=request_id,
    )
    call = Call(core, caller)
    if wait := rates.wait(call):
        return GuestResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=wait)
    call_log.current().note(call, *_identities(members))
    try:
        result = CALLS[name].perform(call, members)
    except RefusedMember as error:
        # Only partners are told what a request should be.
        refused = reset_codes.refusal_of_credentials(call)
        result = refused or GuestResult(return_code=error.code, detail=error.detail)
    audit.record_refusal(call, name, result.return_code, result.detail)
    return result


def _identities(members: JsonObject) -> list[object]:
    """Return whom a call is about, as it was sent: for the log, which masks it."""
    nested = members.get("userIdentity")
    given = nested if isinstance(nested, dict) else members
    return [given.get(name) for name in ("email", "username", "accountId", "printedCardNumber")]


def _respond(
    status: HTTPStatus, result: GuestResult, has_email: bool, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    all_headers: dict[str, Any] = {
        "Content-Type": "application/json; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": request_id,
        **(headers or {}),
    }
    if status is HTTPStatus.UNAUTHORIZED:
        all_headers["WWW-Authenticate"] = REALM
    if result.retry_after is not None:
        all_headers["Retry-After"] = http.retry_after(result.retry_after)
    body = shapes.answer(result, has_email).model_dump_json(by_alias=True)
    return Response(body, status, all_headers)
