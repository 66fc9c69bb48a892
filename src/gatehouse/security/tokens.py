"""What we draw at random, and the digests that are kept of it."""

import hashlib
import hmac
import secrets
import uuid

# Without 0, O, 1, I and l, which a person misreads in a mail.
_READABLE = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

TEMPORARY_PASSWORD_LENGTH = 24
"""Characters of 57 kinds, 139 bits. Source: ASVS 5.0, 11.5.1 (128 at least); NIST SP 800-63B-4, 3.1.2.2 (from 112 on a
plain digest may be kept)."""


def draw_token() -> str:
    """Return a new credentials token: 256 random bits in URL-safe characters."""
    return secrets.token_urlsafe(32)


def draw_application_token() -> str:
    """Return a new application token in the GUID form of the seed: 122 random bits."""
    return str(uuid.uuid4()).upper()


def draw_secret() -> str:
    """Return a new hash key or integration secret: 256 random bits in URL-safe characters."""
    return secrets.token_urlsafe(32)


def draw_temporary_password() -> str:
    """Return a password that a person can type from a mail; it has no blanks."""
    return "".join(secrets.choice(_READABLE) for _ in range(TEMPORARY_PASSWORD_LENGTH))


def draw_activation_code() -> str:
    """Return six random digits. Source: NIST SP 800-63B-4, 3.1.3.2."""
    return f"{secrets.randbelow(1_000_000):06d}"


def digest(token: str) -> bytes:
    """Return the SHA-256 that is kept of a token drawn here, 32 bytes."""
    # Half a character, which JSON can carry, has a digest that is nobody's.
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def matches(kept: bytes | None, given: bytes) -> bool:
    """Whether two digests are the same, in constant time; without a kept one, the same work and False."""
    return hmac.compare_digest(kept or bytes(len(given)), given) and kept is not None
