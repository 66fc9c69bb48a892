"""Argon2id for what people choose: passwords and pincodes."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2

from gatehouse.domain.errors import UnavailableError
from gatehouse.domain.password_policy import bytes_of
from gatehouse.security.peppers import Peppers, split

Hashed = TypeVar("Hashed")

MAX_WAIT = 15.0
"""Seconds that a caller waits for a free slot before it is told to come back later."""


class PasswordHasher:
    """Hashes and verifies, at most `slots` at a time, so that callers cannot multiply the memory in use."""

    def __init__(self, memory_kib: int, passes: int, lanes: int, slots: int, peppers: Peppers) -> None:
        """Take the parameters of Argon2id and the keys. Source of the defaults: OWASP Password Storage, RFC 9106."""
        self._peppers = peppers
        self._argon2 = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)
        # The C library keeps the memory of a hash for each thread that ever made one, so only these threads make any.
        # This one ends at once: a process that is forked from here later would believe that it has the thread as well.
        with ThreadPoolExecutor(1, thread_name_prefix="password") as self._slots:
            self._nobodys_hash = self.hash(secrets.token_urlsafe(32))
        self._slots = ThreadPoolExecutor(slots, thread_name_prefix="password")

    def close(self) -> None:
        """End the threads. Nothing is hashed afterwards."""
        self._slots.shutdown()

    def hash(self, password: str) -> str:
        """Return a new salted hash in PHC form after the name of its pepper key.

        Raises UnavailableError when no slot came free.
        """
        peppered = self._peppers.apply_newest(bytes_of(password))
        return self._peppers.newest_mark + self._in_slot(self._argon2.hash, peppered).removeprefix("$")

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether the password is the one that the hash was made from.

        Without a hash the same work is done, so that an answer takes as long for an account that
        does not exist or has no password. Raises UnavailableError when no slot came free.

        A hash that another program made may be of letters that were not composed, so those are tried as they were
        sent as well: for every account, or the time would tell whose hash is from elsewhere.
        """
        composed, sent = bytes_of(password), password.encode(errors="surrogatepass")
        # Not any(), which would stop at the first.
        return sum([self._is_of(kept, form) for form in dict.fromkeys((composed, sent))]) > 0

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters or another pepper key than those that are set now."""
        name, phc = split(kept)
        return name != self._peppers.names[0] or self._argon2.check_needs_rehash(phc)

    def _is_of(self, kept: str | None, password: bytes) -> bool:
        name, phc = split(kept or self._nobodys_hash)
        is_kept = kept is not None
        if name is not None and not self._peppers.is_known(name):
            is_kept = False
            name, phc = split(self._nobodys_hash)
        given = password if name is None else self._peppers.apply(name, password)
        try:
            return self._in_slot(self._argon2.verify, phc, given) and is_kept
        except argon2.exceptions.VerifyMismatchError:
            return False

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
    return bytes_of(one) == bytes_of(other)
