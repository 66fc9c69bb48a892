"""Signatures of JSON messages: a digest over the body and a hash key that application and service share.

Source: contract, JSON of the same service.
"""

import base64
import binascii
import hashlib
import hmac

from gatehouse.domain.codes import ReturnCode
from gatehouse.operations import callers
from gatehouse.operations.calls import Call
from gatehouse.storage.applications import Application

_SCHEME = "bytes-SHA256"


def refusal_of_signature(call: Call, body: bytes, header: str | None) -> ReturnCode | None:
    """Return INVALID_SIGNATURE where the calling application asks for a signature and this is none, else None.

    An application that is not known is not judged here: the operation says so. A signature that is present
    is checked unless the application's setting is `off`; one that is missing is refused where it is `required`.
    """
    found = callers.find_calling_application(call)
    if found is None or found.signature == "off":
        return None
    if header is None:
        return ReturnCode.INVALID_SIGNATURE if found.signature == "required" else None
    key = _hash_key(call, found)
    scheme, _, encoded = header.partition(",")
    try:
        given = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        given = b""
    is_right = key is not None and hmac.compare_digest(given, _digest(body, key))
    return None if is_right and scheme.strip().casefold() == _SCHEME.casefold() else ReturnCode.INVALID_SIGNATURE


def sign(call: Call, body: bytes) -> str | None:
    """Return the signature of an answer, or None where the calling application has none."""
    found = callers.find_calling_application(call)
    if found is None or found.signature == "off":
        return None
    key = _hash_key(call, found)
    return None if key is None else f"{_SCHEME}, {base64.b64encode(_digest(body, key)).decode()}"


def gives_boolean_results(call: Call) -> bool:
    """Whether the calling application expects a bare boolean from the methods that once gave one."""
    found = callers.find_calling_application(call)
    return found is not None and found.boolean_results


def _hash_key(call: Call, application: Application) -> str | None:
    sealed = application.hash_key_sealed
    return call.keys.unseal(sealed, "hash key") if sealed else None


def _digest(body: bytes, key: str) -> bytes:
    return hashlib.sha256(body + key.encode()).digest()
