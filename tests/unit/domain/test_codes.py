"""Tests of domain/codes.py: the table of the contract, literally."""

import pytest

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.results import ServiceResult

CONTRACT = {
    0: "Success",
    10: "InvalidRequest",
    11: "MissingField",
    12: "InvalidField",
    13: "AmbiguousIdentity",
    14: "RequestTooLarge",
    20: "InvalidApplicationToken",
    21: "ApplicationTokenRequired",
    22: "InvalidSignature",
    23: "InvalidClientCredentials",
    24: "AuthenticationNotAllowed",
    25: "MerchantNotFound",
    26: "NotThirdPartyAccountOfRecord",
    30: "InvalidCredentials",
    31: "AccountLocked",
    32: "AccountDisabled",
    33: "TemporaryPasswordExpired",
    34: "RoleNotAllowed",
    35: "PasswordChangeRequired",
    40: "SessionRequired",
    41: "SessionExpired",
    42: "InvalidCookie",
    43: "CookieExpired",
    44: "CookieReplayed",
    50: "DeviceNotRegistered",
    51: "DeviceNotActivated",
    52: "DeviceBlocked",
    53: "InvalidActivationCode",
    54: "ActivationCodeExpired",
    55: "PhoneNumberRequired",
    60: "PasswordTooWeak",
    61: "PasswordReused",
    62: "PasswordCompromised",
    63: "InvalidPincode",
    70: "AccountNotFound",
    71: "EmailMissing",
    72: "InvalidResetCode",
    73: "ResetCodeExpired",
    74: "MoreInfoRequired",
    80: "TooManyRequests",
    90: "ServiceUnavailable",
    99: "InternalError",
}


def test_table_is_the_contracts():
    """Clients that we do not control compare these numbers and keys."""
    assert {each.code: each.key for each in ReturnCode} == CONTRACT


def test_no_code_hides_another():
    """Two members with the same values would be one enum member under two names."""
    assert len(ReturnCode.__members__) == 42


@pytest.mark.parametrize("code", ReturnCode)
def test_every_message_is_a_sentence_and_takes_a_detail(code):
    """A person reads it; braces that are left over would show."""
    message = ServiceResult(return_code=code, detail="Email").message

    assert message.endswith(".")
    assert "{" not in message


def test_missing_field_is_named_in_the_message():
    """The contract promises the name of the member there."""
    result = ServiceResult(return_code=ReturnCode.MISSING_FIELD, detail="userrole")

    assert result.message == "A mandatory field is missing: userrole."
    assert not result.is_success


def test_braces_in_a_detail_are_only_text():
    """A reason that holds braces must not be taken for a place to fill in."""
    result = ServiceResult(return_code=ReturnCode.INVALID_FIELD, detail="{detail.__class__}")

    assert result.message == "A field has a value that is not allowed: {detail.__class__}."
