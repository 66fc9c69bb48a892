"""Argon2id for what people choose: passwords and pincodes."""

import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2

from gatehouse.domain.errors import UnavailableError

Hashed = TypeVar("Hashed")

MAX_WAIT = 15.0
"""Seconds that a caller waits for a free slot before it is told to come back later."""


class PasswordHasher:
    """Hashes and verifies, at most `slots` at a time, so that callers cannot multiply the memory in use."""

    def __init__(self, memory_kib: int, passes: int, lanes: int, slots: int) -> None:
        """Take the parameters of Argon2id. Source of the defaults: OWASP Password Storage, RFC 9106."""
        self._argon2 = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)
        # The C library keeps the memory of a hash for each thread that ever made one, so only these threads make any.
        self._slots = ThreadPoolExecutor(slots, thread_name_prefix="password")
        self._nobodys_hash = self.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """Return a new salted hash in PHC form. Raises UnavailableError when no slot came free."""
        return self._in_slot(self._argon2.hash, _normalised(password))

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether the password is the one that the hash was made from.

        Without a hash the same work is done, so that an answer takes as long for an account that
        does not exist or has no password. Raises UnavailableError when no slot came free.
        """
        try:
            right = self._in_slot(self._argon2.verify, kept or self._nobodys_hash, _normalised(password))
        except argon2.exceptions.VerifyMismatchError:
            return False
        return right and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than those that are set now."""
        return self._argon2.check_needs_rehash(kept)

    def _in_slot(self, work: Callable[..., Hashed], *values: str | bytes) -> Hashed:
        """Return what the work gives, done by a thread of a slot. Raises what it raises, and UnavailableError."""
        waiting = self._slots.submit(work, *values)
        try:
            return waiting.result(MAX_WAIT)
        except TimeoutError:
            if waiting.cancel():
                raise UnavailableError("no slot for a password hash came free") from None
            # It has begun, and a hash takes a moment only.
            return waiting.result()


def is_same(one: str, other: str) -> bool:
    """Whether two texts are the same password, however their letters are composed."""
    return _normalised(one) == _normalised(other)


def _normalised(password: str) -> bytes:
    """Return the bytes to hash: NFC, because keyboards compose letters differently (NIST SP 800-63B-4, 3.1.1.2)."""
    return unicodedata.normalize("NFC", password).encode()
