"""Every secret that was on the wire, and the search for it in what was kept."""

import base64
import json
import re
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

SHORT = 13
"""Characters below which a secret may stand by chance within a longer number or word, as six digits do in a moment."""


@dataclass
class Secrets:
    """Secrets by what they are."""

    kept: dict[str, str] = field(default_factory=dict)

    def note(self, what: str, secret: str | None) -> str:
        """Remember a secret, and return it. Each has a name of its own."""
        assert secret, f"there was no {what}"
        self.kept[f"{what} {sum(name.startswith(what) for name in self.kept) + 1}"] = secret
        return secret

    def found_in(self, content: bytes) -> list[str]:
        """Return the names of the secrets that the content holds in any form, with the form."""
        folded = content.lower()
        return sorted(
            f"{name} ({form})"
            for name, secret in self.kept.items()
            for form, pattern in _patterns(secret).items()
            if pattern.search(folded if form == "hexadecimal" else content)
        )


def _patterns(secret: str) -> dict[str, re.Pattern[bytes]]:
    """Return what a secret may look like. A short one counts only where it stands alone."""
    raw = secret.encode()
    forms = {
        "as it is": {raw},
        "escaped": {
            quote(secret).encode(),
            quote(secret, safe="").encode(),
            quote_plus(secret).encode(),
            escape(secret).encode(),
            json.dumps(secret)[1:-1].encode(),
            json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
            repr(raw)[2:-1].encode(),
        },
        "hexadecimal": {raw.hex().encode()},
        "base64": {form for offset in range(3) for form in _within_base64(raw, offset)},
    }
    return {name: _any_of(each, is_alone=len(secret) < SHORT) for name, each in forms.items()}


def _within_base64(raw: bytes, offset: int) -> set[bytes]:
    """Return the characters that stand for these bytes alone, `offset` bytes behind the start of three."""
    whole = base64.b64encode(bytes(offset) + raw)
    first = -(-offset * 4 // 3)
    last = (offset + len(raw)) * 8 // 6
    inner = whole[first:last]
    return {inner, inner.replace(b"+", b"-").replace(b"/", b"_")} if len(inner) >= 8 else set()


def _any_of(forms: set[bytes], *, is_alone: bool) -> re.Pattern[bytes]:
    choice = b"|".join(re.escape(each) for each in sorted(forms, reverse=True))
    if not forms:
        return re.compile(b"(?!)")
    return re.compile(b"(?<![0-9A-Za-z.+:-])(?:" + choice + b")(?![0-9A-Za-z])" if is_alone else choice)
