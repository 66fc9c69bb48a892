"""The operations of IAccount as Spyne knows them. Names here are wire names.

Each method hands its call to the operation of the same name (`fronts/account_calls.py` says which) and
returns the result's members by their wire names. `ctx.udc` is the `Exchange` that the front opened.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gatehouse.fronts.soap import spyne_imports  # noqa: F401  # isort: skip  # before anything of Spyne
from spyne import Service, rpc

from gatehouse.domain.results import ServiceResult
from gatehouse.fronts import account_calls, data_contracts
from gatehouse.fronts.account_calls import AccountCall
from gatehouse.fronts.data_contracts import WireResult
from gatehouse.fronts.soap import types
from gatehouse.fronts.soap.versions import SoapVersion
from gatehouse.operations.core import Core


@dataclass
class Exchange:
    """One request on its way through Spyne, and the result that came of it.

    `addressing` is the namespace and the id of the message where a SOAP 1.2 client wants them answered.
    """

    core: Core
    call: AccountCall
    version: SoapVersion = SoapVersion.SOAP_11
    addressing: tuple[str, str] | None = None
    result: ServiceResult | None = None


def _operation(method: str, returns: Any) -> Callable[[Any], Any]:
    """Declare an operation of the port type with the members of the data contract."""
    members = types.REQUESTS[method]
    return rpc(*members.values(), _args=tuple(members), _returns=returns, _port_type="IAccount")  # type: ignore[no-any-return]


def _answer(ctx: Any) -> WireResult:
    exchange: Exchange = ctx.udc
    call = account_calls.open_call(exchange.core, exchange.call)
    exchange.result = account_calls.answer(call, exchange.call)
    return data_contracts.wire_result(exchange.call.method, exchange.result)


class AccountService(Service):  # type: ignore[misc]
    """The operations of IAccount."""

    __service_name__ = "Account"
    __port_types__ = ("IAccount",)

    @_operation("Login", types.LoginResult)
    def Login(ctx: Any, *members: Any) -> WireResult:
        """Log an account in; the steps are in operations/login.py."""
        return _answer(ctx)

    @_operation("DecodeLoginCookie", types.DecodeCookieResult)
    def DecodeLoginCookie(ctx: Any, *members: Any) -> WireResult:
        """Give a new session for a login cookie; the steps are in operations/login_cookies.py."""
        return _answer(ctx)

    @_operation("DeviceActivate", types.ServiceResult)
    def DeviceActivate(ctx: Any, *members: Any) -> WireResult:
        """Activate a device by its code; the steps are in operations/devices.py."""
        return _answer(ctx)

    @_operation("DeviceSendActivationCode", types.ServiceResult)
    def DeviceSendActivationCode(ctx: Any, *members: Any) -> WireResult:
        """Send an activation code by SMS; the steps are in operations/devices.py."""
        return _answer(ctx)

    @_operation("LogOff", types.ServiceResult)
    def LogOff(ctx: Any, *members: Any) -> WireResult:
        """End the session; the steps are in operations/sessions.py."""
        return _answer(ctx)

    @_operation("RegisterDevice", types.ServiceResult)
    def RegisterDevice(ctx: Any, *members: Any) -> WireResult:
        """Register a device; the steps are in operations/devices.py."""
        return _answer(ctx)

    @_operation("ResetPassword", types.ServiceResult)
    def ResetPassword(ctx: Any, *members: Any) -> WireResult:
        """Mail a temporary password; the steps are in operations/passwords.py."""
        return _answer(ctx)

    @_operation("UpdatePassword", types.ServiceResult)
    def UpdatePassword(ctx: Any, *members: Any) -> WireResult:
        """Replace the password; the steps are in operations/passwords.py."""
        return _answer(ctx)

    @_operation("UpdatePincode", types.ServiceResult)
    def UpdatePincode(ctx: Any, *members: Any) -> WireResult:
        """Replace the pincode; the steps are in operations/passwords.py."""
        return _answer(ctx)
