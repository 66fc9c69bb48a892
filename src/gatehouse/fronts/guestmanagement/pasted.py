"""A pasted call of guest management, read by the front itself."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from gatehouse.config import Settings
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.results import GuestResult
from gatehouse.fronts.guestmanagement import reading, shapes
from gatehouse.fronts.guestmanagement.reading import JsonObject, RefusedRequest
from gatehouse.fronts.guestmanagement.routes import CALLS
from gatehouse.fronts.guestmanagement.shapes import RefusedMember
from gatehouse.fronts.http import Environ
from gatehouse.fronts.read_requests import Kind, Pasted, ReadRequest, ReadValue, Refusal, read_value
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.explanations.course import Course
from gatehouse.operations.explanations.guest_calls import CodeRequest, Redemption, RefusedMembers, explain_guest_call
from gatehouse.operations.signed_in import SignedIn

PROTOCOL = "Guest management"

METHODS = {f"{name}.json".casefold(): name for name in CALLS}
"""The calls by the last part of their address."""

_ADVICE = {
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Send Content-Type: application/json, and the body without a coding.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Send only the members that the call has.",
}


def read_pasted(settings: Settings, pasted: Pasted) -> ReadRequest:
    """Return what the front reads of a pasted request. Its path ends with a call."""
    environ, notes = pasted.environ, []
    if "CONTENT_TYPE" not in environ:
        environ["CONTENT_TYPE"] = reading.MEDIA_TYPE
        if pasted.has_headers:
            notes.append("No Content-Type was pasted: taken for application/json. Without one, the call is refused.")
    method = METHODS[pasted.path.rpartition("/")[2]]
    try:
        if environ["REQUEST_METHOD"] != "POST":
            status = HTTPStatus.METHOD_NOT_ALLOWED
            raise RefusedRequest(status, ReturnCode.INVALID_REQUEST, status.phrase.lower())
        given = reading.read_object(environ, settings, sorted(shapes.NAMES))
    except RefusedRequest as error:
        message = GuestResult(return_code=error.code, detail=error.detail).message
        answer = f"HTTP {error.status.value} with the errorCode {shapes.error_code(error.code)}: {message}"
        advice = _ADVICE.get(error.status, "Send one JSON object in UTF-8, with POST.")
        refusal = Refusal("The request", answer, message, advice)
        return ReadRequest(protocol=PROTOCOL, method=method, notes=notes, refusal=refusal)
    credentials, members = shapes.take_credentials(given)
    if environ.get("HTTP_AUTHORIZATION"):
        credentials = reading.basic_credentials(environ)
    elif not pasted.has_headers and credentials is None:
        notes.append("No HTTP headers were pasted. The partner's credentials are in one of them, Authorization.")
    asked = _asked(method, members)
    client_id = credentials.client_id if credentials else None
    secret = credentials.client_secret if credentials else None
    source = environ.get("REMOTE_ADDR")

    def explain(call: Call, who: SignedIn) -> Course:
        return explain_guest_call(
            call.of_caller(Caller(client_id=client_id, client_secret=secret, source=source)), who, asked
        )

    return ReadRequest(
        protocol=PROTOCOL,
        method=method,
        members=list(_values(members)),
        headers=_credentials(client_id, secret, environ),
        notes=notes,
        explain=explain,
    )


def _asked(method: str, members: JsonObject) -> CodeRequest | Redemption | RefusedMembers:
    """Return what the call asks, by the rules of its members."""
    try:
        if method == "resetGuestPassword":
            found = shapes.read(shapes.ResetPassword, members)
            return Redemption(
                merchant_id=found.merchant_id,
                authentication=found.authentication,
                code=found.reset_password_code,
                new_password=found.new_password,
            )
        if method == "sendGuestResetPasswordCode":
            own = shapes.read(shapes.Send, members)
            return CodeRequest(request=own.to_request(), is_own_code=True, code=own.reset_code)
        return CodeRequest(request=shapes.read(shapes.GenerateAndSend, members).to_request(), is_own_code=False)
    except RefusedMember as error:
        return RefusedMembers(error.code, error.detail)


def _values(members: JsonObject, before: str = "") -> Sequence[ReadValue]:
    """Return the members that the calls know, also those inside of `userIdentity`."""
    found: list[ReadValue] = []
    for name, value in members.items():
        if name == "userIdentity" and isinstance(value, dict):
            found += _values(value, "userIdentity.")
        elif name in shapes.NAMES:
            shown = read_value(name, _plain(value))
            found.append(ReadValue(f"{before}{name}", shown.text, shown.kind, shown.note))
    return found


def _plain(value: Any) -> Any:
    """Return a number as the text that stands for it."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _credentials(client_id: str | None, secret: str | None, environ: Environ) -> Sequence[ReadValue]:
    found = [read_value("client_id", client_id), read_value("client_secret", secret)] if client_id else []
    if environ.get("HTTP_AUTHORIZATION") and not client_id:
        found.append(ReadValue("Authorization", "", Kind.SECRET, "cannot be read as HTTP Basic"))
    return found
