"""Media types as clients write them: what is sent, in which charset, and SOAP 1.2's action."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from gatehouse.domain.tolerances import Tolerance
from gatehouse.fronts import charsets

_LONGEST = 1_000
"""Characters of a media type that are read."""

_NAME = re.compile(r"[^\s;,]+")
_PARAMETER = re.compile(
    r"""(?:[;,]\s*+|\s)([A-Za-z0-9_.-]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|["']?([^\s;,"']*+))""",
)
# The quantifiers give nothing back, so that no header makes this slow.
_AS_WRITTEN = re.compile(r"""[\w.+-]++/[\w.+-]++(?:\s*+;\s*+(?:[\w.-]++=(?:[^\s;,"'=]++|"[^"]*+"))?+)*+\s*+""")


@dataclass(frozen=True)
class MediaType:
    """A media type, in small letters and without its parameters.

    `charset` is the name that parsers know, or None where there is none; `is_readable` is False where there is one
    that nobody knows.
    """

    name: str
    charset: str | None = None
    is_readable: bool = True
    parameters: Mapping[str, str] = field(default_factory=dict)
    tolerances: frozenset[Tolerance] = frozenset()


@lru_cache(maxsize=256)
def read_media_type(text: str) -> MediaType:
    """Return what a `Content-Type` says, also one that is not written by the rules. The first of a name counts."""
    given = text[:_LONGEST].strip()
    name = _NAME.match(given)
    if name is None:
        return MediaType("")
    parameters: dict[str, str] = {}
    for key, *values in _PARAMETER.findall(given, name.end()):
        parameters.setdefault(key.casefold(), next(filter(None, values), ""))
    tolerances = set() if _AS_WRITTEN.fullmatch(given) else {Tolerance.ODD_MEDIA_TYPE}
    spelled = parameters.get("charset", "").strip()
    charset = charsets.find_charset(spelled)
    if spelled and not charsets.is_registered(spelled):
        tolerances.add(Tolerance.ODD_CHARSET)
    return MediaType(name[0].casefold(), charset, not spelled or charset is not None, parameters, frozenset(tolerances))
