"""What each outcome and each event means, in plain words for an operator."""

from collections.abc import Mapping

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.tolerances import Tolerance

MEANINGS: Mapping[ReturnCode, str] = {
    ReturnCode.SUCCESS: "The call did what was asked.",
    ReturnCode.INVALID_REQUEST: "The request could not be read: it is no JSON object, or is sent to the wrong address.",
    ReturnCode.MISSING_FIELD: "A mandatory member was absent, null or empty.",
    ReturnCode.INVALID_FIELD: "A member had a value that it cannot have: too long, of another type, or two values.",
    ReturnCode.AMBIGUOUS_IDENTITY: "The e-mail address and the username were of two accounts, or several accounts "
    "share the address.",
    ReturnCode.REQUEST_TOO_LARGE: "The body was larger than GATEHOUSE_SOAP_MAX_BYTES allows.",
    ReturnCode.INVALID_APPLICATION_TOKEN: "The application token named no application, or one that is disabled.",
    ReturnCode.APPLICATION_TOKEN_REQUIRED: "The call had no application token, and there is no default application.",
    ReturnCode.INVALID_SIGNATURE: "The application asks for signed JSON; the signature was missing, or of other bytes.",
    ReturnCode.INVALID_CLIENT_CREDENTIALS: "The client id named no integration, or its secret was wrong or had ended.",
    ReturnCode.AUTHENTICATION_NOT_ALLOWED: "The integration, or this call, does not allow this kind of authentication.",
    ReturnCode.MERCHANT_NOT_FOUND: "The merchant's number is none that the integration may call for.",
    ReturnCode.NOT_THIRD_PARTY_ACCOUNT_OF_RECORD: "The merchant keeps its accounts of record itself, so that partners "
    "may not set passwords.",
    ReturnCode.INVALID_CREDENTIALS: "No account has the name that was given, or the password was wrong.",
    ReturnCode.ACCOUNT_LOCKED: "The password was right, and an operator had locked the account.",
    ReturnCode.ACCOUNT_DISABLED: "The password was right, and an operator had disabled the account.",
    ReturnCode.TEMPORARY_PASSWORD_EXPIRED: "The temporary password was right, and too old.",
    ReturnCode.ROLE_NOT_ALLOWED: "The password was right, and the account has another role than the call asked for.",
    ReturnCode.PASSWORD_CHANGE_REQUIRED: "The login was with a temporary password, which has to be changed first.",
    ReturnCode.SESSION_REQUIRED: "The call had no credentials token.",
    ReturnCode.SESSION_EXPIRED: "The credentials token named no session that is alive: it ended, was not used for too "
    "long, or is another application's.",
    ReturnCode.INVALID_COOKIE: "The login cookie was ended, spoiled on its way, or never given to this application.",
    ReturnCode.COOKIE_EXPIRED: "The login cookie was not used for too long.",
    ReturnCode.COOKIE_REPLAYED: "A login cookie came back after a newer one was used. It counts as stolen: its series "
    "and the sessions from it have ended, and the owner was told by mail.",
    ReturnCode.DEVICE_NOT_REGISTERED: "The account has not registered this device in this application.",
    ReturnCode.DEVICE_NOT_ACTIVATED: "The application wants an activated device, and the session is not from one.",
    ReturnCode.DEVICE_BLOCKED: "An operator has blocked the device at the merchant.",
    ReturnCode.INVALID_ACTIVATION_CODE: "The activation code was wrong, used before, replaced, or tried too often.",
    ReturnCode.ACTIVATION_CODE_EXPIRED: "The activation code was right, and too old.",
    ReturnCode.PHONE_NUMBER_REQUIRED: "There was no phone number in the call, and none of the device or the account.",
    ReturnCode.PASSWORD_TOO_WEAK: "The new password breaks a rule of the merchant.",
    ReturnCode.PASSWORD_REUSED: "The new password is the present one, or one that the merchant remembers.",
    ReturnCode.PASSWORD_COMPROMISED: "The new password is known from a breach, or one of those that are guessed first.",
    ReturnCode.INVALID_PINCODE: "The new pincode has more than digits, a wrong length, or is easily guessed.",
    ReturnCode.ACCOUNT_NOT_FOUND: "No account has this identity, or what the merchant asks for beside it was another.",
    ReturnCode.EMAIL_MISSING: "The account has no e-mail address to send anything to.",
    ReturnCode.INVALID_RESET_CODE: "The reset code was used before, replaced by a newer one, or is none.",
    ReturnCode.RESET_CODE_EXPIRED: "The reset code was right, and too old.",
    ReturnCode.MORE_INFO_REQUIRED: "The merchant asks a guest for more, or several accounts share the address.",
    ReturnCode.TOO_MANY_REQUESTS: "There were too many wrong guesses, mails or requests. Nothing was looked at, so "
    "that this says nothing of the password or code in the call.",
    ReturnCode.SERVICE_UNAVAILABLE: "A part that is needed, such as the database, did not answer in time.",
    ReturnCode.INTERNAL_ERROR: "Something broke in the service. The log says where, under the id of the request.",
}
"""What happened, by outcome."""

BY_KEY: Mapping[str, ReturnCode] = {each.key: each for each in ReturnCode}

_EVENTS: Mapping[str, str] = {
    AuditEvent.SESSION_STARTED: "A login succeeded, and its session began.",
    AuditEvent.SESSION_ENDED: "A session was ended.",
    AuditEvent.LOGIN_REFUSED: "A login was refused.",
    AuditEvent.LOGIN_COOKIE_ROTATED: "A login cookie was decoded; a session began, and the next cookie was given out.",
    AuditEvent.LOGIN_COOKIE_REFUSED: "A login cookie was not decoded.",
    AuditEvent.LOGIN_COOKIE_REPLAYED: "A login cookie came back that had been replaced: its series was ended.",
    AuditEvent.DEVICE_REGISTRATION_REFUSED: "A device was not registered.",
    AuditEvent.DEVICE_ACTIVATION_REFUSED: "A device was not activated.",
    AuditEvent.ACTIVATION_CODE_SENT: "An activation code was sent by SMS.",
    AuditEvent.PASSWORD_CHANGE_REFUSED: "A password was not changed.",
    AuditEvent.PASSWORD_RESET_REQUESTED: "Somebody asked to have a password reset.",
    AuditEvent.RESET_CODE_SENT: "A link with a reset code was mailed.",
    AuditEvent.RESET_CODE_REFUSED: "A reset code was not taken.",
    AuditEvent.RESET_CODE_REDEEMED: "A new password was chosen by a reset code.",
    AuditEvent.PINCODE_CHANGE_REFUSED: "A pincode was not changed.",
    AuditEvent.INTEGRATION_REFUSED: "A partner's secret was refused.",
    AuditEvent.CALL_REFUSED: "A call was refused.",
}


def event_text(event: str) -> str:
    """Return what happened as a sentence; of an event that says it by itself, its own words."""
    words = event.replace(".", " was ").replace("_", " ")
    return _EVENTS.get(event, f"{words[:1].upper()}{words[1:]}.")


TOLERATED: Mapping[Tolerance, str] = {
    Tolerance.OTHER_CASE: "A method or member is written in other letters, as EMAIL.",
    Tolerance.OTHER_ORDER: "The members are in another order than the description's.",
    Tolerance.OTHER_NAMESPACE: "A method or member is of another namespace than the description's, or of none.",
    Tolerance.UNKNOWN_MEMBER: "A member that the method does not have was ignored. Is one misspelled?",
    Tolerance.REPEATED_MEMBER: "A member is there twice.",
    Tolerance.SINGLE_BLOCK: "The options are one block, where the description has an array of them.",
    Tolerance.OTHER_ITEM_NAME: "A block of options is not called as its type.",
    Tolerance.ODD_NIL: "A null stands where the description has none.",
    Tolerance.XSI_TYPE: "Members carry types (xsi:type), as of the rpc style.",
    Tolerance.SOAP_ENCODING: "An encoding style or a reference to another element, as of the rpc style.",
    Tolerance.CDATA: "A value is in a CDATA section.",
    Tolerance.COMMENT: "There is a comment in the envelope.",
    Tolerance.NUMBER_FOR_TEXT: "A number or a boolean stands where a text is expected.",
    Tolerance.ACTION_MISSING: "There is no SOAPAction, or an empty one.",
    Tolerance.BARE_ACTION: "The action is the method's name alone, or in other letters.",
    Tolerance.ADDRESSING_BESIDE_SOAP_11: "Addressing headers in an envelope of SOAP 1.1, whose binding has none.",
    Tolerance.BYTE_ORDER_MARK: "There is a byte order mark before the body.",
    Tolerance.UTF_16: "The body is in UTF-16.",
    Tolerance.LATIN_1: "The body is in ISO-8859-1 or windows-1252.",
    Tolerance.OTHER_CHARSET: "The body is in a charset that few use.",
    Tolerance.ODD_CHARSET: "The charset is spelled as no register has it, or contradicted by the bytes.",
    Tolerance.ODD_MEDIA_TYPE: "The Content-Type is written wrongly, or a near relation of the right one.",
    Tolerance.GZIP: "The body is compressed with gzip.",
    Tolerance.DEFLATE: "The body is compressed with deflate.",
    Tolerance.SOAP_SUFFIX: "The address has /soap or /basic behind it.",
}
"""What was tolerated of a request, as a sentence."""
