"""What proves that this service made an audit entry, a seal, or a removal.

Each is a HMAC under a key that is derived from `GATEHOUSE_SECRET_KEY`, so that who can write in the database alone
cannot make one. It is made over a text of the fields in one fixed order, which no two different entries share.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gatehouse.security.keys import Keys
from gatehouse.storage.audit import AuditEntry
from gatehouse.storage.audit_seals import AuditSeal

NO_SEAL = bytes(32)
"""What the first seal of a merchant is made over in the place of the one before it."""

_SALT_BYTES, _TAG_BYTES, _NUMBER_BYTES = 8, 16, 8
_LISTED_BYTES = _NUMBER_BYTES + _TAG_BYTES
_SEALED_FIELDS = ("merchant_id", "number", "first_entry_id", "last_entry_id", "entry_count")
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_as_text = json.JSONEncoder(separators=(",", ":"), sort_keys=True, check_circular=False).encode


def new_entry_mac(keys: Keys, **values: Any) -> bytes:
    """Return the MAC of an entry that is being made, with 8 random bytes, so that no two are the same."""
    salt = os.urandom(_SALT_BYTES)
    return salt + keys.audit_mac(salt + _content(**values))


def is_genuine(keys: Iterable[Keys], entry: AuditEntry) -> bool:
    """Whether one of the keys made the entry's MAC over these very fields."""
    if entry.mac is None or len(entry.mac) <= _SALT_BYTES:
        return False
    content = entry.mac[:_SALT_BYTES] + _content_of(entry)
    return any(hmac.compare_digest(each.audit_mac(content), entry.mac[_SALT_BYTES:]) for each in keys)


def listed(keys: Keys, entries: Iterable[AuditEntry]) -> bytes:
    """Return the list of these entries that a seal keeps: of each its number and the beginning of its MAC."""
    return b"".join(each.id.to_bytes(_NUMBER_BYTES, "big") + tag_of(keys, each) for each in entries)


def read_list(entries: bytes) -> dict[int, bytes]:
    """Return the tag of each entry that a seal lists, by number."""
    parts = [entries[start : start + _LISTED_BYTES] for start in range(0, len(entries), _LISTED_BYTES)]
    return {int.from_bytes(each[:_NUMBER_BYTES], "big"): each[_NUMBER_BYTES:] for each in parts}


def tag_of(keys: Keys, entry: AuditEntry) -> bytes:
    """Return what a seal keeps of an entry. One of an older version has no MAC, so that one is made here."""
    whole = entry.mac if entry.mac is not None else keys.audit_mac(b"older" + _content_of(entry))
    return whole[-_TAG_BYTES:]


def digest_of_list(entries: bytes) -> bytes:
    """Return the digest that stays when the list is removed."""
    return hashlib.sha256(entries).digest()


def seal_digest(keys: Keys, previous: bytes, seal: AuditSeal | None = None, **values: Any) -> bytes:
    """Return the digest of a seal, given as it is kept or as its values, that follows the one of this digest."""
    found = [getattr(seal, name) if seal else values[name] for name in _SEALED_FIELDS]
    listed_digest = seal.entries_digest if seal else values["entries_digest"]
    sealed_at = seal.sealed_at if seal else values["sealed_at"]
    content: Sequence[Any] = ["seal", *found, previous.hex(), listed_digest.hex(), _microseconds(sealed_at)]
    return keys.audit_seal_digest(_as_text(content).encode())


def removal_mac(keys: Keys, seal: AuditSeal, removed_at: datetime) -> bytes:
    """Return the MAC that proves that the service removed the entries of this seal.

    It holds all of the seal, because it has to prove the seal, too, when those before it are removed.
    """
    content = ["removal", *(getattr(seal, name) for name in _SEALED_FIELDS)]
    content += [seal.digest.hex(), seal.entries_digest.hex(), _microseconds(seal.sealed_at), _microseconds(removed_at)]
    return keys.audit_seal_digest(_as_text(content).encode())


def is_seal_genuine(keys: Iterable[Keys], previous: bytes, seal: AuditSeal) -> bool:
    """Whether the seal was made with one of the keys, of what it says, and after the one of this digest."""
    return any(hmac.compare_digest(seal_digest(each, previous, seal), seal.digest) for each in keys)


def is_removal_genuine(keys: Iterable[Keys], seal: AuditSeal) -> bool:
    """Whether the service removed the entries of this seal, and the seal is as it was then."""
    at, mac = seal.removed_at, seal.removal_mac
    if at is None or mac is None:
        return False
    return any(hmac.compare_digest(removal_mac(each, seal, at), mac) for each in keys)


def _content_of(entry: AuditEntry) -> bytes:
    return _content(
        merchant_id=entry.merchant_id,
        account_id=entry.account_id,
        application_id=entry.application_id,
        integration_id=entry.integration_id,
        event=entry.event,
        outcome=entry.outcome,
        subject=entry.subject,
        device=entry.device,
        identity=entry.identity,
        source=entry.source,
        request_id=entry.request_id,
        changes=entry.changes,
        created_at=entry.created_at,
    )


def _content(
    *,
    merchant_id: int,
    account_id: int | None,
    application_id: int | None,
    integration_id: int | None,
    event: str,
    outcome: str | None,
    subject: str | None,
    device: str | None,
    identity: str | None,
    source: str | None,
    request_id: str | None,
    changes: Any,
    created_at: datetime,
) -> bytes:
    """Return the fields as one text. The number is not in it: the database gives it, and the seal holds it."""
    values = [
        merchant_id,
        account_id,
        application_id,
        integration_id,
        event,
        outcome,
        subject,
        device,
        identity,
        source,
        request_id,
        changes,
        _microseconds(created_at),
    ]
    return _as_text(values).encode()


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
