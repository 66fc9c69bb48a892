"""Reads the body of a JSON call: members by name in any case, options as an object or an array of them."""

import json
from collections.abc import Iterator

from gatehouse.fronts.data_contracts import NOT_TEXT, REQUESTS, Blocks, Member, NotText
from gatehouse.fronts.json_nesting import nesting

Given = list[tuple[str, str | NotText | None]]

_MEMBERS = {
    method: {name.casefold(): (name, member) for name, member in members.items()}
    for method, members in REQUESTS.items()
}


class MalformedBodyError(Exception):
    """The body is not a JSON object; the text says why, without anything that was sent."""


class _Pairs(list[tuple[str, object]]):
    """The members of a JSON object in their order, also those of the same name."""


def read_members(method: str, body: bytes, max_depth: int) -> Given:
    """Return every member that was given, by its canonical name. Raises MalformedBodyError.

    An empty body is a call without members. A number is taken as the text that it was, because a role or a
    pincode may come as either.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedBodyError("The body is not UTF-8.") from None
    if not text.strip():
        return []
    if nesting(text) > max_depth:
        raise MalformedBodyError("The body is nested too deep.")
    try:
        value = json.loads(
            text, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_refuse_constant
        )
    except ValueError:
        raise MalformedBodyError("The body is not JSON.") from None
    if not isinstance(value, _Pairs):
        raise MalformedBodyError("The body is not a JSON object.")
    return list(_read(value, _MEMBERS[method]))


class _Number(str):
    """A number, as it was written."""

    __slots__ = ()


def _refuse_constant(_name: str) -> object:
    raise ValueError("not a number of JSON")


def _read(pairs: _Pairs, known: dict[str, tuple[str, Member]]) -> Iterator[tuple[str, str | NotText | None]]:
    for given_name, value in pairs:
        name, member = known.get(given_name.casefold(), (None, None))
        if name is None or member is None:
            continue
        if isinstance(member, Blocks):
            yield from _read_blocks(name, member, value)
        else:
            yield name, _text(value)


def _read_blocks(name: str, blocks: Blocks, value: object) -> Iterator[tuple[str, str | NotText | None]]:
    known: dict[str, tuple[str, Member]] = {inner.casefold(): (inner, kind) for inner, kind in blocks.members.items()}
    items = value if isinstance(value, list) and not isinstance(value, _Pairs) else [value]
    for item in items:
        if isinstance(item, _Pairs):
            yield from _read(item, known)
        elif item is not None:
            yield name, NOT_TEXT


def _text(value: object) -> str | NotText | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else NOT_TEXT
