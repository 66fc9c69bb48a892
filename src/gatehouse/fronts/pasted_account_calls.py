"""A pasted call of `account.svc`, in whichever protocol: shown as it was read, and explained as it would go on."""

from collections.abc import Callable, Sequence

from gatehouse.domain.codes import ReturnCode
from gatehouse.fronts import http
from gatehouse.fronts.account_calls import AccountCall, caller_of
from gatehouse.fronts.data_contracts import (
    APPLICATION_HEADER,
    CREDENTIALS_HEADER,
    Flag,
    InvalidMemberError,
    NotText,
    Secret,
    Text,
    gather,
    members_of,
)
from gatehouse.fronts.read_requests import Pasted, ReadRequest, ReadValue, read_value
from gatehouse.operations.calls import Call
from gatehouse.operations.explanations.account_calls import explain_account_call
from gatehouse.operations.explanations.course import Course
from gatehouse.operations.explanations.values import VALUES
from gatehouse.operations.signed_in import SignedIn

_SHOWN = 300
"""Characters of a header that are shown."""

Check = Callable[[Call, SignedIn, Course], None]
"""What a protocol asks first of its calls, added as a step."""


def read_account_call(
    protocol: str, request: AccountCall, pasted: Pasted, notes: Sequence[str], check: Check | None = None
) -> ReadRequest:
    """Return what was read of a call that its protocol lets in."""

    def explain(call: Call, who: SignedIn) -> Course:
        own, course = call.of_caller(caller_of(request)), Course()
        if check is not None:
            check(own, who, course)
        if course.refusal is not None:
            return course
        given = [*request.members, *((APPLICATION_HEADER, token) for token in request.application_tokens)]
        try:
            values = gather(request.method, given)
        except InvalidMemberError as error:
            name = str(error)
            course.refuses(VALUES, ReturnCode.INVALID_FIELD, _why_invalid(request.method, given, name), name)
            return course
        found = explain_account_call(own, who, request.method, values)
        found.steps[:0] = course.steps
        return found

    return ReadRequest(
        protocol=protocol,
        method=request.method,
        members=[_read_member(request.method, name, value) for name, value in request.members],
        headers=_headers(request, pasted),
        tolerances=request.tolerances,
        notes=notes,
        explain=explain,
    )


def _read_member(method: str, name: str, value: str | NotText | None) -> ReadValue:
    member = members_of(method).get(name)
    return read_value(name, value, counts_blanks=isinstance(member, Text) and member.is_exact)


def _headers(request: AccountCall, pasted: Pasted) -> Sequence[ReadValue]:
    """Return what came beside the members."""
    found = [read_value(APPLICATION_HEADER, token) for token in request.application_tokens]
    if request.credentials_token:
        found.append(read_value(CREDENTIALS_HEADER, request.credentials_token))
    if request.login_cookie:
        found.append(read_value(http.LOGIN_COOKIE, request.login_cookie))
    found += [read_value(name, value[:_SHOWN]) for name, value in pasted.shown_headers.items()]
    if request.user_agent:
        found.append(read_value("User-Agent", request.user_agent[:_SHOWN]))
    return found


def _why_invalid(method: str, given: Sequence[tuple[str, str | NotText | None]], name: str) -> str:
    """Return what is wrong with the values of a member that `gather` refuses, without showing one."""
    values = [value for each, value in given if each == name]
    member = members_of(method).get(name)
    if any(isinstance(value, NotText) for value in values):
        return f"{name} has something inside that is no text, such as an element or an object."
    texts = {value.strip() for value in values if isinstance(value, str) and value.strip()}
    if isinstance(member, Flag):
        return f"{name} is no boolean: it must be true, false, 1 or 0."
    if len(texts) > 1:
        return f"{name} has two different values, in two places of the request or its headers."
    longest = "" if member is None or isinstance(member, Secret) else f" (it may have {member.max_length} characters)"
    return f"{name} is too long{longest}, or has a character that XML cannot carry."
