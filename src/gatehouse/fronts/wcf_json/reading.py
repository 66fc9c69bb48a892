"""Reads the body of a JSON call: members by name in any case, options as an object or an array of them."""

import json
from collections.abc import Iterator

from gatehouse.domain.tolerances import Tolerance
from gatehouse.fronts import charsets
from gatehouse.fronts.data_contracts import NOT_TEXT, REQUESTS, Blocks, Flag, Member, NotText
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


def read_members(method: str, body: bytes, charset: str | None, max_depth: int, noted: set[Tolerance]) -> Given:
    """Return every member that was given, by its canonical name. Raises MalformedBodyError.

    An empty body is a call without members. A number is taken as the text that it was, because a role or a
    pincode may come as either. `charset` is the one of the media type; without one, it is UTF-8 or what the first
    bytes show. What was tolerated is noted.
    """
    text = _decode(body, charset, noted)
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
    return list(_read(value, _MEMBERS[method], noted))


def _decode(body: bytes, charset: str | None, noted: set[Tolerance]) -> str:
    shown = charsets.charset_of_start(body)
    if shown is not None:
        charset, body = shown[0], charsets.without_mark(body, charset, shown, noted)
    charsets.note_charset(charset, noted)
    try:
        return body.decode(charset or "utf-8")
    except UnicodeDecodeError:
        name = "UTF-8" if charset in (None, "utf-8") else "of its charset"
        raise MalformedBodyError(f"The body is not {name}.") from None


class _Number(str):
    """A number, as it was written."""

    __slots__ = ()


def _refuse_constant(_name: str) -> object:
    raise ValueError("not a number of JSON")


def _read(
    pairs: _Pairs, known: dict[str, tuple[str, Member]], noted: set[Tolerance]
) -> Iterator[tuple[str, str | NotText | None]]:
    seen: set[str] = set()
    for given_name, value in pairs:
        name, member = known.get(given_name.casefold(), (None, None))
        if name is None or member is None:
            noted.add(Tolerance.UNKNOWN_MEMBER)
            continue
        if given_name != name:
            noted.add(Tolerance.OTHER_CASE)
        if name in seen:
            noted.add(Tolerance.REPEATED_MEMBER)
        seen.add(name)
        if isinstance(member, Blocks):
            yield from _read_blocks(name, member, value, noted)
        else:
            if not isinstance(member, Flag) and isinstance(value, bool | _Number):
                noted.add(Tolerance.NUMBER_FOR_TEXT)
            yield name, _text(value)


def _read_blocks(
    name: str, blocks: Blocks, value: object, noted: set[Tolerance]
) -> Iterator[tuple[str, str | NotText | None]]:
    known: dict[str, tuple[str, Member]] = {inner.casefold(): (inner, kind) for inner, kind in blocks.members.items()}
    items = value if isinstance(value, list) and not isinstance(value, _Pairs) else [value]
    for item in items:
        if isinstance(item, _Pairs):
            yield from _read(item, known, noted)
        elif item is not None:
            yield name, NOT_TEXT


def _text(value: object) -> str | NotText | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else NOT_TEXT
