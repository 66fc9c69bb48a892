"""What happened in each hour, counted: logins, refusals by outcome, and messages. What is not counted yet is added.

Rows of a source are counted up to one number, in the transaction that sets it; so each is counted once, however many
processes count, and is not lost when one of them dies.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    delete,
    extract,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from gatehouse.domain.events import INSTALLATION, AuditEvent
from gatehouse.storage.tables import audit_entries, counted_to, hourly_counts, messages

LOGIN, REFUSAL, MESSAGE = "login", "refusal", "message"

SOURCES: Mapping[str, Table] = {each.name: each for each in (audit_entries, messages)}
"""The tables that are counted, by name."""

_ALL = INSTALLATION
"""What stands in the place of a merchant's number where all are counted together."""

_TRIES = 3


@dataclass(frozen=True, slots=True)
class HourlyCount:
    """How much there was of a kind in an hour, which is counted from 1970; `detail` is the outcome of a refusal."""

    hour: int
    kind: str
    detail: str
    count: int


def find_last(db: Connection, source: str) -> int:
    """Return the number up to which the source is counted."""
    found: int = db.execute(select(counted_to.c.last_id).where(counted_to.c.source == source)).scalar_one()
    return found


def count_up_to(db: Connection, source: str, after: int, last: int) -> bool:
    """Count the rows with numbers above `after` and up to `last`. Returns False when another process did."""
    statement = update(counted_to).where(counted_to.c.source == source, counted_to.c.last_id == after)
    if db.execute(statement.values(last_id=last)).rowcount != 1:
        return False
    columns = [hourly_counts.c[name] for name in ("hour", "merchant_id", "kind", "detail", "count")]
    # The two dialects have the same statement, but SQLAlchemy has no name for both.
    insert: Any = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    key = list(hourly_counts.primary_key)
    # Of all together, too: who looks after every merchant need not have them added up.
    for rows in (_rows(db, source, after, last), _rows(db, source, after, last, is_of_all=True)):
        added = insert(hourly_counts).from_select(columns, rows)
        count = hourly_counts.c.count + added.excluded["count"]
        db.execute(added.on_conflict_do_update(index_elements=key, set_={"count": count}))
    return True


def remove_before(db: Connection, hour: int) -> None:
    """Remove the counts of the hours before this one."""
    db.execute(delete(hourly_counts).where(hourly_counts.c.hour < hour))


def has_before(db: Connection, hour: int) -> bool:
    """Whether `remove_before` would find something; asked first because it takes no lock."""
    statement = select(hourly_counts.c.hour).where(hourly_counts.c.merchant_id == _ALL, hourly_counts.c.hour < hour)
    return db.execute(statement.limit(1)).first() is not None


def find_counts(db: Connection, merchant_ids: Collection[int] | None, since: datetime) -> Sequence[HourlyCount]:
    """Return what happened at these merchants, or at all, since this moment, which begins an hour."""
    for _ in range(_TRIES):
        last = {source: find_last(db, source) for source in SOURCES}
        found = [*_counted(db, merchant_ids, since), *_uncounted(db, merchant_ids, since, last)]
        # Each statement sees what is committed then: what was counted in between would be in both.
        if last == {source: find_last(db, source) for source in SOURCES}:
            break
    return found


def _counted(db: Connection, merchant_ids: Collection[int] | None, since: datetime) -> Sequence[HourlyCount]:
    counts = hourly_counts.c
    statement = (
        select(counts.hour, counts.kind, counts.detail, cast(func.sum(counts.count), BigInteger))
        .where(counts.hour >= int(since.timestamp()) // 3600)
        .where(counts.merchant_id.in_([_ALL] if merchant_ids is None else sorted(merchant_ids)))
        .group_by(counts.hour, counts.kind, counts.detail)
    )
    return [HourlyCount(*row) for row in db.execute(statement)]


def _uncounted(
    db: Connection, merchant_ids: Collection[int] | None, since: datetime, last: Mapping[str, int]
) -> Sequence[HourlyCount]:
    found = []
    for source, after in last.items():
        table = SOURCES[source]
        statement = _rows(db, source, after, None).where(table.c.created_at >= since)
        if merchant_ids is not None:
            statement = statement.where(table.c.merchant_id.in_(sorted(merchant_ids)))
        found += [HourlyCount(hour, kind, detail, count) for hour, _, kind, detail, count in db.execute(statement)]
    return found


def _rows(db: Connection, source: str, after: int, last: int | None, is_of_all: bool = False) -> Select[Any]:
    """Return a statement that counts the source's rows with numbers above `after`, and up to `last` where given."""
    table = SOURCES[source]
    kind, detail, which = _kinds(source)
    hour = _hour(db, table.c.created_at)
    whose = literal_column(str(_ALL)) if is_of_all else table.c.merchant_id
    statement = (
        select(hour.label("hour"), whose.label("merchant_id"), kind.label("kind"), detail.label("detail"), func.count())
        .where(table.c.id > after, which)
        .group_by(literal_column("1"), literal_column("2"), literal_column("3"), literal_column("4"))
    )
    return statement if last is None else statement.where(table.c.id <= last)


def _kinds(source: str) -> tuple[ColumnElement[str], ColumnElement[str], ColumnElement[bool]]:
    """Return kind and detail of a row of the source, and which rows are counted."""
    if source == messages.name:
        return literal(MESSAGE, String), literal("", String), messages.c.id.is_not(None)
    entry = audit_entries.c
    is_refused = entry.outcome.is_not(None)
    kind = case((is_refused, literal(REFUSAL, String)), else_=literal(LOGIN, String))
    is_login = entry.event == AuditEvent.SESSION_STARTED.value
    return kind, func.coalesce(entry.outcome, ""), and_(entry.merchant_id != INSTALLATION, or_(is_refused, is_login))


def _hour(db: Connection, moment: ColumnElement[datetime]) -> ColumnElement[int]:
    # Neither may round the fractions of a second up into the next hour, as a cast does here, and strftime there.
    if db.dialect.name == "postgresql":
        return cast(func.floor(extract("epoch", moment) / literal_column("3600")), BigInteger)
    seconds = func.strftime("%s", func.substr(moment, 1, literal_column(str(len("2026-03-01 12:00:00")))))
    return cast(seconds, Integer) // literal_column("3600", Integer)
