"""One call of `account.svc`, whichever protocol it came by: from its members to the result of the operation."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gatehouse.domain.client_stacks import stack_of
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import UnavailableError, place_of
from gatehouse.domain.results import ServiceResult
from gatehouse.domain.tolerances import Tolerance
from gatehouse.fronts import call_log
from gatehouse.fronts.data_contracts import APPLICATION_HEADER, NOT_XML, InvalidMemberError, NotText, Values, gather
from gatehouse.operations import audit, devices, login_cookies, passwords, rates, sessions
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.clients import note_call
from gatehouse.operations.core import Core
from gatehouse.operations.login import LoginRequest, login

WITHOUT_SESSION = frozenset({"Login", "DecodeLoginCookie", "ResetPassword"})
"""Methods that take no notice of a session: cookie jars never forget a stale one. Source: contract, who is calling."""

_REFUSED_WITHOUT_SESSION = frozenset({"DeviceActivate", "DeviceSendActivationCode", "UpdatePassword", "UpdatePincode"})
"""Methods that nobody may call without one. Not RegisterDevice, which an application may allow to its token alone."""

_log = logging.getLogger("gatehouse.calls")
_stack_of = lru_cache(maxsize=256)(stack_of)


@dataclass(frozen=True)
class AccountCall:
    """What a front read from a request: the method, every member that was given, and who says to be calling.

    `application_tokens` are those of HTTP and SOAP headers; they count like the member of that name. `user_agent` and
    `tolerances` tell an operator which clients there are, and how odd each is.
    """

    method: str
    members: list[tuple[str, str | NotText | None]]
    application_tokens: Collection[str]
    credentials_token: str | None
    source: str | None
    request_id: str
    login_cookie: str | None = None
    user_agent: str | None = None
    tolerances: Collection[Tolerance] = ()


def open_call(core: Core, request: AccountCall) -> Call:
    """Return the call as the operations know it."""
    call = Call(core, caller_of(request))
    call_log.current().call = call
    return call


def caller_of(request: AccountCall) -> Caller:
    """Return who says to be calling. A session is none of those that begin one, or need none."""
    return Caller(
        application_token=_named_application(request),
        credentials_token=None if request.method in WITHOUT_SESSION else request.credentials_token,
        lacks_session=request.method in _REFUSED_WITHOUT_SESSION and not request.credentials_token,
        source=request.source,
        login_cookie=request.login_cookie,
        request_id=request.request_id,
    )


def answer(
    call: Call, request: AccountCall, check: Callable[[Call], ReturnCode | None] = lambda _: None
) -> ServiceResult:
    """Perform the call and return its result; whatever goes wrong here is a result, too.

    `check` is what a protocol asks first of its calls. TOO_MANY_REQUESTS for a caller that calls too often;
    SERVICE_UNAVAILABLE when a part that is needed does not answer, INTERNAL_ERROR for a bug; both are logged with the
    id of the request. Nothing that was sent is ever logged.
    """
    try:
        if wait := rates.wait(call):
            result = ServiceResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=wait)
        elif refusal := check(call):
            result = ServiceResult(return_code=refusal)
        else:
            result = _perform(call, request)
    except InvalidMemberError as error:
        result = ServiceResult(return_code=ReturnCode.INVALID_FIELD, detail=str(error))
    except UnavailableError as error:
        _log.error("%s unavailable: %s request=%s", request.method, error, request.request_id)
        result = ServiceResult(return_code=ReturnCode.SERVICE_UNAVAILABLE)
    except Exception as error:
        _log.error("%s failed: %s request=%s", request.method, place_of(error), request.request_id)
        result = ServiceResult(return_code=ReturnCode.INTERNAL_ERROR)
    # Without the signature that it asks for, nobody knows whether the application calls.
    if result.return_code is not ReturnCode.INVALID_SIGNATURE:
        note_call(call, request.method, _stack_of(request.user_agent), request.tolerances)
    entry = call_log.current()
    entry.method, entry.outcome = request.method, result.return_code.key
    return result


def _perform(call: Call, request: AccountCall) -> ServiceResult:
    given = [*request.members, *((APPLICATION_HEADER, token) for token in request.application_tokens)]
    texts = _Texts(gather(request.method, given))
    call_log.current().note(call, texts.find("Email"), texts.find("username"))
    result = _OPERATIONS[request.method](call, texts)
    audit.record_refusal(call, request.method, result.return_code, result.detail)
    return result


def _named_application(request: AccountCall) -> str | None:
    """Return the first token that names the application; where two differ, the call itself is refused."""
    members = (value for name, value in request.members if name == APPLICATION_HEADER)
    for given in (*request.application_tokens, *members):
        if isinstance(given, str) and (token := given.strip()):
            return token if not NOT_XML.search(token) else None
    return None


class _Texts:
    """Gathered values, typed."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def __getitem__(self, name: str) -> str | None:
        value = self._values[name]
        return value if isinstance(value, str) else None

    def find(self, name: str) -> str | None:
        value = self._values.get(name)
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
