"""The keys without which a password hash that leaked cannot be tried: which one made it, and which is the newest."""

import hmac
import logging
from collections.abc import Iterable, Mapping

_SCHEME = "hmac-sha256:"
"""What a kept hash begins with, before the key's name and then the hash in PHC form."""

_log = logging.getLogger("gatehouse.passwords")


class Peppers:
    """Keys by their names, the newest first.

    A hash is Argon2id of the HMAC of the password, because Argon2 libraries leave no room for a key of their own. The
    name of the key is kept with the hash: the one named verifies it, and a login renews it with the newest, so that a
    key can be replaced without knowing anybody's password. Source: OWASP Password Storage, Peppering.
    """

    def __init__(self, keys: Iterable[tuple[str, bytes]]) -> None:
        """Take names and keys, the newest first; there is at least one."""
        self._keys: Mapping[str, bytes] = dict(keys)
        self._newest = next(iter(self._keys))
        self._missing: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the keys, the newest first."""
        return tuple(self._keys)

    @property
    def newest_mark(self) -> str:
        """What a hash begins with that was made with the newest key."""
        return mark(self._newest)

    def apply(self, name: str, password: bytes) -> bytes:
        """Return what is hashed in the password's place with the key of this name."""
        return hmac.digest(self._keys[name], password, "sha256")

    def apply_newest(self, password: bytes) -> bytes:
        """Return what is hashed in the password's place with the newest key."""
        return self.apply(self._newest, password)

    def is_known(self, name: str) -> bool:
        """Whether there is a key of this name. One that is missing is logged once: an operator has to bring it back."""
        if name in self._keys:
            return True
        if name not in self._missing:
            self._missing.add(name)
            _log.error("a password hash needs the pepper key %s, which is not configured", name)
        return False


MARKED = f"{_SCHEME}%"
"""What SQL calls every hash that was made with a key."""


def mark(name: str) -> str:
    """Return what a hash begins with that was made with the key of this name."""
    return f"{_SCHEME}{name}$"


def split(kept: str) -> tuple[str | None, str]:
    """Return the name of the key that a kept hash was made with, and its PHC form; without a key the name is None."""
    if not kept.startswith(_SCHEME):
        return None, kept
    name, _, phc = kept.removeprefix(_SCHEME).partition("$")
    return name, f"${phc}"
