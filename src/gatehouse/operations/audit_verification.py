"""Verifies the audit trail: whether every entry and every seal is there, and as it was made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from gatehouse.domain.events import INSTALLATION
from gatehouse.operations import audit_macs
from gatehouse.operations.audit_seals import Sealer
from gatehouse.operations.calls import Call
from gatehouse.operations.core import Core
from gatehouse.security.keys import Keys
from gatehouse.storage import audit, audit_seals, merchants
from gatehouse.storage.audit import AuditEntry
from gatehouse.storage.audit_seals import AuditSeal

Head = tuple[int, str]
"""A seal that an operator kept: its number, and its digest in hexadecimal digits."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was found of a merchant's trail. `fault` is the first thing that is wrong, in plain words, or None.

    `head` is the newest seal, as number and digest, which an operator may keep elsewhere and compare later.
    """

    merchant_id: int
    fault: str | None
    seals: int
    entries: int
    unsealed: int
    head: str | None


PART_ENTRIES, PART_SEALS = 5_000, 500
"""How much of a trail is verified at a time while somebody waits for a page."""


@dataclass(frozen=True, kw_only=True)
class PartVerdict:
    """What was found of a part of a trail, from one seal to another; 0 for both where there is no seal.

    `is_from_beginning` and `is_to_end` tell whether there is more before and after it. `begins_at` is the moment of
    the oldest seal of the part, or None.
    """

    fault: str | None
    first_seal: int
    last_seal: int
    entries: int
    unsealed: int
    is_from_beginning: bool
    is_to_end: bool
    begins_at: datetime | None


class _FaultFoundError(Exception):
    """Something is wrong with the trail; the text says what."""


def verify(
    core: Core, expected: Mapping[int, Head], merchant_id: int | None = None, former: Sequence[Keys] = ()
) -> list[Verdict]:
    """Seal what is there, then verify every trail, or that of this merchant. Raises UnavailableError.

    The trail of the installation itself has the number INSTALLATION. `expected` are heads that were kept elsewhere, by
    merchant; with `former`, what was made under these keys is as
    good as under the present one.
    """
    Sealer(core).seal_now()
    with core.database.reading() as db:
        known = {INSTALLATION, *(each.id for each in merchants.find_every(db))}
        wanted = sorted(known | expected.keys()) if merchant_id is None else [merchant_id]
        return [_verdict(db, [core.keys, *former], each, expected.get(each)) for each in wanted]


def verify_part(call: Call, merchant_id: int, last: int | None = None) -> PartVerdict:
    """Verify the newest part of a merchant's trail, or the one that ends with the seal `last`. Seals nothing.

    The work is bounded, however large the trail. A part hangs on the seal before it, which is taken as it is; whether
    an entry is a copy of another one is told by `verify` alone. A fault must show twice, as there.
    """
    with call.reading():
        first = _verify_part(call.db, [call.keys], merchant_id, last)
        return first if first.fault is None else _verify_part(call.db, [call.keys], merchant_id, last)


def _verify_part(db: Connection, keys: Sequence[Keys], merchant_id: int, last: int | None) -> PartVerdict:
    newest = audit_seals.find_last(db, merchant_id)
    begins_with, size = 0, 0
    for number, count in audit_seals.find_sizes(db, merchant_id, last, PART_SEALS):
        if begins_with and size + count > PART_ENTRIES:
            break
        begins_with, size = number, size + count
    before = audit_seals.find_page(db, merchant_id, begins_with - 2, 1) if begins_with > 1 else []
    anchor = before[0] if before and before[0].number == begins_with - 1 else None
    is_to_end = last is None or newest is None or last >= newest.number
    return _Chain(db, keys, merchant_id, None).verify_part(anchor, begins_with, last, is_to_end)


def _verdict(db: Connection, keys: Sequence[Keys], merchant_id: int, expected: Head | None) -> Verdict:
    """Return the verdict on a merchant's trail. A fault must show twice: old entries may be removed as we read."""
    first = _Chain(db, keys, merchant_id, expected).verify()
    return first if first.fault is None else _Chain(db, keys, merchant_id, expected).verify()


class _Chain:
    """The trail of one merchant, on its way from the first seal to the last."""

    def __init__(self, db: Connection, keys: Sequence[Keys], merchant_id: int, expected: Head | None) -> None:
        self._db = db
        self._keys = keys
        self._merchant_id = merchant_id
        self._expected = expected
        self._last: AuditSeal | None = None
        self._first_number = 0
        self._seals = self._entries = self._unsealed = 0
        self._is_expected_found = False
        self._has_seen_mac = False

    def verify(self) -> Verdict:
        fault = None
        # Looked up first: entries and seals that are added meanwhile are for the next time.
        newest = audit.newest_number(self._db, self._merchant_id)
        try:
            for seal in audit_seals.each_seal(self._db, self._merchant_id):
                self._check_seal(seal)
                self._check_entries(seal)
                self._last = seal
                self._seals += 1
            self._check_unsealed(newest)
            self._check_copies()
            self._check_expected()
        except _FaultFoundError as error:
            fault = str(error)
        head = audit_seals.find_last(self._db, self._merchant_id)
        return Verdict(
            merchant_id=self._merchant_id,
            fault=fault,
            seals=self._seals,
            entries=self._entries,
            unsealed=self._unsealed,
            head=f"{head.number}:{head.digest.hex()}" if head else None,
        )

    def verify_part(self, anchor: AuditSeal | None, first: int, last: int | None, is_to_end: bool) -> PartVerdict:
        """Verify the seals from the first to the last, after `anchor` where there is one; and what is unsealed."""
        fault, begins_at = None, None
        newest = audit.newest_number(self._db, self._merchant_id)
        self._last, reached, is_all = anchor, 0, True
        try:
            for seal in audit_seals.each_seal(self._db, self._merchant_id, after=first - 1) if first else ():
                if last is not None and seal.number > last:
                    break
                begins_at = begins_at or seal.sealed_at
                self._check_seal(seal)
                self._check_entries(seal)
                self._last, reached = seal, seal.number
            if is_to_end:
                is_all = self._check_unsealed(newest, PART_ENTRIES)
        except _FaultFoundError as error:
            fault = str(error)
        return PartVerdict(
            fault=fault,
            first_seal=first,
            last_seal=reached,
            entries=self._entries,
            unsealed=self._unsealed,
            is_from_beginning=anchor is None,
            is_to_end=is_to_end and is_all,
            begins_at=begins_at,
        )

    def _check_seal(self, seal: AuditSeal) -> None:
        """Check the seal itself, and that it follows the one before it."""
        if seal.removed_at is not None or seal.removal_mac is not None:
            self._check_removal(seal)
        if self._last is None:
            self._first_number = seal.number
            if seal.number != 1 and seal.removed_at is None:
                raise _FaultFoundError(f"{_numbers('seal', 1, seal.number - 1)} missing at the beginning")
            # What was before the beginning of a trail is not there to check this digest by; its removal has proved it.
            is_beginning = seal.number != 1
        else:
            is_beginning = False
            if seal.number != self._last.number + 1:
                raise _FaultFoundError(f"{_numbers('seal', self._last.number + 1, seal.number - 1)} missing")
            if seal.first_entry_id <= self._last.last_entry_id:
                raise _FaultFoundError(f"seal {seal.number} was changed")
        previous = self._last.digest if self._last else audit_macs.NO_SEAL
        if not is_beginning and not audit_macs.is_seal_genuine(self._keys, previous, seal):
            raise _FaultFoundError(f"seal {seal.number} was changed, or made with another secret key")
        if self._expected and self._expected[0] == seal.number:
            if self._expected[1] != seal.digest.hex():
                raise _FaultFoundError(f"seal {seal.number} is not the one that was expected: the trail was made anew")
            self._is_expected_found = True

    def _check_removal(self, seal: AuditSeal) -> None:
        """Check that it was the service that removed the entries, because they were old."""
        if not audit_macs.is_removal_genuine(self._keys, seal):
            raise _FaultFoundError(
                f"seal {seal.number} says that its entries were removed, but the service did not do that: "
                f"{_numbers('entry', seal.first_entry_id, seal.last_entry_id)} missing"
            )

    def _check_entries(self, seal: AuditSeal) -> None:
        """Check the entries since the seal before this one, which are to be those that it lists."""
        listed: dict[int, bytes] = {}
        if seal.removed_at is None:
            if seal.entries is None or audit_macs.digest_of_list(seal.entries) != seal.entries_digest:
                raise _FaultFoundError(f"the list of entries in seal {seal.number} was changed")
            listed = audit_macs.read_list(seal.entries)
        after = self._last.last_entry_id if self._last else 0
        pending: Iterator[int] = iter(sorted(listed))
        next_listed = next(pending, None)
        for entry in audit.each_between(self._db, self._merchant_id, after, seal.last_entry_id):
            if next_listed is not None and next_listed < entry.id:
                raise _FaultFoundError(f"{_missing(listed, next_listed, entry.id)} (seal {seal.number})")
            if entry.id not in listed:
                raise _FaultFoundError(f"entry {entry.id} was added afterwards (before the end of seal {seal.number})")
            self._check_entry(entry)
            if not any(audit_macs.tag_of(each, entry) == listed[entry.id] for each in self._keys):
                raise _FaultFoundError(f"entry {entry.id} is not the one that was sealed (seal {seal.number})")
            self._entries += 1
            next_listed = next(pending, None)
        if next_listed is not None:
            raise _FaultFoundError(f"{_missing(listed, next_listed, seal.last_entry_id + 1)} (seal {seal.number})")

    def _check_entry(self, entry: AuditEntry) -> None:
        """Check the entry's own MAC. Entries of an older version have none; they were all before the first that has."""
        if entry.mac is None and not self._has_seen_mac:
            return
        self._has_seen_mac = True
        if entry.mac is None:
            raise _FaultFoundError(f"entry {entry.id} has no MAC: it was changed or added afterwards")
        if not audit_macs.is_genuine(self._keys, entry):
            raise _FaultFoundError(f"entry {entry.id} was changed, or made with another secret key")

    def _check_unsealed(self, newest: int, most: int | None = None) -> bool:
        """Check the entries that no seal holds yet, each by itself; return whether these are not more than `most`."""
        after = self._last.last_entry_id if self._last else 0
        for entry in audit.each_between(self._db, self._merchant_id, after, newest):
            if self._unsealed == most:
                return False
            self._check_entry(entry)
            self._entries += 1
            self._unsealed += 1
        return True

    def _check_copies(self) -> None:
        copy = audit.find_copy(self._db, self._merchant_id)
        if copy is not None:
            raise _FaultFoundError(f"entry {copy[1]} is a copy of entry {copy[0]}")

    def _check_expected(self) -> None:
        """Check that the trail reaches the head that was kept elsewhere."""
        if self._expected is None or self._is_expected_found:
            return
        number, present = self._expected[0], self._last.number if self._last else 0
        if number > present:
            raise _FaultFoundError(f"the end is missing: {_numbers('seal', present + 1, number)} not there any more")
        raise _FaultFoundError(
            f"seal {number} cannot be compared: it was removed with its old entries, the trail begins at seal "
            f"{self._first_number}"
        )


def _missing(listed: Mapping[int, bytes], first: int, before: int) -> str:
    """Return which listed entries are missing, from the first one to those below this number."""
    gone = [number for number in sorted(listed) if first <= number < before]
    if len(gone) == 1:
        return f"entry {gone[0]} is missing"
    return f"{len(gone)} entries from {gone[0]} to {gone[-1]} are missing"


def _numbers(kind: str, first: int, last: int) -> str:
    plural = {"entry": "entries", "seal": "seals"}[kind]
    return f"{kind} {first} is" if first == last else f"{plural} {first} to {last} are"
