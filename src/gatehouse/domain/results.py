"""What an operation answers: plain values, the same for every front."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.password_policy import Weakness


@dataclass(frozen=True, kw_only=True)
class ServiceResult:
    """An outcome and the number of the record that it is about.

    `detail` completes the message of codes that ask for it: a member's name or a reason. `weakness` is the
    reason of PASSWORD_TOO_WEAK, for a front that has its own words for it. `retry_after` is how long to wait after
    TOO_MANY_REQUESTS.
    """

    return_code: ReturnCode
    number: str | None = None
    detail: str = ""
    weakness: Weakness | None = None
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        """Whether the call did what was asked."""
        return self.return_code is ReturnCode.SUCCESS

    @property
    def message(self) -> str:
        """The English message, completed. A detail that it has no place for comes at its end."""
        message = self.return_code.message
        if self.detail and "{detail}" not in message:
            message = f"{message.removesuffix('.')}: {{detail}}."
        return message.format(detail=self.detail)


@dataclass(frozen=True, kw_only=True)
class LoginResult(ServiceResult):
    """The answer to Login. Everything but the outcome stays empty until the password was right."""

    account_status: AccountStatus | None = None
    credentials_token: str | None = None
    customer_number: str | None = None
    email: str | None = None
    encoded_cookie: str | None = None
    cookie_lifetime: timedelta | None = None
    is_device_activated: bool = False
    is_device_blocked: bool = False
    is_device_registered: bool = False
    is_device_registration_required: bool = False
    is_first_login: bool = False
    is_password_change_required: bool = False
    last_login: datetime | None = None
    version_update_required: bool = False


@dataclass(frozen=True, kw_only=True)
class DecodeCookieResult(ServiceResult):
    """The answer to DecodeLoginCookie: a new session and the next cookie of the series."""

    credentials_token: str | None = None
    email: str | None = None
    encoded_cookie: str | None = None
    cookie_lifetime: timedelta | None = None
    full_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class GuestResult(ServiceResult):
    """The answer to a guestmanagement call: where the mail went, or which fields are asked for."""

    email: str | None = None
    fields: tuple[str, ...] = ()
