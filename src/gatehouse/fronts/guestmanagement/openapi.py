"""The description of the calls (OpenAPI 3.1), made from the models that read and write them."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gatehouse import __version__
from gatehouse.domain.codes import ReturnCode
from gatehouse.fronts.guestmanagement import shapes
from gatehouse.fronts.guestmanagement.routes import FOLDER, REALM

_REFERENCE = "#/components/schemas/{model}"

_PARTNER = (ReturnCode.AUTHENTICATION_NOT_ALLOWED, ReturnCode.MERCHANT_NOT_FOUND)
_MEMBERS = (ReturnCode.MISSING_FIELD, ReturnCode.INVALID_FIELD)
_SENDING = (
    ReturnCode.AMBIGUOUS_IDENTITY,
    ReturnCode.ACCOUNT_NOT_FOUND,
    ReturnCode.EMAIL_MISSING,
    ReturnCode.ACCOUNT_DISABLED,
    ReturnCode.ACCOUNT_LOCKED,
)
_OWN = (ReturnCode.SERVICE_UNAVAILABLE, ReturnCode.INTERNAL_ERROR)

_DESCRIPTION = """Calls that let a guest who forgot the password back in.

Each call carries the `client_id:client_secret` of the integration in HTTP Basic. What a call comes to is HTTP 200 with
`result` `success`, `failure` or `more_info`; other statuses are for requests that could not be read or were not let in,
and have the failure body as well. Numbers may be sent as strings and the other way round, unknown members are ignored,
and absent, null and empty are the same.
"""


class _Operation:
    """What the description says of one call beside its models."""

    def __init__(
        self,
        summary: str,
        description: str,
        model: type[BaseModel],
        answers: Sequence[type[BaseModel]],
        codes: Sequence[ReturnCode],
        examples: dict[str, Any],
    ) -> None:
        self.summary, self.description, self.model = summary, description, model
        self.answers, self.codes, self.examples = answers, codes, examples


_CALLS = {
    "generateAndSendGuestResetPasswordCode": _Operation(
        "Mail a guest a link with a new code",
        "Exactly one of `username`, `accountId`, `printedCardNumber` and `email` is given. Authentication: `anonymous` "
        "or `b2b`. With `anonymous` an unknown identity answers like a known one.",
        shapes.GenerateAndSend,
        (shapes.Sent, shapes.MoreInfo, shapes.Failure),
        (*_MEMBERS, *_PARTNER, *_SENDING, *_OWN),
        {
            "by address": {"merchantId": 1, "authentication": "anonymous", "email": "jane@example.com"},
            "by card": {"merchantId": 1, "printedCardNumber": "6006 4912 0000 1001"},
        },
    ),
    "sendGuestResetPasswordCode": _Operation(
        "Mail a guest a link with the partner's code",
        "For merchants whose accounts of record are with a third party. The identity is flat (then `resetCode` is "
        "required) or in `userIdentity`. Authentication: `b2b`.",
        shapes.Send,
        (shapes.Sent, shapes.MoreInfo, shapes.Failure),
        (*_MEMBERS, *_PARTNER, ReturnCode.NOT_THIRD_PARTY_ACCOUNT_OF_RECORD, *_SENDING, *_OWN),
        {
            "newer document": {"merchantId": 1, "username": "jane", "resetCode": "b7f2c9d4e1a84c53"},
            "older document": {"merchantId": 1, "userIdentity": {"accountId": 1001}},
        },
    ),
    "resetGuestPassword": _Operation(
        "Set the password of the guest who has the code",
        "For merchants whose accounts of record are with a third party. A password that is refused does not use up the "
        "code. Sessions and login cookies of the account end, and its owner is told by mail. Authentication: `b2b`.",
        shapes.ResetPassword,
        (shapes.Done, shapes.Failure),
        (
            *_MEMBERS,
            *_PARTNER,
            ReturnCode.NOT_THIRD_PARTY_ACCOUNT_OF_RECORD,
            ReturnCode.INVALID_RESET_CODE,
            ReturnCode.RESET_CODE_EXPIRED,
            ReturnCode.ACCOUNT_DISABLED,
            ReturnCode.ACCOUNT_LOCKED,
            ReturnCode.PASSWORD_TOO_WEAK,
            ReturnCode.PASSWORD_REUSED,
            ReturnCode.PASSWORD_COMPROMISED,
            *_OWN,
        ),
        {
            "reset": {
                "merchantId": 1,
                "resetPasswordCode": "b7f2c9d4e1a84c53",
                "newPassword": "correct horse battery",
            }
        },
    ),
}

_REFUSALS = {
    "400": ("The body cannot be read as a JSON object.", ReturnCode.INVALID_REQUEST),
    "401": ("The credentials are missing or wrong.", ReturnCode.INVALID_CLIENT_CREDENTIALS),
    "413": ("The body is too large.", ReturnCode.REQUEST_TOO_LARGE),
    "415": ("The media type is not application/json.", ReturnCode.INVALID_REQUEST),
    "429": ("Too many wrong codes were sent.", ReturnCode.TOO_MANY_REQUESTS),
}

_REFUSAL_HEADERS = {
    "401": {"WWW-Authenticate": {"schema": {"type": "string", "const": REALM}, "required": True}},
    "429": {
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
    },
}


@cache
def describe(prefix: str | None) -> dict[str, Any]:
    """Return the description; `prefix` is what may stand before the addresses."""
    models: dict[type[BaseModel], Literal["validation", "serialization"]] = {}
    for each in _CALLS.values():
        models[each.model] = "validation"
        models |= dict.fromkeys(each.answers, "serialization")
    _, definitions = models_json_schema([*models.items()], ref_template=_REFERENCE)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Gatehouse guest management", "version": __version__, "description": _DESCRIPTION},
        "paths": {f"{FOLDER}{name}.json": {"post": _operation(name, each)} for name, each in _CALLS.items()},
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic", "description": "client_id:client_secret"}},
        },
        "security": [{"basic": []}],
    }
    if prefix:
        document["servers"] = [{"url": "/"}, {"url": prefix}]
    return document


def _operation(name: str, each: _Operation) -> dict[str, Any]:
    codes = "\n".join(f"- `{shapes.error_code(code)}`: {_message(code)}" for code in each.codes)
    refused = "\n".join(f"- {status} `{shapes.error_code(code)}`" for status, (_, code) in _REFUSALS.items())
    return {
        "operationId": name,
        "tags": ["guestmanagement"],
        "summary": each.summary,
        "description": "\n\n".join(
            [each.description, "Error codes with HTTP 200:", codes, "With other statuses:", refused]
        ),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _reference(each.model),
                    "examples": {title: {"value": value} for title, value in each.examples.items()},
                }
            },
        },
        "responses": {
            "200": {
                "description": "What the call came to.",
                "content": {
                    "application/json": {
                        "schema": {"oneOf": [_reference(model) for model in each.answers]},
                        "examples": _answer_examples(each),
                    }
                },
            },
            **{status: _refusal(status) for status in _REFUSALS},
        },
    }


def _answer_examples(each: _Operation) -> dict[str, Any]:
    success: dict[str, str] = {"result": "success"}
    if shapes.Sent in each.answers:
        success["email"] = "jane@example.com"
    found: dict[str, Any] = {"success": {"value": success}}
    if shapes.MoreInfo in each.answers:
        found["more_info"] = {"value": {"result": "more_info", "fields": ["postalCode"]}}
    return found | {shapes.error_code(code): {"value": _failure(code)} for code in each.codes}


def _refusal(status: str) -> dict[str, Any]:
    description, code = _REFUSALS[status]
    return {
        "description": description,
        "headers": _REFUSAL_HEADERS.get(status, {}),
        "content": {"application/json": {"schema": _reference(shapes.Failure), "example": _failure(code)}},
    }


def _failure(code: ReturnCode) -> dict[str, str]:
    return {"result": "failure", "errorCode": shapes.error_code(code), "errorMessage": _message(code)}


def _message(code: ReturnCode) -> str:
    return code.message.format(detail="…")


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}
