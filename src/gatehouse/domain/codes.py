"""Every outcome that a caller can see, in one table that each front renders."""

from enum import Enum


class ReturnCode(Enum):
    """An outcome: its number, its key and its English message. Source: contract, return codes.

    `{detail}` in a message is filled in by the result that carries the code: the name of a
    member, or the reason of a refusal. It never holds a value that was sent.
    """

    SUCCESS = (0, "Success", "The call succeeded.")

    INVALID_REQUEST = (10, "InvalidRequest", "The request cannot be understood.")
    MISSING_FIELD = (11, "MissingField", "A mandatory field is missing: {detail}.")
    INVALID_FIELD = (12, "InvalidField", "A field has a value that is not allowed: {detail}.")
    AMBIGUOUS_IDENTITY = (13, "AmbiguousIdentity", "The identity given belongs to more than one account.")
    REQUEST_TOO_LARGE = (14, "RequestTooLarge", "The request is too large.")

    INVALID_APPLICATION_TOKEN = (20, "InvalidApplicationToken", "The application token is not valid.")
    APPLICATION_TOKEN_REQUIRED = (21, "ApplicationTokenRequired", "An application token is required.")
    INVALID_SIGNATURE = (22, "InvalidSignature", "The signature of the request is missing or wrong.")
    INVALID_CLIENT_CREDENTIALS = (23, "InvalidClientCredentials", "The client credentials are not valid.")
    AUTHENTICATION_NOT_ALLOWED = (
        24,
        "AuthenticationNotAllowed",
        "This integration may not use this kind of authentication.",
    )
    MERCHANT_NOT_FOUND = (25, "MerchantNotFound", "There is no such merchant for this integration.")
    NOT_THIRD_PARTY_ACCOUNT_OF_RECORD = (
        26,
        "NotThirdPartyAccountOfRecord",
        "This merchant does not keep its accounts of record with a third party.",
    )

    INVALID_CREDENTIALS = (30, "InvalidCredentials", "The account or the password is wrong.")
    ACCOUNT_LOCKED = (31, "AccountLocked", "The account is locked.")
    ACCOUNT_DISABLED = (32, "AccountDisabled", "The account is disabled.")
    TEMPORARY_PASSWORD_EXPIRED = (
        33,
        "TemporaryPasswordExpired",
        "The temporary password has expired. Ask for a new one.",
    )
    ROLE_NOT_ALLOWED = (34, "RoleNotAllowed", "The account does not have this role.")
    PASSWORD_CHANGE_REQUIRED = (
        35,
        "PasswordChangeRequired",
        "The password must be changed before anything else can be done.",
    )

    SESSION_REQUIRED = (40, "SessionRequired", "A session is required. Log in first.")
    SESSION_EXPIRED = (41, "SessionExpired", "The session has ended. Log in again.")
    INVALID_COOKIE = (42, "InvalidCookie", "The login cookie is not valid.")
    COOKIE_EXPIRED = (43, "CookieExpired", "The login cookie has expired.")
    COOKIE_REPLAYED = (
        44,
        "CookieReplayed",
        "The login cookie was used before. Its sessions have been ended for safety.",
    )

    DEVICE_NOT_REGISTERED = (50, "DeviceNotRegistered", "The device is not registered.")
    DEVICE_NOT_ACTIVATED = (51, "DeviceNotActivated", "The device is not activated.")
    DEVICE_BLOCKED = (52, "DeviceBlocked", "The device is blocked.")
    INVALID_ACTIVATION_CODE = (53, "InvalidActivationCode", "The activation code is wrong or was used before.")
    ACTIVATION_CODE_EXPIRED = (54, "ActivationCodeExpired", "The activation code has expired. Ask for a new one.")
    PHONE_NUMBER_REQUIRED = (55, "PhoneNumberRequired", "A phone number is required for this device.")

    PASSWORD_TOO_WEAK = (60, "PasswordTooWeak", "The new password is too weak: {detail}.")
    PASSWORD_REUSED = (61, "PasswordReused", "The new password was used before.")
    PASSWORD_COMPROMISED = (62, "PasswordCompromised", "The new password is known from a data breach.")
    INVALID_PINCODE = (63, "InvalidPincode", "The new pincode is not allowed: {detail}.")

    ACCOUNT_NOT_FOUND = (70, "AccountNotFound", "There is no such account.")
    EMAIL_MISSING = (71, "EmailMissing", "The account has no e-mail address.")
    INVALID_RESET_CODE = (72, "InvalidResetCode", "The reset code is wrong or was used before.")
    RESET_CODE_EXPIRED = (73, "ResetCodeExpired", "The reset code has expired. Ask for a new one.")
    MORE_INFO_REQUIRED = (74, "MoreInfoRequired", "More information is required to find the account.")

    TOO_MANY_REQUESTS = (80, "TooManyRequests", "Too many requests. Try again later.")
    SERVICE_UNAVAILABLE = (90, "ServiceUnavailable", "The service is not available. Try again later.")
    INTERNAL_ERROR = (99, "InternalError", "The service could not handle the request.")

    def __init__(self, code: int, key: str, message: str) -> None:
        self.code, self.key, self.message = code, key, message
