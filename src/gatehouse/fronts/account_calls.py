"""One call of `account.svc`, whichever protocol it came by: from its members to the result of the operation."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import UnavailableError, place_of
from gatehouse.domain.results import ServiceResult
from gatehouse.fronts.data_contracts import APPLICATION_HEADER, InvalidMemberError, NotText, Values, gather
from gatehouse.operations import devices, login_cookies, passwords, sessions
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core
from gatehouse.operations.login import LoginRequest, login

_log = logging.getLogger("gatehouse.calls")


@dataclass(frozen=True)
class AccountCall:
    """What a front read from a request: the method, every member that was given, and who says to be calling.

    `application_tokens` are those of HTTP and SOAP headers; they count like the member of that name.
    """

    method: str
    members: list[tuple[str, str | NotText | None]]
    application_tokens: Iterable[str]
    credentials_token: str | None
    source: str | None
    request_id: str


def answer(core: Core, request: AccountCall) -> ServiceResult:
    """Perform the call and return its result; whatever goes wrong here is a result, too.

    SERVICE_UNAVAILABLE when a part that is needed does not answer, INTERNAL_ERROR for a bug; both are
    logged with the id of the request. Nothing that was sent is ever logged.
    """
    started = time.perf_counter()
    try:
        result = _perform(core, request)
    except InvalidMemberError as error:
        result = ServiceResult(return_code=ReturnCode.INVALID_FIELD, detail=str(error))
    except UnavailableError as error:
        _log.error("%s unavailable: %s request=%s", request.method, error, request.request_id)
        result = ServiceResult(return_code=ReturnCode.SERVICE_UNAVAILABLE)
    except Exception as error:
        _log.error("%s failed: %s request=%s", request.method, place_of(error), request.request_id)
        result = ServiceResult(return_code=ReturnCode.INTERNAL_ERROR)
    _log.info(
        "%s %s %.1f ms source=%s request=%s",
        request.method,
        result.return_code.key,
        (time.perf_counter() - started) * 1000,
        request.source or "-",
        request.request_id,
    )
    return result


def _perform(core: Core, request: AccountCall) -> ServiceResult:
    given = [*request.members, *((APPLICATION_HEADER, token) for token in request.application_tokens)]
    texts = _Texts(gather(request.method, given))
    caller = Caller(
        application_token=texts[APPLICATION_HEADER],
        credentials_token=request.credentials_token,
        source=request.source,
        request_id=request.request_id,
    )
    return _OPERATIONS[request.method](Call(core, caller), texts)


class _Texts:
    """Gathered values, typed."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def __getitem__(self, name: str) -> str | None:
        value = self._values[name]
        return value if isinstance(value, str) else None

    def flag(self, name: str) -> bool:
        return self._values[name] is True


def _login(call: Call, values: _Texts) -> ServiceResult:
    return login(
        call,
        LoginRequest(
            email=values["Email"],
            username=values["username"],
            password=values["Password"],
            user_role=values["userrole"],
            application_name=values["appName"],
            device_id=values["deviceId"],
            push_token=values["pushToken"],
            set_cookie=values.flag("setCookie"),
        ),
    )


_OPERATIONS: Mapping[str, Callable[[Call, _Texts], ServiceResult]] = {
    "Login": _login,
    "DecodeLoginCookie": lambda call, values: login_cookies.decode_login_cookie(call, values["Cookie"]),
    "DeviceActivate": lambda call, values: devices.device_activate(call, values["deviceId"], values["activationCode"]),
    "DeviceSendActivationCode": lambda call, values: devices.device_send_activation_code(call, values["deviceId"]),
    "LogOff": lambda call, _: sessions.log_off(call),
    "RegisterDevice": lambda call, values: devices.register_device(call, values["deviceId"], values["phoneNumber"]),
    "ResetPassword": lambda call, values: passwords.reset_password(call, values["Email"]),
    "UpdatePassword": lambda call, values: passwords.update_password(
        call, values["oldPassword"], values["newPassword"]
    ),
    "UpdatePincode": lambda call, values: passwords.update_pincode(call, values["Password"], values["newPincode"]),
}
