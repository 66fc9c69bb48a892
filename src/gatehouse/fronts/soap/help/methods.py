"""What each method is for: the meaning of its fields, who must call it, and the return codes that it can give.

Names, order and types come from `data_contracts`; this adds the sentences, and refuses to know other fields.
The return codes are compared with what the operations name, see tests/unit/fronts/soap/test_help_codes.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from gatehouse.domain.codes import ReturnCode
from gatehouse.fronts import data_contracts
from gatehouse.fronts.data_contracts import Blocks, Flag, Member, Secret

APPLICATION_TOKEN = "YOUR-APPLICATION-TOKEN"
CREDENTIALS_TOKEN = "CREDENTIALS-TOKEN-OF-LOGIN"
ENCODED_COOKIE = "ENCODED-COOKIE-OF-LOGIN"
EMAIL = "alice@example.com"
PASSWORD = "YOUR-PASSWORD"
NEW_PASSWORD = "YOUR-NEW-PASSWORD"
NEW_PINCODE = "YOUR-NEW-PINCODE"
DEVICE_ID = "YOUR-DEVICE-ID"
PHONE_NUMBER = "YOUR-PHONE-NUMBER"
ACTIVATION_CODE = "CODE-OF-THE-SMS"

PLACEHOLDERS = (
    APPLICATION_TOKEN,
    CREDENTIALS_TOKEN,
    ENCODED_COOKIE,
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    NEW_PINCODE,
    DEVICE_ID,
    PHONE_NUMBER,
    ACTIVATION_CODE,
)
"""What stands in the samples for the reader's own values."""


class Need(Enum):
    """Whether a field must be there."""

    MANDATORY = "mandatory"
    OPTIONAL = "optional"
    EITHER = "one of the two"
    WITHOUT_DEFAULT = "mandatory unless the application has a default"
    HERE_OR_IN_HEADER = "mandatory, here or in a header"


@dataclass(frozen=True)
class Field:
    """The meaning of a field; what the samples send for it, None where they do not; what the form starts with."""

    meaning: str
    need: Need = Need.OPTIONAL
    sample: str | bool | None = None
    start: str | bool = ""


class Identification(Enum):
    """How the samples of a method say who is calling."""

    APPLICATION_MEMBER = "the application's token, as a field"
    APPLICATION_HEADER = "the application's token, in a header"
    SESSION = "the session's token, in a header"


@dataclass(frozen=True)
class Method:
    """A method. `shows` are the members of its result that the samples print, beside code and key."""

    summary: str
    identification: Identification
    codes: frozenset[ReturnCode]
    fields: Mapping[str, Field]
    shows: tuple[str, ...] = ()


ALWAYS = frozenset(
    {
        ReturnCode.SUCCESS,
        ReturnCode.INVALID_FIELD,
        ReturnCode.INVALID_SIGNATURE,
        ReturnCode.SERVICE_UNAVAILABLE,
        ReturnCode.INTERNAL_ERROR,
    }
)
"""What every method can give."""

_APPLICATION = {ReturnCode.INVALID_APPLICATION_TOKEN, ReturnCode.APPLICATION_TOKEN_REQUIRED}
_SESSION = _APPLICATION | {ReturnCode.SESSION_REQUIRED, ReturnCode.SESSION_EXPIRED}
_ACCOUNT_STATE = {ReturnCode.ACCOUNT_LOCKED, ReturnCode.ACCOUNT_DISABLED}
_OWN_DEVICE = _SESSION | {
    ReturnCode.PASSWORD_CHANGE_REQUIRED,
    ReturnCode.MISSING_FIELD,
    ReturnCode.DEVICE_NOT_REGISTERED,
    ReturnCode.DEVICE_BLOCKED,
}

_DEVICE = "The device's own id, the same each time: up to the client, as an installation id or a serial number."
_TOKEN = "The token of the calling application."
_OPTIONAL_DEVICE = Field("The id of the device that the user sits at. A session begun with it counts as that device's.")

METHODS: Mapping[str, Method] = {
    "Login": Method(
        "Logs a user in with e-mail address or username and a password, and begins a session. Its token goes with "
        "the calls that follow. On request the answer also holds a login cookie, with which DecodeLoginCookie logs "
        "the user in again without a password.",
        Identification.APPLICATION_MEMBER,
        ALWAYS
        | _APPLICATION
        | _ACCOUNT_STATE
        | {
            ReturnCode.MISSING_FIELD,
            ReturnCode.AMBIGUOUS_IDENTITY,
            ReturnCode.INVALID_CREDENTIALS,
            ReturnCode.TEMPORARY_PASSWORD_EXPIRED,
            ReturnCode.ROLE_NOT_ALLOWED,
            ReturnCode.DEVICE_BLOCKED,
            ReturnCode.TOO_MANY_REQUESTS,
        },
        {
            "Email": Field("The user's e-mail address. Letters of any case.", Need.EITHER, EMAIL),
            "username": Field("The user's name, instead of the address or beside it.", Need.EITHER),
            "Password": Field("The user's password, or the temporary one that was mailed.", Need.MANDATORY, PASSWORD),
            "Options": Field(
                "The fields below once more, for clients that send them in a block. A value counts wherever it "
                "stands; two different ones are refused."
            ),
            "userrole": Field(
                "The role to log in with, by number or name: 15 Customer, 20 Merchant, 21 MerchantSub, 25 Affiliate.",
                Need.WITHOUT_DEFAULT,
                "15",
                "15",
            ),
            "appName": Field(
                "Name and version of the client, as Till/2.10.3. The answer says whether the version is too old."
            ),
            "applicationToken": Field(_TOKEN, Need.HERE_OR_IN_HEADER, APPLICATION_TOKEN),
            "deviceId": _OPTIONAL_DEVICE,
            "pushToken": Field("The address of the device for push messages, kept with its registration."),
            "setCookie": Field("Whether the answer shall hold a login cookie.", sample=True, start=True),
        },
        ("CredentialsToken", "EncodedCookie"),
    ),
    "DecodeLoginCookie": Method(
        "Logs a user in with the login cookie of an earlier answer, and begins a session. Each answer holds the next "
        "cookie: keep that one and forget the one that was sent. A cookie that comes back long after it was "
        "replaced counts as stolen, and ends all that began with it.",
        Identification.APPLICATION_MEMBER,
        ALWAYS
        | _APPLICATION
        | _ACCOUNT_STATE
        | {
            ReturnCode.MISSING_FIELD,
            ReturnCode.INVALID_COOKIE,
            ReturnCode.COOKIE_EXPIRED,
            ReturnCode.COOKIE_REPLAYED,
            ReturnCode.DEVICE_BLOCKED,
            ReturnCode.TOO_MANY_REQUESTS,
        },
        {
            "applicationToken": Field(_TOKEN, Need.HERE_OR_IN_HEADER, APPLICATION_TOKEN),
            "Cookie": Field("The latest EncodedCookie that the service gave.", Need.MANDATORY, ENCODED_COOKIE),
        },
        ("FullName", "CredentialsToken", "EncodedCookie"),
    ),
    "DeviceActivate": Method(
        "Activates a registered device with the code that its user received by SMS. A code is good for ten minutes "
        "and five tries.",
        Identification.SESSION,
        ALWAYS
        | _OWN_DEVICE
        | {
            ReturnCode.INVALID_ACTIVATION_CODE,
            ReturnCode.ACTIVATION_CODE_EXPIRED,
            ReturnCode.TOO_MANY_REQUESTS,
        },
        {
            "deviceId": Field(_DEVICE, Need.MANDATORY, DEVICE_ID),
            "activationCode": Field("The code of the SMS.", Need.MANDATORY, ACTIVATION_CODE),
        },
        ("Number",),
    ),
    "DeviceSendActivationCode": Method(
        "Sends an activation code by SMS to the number that the device is registered with. An older code ends.",
        Identification.SESSION,
        ALWAYS | _OWN_DEVICE | {ReturnCode.PHONE_NUMBER_REQUIRED},
        {"deviceId": Field(_DEVICE, Need.MANDATORY, DEVICE_ID)},
        ("Number",),
    ),
    "LogOff": Method(
        "Ends the session, and the login cookie that came with it. Without a session there is nothing to end, and "
        "the call succeeds.",
        Identification.SESSION,
        ALWAYS | {ReturnCode.INVALID_APPLICATION_TOKEN, ReturnCode.SESSION_EXPIRED},
        {},
    ),
    "RegisterDevice": Method(
        "Registers a device for the user of the session, so that an operator may see and block it. To register it "
        "again is no error; with another number it must be activated anew.",
        Identification.SESSION,
        ALWAYS
        | _SESSION
        | {
            ReturnCode.PASSWORD_CHANGE_REQUIRED,
            ReturnCode.MISSING_FIELD,
            ReturnCode.DEVICE_BLOCKED,
            ReturnCode.PHONE_NUMBER_REQUIRED,
        },
        {
            "deviceId": Field(_DEVICE, Need.MANDATORY, DEVICE_ID),
            "phoneNumber": Field(
                "Where activation codes go, best in international form. Without it the number of an earlier "
                "registration counts, else the account's own.",
                sample=PHONE_NUMBER,
            ),
        },
        ("Number",),
    ),
    "ResetPassword": Method(
        "Mails the user a temporary password, with which Login begins a session that may do nothing but change it. "
        "The answer is the same for an address that nobody has.",
        Identification.APPLICATION_HEADER,
        ALWAYS | _APPLICATION | {ReturnCode.MISSING_FIELD},
        {"Email": Field("The user's e-mail address.", Need.MANDATORY, EMAIL)},
    ),
    "UpdatePassword": Method(
        "Changes the password of the session's user, and ends the user's other sessions and login cookies.",
        Identification.SESSION,
        ALWAYS
        | _SESSION
        | {
            ReturnCode.DEVICE_NOT_ACTIVATED,
            ReturnCode.MISSING_FIELD,
            ReturnCode.INVALID_CREDENTIALS,
            ReturnCode.TEMPORARY_PASSWORD_EXPIRED,
            ReturnCode.PASSWORD_TOO_WEAK,
            ReturnCode.PASSWORD_REUSED,
            ReturnCode.PASSWORD_COMPROMISED,
            ReturnCode.TOO_MANY_REQUESTS,
        },
        {
            "oldPassword": Field("The present password, or the temporary one.", Need.MANDATORY, PASSWORD),
            "newPassword": Field("The password to come, taken with every blank in it.", Need.MANDATORY, NEW_PASSWORD),
        },
    ),
    "UpdatePincode": Method(
        "Changes the pincode of the session's user, who proves who it is with the password.",
        Identification.SESSION,
        ALWAYS
        | _SESSION
        | {
            ReturnCode.PASSWORD_CHANGE_REQUIRED,
            ReturnCode.DEVICE_NOT_ACTIVATED,
            ReturnCode.MISSING_FIELD,
            ReturnCode.INVALID_CREDENTIALS,
            ReturnCode.INVALID_PINCODE,
            ReturnCode.TOO_MANY_REQUESTS,
        },
        {
            "Password": Field("The present password.", Need.MANDATORY, PASSWORD),
            "newPincode": Field("The pincode to come: digits.", Need.MANDATORY, NEW_PINCODE),
        },
    ),
}

RESULT_MEANINGS: Mapping[str, str] = {
    "Code": "The return code; 0 is success.",
    "IsSuccess": "Whether the call succeeded.",
    "Key": "The name of the return code.",
    "Message": "The return code in English words, for a log rather than for a user.",
    "Number": "What the call was about: the account's number, or the device's registration number.",
    "AccountStatus": "Active, Disabled or Locked.",
    "CredentialsHeaderName": "The name of the header in which the session's token comes back.",
    "CredentialsToken": "The session's token.",
    "CustomerNumber": "The account's customer number, else its number.",
    "Email": "The account's e-mail address.",
    "EncodedCookie": "The login cookie to keep.",
    "FullName": "The user's name.",
    "IsDeviceActivated": "Whether the device that was named is activated for this account.",
    "IsDeviceBlocked": "Whether an operator has blocked the device.",
    "IsDeviceRegistered": "Whether the device is registered for this account.",
    "IsDeviceRegistrationRequired": "Whether the application wants a registered device before it lets the user go on.",
    "IsFirstLogin": "Whether the account has never logged in before.",
    "IsPasswordChangeRequired": "Whether the user must change the password first, after a temporary one.",
    "LastLogin": "When the account logged in before, in UTC.",
    "VersionUpdateRequired": "Whether the version in appName is older than the application wants.",
}
"""What the members of results say."""

OWN_RESULTS: Mapping[str, Mapping[str, data_contracts.ResultMember]] = {
    "Login": data_contracts.LOGIN_RESULT,
    "DecodeLoginCookie": data_contracts.DECODE_COOKIE_RESULT,
}
"""The members that a method's result has beside those of every result."""


def field_of(method: str, name: str) -> Field:
    """Return what is said of a field of the contract. Raises KeyError for one that nobody has described."""
    return METHODS[method].fields[name]


def type_of(member: Member) -> str:
    """Return a member's type and bounds, for a reader."""
    if isinstance(member, Flag):
        return "boolean"
    if isinstance(member, Blocks):
        return f"array of {member.type_name}"
    return f"string, up to {member.max_length} {'bytes' if isinstance(member, Secret) else 'characters'}"
