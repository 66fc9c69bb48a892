"""The audit trail: rows are added and read, never changed, and removed only with the whole batch of a seal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, func, or_, select

from gatehouse.storage.paging import newest_within
from gatehouse.storage.prepared import Prepared
from gatehouse.storage.records import columns, find_all, insert
from gatehouse.storage.tables import audit_entries

_AT_A_TIME = 1000
"""Entries that are held in memory when many are read."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One event: what happened to whom, who did it, from where, and with which outcome.

    `device` and `identity` are keyed digests of what was sent; `changes` are the values before and after, by field;
    `mac` is made over all the others but the number.
    """

    id: int
    merchant_id: int
    account_id: int | None
    application_id: int | None
    integration_id: int | None
    event: str
    outcome: str | None
    subject: str | None
    device: str | None
    identity: str | None
    source: str | None
    request_id: str | None
    changes: Mapping[str, Any] | None
    created_at: datetime
    mac: bytes | None


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which entries are wanted: those that agree in all that is given."""

    merchant_id: int | None = None
    account_id: int | None = None
    application_id: int | None = None
    integration_id: int | None = None
    event: str | None = None
    outcome: str | None = None
    source: str | None = None
    request_id: str | None = None
    device: str | None = None
    identity: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_DATES = {"since", "until"}
_KEY_ORDER = ("merchant_id", "account_id", "source", "device", "event", "outcome")
_INDEXED = (
    {"merchant_id"},
    {"merchant_id", "account_id"},
    {"merchant_id", "source"},
    {"merchant_id", "device"},
    {"merchant_id", "event"},
    {"merchant_id", "outcome"},
    {"merchant_id", "event", "outcome"},
)
"""What may be wanted beside dates and has an index of just this, and in which order the index has it."""

_NARROW = ({"merchant_id", "account_id"},)
"""What has few entries, so that those are looked at for whatever else is wanted: PostgreSQL would at times begin at the
other end."""

_DISORDER = timedelta(minutes=10)
"""How much later an entry with a lower number may have been made: longer than a call takes, and than clocks differ."""
_HIGHEST = 2**63 - 1

_SELECT = select(*columns(AuditEntry, audit_entries))
_BETWEEN = Prepared(
    _SELECT.where(audit_entries.c.merchant_id == bindparam("merchant_id"))
    .where(audit_entries.c.id > bindparam("after"), audit_entries.c.id <= bindparam("last"))
    .order_by(audit_entries.c.id)
    .limit(bindparam("most"))
)


def add(db: Connection, **values: Any) -> None:
    """Insert an entry."""
    insert(db, audit_entries, values)


def find_every(db: Connection, merchant_id: int) -> Sequence[AuditEntry]:
    """Return the merchant's entries in the order in which they were made."""
    statement = _SELECT.where(audit_entries.c.merchant_id == merchant_id)
    return find_all(db, statement.order_by(audit_entries.c.id), AuditEntry)


def find_between(db: Connection, merchant_id: int, after: int, last: int, limit: int) -> Sequence[AuditEntry]:
    """Return up to `limit` entries of the merchant with numbers above `after` and up to `last`, by number."""
    return find_all(db, _BETWEEN, AuditEntry, merchant_id=merchant_id, after=after, last=last, most=limit)


def each_between(db: Connection, merchant_id: int, after: int, last: int) -> Iterator[AuditEntry]:
    """Give every entry of the merchant with a number above `after` and up to `last`, by number."""
    while found := find_between(db, merchant_id, after, last, _AT_A_TIME):
        yield from found
        after = found[-1].id


def find_page(db: Connection, wanted: AuditFilter, after: int, last: int | None, limit: int) -> Sequence[AuditEntry]:
    """Return up to `limit` entries of this kind with numbers above `after`, and up to `last` where given, by number."""
    statement = _SELECT.where(*_conditions(db, wanted), audit_entries.c.id > after).order_by(audit_entries.c.id)
    return find_all(db, _until_number(statement, last).limit(limit), AuditEntry)


def find_newest(db: Connection, wanted: AuditFilter, limit: int) -> Sequence[AuditEntry]:
    """Return the `limit` newest entries of this kind, by number."""
    statement = _SELECT.where(*_conditions(db, wanted)).order_by(audit_entries.c.id.desc()).limit(limit)
    return list(reversed(find_all(db, statement, AuditEntry)))


def find_before(db: Connection, wanted: AuditFilter, before: int | None, limit: int) -> Sequence[AuditEntry]:
    """Return the `limit` newest entries of this kind, with numbers below `before` where given, newest first."""
    given = {each.name for each in fields(wanted) if getattr(wanted, each.name) is not None} - _DATES
    indexed = given if given in _INDEXED else next((names for names in _NARROW if names <= given), None)
    if indexed is not None and "request_id" not in given:
        after, last = _numbers_between(db, wanted)
        if last is not None and (before is None or before > last + 1):
            before = last + 1
        key = [(audit_entries.c[name], getattr(wanted, name)) for name in _KEY_ORDER if name in indexed]
        statement = _SELECT.where(*_moments(wanted), *_equalities(wanted, given - indexed))
        if "outcome" in indexed:
            # As the index says it.
            statement = statement.where(audit_entries.c.outcome.is_not(None))
        if "device" in indexed:
            statement = statement.where(audit_entries.c.device.is_not(None))
        return find_all(db, newest_within(db, statement, key, audit_entries.c.id, before, limit, after), AuditEntry)
    statement = _SELECT.where(*_conditions(db, wanted)).order_by(audit_entries.c.id.desc()).limit(limit)
    return find_all(db, statement if before is None else statement.where(audit_entries.c.id < before), AuditEntry)


def newest_number(db: Connection, merchant_id: int | None = None) -> int:
    """Return the greatest number of an entry, of the merchant where given, or 0."""
    statement = select(func.max(audit_entries.c.id))
    if merchant_id is not None:
        statement = statement.where(audit_entries.c.merchant_id == merchant_id)
    return db.execute(statement).scalar_one() or 0


def find_merchants(db: Connection, after: int, last: int) -> Sequence[int]:
    """Return the merchants that have entries with numbers above `after` and up to `last`."""
    statement = select(audit_entries.c.merchant_id).distinct()
    return list(db.scalars(statement.where(audit_entries.c.id > after, audit_entries.c.id <= last)))


def find_copy(db: Connection, merchant_id: int) -> tuple[int, int] | None:
    """Return the numbers of an entry and of a copy of it, or None: no two entries have the same MAC."""
    lowest, highest = func.min(audit_entries.c.id), func.max(audit_entries.c.id)
    statement = (
        select(lowest, highest)
        .where(audit_entries.c.merchant_id == merchant_id, audit_entries.c.mac.is_not(None))
        .group_by(audit_entries.c.created_at, audit_entries.c.mac)
        .having(func.count() > 1)
        .order_by(highest)
        .limit(1)
    )
    row = db.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def remove_between(db: Connection, merchant_id: int, after: int, last: int) -> None:
    """Remove the merchant's entries with numbers above `after` and up to `last`."""
    db.execute(
        delete(audit_entries).where(
            audit_entries.c.merchant_id == merchant_id, audit_entries.c.id > after, audit_entries.c.id <= last
        )
    )


def count_of_account_since(db: Connection, merchant_id: int, account_id: int, event: str, since: datetime) -> int:
    """Return how often the event was recorded for this account of the merchant since then."""
    statement = select(func.count()).where(
        audit_entries.c.merchant_id == merchant_id,
        audit_entries.c.account_id == account_id,
        audit_entries.c.event == event,
        audit_entries.c.created_at >= since,
    )
    return db.execute(statement).scalar_one()


def _conditions(db: Connection, wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    yield from _equalities(wanted, [each.name for each in fields(wanted) if each.name not in _DATES])
    yield from _moments(wanted)
    after, last = _numbers_between(db, wanted)
    if after:
        yield audit_entries.c.id > after
    if last is not None:
        yield audit_entries.c.id <= last


def _equalities(wanted: AuditFilter, names: Iterable[str]) -> Iterator[ColumnElement[bool]]:
    for name in names:
        value = getattr(wanted, name)
        if value is None:
            continue
        if name == "identity":
            # Of a call with an address and a username there are two, of one length, with a blank between them.
            yield or_(audit_entries.c.identity == value, audit_entries.c.identity.contains(value, autoescape=True))
        else:
            yield audit_entries.c[name] == value


def _moments(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.since is not None:
        yield audit_entries.c.created_at >= wanted.since
    if wanted.until is not None:
        yield audit_entries.c.created_at < wanted.until


def _numbers_between(db: Connection, wanted: AuditFilter) -> tuple[int, int | None]:
    """Return the number above which, and the one up to which, a merchant's entries of these dates are; None: no end.

    Indexes are in the order of numbers. An entry gets its moment when its call begins and its number when it is
    written, so that the numbers follow the moments but for as long as calls may take.
    """
    after, last = 0, None
    of_merchant = select(audit_entries.c.id).where(audit_entries.c.merchant_id == wanted.merchant_id).limit(1)
    moment = audit_entries.c.created_at
    if wanted.merchant_id is not None and wanted.since is not None:
        first = of_merchant.where(moment >= wanted.since - _DISORDER).order_by(moment, audit_entries.c.id)
        found = db.execute(first).scalar_one_or_none()
        after = _HIGHEST if found is None else found - 1
    if wanted.merchant_id is not None and wanted.until is not None:
        newest = of_merchant.where(moment < wanted.until + _DISORDER).order_by(moment.desc(), audit_entries.c.id.desc())
        last = db.execute(newest).scalar_one_or_none() or 0
    return after, last


def _until_number(statement: Select[Any], last: int | None) -> Select[Any]:
    return statement if last is None else statement.where(audit_entries.c.id <= last)
