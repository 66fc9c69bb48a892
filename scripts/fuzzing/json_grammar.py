"""Bodies of the two JSON protocols, with members twice, numbers that JSON does not have, and the like."""

import json
from collections.abc import Mapping
from typing import Any

from gatehouse.fronts.data_contracts import REQUESTS, Blocks, Member
from scripts.fuzzing.draw import Draw
from scripts.fuzzing.known import Known

_IDENTITY = ("username", "accountId", "printedCardNumber", "email", "phone")
_COMMON = ("merchantId", "authentication", *_IDENTITY, "userIdentity")
GUEST_MEMBERS = {
    "generateAndSendGuestResetPasswordCode": (*_COMMON, "postalCode", "dateOfBirth"),
    "sendGuestResetPasswordCode": (*_COMMON, "resetCode", "password"),
    "resetGuestPassword": ("merchantId", "authentication", "resetPasswordCode", "newPassword"),
}
"""The members of the guest management calls."""

Pairs = list[tuple[str, Any]]


def account_body(draw: Draw, known: Known, method: str) -> str:
    """Return a body of a call of `account.svc`."""
    if draw.chance(0.03):
        return draw.one(("", " ", "null", "[]", "{}", '"x"', "15", "{", "NaN", "{}{}", "/**/{}", "{'a':1}"))
    return _write(draw, _members(draw, known, REQUESTS[method]))


def guest_body(draw: Draw, known: Known, name: str) -> str:
    """Return a body of a guest management call."""
    if draw.chance(0.03):
        return draw.one(("", "null", "[]", "{}", '"x"', "{", "{}x", "Infinity"))
    pairs: Pairs = []
    wanted = list(GUEST_MEMBERS[name])
    if draw.chance(0.5):
        # One identity, as it should be.
        kept = draw.one(_IDENTITY)
        wanted = [each for each in wanted if each not in (*_IDENTITY, "userIdentity") or each == kept]
    for each in draw.shuffled(wanted):
        if draw.chance(0.15):
            continue
        if each == "userIdentity":
            inner = [(one, _value(draw, known, one)) for one in draw.some(_IDENTITY, 0.3)]
            pairs.append((each, _Object(inner) if draw.chance(0.9) else draw.json()))
        else:
            pairs.append((each, _value(draw, known, each)))
    return _write(draw, _with_strangers(draw, pairs))


class _Object:
    """An object whose members may have the same name."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs


def _members(draw: Draw, known: Known, members: Mapping[str, Member]) -> Pairs:
    pairs: Pairs = []
    for name, member in members.items():
        if draw.chance(0.25):
            continue
        for _ in range(draw.one((1,) * 20 + (2,))):
            if isinstance(member, Blocks) and draw.chance(0.9):
                blocks = [_Object(_members(draw, known, member.members)) for _ in range(draw.count(3))]
                pairs.append((draw.case_of(name), blocks[0] if len(blocks) == 1 and draw.chance(0.5) else blocks))
            else:
                pairs.append((draw.case_of(name), _value(draw, known, name)))
    return _with_strangers(draw, pairs)


def _with_strangers(draw: Draw, pairs: Pairs) -> Pairs:
    pairs = pairs + [(draw.text(), draw.json()) for _ in range(draw.count(2))]
    return draw.shuffled(pairs) if draw.chance(0.3) else pairs


def _value(draw: Draw, known: Known, name: str) -> Any:
    values = known.values(name)
    value = draw.text(values) if draw.chance(0.9) else draw.json(0, values)
    is_number = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 15
    return int(value) if is_number and draw.chance(0.4) else value


def _write(draw: Draw, pairs: Pairs) -> str:
    blank = draw.one(("", "", " ", "\n\t"))
    return blank + _text(draw, _Object(pairs), blank) + blank


def _text(draw: Draw, value: Any, blank: str) -> str:
    if isinstance(value, _Object):
        inner = f",{blank}".join(f"{json.dumps(name)}:{blank}{_text(draw, each, blank)}" for name, each in value.pairs)
        return f"{{{blank}{inner}{blank}}}"
    if isinstance(value, list):
        return f"[{f',{blank}'.join(_text(draw, each, blank) for each in value)}]"
    return json.dumps(value, ensure_ascii=draw.chance(0.5))
