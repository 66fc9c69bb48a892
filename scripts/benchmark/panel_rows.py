"""Rows as an installation has them after a while, in any number, written faster than the service would write them."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import Connection, Table, func, insert, select, text, update

from gatehouse.operations.audit import device_digest
from gatehouse.operations.core import Core
from gatehouse.operations.hourly_counts import HourlyCounter
from gatehouse.storage import column_types, tables
from gatehouse.storage.engine import Database

BIGGEST = 1
"""The merchant that has four of five rows of everything."""
BUSY = tables.FIRST_ACCOUNT_NUMBER
"""An account of the biggest merchant that a program uses, with much of everything."""
PLAIN = BUSY + 7
"""An account of the biggest merchant that a person uses."""
PHONE_COUNTRY = "US"

_AT_A_TIME = 5000
_OUTCOMES = ("InvalidCredentials", "AccountLocked", "InvalidLoginCookie", "DeviceNotActivated")
_STACKS = ("wcf/4.8", "php-soap/8.2", "axis/1.4")
_METHODS = ("Login", "LogOff", "DecodeLoginCookie", "RegisterDevice", "DeviceActivate", "UpdatePassword")


@dataclass(frozen=True)
class Amount:
    """How many rows there are of what. Those of a last day are among them."""

    merchants: int = 200
    accounts: int = 1_000_000
    sessions: int = 1_000_000
    devices: int = 1_000_000
    messages: int = 500_000
    entries: int = 4_000_000
    messages_of_day: int = 30_000
    entries_of_day: int = 400_000
    of_busy_account: int = 50_000

    def divided(self, by: int) -> "Amount":
        """Return so many times less of everything but of merchants."""
        return Amount(
            merchants=self.merchants,
            **{name: value // by for name, value in vars(self).items() if name != "merchants"},
        )


Row = tuple[Any, ...]


def fill(core: Core, amount: Amount) -> None:
    """Write them into an empty database of the newest schema, and count their hours."""
    database, now = core.database, core.now()
    with database.changing_schema() as db:
        is_postgresql = db.dialect.name == "postgresql"
        if is_postgresql:
            # What refers to what is right by itself, and to look each up takes longer than to write it.
            db.execute(text("SET LOCAL session_replication_role = replica"))
        filled = [
            (tables.merchants, _MERCHANTS, _merchants(amount, now)),
            (tables.applications, _APPLICATIONS, _applications(amount, now)),
            (tables.integrations, _INTEGRATIONS, _integrations(amount, now)),
            (tables.integration_secrets, _SECRETS, _secrets(amount, now)),
            (tables.client_calls, _CLIENT_CALLS, _client_calls(amount, now)),
            (tables.accounts, _ACCOUNTS, _accounts(amount, now)),
            (tables.cards, _CARDS, _cards(amount)),
            (tables.devices, _DEVICES, _devices(amount, now)),
            (tables.login_cookies, _COOKIES, _cookies(amount, now)),
            (tables.sessions, _SESSIONS, _sessions(amount, now)),
            (tables.messages, _MESSAGES, _messages(amount, now)),
            (tables.message_events, _EVENTS, _events(amount, now)),
            (tables.audit_entries, _ENTRIES, _entries(core, amount, now)),
        ]
        for table, names, rows in filled:
            indexes = sorted(table.indexes, key=lambda each: str(each.name))
            for index in indexes:
                index.drop(db)
            (_copy if is_postgresql else _insert)(db, table, names, rows)
            for index in indexes:
                index.create(db)
        for name in ("audit_entries", "messages"):
            newest = select(func.min(tables.metadata.tables[name].c.id) - 1).where(
                tables.metadata.tables[name].c.created_at >= now - timedelta(hours=26)
            )
            db.execute(
                update(tables.counted_to)
                .where(tables.counted_to.c.source == name)
                .values(last_id=newest.scalar_subquery())
            )
    counter = HourlyCounter(core)
    counter.step()
    counter.step()
    if not database.is_sqlite:
        _analyse(database)


def device_name(number: int) -> str:
    """Return the name that the device of this number, from 0, gave itself."""
    return f"device-{number:08}"


def request_id(number: int) -> str:
    """Return the request of the audit entry of this number, from 0."""
    digest = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"


def source(number: int) -> str:
    """Return where the audit entry of this number, from 0, came from: often the same, one only at others."""
    return "203.0.113.9" if number % 5 else "203.0.113.10" if number % 2 else f"198.51.100.{number % 1000 // 10}"


def card_number(number: int) -> str:
    """Return the printed number of the card of this number, from 0."""
    return f"60{number:010}"


def phone_number(number: int) -> str:
    """Return the phone of the account of this number, from 0."""
    return f"+1201{5_000_000 + number % 1_000_000:07}"


def _merchant_of(number: int, amount: Amount) -> int:
    """Return whose a row of this number is: four of five are the biggest merchant's."""
    return BIGGEST if number % 5 or amount.merchants == 1 else 2 + (number // 5) % (amount.merchants - 1)


def _account_of(number: int, amount: Amount) -> int:
    """Return the account of a row of this number, which is one of its merchant's."""
    turn = 5 * (amount.merchants - 1)
    return tables.FIRST_ACCOUNT_NUMBER + 1 + number % ((amount.accounts - 1) // turn * turn)


def _when(number: int, of: int, of_day: int, now: datetime) -> datetime:
    """Return the moment of a row: the last `of_day` are of the last day, and the others of the year before it."""
    left = of - number - 1
    day = timedelta(days=1)
    if left < of_day:
        return now - day * (left / of_day)
    return now - day - timedelta(days=364) * ((left - of_day) / max(of - of_day, 1))


_MERCHANTS = [
    "id",
    "name",
    "region",
    "password_min_length",
    "password_max_length",
    "password_min_strength",
    "password_history",
    "temporary_password_lifetime",
    "reset_replaces_password",
    "third_party_accounts_of_record",
    "created_at",
]


def _merchants(amount: Amount, now: datetime) -> Iterator[Row]:
    for number in range(1, amount.merchants + 1):
        yield number, f"Merchant {number}", PHONE_COUNTRY, 8, 64, 2, 5, 3600, False, False, now - timedelta(days=365)


_APPLICATIONS = [
    "id",
    "merchant_id",
    "name",
    "token_digest",
    "session_lifetime",
    "session_idle_lifetime",
    "cookie_lifetime",
    "cookie_grace",
    "requires_devices",
    "registers_devices_by_token",
    "signature",
    "boolean_results",
    "created_at",
]


def _applications(amount: Amount, now: datetime) -> Iterator[Row]:
    """Give two of each merchant: a till, and a shop on the web."""
    for number in range(2 * amount.merchants):
        yield (
            number + 1,
            1 + number // 2,
            ("Till", "Web shop")[number % 2],
            _digest("application", number),
            *(86_400, 3600, 30 * 86_400, 60),
            number % 2 == 0,
            False,
            "none",
            False,
            now - timedelta(days=365),
        )


_INTEGRATIONS = ["id", "merchant_id", "name", "client_id", "authentication", "created_at"]


def _integrations(amount: Amount, now: datetime) -> Iterator[Row]:
    for number in range(1, amount.merchants + 1):
        yield number, number, "Partner", f"partner-{number}", ["b2b"], now - timedelta(days=300)


_SECRETS = ["id", "merchant_id", "integration_id", "secret_digest", "expires_at", "created_at"]


def _secrets(amount: Amount, now: datetime) -> Iterator[Row]:
    for number in range(1, amount.merchants + 1):
        ends_at = now + timedelta(days=7) if number % 50 == 0 else None
        yield number, number, number, _digest("secret", number), ends_at, now - timedelta(days=300)


_CLIENT_CALLS = ["merchant_id", "application_id", "stack", "method", "calls", "first_seen_at", "last_seen_at"]


def _client_calls(amount: Amount, now: datetime) -> Iterator[Row]:
    for number, stack, method in itertools.product(range(2 * amount.merchants), _STACKS, _METHODS):
        yield 1 + number // 2, number + 1, stack, method, 1000, now - timedelta(days=300), now


_ACCOUNTS = [
    "id",
    "merchant_id",
    "role",
    "email",
    "email_key",
    "username",
    "username_key",
    "phone",
    "full_name",
    "status",
    "password_hash",
    "created_at",
]


def _accounts(amount: Amount, now: datetime) -> Iterator[Row]:
    for number in range(amount.accounts):
        name = f"guest-{number:07}"
        email = f"{name}@example.com"
        yield (
            tables.FIRST_ACCOUNT_NUMBER + number,
            # The busy one, and whoever _account_of names for a row of the same number.
            BIGGEST if number == 0 else _merchant_of(number - 1, amount),
            *(15, email, email, name, name, phone_number(number), "Jane Doe"),
            ("Active", "Locked", "Disabled")[min(number % 100, 2)] if number % 100 in (1, 2) else "Active",
            "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g",
            _when(number, amount.accounts, amount.accounts // 365, now),
        )


_CARDS = ["merchant_id", "account_id", "printed_number", "number_key"]


def _cards(amount: Amount) -> Iterator[Row]:
    """Give one to every fifth account."""
    for number in range(0, amount.accounts - 1, 5):
        account = number + 1
        yield (
            _merchant_of(number + 1, amount),
            tables.FIRST_ACCOUNT_NUMBER + account + 1,
            card_number(account + 1),
            card_number(account + 1),
        )


_DEVICES = [
    "id",
    "merchant_id",
    "application_id",
    "account_id",
    "device_id",
    "phone",
    "activated_at",
    "blocked_at",
    "last_seen_at",
    "created_at",
]


def _devices(amount: Amount, now: datetime) -> Iterator[Row]:
    """Of the biggest merchant's, tills are activated and phones of its shop only registered; few tills are blocked."""
    for number in range(amount.devices):
        merchant_id, made = _merchant_of(number, amount), _when(number, amount.devices, amount.devices // 365, now)
        is_till = number % 10 != 3
        is_blocked = number * 20 // amount.devices != (number - 1) * 20 // amount.devices and is_till
        yield (
            number + 1,
            merchant_id,
            2 * merchant_id - (1 if is_till else 0),
            _account_of(number, amount),
            device_name(number),
            phone_number(number),
            made if is_till else None,
            now if is_blocked else None,
            made,
            made,
        )


_COOKIES = [
    "id",
    "merchant_id",
    "application_id",
    "account_id",
    "device_id",
    "series_digest",
    "generation",
    "rotated_at",
    "expires_at",
    "ended_at",
    "created_at",
]


def _cookies(amount: Amount, now: datetime) -> Iterator[Row]:
    busy = amount.of_busy_account // 2
    for number in range(amount.sessions // 4):
        made = _when(number, amount.sessions // 4, amount.entries_of_day // 16, now)
        is_busy = number % (amount.sessions // 4 // busy) == 0
        merchant_id = BIGGEST if is_busy else _merchant_of(number, amount)
        yield (
            number + 1,
            merchant_id,
            2 * merchant_id,
            BUSY if is_busy else _account_of(number, amount),
            *(None if is_busy else device_name(number), _digest("cookie", number), 3, made, made + timedelta(days=30)),
            made if number % 3 == 0 and not is_busy else None,
            made,
        )


_SESSIONS = [
    "id",
    "merchant_id",
    "application_id",
    "account_id",
    "device_id",
    "token_digest",
    "must_change_password",
    "last_used_at",
    "expires_at",
    "ended_at",
    "created_at",
]


def _sessions(amount: Amount, now: datetime) -> Iterator[Row]:
    for number in range(amount.sessions):
        made = _when(number, amount.sessions, amount.entries_of_day // 4, now)
        is_busy = number % (amount.sessions // amount.of_busy_account) == 0
        merchant_id = BIGGEST if is_busy else _merchant_of(number, amount)
        yield (
            number + 1,
            merchant_id,
            2 * merchant_id - number % 2,
            BUSY if is_busy else _account_of(number, amount),
            *(None if is_busy else device_name(number), _digest("session", number), False, made),
            made + timedelta(days=1),
            made if number % 3 == 0 and not is_busy else None,
            made,
        )


_MESSAGES = [
    "id",
    "merchant_id",
    "account_id",
    "kind",
    "medium",
    "recipient",
    "state",
    "attempts",
    "failure",
    "due_at",
    "sent_at",
    "created_at",
]


def _messages(amount: Amount, now: datetime) -> Iterator[Row]:
    """Nearly all are sent; every two hundredth was given up, and the newest wait."""
    for number in range(amount.messages):
        made = _when(number, amount.messages, amount.messages_of_day, now)
        is_busy = number % (amount.messages // (amount.of_busy_account // 5)) == 0
        state = "abandoned" if number % 200 == 7 else "queued" if number >= amount.messages - 20 else "sent"
        yield (
            number + 1,
            BIGGEST if is_busy else _merchant_of(number, amount),
            BUSY if is_busy else _account_of(number, amount),
            *("password_changed", "mail", f"guest-{number:07}@example.com", state, 1),
            "refused: 550 no such mailbox" if state == "abandoned" else None,
            made,
            made if state == "sent" else None,
            made,
        )


_EVENTS = ["merchant_id", "message_id", "state", "created_at"]


def _events(amount: Amount, now: datetime) -> Iterator[Row]:
    for message in _messages(amount, now):
        number, merchant_id, state, made = message[0], message[1], message[6], message[-1]
        for each in ("queued", "sending", state) if state != "queued" else ("queued",):
            yield merchant_id, number, each, made


_ENTRIES = [
    "id",
    "merchant_id",
    "account_id",
    "application_id",
    "event",
    "outcome",
    "source",
    "request_id",
    "device",
    "mac",
    "created_at",
]


def _entries(core: Core, amount: Amount, now: datetime) -> Iterator[Row]:
    """Mostly sessions that start and end; some refusals; and, of the first merchant long ago, a device blocked."""
    mac = b"m" * 40
    for number in range(amount.entries):
        is_busy = number % (amount.entries // amount.of_busy_account) == 0
        merchant_id = BIGGEST if is_busy else _merchant_of(number, amount)
        event, outcome = ("session.started", "login_cookie.rotated", "session.ended")[number % 3], None
        if number % 11 == 0:
            event, outcome = "login.refused", _OUTCOMES[number % 7 % 2]
        elif number % 97 == 0:
            event, outcome = "device.registration_refused", _OUTCOMES[2 + number % 2]
        elif number * 40 // amount.entries == 3 and number % (amount.entries // 500) == 1:
            merchant_id, event = BIGGEST, "device.blocked"
        yield (
            number + 1,
            merchant_id,
            BUSY if is_busy else _account_of(number, amount),
            2 * merchant_id - number % 2,
            event,
            outcome,
            source(number),
            request_id(number),
            device_digest(core.keys, merchant_id, device_name(number)) if number % 97 == 0 else None,
            mac,
            _when(number, amount.entries, amount.entries_of_day, now),
        )


def _insert(db: Connection, table: Table, names: Sequence[str], rows: Iterable[Row]) -> None:
    kinds = {name: table.c[name].type for name in names}
    seconds = [name for name, kind in kinds.items() if isinstance(kind, column_types.Duration)]
    for batch in _batches(rows):
        values = [dict(zip(names, row, strict=True)) for row in batch]
        for each in values:
            for name in seconds:
                each[name] = timedelta(seconds=each[name])
        db.execute(insert(table), values)


def _copy(db: Connection, table: Table, names: Sequence[str], rows: Iterable[Row]) -> None:
    raw: psycopg.Connection[Any] = db.connection.driver_connection  # type: ignore[assignment]  # psycopg is the driver
    with raw.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
        for batch in _batches(rows):
            copy.write("".join("\t".join(map(_copied, row)) + "\n" for row in batch))
    sequence = func.pg_get_serial_sequence(table.name, "id")
    db.execute(select(func.setval(sequence, select(func.max(table.c.id)).scalar_subquery())))


def _copied(value: Any) -> str:
    match value:
        case None:
            return "\\N"
        case str():
            return value
        case bool():
            return "t" if value else "f"
        case bytes():
            return f"\\\\x{value.hex()}"
        case list() | dict():
            return json.dumps(value)
        case _:
            return str(value)


def _batches(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    given = iter(rows)
    while batch := list(itertools.islice(given, _AT_A_TIME)):
        yield batch


def _digest(kind: str, number: int) -> bytes:
    return hashlib.sha256(f"{kind} {number}".encode()).digest()


def _analyse(database: Database) -> None:
    """Let PostgreSQL know what is there, as it does by itself after a while. SQLite is never told."""
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    # On a connection of its own: it cannot be done in a transaction.
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("VACUUM ANALYZE")
