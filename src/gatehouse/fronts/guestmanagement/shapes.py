"""The members of both Guest Management documents, and the answers: what is read, written and described.

Where a document says Integer a JSON string of digits is taken as well, and the other way round, because old
callers send both. Unknown members are ignored. Absent, null and empty are the same.
"""

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.password_policy import MAX_PASSWORD_BYTES, is_too_long
from gatehouse.domain.results import GuestResult
from gatehouse.fronts.guestmanagement.reading import Credentials, JsonObject, has_unprintable, make_credentials
from gatehouse.operations.reset_codes import MAX_RESET_CODE_LENGTH, VERIFICATION_FIELDS, GuestIdentity, GuestRequest

MAX_NUMBER = 2**63 - 1
MAX_TEXT_LENGTH = 256

IDENTITIES = ("username", "accountId", "printedCardNumber", "email")

_DIGITS = re.compile(r" *([0-9]{1,19}) *")
_SECRETS = ("resetCode", "resetPasswordCode", "newPassword")
"""Members in which blanks count."""


class RefusedMember(Exception):  # noqa: N818  it is an answer, not an error of ours
    """Raised for members that break a rule: the outcome, and the name of the member or what to do."""

    def __init__(self, code: ReturnCode, detail: str) -> None:
        super().__init__(code.key)
        self.code, self.detail = code, detail


def _read_number(value: object) -> int:
    if isinstance(value, str) and (digits := _DIGITS.fullmatch(value)):
        value = int(digits[1])
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_NUMBER:
        raise ValueError("is not the number of a record")
    return value


def _read_text(value: object) -> str:
    """Return a text of printable characters, without outer blanks."""
    text = _read_any_text(value).strip(" ")
    if len(text) > MAX_TEXT_LENGTH or has_unprintable(text):
        raise ValueError("is not a text of this kind")
    return text


def _read_any_text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_NUMBER:
        return str(value)
    if not isinstance(value, str):
        raise ValueError("is not a text")
    value.encode()  # half a character is a ValueError, too
    return value


def _read_password(value: object) -> str:
    text = _read_any_text(value)
    if is_too_long(text) or has_unprintable(text):
        raise ValueError("is not a password")
    return text


def _read_kind(value: object) -> object:
    return value.strip(" ").casefold() if isinstance(value, str) else value


_PRINTABLE = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
_A_NUMBER = {"type": "integer", "minimum": 0, "maximum": MAX_NUMBER}
_A_TEXT = {"type": "string", "maxLength": MAX_TEXT_LENGTH, "pattern": _PRINTABLE}

Number = Annotated[
    int,
    BeforeValidator(_read_number),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MAX_NUMBER},
                {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"},
            ]
        }
    ),
]
Text = Annotated[str, BeforeValidator(_read_text), WithJsonSchema({"anyOf": [_A_TEXT, _A_NUMBER]})]
Code = Annotated[
    str,
    BeforeValidator(_read_any_text),
    WithJsonSchema({"anyOf": [{"type": "string", "maxLength": MAX_RESET_CODE_LENGTH}, _A_NUMBER]}),
]
Password = Annotated[
    str,
    BeforeValidator(_read_password),
    WithJsonSchema({"type": "string", "maxLength": MAX_PASSWORD_BYTES, "pattern": _PRINTABLE}),
]
Kind = Annotated[Literal["anonymous", "b2b"], BeforeValidator(_read_kind)]


class _Members(BaseModel):
    """Members under their wire names."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        field_title_generator=lambda name, _: to_camel(name),
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_empty(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if not _is_empty(name, value)}


class Identity(_Members):
    """Who forgot the password: one of the first four. The others are asked for by some merchants, to be surer."""

    username: Text | None = Field(None, description="The user's username.")
    account_id: Number | None = Field(None, description="The number of the user's account.")
    printed_card_number: Text | None = Field(None, description="The printed number of a card of the user.")
    email: Text | None = Field(None, description="The user's e-mail address.")
    phone: Text | None = Field(None, description="Verification: the phone number of the account.")
    postal_code: Text | None = Field(None, description="Verification: the postal code of the account.")
    date_of_birth: Text | None = Field(None, description="Verification: the date of birth, as 1980-12-31.")

    def given(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Return those of these members that were given, by their wire names."""
        values = self.model_dump(by_alias=True)
        return {name: values[name] for name in names if values[name] is not None}


class UserIdentity(Identity):
    """The identity as the older document nests it."""


def _describe_password(schema: dict[str, Any]) -> None:
    """Add the member that `take_credentials` takes away before the others are read."""
    described = {"description": "With `userIdentity`: the secret of the partner that `username` names."}
    schema["properties"]["password"] = described


class GenerateAndSend(Identity):
    """Members of `generateAndSendGuestResetPasswordCode`."""

    model_config = ConfigDict(json_schema_extra=_describe_password)

    merchant_id: Number = Field(description="The merchant to perform the operation in.")
    authentication: Kind | None = Field(
        None, description="Who asks: a guest (`anonymous`) or the partner itself (`b2b`, the default where it may)."
    )
    user_identity: UserIdentity | None = Field(
        None,
        description="The identity as the older document has it, in the place of the flat members. With it, `username` "
        "and `password` beside it are the partner's credentials, which are accepted instead of HTTP Basic.",
    )

    @model_validator(mode="after")
    def _has_one_identity(self) -> "GenerateAndSend":
        given = [*self.given(IDENTITIES), *self._nested]
        if len(given) > 1:
            raise PydanticCustomError("ambiguous_identity", "give one of {names} alone", {"names": _or(IDENTITIES)})
        if not given:
            raise PydanticCustomError("missing_field", "{names}", {"names": _or(IDENTITIES)})
        return self

    @property
    def _nested(self) -> dict[str, Any]:
        return self.user_identity.given(IDENTITIES) if self.user_identity is not None else {}

    @property
    def is_nested(self) -> bool:
        """Whether the identity is the older document's."""
        return bool(self._nested)

    def to_request(self) -> GuestRequest:
        """Return the request of the operation. Raises RefusedMember."""
        who = self.user_identity if self.user_identity is not None and self.is_nested else self
        verification = self.given(VERIFICATION_FIELDS)
        for name, value in who.given(VERIFICATION_FIELDS).items():
            if verification.setdefault(name, value) != value:
                raise RefusedMember(ReturnCode.INVALID_FIELD, name)
        return GuestRequest(
            merchant_id=self.merchant_id,
            authentication=self.authentication,
            identity=GuestIdentity(
                username=who.username,
                account_id=who.account_id,
                printed_card_number=who.printed_card_number,
                email=who.email,
            ),
            verification=verification,
        )


class Send(GenerateAndSend):
    """Members of `sendGuestResetPasswordCode`."""

    reset_code: Code | None = Field(
        None,
        description="The code that lets the guest in, in any characters. Required with the flat identity; with "
        "`userIdentity`, one is generated where there is none.",
    )

    @model_validator(mode="after")
    def _has_a_code(self) -> "Send":
        if not self.reset_code and not self.is_nested:
            raise PydanticCustomError("missing_field", "resetCode")
        return self


class ResetPassword(_Members):
    """Members of `resetGuestPassword`."""

    merchant_id: Number = Field(description="The merchant to perform the operation in.")
    authentication: Kind | None = Field(None, description="`b2b`, which is also the default.")
    reset_password_code: Code = Field(description="The code that the guest was sent.")
    new_password: Password = Field(description="The password that the guest has chosen.")


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Sent(_Answer):
    """The mail is on its way."""

    result: Literal["success"] = "success"
    email: str = Field(
        description="The address that it goes to; hidden from `anonymous` unless it was the identity given."
    )


class Done(_Answer):
    """The password was set."""

    result: Literal["success"] = "success"


class MoreInfo(_Answer):
    """These members must be given as well."""

    result: Literal["more_info"] = "more_info"
    fields: list[str] = Field(description="The names of the members.", min_length=1)


def error_code(code: ReturnCode) -> str:
    """Return an outcome as the vendor's error codes are written: `guestmanagement.account_not_found`."""
    return "guestmanagement." + re.sub(r"(?<!^)(?=[A-Z])", "_", code.key).lower()


ERROR_CODES = {error_code(each): each for each in ReturnCode if each is not ReturnCode.SUCCESS}


class Failure(_Answer):
    """It was not done, and why."""

    result: Literal["failure"] = "failure"
    error_code: str = Field(description="What went wrong, for programs.", json_schema_extra={"enum": [*ERROR_CODES]})
    error_message: str = Field(description="What went wrong, for people.")


Request = TypeVar("Request", bound=_Members)

_MEMBERS: tuple[type[_Members], ...] = (Send, ResetPassword)
NAMES = frozenset(str(field.alias) for model in _MEMBERS for field in model.model_fields.values())
"""Every member that a call may have; only these are ever named to a caller."""


def read(model: type[Request], given: JsonObject) -> Request:
    """Return the members as this request. Raises RefusedMember for the first that breaks a rule."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = ".".join(str(part) for part in first["loc"] if part in NAMES)
    match first["type"]:
        case "missing":
            raise RefusedMember(ReturnCode.MISSING_FIELD, name)
        case "missing_field":
            raise RefusedMember(ReturnCode.MISSING_FIELD, first["msg"])
        case "ambiguous_identity":
            raise RefusedMember(ReturnCode.AMBIGUOUS_IDENTITY, first["msg"])
        case _:
            raise RefusedMember(ReturnCode.INVALID_FIELD, name)


def take_credentials(given: JsonObject) -> tuple[Credentials | None, JsonObject]:
    """Return the credentials that the older document has beside `userIdentity`, and the members without them."""
    if isinstance(given.get("userIdentity"), dict):
        found = make_credentials(given.get("username"), given.get("password"))
        if found is not None:
            return found, {name: value for name, value in given.items() if name not in ("username", "password")}
    return None, given


def answer(result: GuestResult, has_email: bool) -> _Answer:
    """Return the answer to a call: with the address where the call sends a mail."""
    if result.return_code is ReturnCode.MORE_INFO_REQUIRED:
        return MoreInfo(fields=list(result.fields))
    if not result.is_success:
        return Failure(error_code=error_code(result.return_code), error_message=result.message)
    return Sent(email=result.email or "") if has_email else Done()


def _is_empty(name: str, value: object) -> bool:
    return value is None or (isinstance(value, str) and not (value if name in _SECRETS else value.strip(" ")))


def _or(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
