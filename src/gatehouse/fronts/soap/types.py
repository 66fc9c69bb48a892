"""The data contracts as Spyne types, made from the tables of `fronts/data_contracts.py`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gatehouse.fronts.soap import spyne_imports  # noqa: F401  # isort: skip  # before anything of Spyne
from spyne import Array, Boolean, ComplexModel, DateTime, Integer32, Unicode

from gatehouse.fronts import data_contracts
from gatehouse.fronts.data_contracts import Blocks, Flag, Member, ResultMember

DATA_NAMESPACE = "http://schemas.datacontract.org/2004/07/Gatehouse"

# Value types cannot be null in .NET; a boolean that may be would become `bool?` in every proxy.
_FLAG = Boolean(min_occurs=0, nillable=False)
_NUMBER = Integer32(min_occurs=0, nillable=False)
_RESULT_TYPES: Mapping[ResultMember, Any] = {str: Unicode, bool: _FLAG, int: _NUMBER, datetime: DateTime}


def _model(name: str, members: list[tuple[str, Any]], base: Any = ComplexModel) -> Any:
    attributes = {"__namespace__": DATA_NAMESPACE, "__type_name__": name, "_type_info": members}
    return type(ComplexModel)(name.replace(".", ""), (base,), attributes)


def _result(members: Mapping[str, ResultMember]) -> list[tuple[str, Any]]:
    return [(name, _RESULT_TYPES[kind]) for name, kind in members.items()]


def _request_type(member: Member) -> Any:
    if isinstance(member, Blocks):
        block = _model(member.type_name, [(name, _request_type(kind)) for name, kind in member.members.items()])
        return Array(block, type_name=f"ArrayOf{member.type_name}")
    return _FLAG if isinstance(member, Flag) else Unicode


ServiceResult = _model("ServiceResult", _result(data_contracts.SERVICE_RESULT))
LoginResult = _model("Account.LoginResult", _result(data_contracts.LOGIN_RESULT), ServiceResult)
DecodeCookieResult = _model("Account.DecodeCookieResult", _result(data_contracts.DECODE_COOKIE_RESULT), ServiceResult)

REQUESTS: Mapping[str, Mapping[str, Any]] = {
    method: {name: _request_type(member) for name, member in members.items()}
    for method, members in data_contracts.REQUESTS.items()
}
"""The Spyne types of each method's members, by name, in the order of the seed."""
