"""What a caller should do about each return code, for who writes clients and for who helps them."""

from collections.abc import Mapping

from gatehouse.domain.codes import ReturnCode

_RETRY = "Try again later, with growing pauses."
_LOG_IN = "Have the user log in again, with DecodeLoginCookie where there is a login cookie."
_ASK_OPERATOR = "Nothing that the client can do. The user turns to the shop."
_FIX = "A mistake of the client: correct what it sends."

ADVICE: Mapping[ReturnCode, str] = {
    ReturnCode.SUCCESS: "Go on.",
    ReturnCode.INVALID_REQUEST: _FIX,
    ReturnCode.MISSING_FIELD: "Send the field that Message names. An empty one counts as missing.",
    ReturnCode.INVALID_FIELD: "Correct the field that Message names: too long, not of its type, or sent twice with "
    "different values.",
    ReturnCode.AMBIGUOUS_IDENTITY: "Ask the user for the username, which belongs to one account only.",
    ReturnCode.REQUEST_TOO_LARGE: _FIX,
    ReturnCode.INVALID_APPLICATION_TOKEN: "Compare the token with the one that the operator gave you.",
    ReturnCode.APPLICATION_TOKEN_REQUIRED: "Send the application's token, as a field or in a header of that name.",
    ReturnCode.INVALID_SIGNATURE: "Sign the bytes of the body as they are sent, with the application's hash key. "
    "JSON only.",
    ReturnCode.INVALID_CLIENT_CREDENTIALS: "Compare client id and secret with those that the operator gave you.",
    ReturnCode.AUTHENTICATION_NOT_ALLOWED: "Ask the operator to allow this kind of authentication, or use another.",
    ReturnCode.MERCHANT_NOT_FOUND: "Send the number of a merchant that the integration may act for.",
    ReturnCode.NOT_THIRD_PARTY_ACCOUNT_OF_RECORD: "Use the other call: this merchant's accounts are kept here.",
    ReturnCode.INVALID_CREDENTIALS: "Have the user type both again, or offer ResetPassword. Whether the account "
    "exists is not told.",
    ReturnCode.ACCOUNT_LOCKED: _ASK_OPERATOR,
    ReturnCode.ACCOUNT_DISABLED: _ASK_OPERATOR,
    ReturnCode.TEMPORARY_PASSWORD_EXPIRED: "Offer ResetPassword once more.",
    ReturnCode.ROLE_NOT_ALLOWED: "Log in with the userrole that the account has.",
    ReturnCode.PASSWORD_CHANGE_REQUIRED: "Ask the user for a new password and call UpdatePassword first.",
    ReturnCode.SESSION_REQUIRED: "Log in, and send the CredentialsToken in the header credentialsToken.",
    ReturnCode.SESSION_EXPIRED: f"{_LOG_IN} In JSON this is HTTP 403.",
    ReturnCode.INVALID_COOKIE: "Forget the cookie and have the user log in with the password.",
    ReturnCode.COOKIE_EXPIRED: "Forget the cookie and have the user log in with the password.",
    ReturnCode.COOKIE_REPLAYED: "Forget the cookie and have the user log in with the password. Keep the newest "
    "cookie only: an old one that is sent again looks like a stolen one.",
    ReturnCode.DEVICE_NOT_REGISTERED: "Call RegisterDevice first.",
    ReturnCode.DEVICE_NOT_ACTIVATED: "Register and activate the device first.",
    ReturnCode.DEVICE_BLOCKED: _ASK_OPERATOR,
    ReturnCode.INVALID_ACTIVATION_CODE: "Have the user type the code of the latest SMS, or send another one.",
    ReturnCode.ACTIVATION_CODE_EXPIRED: "Call DeviceSendActivationCode again.",
    ReturnCode.PHONE_NUMBER_REQUIRED: "Ask the user for a phone number and call RegisterDevice with it.",
    ReturnCode.PASSWORD_TOO_WEAK: "Show the user the rule in Message and ask for another password.",
    ReturnCode.PASSWORD_REUSED: "Ask the user for a password that was not used before.",
    ReturnCode.PASSWORD_COMPROMISED: "Ask the user for another password.",
    ReturnCode.INVALID_PINCODE: "Show the user the rule in Message and ask for another pincode.",
    ReturnCode.ACCOUNT_NOT_FOUND: "Ask the guest for another identity.",
    ReturnCode.EMAIL_MISSING: _ASK_OPERATOR,
    ReturnCode.INVALID_RESET_CODE: "Have the guest use the link of the latest mail, or send another one.",
    ReturnCode.RESET_CODE_EXPIRED: "Send another reset code.",
    ReturnCode.MORE_INFO_REQUIRED: "Ask the guest for the fields that the answer lists, and call again with them.",
    ReturnCode.TOO_MANY_REQUESTS: _RETRY,
    ReturnCode.SERVICE_UNAVAILABLE: _RETRY,
    ReturnCode.INTERNAL_ERROR: "Give the operator the answer's X-Request-Id, under which the reason was logged.",
}
