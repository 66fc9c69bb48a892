"""One-time passwords by time, as authenticator applications show them. Source: RFC 6238."""

import hmac
from datetime import datetime

import pyotp

STEP_SECONDS = 30
_DIGITS = 6
_STEPS_OFF = (0, -1, 1)
"""A code counts for one step longer on either side: clocks differ, and people type slowly. Source: RFC 6238, 5.2."""


def draw_totp_secret() -> str:
    """Return a new secret of 160 bits in base32, as people type it. Source: RFC 4226, 4 (R6)."""
    return pyotp.random_base32(32)


def find_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step whose code this is, or None when it is a wrong one."""
    present = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret, digits=_DIGITS, interval=STEP_SECONDS)
    given = code.encode(errors="surrogatepass")
    # Every step is looked at, so that the time does not tell which one it was.
    found = [
        step
        for step in (present + off for off in _STEPS_OFF)
        if hmac.compare_digest(totp.at(step * STEP_SECONDS).encode(), given)
    ]
    return found[0] if found else None


def enrolment_address(secret: str, username: str, issuer: str) -> str:
    """Return the address that a QR code carries to an authenticator application."""
    return pyotp.TOTP(secret, digits=_DIGITS, interval=STEP_SECONDS).provisioning_uri(name=username, issuer_name=issuer)
