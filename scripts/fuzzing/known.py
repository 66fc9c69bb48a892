"""What a stranger does not know and the fuzzer does, so that it comes past the first check: tokens, passwords."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

APPLICATION_HEADER, CREDENTIALS_HEADER = "applicationToken", "credentialsToken"


@dataclass(frozen=True)
class Known:
    """The demo data, and sessions and login cookies that were made with them."""

    demo: Mapping[str, Any]
    sessions: tuple[str, ...]
    cookies: tuple[str, ...]

    @property
    def application_tokens(self) -> list[str]:
        """The tokens of both applications."""
        return [self.demo["applicationToken"], self.demo["mobile"]["applicationToken"]]

    def values(self, member: str) -> Sequence[str]:
        """Return values with which this member, of either protocol, means something."""
        name = member.casefold()
        accounts = self.demo["accounts"]
        match name:
            case "email" | "username":
                return [each[name] for each in accounts]
            case "password" | "oldpassword" | "newpassword":
                return [each["password"] for each in accounts] + ["a fresh horse battery"]
            case "userrole":
                return ["15", "20", "Customer"]
            case "applicationtoken":
                return self.application_tokens
            case "cookie":
                return self.cookies
            case "setcookie":
                return ["true", "false", "1", "0"]
            case "deviceid":
                return ["till-1", "till-2"]
            case "newpincode" | "activationcode" | "resetcode" | "resetpasswordcode":
                return ["4711", "246810"]
            case "phonenumber" | "phone":
                return [each["phone"] for each in accounts]
            case "merchantid":
                return [str(self.demo["merchantId"])]
            case "accountid":
                return [str(each["accountId"]) for each in accounts]
            case "printedcardnumber":
                return [each["printedCardNumber"] for each in accounts]
            case "authentication":
                return ["anonymous", "b2b"]
            case _:
                return []
