"""The run: start, load, kill, look; again and again; and in the end, whether everything acknowledged is there."""

import random
import secrets
import sqlite3
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from gatehouse.config import read_settings
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.messages import MessageKind, MessageState
from gatehouse.domain.roles import UserRole
from gatehouse.operations.accounts import add_account
from gatehouse.operations.applications import add_application
from gatehouse.operations.calls import Call
from gatehouse.operations.calls import Caller as CallerOfOperations
from gatehouse.operations.core import Core, make_core, utc_now
from gatehouse.operations.merchants import add_merchant
from gatehouse.storage import tables
from scripts.killing.callers import Caller, Ledger
from scripts.killing.client import Client
from scripts.killing.service import Service
from tests.integration.delivery.mail_servers import Mailbox, serving

WORKERS = 3
_CALLERS = 8
_MOST_ANSWERS, _LONGEST_SECONDS, _JITTER_SECONDS = 150, 6.0, 0.1
"""Until a kill, from the moment at which the service is ready: by answers, so that a slow machine does as much."""

_KILLED_AT_START, _START_LASTS = 0.15, 1.5
"""How many of the kills come while the service starts, and about how many seconds that takes."""

_LANES = 4
"""Mails that a process may have under way at the same time."""

_DELIVERED_WITHIN = 60.0

SETTINGS = {
    "GATEHOUSE_WORKERS": str(WORKERS),
    "GATEHOUSE_LOG_LEVEL": "WARNING",
    # Cheap hashes: the moments at which something can be lost are those of the database.
    "GATEHOUSE_ARGON2_MEMORY_KIB": "1024",
    "GATEHOUSE_ARGON2_PASSES": "1",
    "GATEHOUSE_MAILS_PER_ACCOUNT": "1000000",
    # A change in doubt is tried with the password that may be wrong.
    "GATEHOUSE_GUESSES_PER_ACCOUNT": "100000",
    "GATEHOUSE_GUESSES_PER_ACCOUNT_AND_SOURCE": "100000",
    "GATEHOUSE_GUESSES_PER_SOURCE": "100000",
}


@dataclass
class Report:
    """What a run found."""

    kills: int = 0
    kills_at_start: int = 0
    acknowledged: Counter[str] = field(default_factory=Counter)
    lost_answers: int = 0
    mails: int = 0
    mails_repeated: int = 0
    audit_entries: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """What a person reads of it."""
        calls = ", ".join(f"{name} {count}" for name, count in sorted(self.acknowledged.items()))
        return [
            f"{self.kills} kills in {self.seconds:.0f} s, {self.kills_at_start} of them while the service started",
            f"{self.acknowledged.total()} answers acknowledged ({calls}), {self.lost_answers} cut off by a kill",
            f"{self.mails} mails arrived, {self.mails_repeated} of them twice; {self.audit_entries} audit entries",
            *(f"! {each}" for each in self.problems),
            f"lost: {len(self.problems)}",
        ]


def run(folder: Path, database_url: str, kills: int, seed: int) -> Report:
    """Kill the service as often as asked, in this folder and on this empty database."""
    mailbox = Mailbox()
    with serving(mailbox) as mail_port:
        settings = SETTINGS | {
            "GATEHOUSE_DATABASE_URL": database_url,
            "GATEHOUSE_MAIL_URL": f"smtp://127.0.0.1:{mail_port}",
            "GATEHOUSE_SECRET_KEY": secrets.token_hex(32),
        }
        service = Service(folder, settings)
        try:
            return _Run(service, mailbox, seed).run(kills)
        finally:
            service.stop()


class _Run:
    def __init__(self, service: Service, mailbox: Mailbox, seed: int) -> None:
        self._service, self._mailbox = service, mailbox
        self._random = random.Random(seed)  # noqa: S311  a run that can be repeated
        self._report = Report()
        migrated = service.run("migrate")
        if migrated.returncode != 0:
            raise RuntimeError(migrated.stderr)
        core = make_core(read_settings(service.environment))
        self._callers = make_callers(core, service.port, seed)
        core.database.close()

    def run(self, kills: int) -> Report:
        report, began = self._report, time.monotonic()
        for _ in range(kills):
            received = len(self._mailbox.mails)
            self._live_and_die()
            # What a killed process had sent would else be counted as a mail of the next one.
            self._mailbox.wait_until_left()
            self._look_at_database()
            repeated = Counter(mail["Message-ID"] for _, mail in self._mailbox.mails[received:])
            report.problems += [f"mail {each} came twice in one life" for each, count in repeated.items() if count > 1]
            report.kills += 1
            if report.problems or any(each.problems for each in self._callers):
                break
        self._end()
        report.seconds = time.monotonic() - began
        report.problems += sorted({f"log: {line}" for line in self._service.log.splitlines() if " failed: " in line})
        for each in self._callers:
            report.acknowledged += each.acknowledged
            report.lost_answers += each.lost
            report.problems += each.problems
            if each.unavailable:
                report.problems.append(f"{each.ledger.email}: the service was unavailable {each.unavailable} times")
        return report

    def _live_and_die(self) -> None:
        """Start the service, let everybody call, and kill it at some moment."""
        self._service.start()
        if self._random.random() < _KILLED_AT_START:
            self._report.kills_at_start += 1
            time.sleep(self._random.uniform(0, _START_LASTS))
            self._service.kill()
            return
        self._service.wait_until_ready()
        stop = threading.Event()
        threads = [threading.Thread(target=each.work, args=(stop,)) for each in self._callers]
        for thread in threads:
            thread.start()
        self._wait_for(self._random.randrange(_MOST_ANSWERS))
        time.sleep(self._random.uniform(0, _JITTER_SECONDS))
        self._service.kill()
        stop.set()
        for thread in threads:
            thread.join()

    def _wait_for(self, answers: int) -> None:
        """Wait for so many answers, but not for ever."""
        deadline = time.monotonic() + _LONGEST_SECONDS
        goal = self._acknowledged() + answers
        while self._acknowledged() < goal and time.monotonic() < deadline:
            time.sleep(0.001)

    def _acknowledged(self) -> int:
        return sum(each.answers for each in self._callers)

    def _look_at_database(self) -> None:
        """Look whether the database is whole as it was left, and let the claims of the dead run out."""
        settings = read_settings(self._service.environment)
        core = make_core(settings)
        if core.database.is_sqlite:
            self._report.problems += faults_of_file(Path(core.database.engine.url.database or ""))
        with core.database.writing() as db:
            db.execute(
                sa.update(tables.messages)
                .where(tables.messages.c.state == MessageState.SENDING.value)
                .values(due_at=utc_now() - timedelta(minutes=2))
            )
        core.database.close()

    def _end(self) -> None:
        """Start once more without a kill, and look for everything that was acknowledged."""
        self._service.start()
        self._service.wait_until_ready()
        for each in self._callers:
            each.compare()
        core = make_core(read_settings(self._service.environment))
        try:
            self._wait_until_delivered(core)
            self._look_for_devices(core)
            self._look_for_mails(core)
            self._look_for_audit_entries(core)
        finally:
            core.database.close()
        verified = self._service.run("audit", "verify")
        if verified.returncode != 0:
            self._report.problems.append(f"audit verify: {verified.stdout}{verified.stderr}")
        if self._service.stop() != 0:
            self._report.problems.append("the service did not stop in good order")

    def _wait_until_delivered(self, core: Core) -> None:
        deadline = time.monotonic() + _DELIVERED_WITHIN
        pending = sa.select(sa.func.count()).where(tables.messages.c.state != MessageState.SENT.value)
        asked = sa.select(sa.func.count()).select_from(tables.account_requests)
        while True:
            with core.database.reading() as db:
                count = db.execute(asked).scalar_one() + db.execute(pending).scalar_one()
            if not count:
                return
            if time.monotonic() > deadline:
                self._report.problems.append(f"{count} messages, or requests for one, were not delivered")
                return
            time.sleep(0.1)

    def _look_for_devices(self, core: Core) -> None:
        with core.database.reading() as db:
            known = set(db.scalars(sa.select(tables.devices.c.device_id)))
        for each in self._callers:
            missing = set(each.ledger.devices) - known
            if missing:
                self._report.problems.append(f"{each.ledger.email}: {len(missing)} acknowledged devices are missing")

    def _look_for_mails(self, core: Core) -> None:
        """Compare what was acknowledged with the outbox, and the outbox with what arrived."""
        report, messages = self._report, tables.messages.c
        with core.database.reading() as db:
            counted = db.execute(
                sa.select(messages.recipient, messages.kind, sa.func.count()).group_by(
                    messages.recipient, messages.kind
                )
            )
            queued = {(recipient, kind): count for recipient, kind, count in counted}
        for ledger in (each.ledger for each in self._callers):
            changed = queued.get((ledger.email, MessageKind.PASSWORD_CHANGED.value), 0)
            if changed != ledger.passwords_changed:
                report.problems.append(f"{ledger.email}: {ledger.passwords_changed} changes, {changed} mails of them")
            resets = queued.get((ledger.owner, MessageKind.TEMPORARY_PASSWORD.value), 0)
            if not ledger.resets <= resets <= ledger.resets + ledger.resets_lost:
                doubt = f"{ledger.resets} requests and {ledger.resets_lost} in doubt"
                report.problems.append(f"{ledger.owner}: {doubt}, {resets} mails of them")
        arrived = Counter(mail["Message-ID"] for _, mail in self._mailbox.mails)
        report.mails = len(arrived)
        report.mails_repeated = sum(count - 1 for count in arrived.values())
        distinct = Counter(recipient for recipient, _ in {(to, mail["Message-ID"]) for to, mail in self._mailbox.mails})
        expected: Counter[str] = Counter()
        for (recipient, _), count in queued.items():
            expected[recipient] += count
        if distinct != expected:
            report.problems.append(f"{expected.total()} mails were queued, {distinct.total()} arrived")
        if report.mails_repeated > report.kills * WORKERS * _LANES:
            report.problems.append(f"{report.mails_repeated} mails came twice, more than were under way at the kills")

    def _look_for_audit_entries(self, core: Core) -> None:
        entries = tables.audit_entries.c
        with core.database.reading() as db:
            counted = db.execute(sa.select(entries.event, sa.func.count()).group_by(entries.event))
            counts = {event: count for event, count in counted}
        self._report.audit_entries = sum(counts.values())
        changed = sum(each.ledger.passwords_changed for each in self._callers)
        if counts.get(AuditEvent.PASSWORD_CHANGED.value, 0) != changed:
            self._report.problems.append(f"{changed} changes of a password are audited otherwise")


def faults_of_file(path: Path) -> list[str]:
    """Return what SQLite finds wrong with a database that was left behind."""
    connection = sqlite3.connect(path)
    try:
        whole = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        connection.close()
    return [f"integrity_check: {each}" for each in whole if each != "ok"] + [
        f"dangling: {each[0]}" for each in dangling
    ]


def make_callers(core: Core, port: int, seed: int, *, asks_again: bool = False) -> list[Caller]:
    """Add a merchant with an application and accounts, and return who calls with them at this port.

    `asks_again` is that of their clients.
    """
    call = Call(core, CallerOfOperations(source="kills"))
    merchant = add_merchant(call, "Kills")
    application = add_application(call, merchant.id, "Kills")
    callers = []
    for number in range(_CALLERS):
        ledger = Ledger(f"caller{number}@example.com", f"owner{number}@example.com", secrets.token_urlsafe(15))
        add_account(call, merchant.id, UserRole.CUSTOMER, email=ledger.email, password=ledger.password)
        add_account(call, merchant.id, UserRole.CUSTOMER, email=ledger.owner, password=secrets.token_urlsafe(15))
        callers.append(Caller(Client(port, application.token, asks_again=asks_again), ledger, f"{seed} {number}"))
    return callers
