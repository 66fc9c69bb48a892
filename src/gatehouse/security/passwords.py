"""Argon2id for what people choose: passwords and pincodes."""

import secrets
import threading
import unicodedata

import argon2

from gatehouse.domain.errors import UnavailableError

MAX_WAIT = 15.0
"""Seconds that a caller waits for a free slot before it is told to come back later."""


class PasswordHasher:
    """Hashes and verifies, at most `slots` at a time, so that callers cannot multiply the memory in use."""

    def __init__(self, memory_kib: int, passes: int, lanes: int, slots: int) -> None:
        """Take the parameters of Argon2id. Source of the defaults: OWASP Password Storage, RFC 9106."""
        self._argon2 = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)
        self._slots = threading.BoundedSemaphore(slots)
        self._nobodys_hash = self._argon2.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """Return a new salted hash in PHC form. Raises UnavailableError when no slot came free."""
        with self._slot():
            return self._argon2.hash(_normalised(password))

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether the password is the one that the hash was made from.

        Without a hash the same work is done, so that an answer takes as long for an account that
        does not exist or has no password. Raises UnavailableError when no slot came free.
        """
        with self._slot():
            try:
                right = self._argon2.verify(kept or self._nobodys_hash, _normalised(password))
            except argon2.exceptions.VerifyMismatchError:
                return False
        return right and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than those that are set now."""
        return self._argon2.check_needs_rehash(kept)

    def _slot(self) -> "_Slot":
        return _Slot(self._slots)


class _Slot:
    """Holds one of the slots inside a `with` block."""

    def __init__(self, slots: threading.BoundedSemaphore) -> None:
        self._slots = slots

    def __enter__(self) -> None:
        if not self._slots.acquire(timeout=MAX_WAIT):
            raise UnavailableError("no slot for a password hash came free")

    def __exit__(self, *_: object) -> None:
        self._slots.release()


def is_same(one: str, other: str) -> bool:
    """Whether two texts are the same password, however their letters are composed."""
    return _normalised(one) == _normalised(other)


def _normalised(password: str) -> bytes:
    """Return the bytes to hash: NFC, because keyboards compose letters differently (NIST SP 800-63B-4, 3.1.1.2)."""
    return unicodedata.normalize("NFC", password).encode()
