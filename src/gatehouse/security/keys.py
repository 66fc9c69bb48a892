"""The keys that are derived from the operator's secret key, one for each purpose, and what they sign or seal."""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class Keys:
    """Signs, derives and seals with keys that never leave this object."""

    def __init__(self, secret_key: str) -> None:
        """Derive every key by HMAC-SHA-256 of its purpose, so that none tells of another."""
        master = secret_key.encode()
        self._keys = {
            purpose: hmac.digest(master, f"gatehouse {purpose} 1".encode(), "sha256")
            for purpose in (
                "login cookie",
                "activation code",
                "reset code",
                "guest mask",
                "guess count",
                "sealing",
                "demo data",
                "audit entry",
                "audit seal",
                "audit search",
                "pepper",
                "pepper name",
            )
        }

    def sign_login_cookie(self, content: bytes) -> bytes:
        """Return the 32 bytes that prove that this service made the cookie."""
        return hmac.digest(self._keys["login cookie"], content, "sha256")

    def activation_code_digest(self, device_id: int, code: str) -> bytes:
        """Return what is kept of an activation code.

        Six digits are soon guessed from a plain digest, so it takes the key to try one.
        """
        return hmac.digest(self._keys["activation code"], f"{device_id}:{code}".encode(), "sha256")

    def reset_code_digest(self, code: str) -> bytes:
        """Return what is kept of a reset code. A partner's own code may be short, so it takes the key to try one."""
        return hmac.digest(self._keys["reset code"], code.encode(), "sha256")

    def pepper(self) -> tuple[str, bytes]:
        """Return name and key of the pepper of an operator who manages none. The name tells two secret keys apart."""
        return f"derived-{self._keys['pepper name'][:4].hex()}", self._keys["pepper"]

    def guess_digest(self, counted: str) -> bytes:
        """Return the key under which wrong guesses are counted. It tells nobody what they are counted by."""
        return hmac.digest(self._keys["guess count"], counted.encode("utf-8", "surrogatepass"), "sha256")

    def audit_mac(self, content: bytes) -> bytes:
        """Return the 32 bytes that prove that this service made the audit entry."""
        return hmac.digest(self._keys["audit entry"], content, "sha256")

    def audit_seal_digest(self, content: bytes) -> bytes:
        """Return the 32 bytes that prove that this service sealed the audit entries."""
        return hmac.digest(self._keys["audit seal"], content, "sha256")

    def audit_search_digest(self, text: str) -> str:
        """Return what the audit trail keeps of a text that it must find again and may not hold: 32 hexadecimal digits.

        Somebody may have typed a password in the place of a name, so it takes the key to try one.
        """
        return hmac.digest(self._keys["audit search"], text.encode("utf-8", "surrogatepass"), "sha256")[:16].hex()

    def mask_bytes(self, identity: str) -> bytes:
        """Return bytes that always belong to this identity, for a mask of an address that does not exist."""
        return hmac.digest(self._keys["guest mask"], identity.encode(), "sha256")

    def seal(self, secret: str, purpose: str) -> bytes:
        """Encrypt a secret that must be read again, bound to its purpose (AES-256-GCM)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._keys["sealing"]).encrypt(nonce, secret.encode(), purpose.encode())

    def unseal(self, sealed: bytes, purpose: str) -> str | None:
        """Return the secret, or None when it was sealed with another key or for another purpose."""
        try:
            plain = AESGCM(self._keys["sealing"]).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode()
            )
        except InvalidTag:
            return None
        return plain.decode()

    def demo_secret(self, name: str) -> bytes:
        """Return 32 bytes that are always the same for this installation and this name."""
        return hmac.digest(self._keys["demo data"], name.encode(), hashlib.sha256)
