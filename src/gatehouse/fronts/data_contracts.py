"""Requests and results of `account.svc` under their wire names, once for SOAP and JSON.

What a member is called, which values it may have, and in which order results have theirs.
Nothing here knows XML, JSON or HTTP. Source: contract, Methods; Account Service seed.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from gatehouse.domain.identity import MAX_EMAIL_LENGTH
from gatehouse.domain.password_policy import MAX_PASSWORD_BYTES, is_too_long
from gatehouse.domain.results import DecodeCookieResult, LoginResult, ServiceResult

CREDENTIALS_HEADER = "credentialsToken"
APPLICATION_HEADER = "applicationToken"


@dataclass(frozen=True)
class Text:
    """A text member: its longest value in characters, and whether blanks around it count."""

    max_length: int = 256
    is_exact: bool = False


@dataclass(frozen=True)
class Secret(Text):
    """A text member that people choose as a secret: taken as it is, bounded in the bytes that are hashed."""

    is_exact: bool = True


@dataclass(frozen=True)
class Flag:
    """A boolean member."""


@dataclass(frozen=True)
class Blocks:
    """An array of blocks whose members mean the same as the request's own of the same name."""

    type_name: str
    members: Mapping[str, Text | Flag]


Member = Text | Flag | Blocks

_TOKEN = Text()
_DEVICE = Text()
_PASSWORD = Secret(max_length=MAX_PASSWORD_BYTES)

LOGIN_OPTIONS = Blocks(
    "Account.LoginOptions",
    {
        "appName": Text(),
        "applicationToken": _TOKEN,
        "deviceId": _DEVICE,
        "pushToken": Text(max_length=4096),
        "setCookie": Flag(),
        "userrole": Text(),
    },
)

REQUESTS: Mapping[str, Mapping[str, Member]] = {
    "Login": {
        "Email": Text(max_length=MAX_EMAIL_LENGTH),
        "username": Text(max_length=200),
        "Password": _PASSWORD,
        "Options": LOGIN_OPTIONS,
        "userrole": Text(),
        "appName": Text(),
        "applicationToken": _TOKEN,
        "deviceId": _DEVICE,
        "pushToken": Text(max_length=4096),
        "setCookie": Flag(),
    },
    "DecodeLoginCookie": {"applicationToken": _TOKEN, "Cookie": Text(max_length=1024)},
    "DeviceActivate": {"deviceId": _DEVICE, "activationCode": Text()},
    "DeviceSendActivationCode": {"deviceId": _DEVICE},
    "LogOff": {},
    "RegisterDevice": {"deviceId": _DEVICE, "phoneNumber": Text()},
    "ResetPassword": {"Email": Text(max_length=MAX_EMAIL_LENGTH)},
    "UpdatePassword": {"oldPassword": _PASSWORD, "newPassword": _PASSWORD},
    "UpdatePincode": {"Password": _PASSWORD, "newPincode": _PASSWORD},
}
"""The members of each method's request, in the order of the seed."""

ResultMember = type[str] | type[int] | type[bool] | type[datetime]

SERVICE_RESULT: Mapping[str, ResultMember] = {
    "Code": int,
    "IsSuccess": bool,
    "Key": str,
    "Message": str,
    "Number": str,
}

LOGIN_RESULT: Mapping[str, ResultMember] = {
    "AccountStatus": str,
    "CredentialsHeaderName": str,
    "CredentialsToken": str,
    "CustomerNumber": str,
    "Email": str,
    "EncodedCookie": str,
    "IsDeviceActivated": bool,
    "IsDeviceBlocked": bool,
    "IsDeviceRegistered": bool,
    "IsDeviceRegistrationRequired": bool,
    "IsFirstLogin": bool,
    "IsPasswordChangeRequired": bool,
    "LastLogin": datetime,
    "VersionUpdateRequired": bool,
}
"""What Login's result has beside `SERVICE_RESULT`, in data contract order."""

DECODE_COOKIE_RESULT: Mapping[str, ResultMember] = {
    "CredentialsHeaderName": str,
    "CredentialsToken": str,
    "Email": str,
    "EncodedCookie": str,
    "FullName": str,
}
"""What DecodeLoginCookie's result has beside `SERVICE_RESULT`, in data contract order."""

Values = dict[str, str | bool | None]
WireResult = dict[str, str | int | bool | datetime | None]


class InvalidMemberError(Exception):
    """A member has a value that it cannot have; the text is the member's name and nothing else."""


class NotText:
    """Stands for a value that is no text at all, such as an element with elements inside."""


NOT_TEXT = NotText()

# Characters that XML 1.0 cannot carry: an answer that repeated one could not be written.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@cache
def members_of(method: str) -> Mapping[str, Text | Flag]:
    """Return the token that each call may have, the method's own members and those of its blocks, by name."""
    found: dict[str, Text | Flag] = {APPLICATION_HEADER: _TOKEN}
    for name, member in REQUESTS[method].items():
        if isinstance(member, Blocks):
            found |= {inner: kind for inner, kind in member.members.items() if inner not in found}
        else:
            found[name] = member
    return found


def gather(method: str, given: Iterable[tuple[str, str | NotText | None]]) -> Values:
    """Return one value for each member from everything that was given, in whatever place.

    None and an empty text are as if the member were not there. A boolean is true when one place says
    so, because generated .NET proxies cannot leave a boolean out. Raises InvalidMemberError for a value that the
    member's type does not allow, and for a text that has two different values.
    """
    members = members_of(method)
    values: Values = dict.fromkeys(members)
    for name, raw in given:
        if isinstance(raw, NotText):
            raise InvalidMemberError(name)
        value = _value(name, members[name], raw)
        if value is None:
            continue
        before = values[name]
        if isinstance(value, bool):
            values[name] = value or bool(before)
        elif before is not None and before != value:
            raise InvalidMemberError(name)
        else:
            values[name] = value
    return values


_FLAGS = {"": None, "true": True, "1": True, "false": False, "0": False}


def _value(name: str, member: Text | Flag, raw: str | None) -> str | bool | None:
    if raw is None:
        return None
    if isinstance(member, Flag):
        said = raw.strip().casefold()
        if said not in _FLAGS:
            raise InvalidMemberError(name)
        return _FLAGS[said]
    text = raw if member.is_exact else raw.strip()
    has_too_much = is_too_long(text) if isinstance(member, Secret) else len(text) > member.max_length
    if has_too_much or NOT_XML.search(text):
        raise InvalidMemberError(name)
    return text or None


def wire_result(method: str, result: ServiceResult) -> WireResult:
    """Return the result's members in data contract order: base first, then alphabetical.

    A plain outcome, such as `InvalidField`, fills in the members that the method's own result has beside it.
    """
    wire: WireResult = {
        "Code": result.return_code.code,
        "IsSuccess": result.is_success,
        "Key": result.return_code.key,
        "Message": result.message,
        "Number": result.number,
    }
    if method == "Login":
        wire |= _login_result(
            result if isinstance(result, LoginResult) else LoginResult(return_code=result.return_code)
        )
    elif method == "DecodeLoginCookie":
        wire |= _decode_cookie_result(
            result if isinstance(result, DecodeCookieResult) else DecodeCookieResult(return_code=result.return_code)
        )
    return wire


def _login_result(result: LoginResult) -> WireResult:
    return {
        "AccountStatus": result.account_status.value if result.account_status else None,
        "CredentialsHeaderName": CREDENTIALS_HEADER if result.credentials_token else None,
        "CredentialsToken": result.credentials_token,
        "CustomerNumber": result.customer_number,
        "Email": result.email,
        "EncodedCookie": result.encoded_cookie,
        "IsDeviceActivated": result.is_device_activated,
        "IsDeviceBlocked": result.is_device_blocked,
        "IsDeviceRegistered": result.is_device_registered,
        "IsDeviceRegistrationRequired": result.is_device_registration_required,
        "IsFirstLogin": result.is_first_login,
        "IsPasswordChangeRequired": result.is_password_change_required,
        "LastLogin": result.last_login,
        "VersionUpdateRequired": result.version_update_required,
    }


def _decode_cookie_result(result: DecodeCookieResult) -> WireResult:
    return {
        "CredentialsHeaderName": CREDENTIALS_HEADER if result.credentials_token else None,
        "CredentialsToken": result.credentials_token,
        "Email": result.email,
        "EncodedCookie": result.encoded_cookie,
        "FullName": result.full_name,
    }
