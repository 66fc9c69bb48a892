"""A pasted JSON call of `account.svc`, read by the front itself."""

from http import HTTPStatus

from gatehouse.fronts import http
from gatehouse.fronts.pasted_account_calls import read_account_call
from gatehouse.fronts.read_requests import Pasted, ReadRequest, Refusal
from gatehouse.fronts.wcf_json.app import METHODS, JsonFront, RefusalError
from gatehouse.operations.calls import Call
from gatehouse.operations.explanations.callers import explain_signature
from gatehouse.operations.explanations.course import Course
from gatehouse.operations.signed_in import SignedIn

PROTOCOL = "JSON of account.svc"

_ADVICE = {
    HTTPStatus.METHOD_NOT_ALLOWED: "Send it with POST.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Send Content-Type: application/json, in UTF-8.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Send only the members that the method has.",
}


def read_pasted(front: JsonFront, pasted: Pasted) -> ReadRequest:
    """Return what the front reads of a pasted request. Its path ends with a method."""
    environ, notes = pasted.environ, []
    if "CONTENT_TYPE" not in environ:
        environ["CONTENT_TYPE"] = "application/json"
        if pasted.has_headers:
            notes.append("No Content-Type was pasted: taken for application/json. Without one, the call is refused.")
    method = METHODS[pasted.path.rpartition("/")[2]]
    try:
        request, body = front.read(environ, http.new_request_id())
    except RefusalError as error:
        answer = f"HTTP {error.status.value} with the message: {error.message}"
        advice = _ADVICE.get(error.status, "Make the body with a library of JSON: one object, in UTF-8.")
        refusal = Refusal("The request", answer, error.message, advice)
        return ReadRequest(protocol=PROTOCOL, method=method, notes=notes, refusal=refusal)
    if not pasted.has_headers:
        notes.append(
            "No HTTP headers were pasted. A token, cookie or signature that the call had there is not seen here."
        )
    signature = http.header(environ, "Signature")

    def check(call: Call, who: SignedIn, course: Course) -> None:
        # A browser sends what is pasted with other ends of lines.
        explain_signature(call, who, course, [body, body.replace(b"\n", b"\r\n")], signature)

    return read_account_call(PROTOCOL, request, pasted, notes, check)
