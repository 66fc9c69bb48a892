"""Which return codes `account.svc` gives, and what a caller should do about each."""

from gatehouse.domain.advice import ADVICE as ADVICE
from gatehouse.domain.codes import ReturnCode
from gatehouse.fronts.soap.help.methods import METHODS

GUEST_MANAGEMENT_ONLY = frozenset(
    {
        ReturnCode.INVALID_REQUEST,
        ReturnCode.REQUEST_TOO_LARGE,
        ReturnCode.INVALID_CLIENT_CREDENTIALS,
        ReturnCode.AUTHENTICATION_NOT_ALLOWED,
        ReturnCode.MERCHANT_NOT_FOUND,
        ReturnCode.NOT_THIRD_PARTY_ACCOUNT_OF_RECORD,
        ReturnCode.ACCOUNT_NOT_FOUND,
        ReturnCode.EMAIL_MISSING,
        ReturnCode.INVALID_RESET_CODE,
        ReturnCode.RESET_CODE_EXPIRED,
        ReturnCode.MORE_INFO_REQUIRED,
    }
)
"""What only the JSON calls of guest management give."""

RESERVED: frozenset[ReturnCode] = frozenset()
"""What stands in the table and no call gives yet."""


def methods_giving(code: ReturnCode) -> list[str]:
    """Return the methods that can give this code, in the contract's order."""
    return [name for name, method in METHODS.items() if code in method.codes]
