"""One run: a service with people and partners, the highest rate, then 80 % of it for as long as asked."""

import base64
import json
import secrets
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from gatehouse.config import read_settings
from gatehouse.domain.roles import UserRole
from gatehouse.load.calls import Calls, Turn, mixed
from gatehouse.load.driver import Driver, Figures
from gatehouse.load.people import Person
from gatehouse.load.target import Target
from gatehouse.operations.accounts import add_account
from gatehouse.operations.applications import add_application
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core, make_core
from gatehouse.operations.integrations import AUTHENTICATION_KINDS, add_integration
from gatehouse.operations.merchants import add_merchant
from gatehouse.storage import tables
from gatehouse.storage.engine import Database
from scripts.killing.service import Service
from scripts.proc import stat
from scripts.sinks import running_sinks
from scripts.soaking.verdict import Judgement, judge
from scripts.soaking.watching import Sample, Watch

SHARE = 0.8
"""Of the highest rate."""

CONNECTIONS = 32

_WARM_UP_STRETCHES, _HIGHEST_OF = 8, 3
"""Stretches at full speed before the rate is held, of a minute in a run of ten or more; the middle one of the last
three is the highest rate. By then rows have expired, their removal begins, and entries are sealed beside the calls.
With small tables, the first seconds bring more than any later minute can."""

MIX = {"decode": 60, "refused": 10, "login": 3, "logoff": 2, "register": 1, "code": 1, "reset": 1, "generate": 1}

_PEOPLE, _APPLICATIONS = 50, 3
_PATH = "/guestmanagement/generateAndSendGuestResetPasswordCode.json"
_STARTED_WITHIN, _DELIVERED_WITHIN = 10.0, 60.0

_SETTINGS = {
    "GATEHOUSE_LOG_LEVEL": "WARNING",
    "GATEHOUSE_SECRET_KEY": secrets.token_hex(32),
    # The same few people ask again and again, from one address.
    "GATEHOUSE_REQUESTS_PER_SOURCE": "100000000",
    "GATEHOUSE_REQUESTS_PER_APPLICATION": "100000000",
    "GATEHOUSE_MAILS_PER_ACCOUNT": "100000000",
    "GATEHOUSE_SMS_PER_NUMBER": "100000000",
    "GATEHOUSE_SMS_PER_MERCHANT": "100000000",
    "GATEHOUSE_SMS_PER_COUNTRY": "*=100000000",
}


class Stretches(Figures):
    """Figures that also tell one stretch of time from the next."""

    def __init__(self, length: float) -> None:
        """Take how long a stretch is, in seconds."""
        super().__init__()
        self.length = length
        self.each: list[Figures] = []

    def add(self, turn: Turn, outcome: str, seconds: float) -> None:
        """Count one answer, in all and in its stretch."""
        super().add(turn, outcome, seconds)
        place = int((time.perf_counter() - self.began) / self.length)
        while len(self.each) <= place:
            self.each.append(Figures(seconds=self.length))
        self.each[place].add(turn, outcome, seconds)


@dataclass
class Report:
    """What a run found."""

    warm_up: Sequence[float]
    """Answers a second in each stretch at full speed."""
    highest: float
    rate: float
    figures: Stretches
    samples: Sequence[Sample]
    judgements: Sequence[Judgement]
    messages: Mapping[str, int]
    taken: Mapping[str, int]
    problems: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing grew, nothing failed and everything was delivered."""
        return not self.problems and all(each.is_good is not False for each in self.judgements)


def run(folder: Path, database_url: str, seconds: float, stretch: float) -> Report:
    """Warm up, then hold the rate for so many seconds, in this folder and on this empty database.

    A sample is taken for each stretch of seconds.
    """
    with running_sinks() as sinks:
        settings = _SETTINGS | {
            "GATEHOUSE_DATABASE_URL": database_url,
            "GATEHOUSE_MAIL_URL": f"smtp://127.0.0.1:{sinks.mail_port}",
            "GATEHOUSE_SMS_URL": f"json://127.0.0.1:{sinks.sms_port}/send?:number={{to}}",
        }
        service = Service(folder, settings)
        if (migrated := service.run("migrate")).returncode != 0:
            raise RuntimeError(migrated.stderr)
        read = read_settings(service.environment)
        core = make_core(read)
        people, generate = _populate(core)
        target = Target("127.0.0.1", service.port, is_tls=False, prefix="")
        service.start()
        try:
            service.wait_until_ready()
            if not _wait_until(lambda: len(service.processes()) == read.workers, _STARTED_WITHIN):
                raise RuntimeError("the service did not start all of its processes")
            report = _load(service, core.database, target, people, generate, seconds, stretch)
            report.messages = _wait_until_delivered(core.database)
            taken = sinks.taken()
            report.taken = {"mails": taken.mails, "sms": taken.sms}
        finally:
            status = service.stop()
            core.database.close()
    _look_for_problems(report, service, status)
    return report


def _load(
    service: Service,
    database: Database,
    target: Target,
    people: Sequence[Person],
    generate: Mapping[str, str],
    seconds: float,
    stretch: float,
) -> Report:
    calls = Calls(target, people)
    request = target.post(
        _PATH,
        json.dumps({key: generate[key] for key in ("merchantId", "username")}).encode(),
        {
            "Authorization": generate["authorization"],
            "Content-Type": "application/json",
        },
    )
    makers = {**calls.makers, "generate": lambda: Turn("generate", request, "success", lambda _outcome, _body: None)}
    turns = mixed(makers, MIX)
    first = service.processes()
    with Driver(target, CONNECTIONS) as driver:
        driver.repeat((calls.login_for_cookie() for _ in range(CONNECTIONS)), 60.0)
        warming = Stretches(stretch)
        driver.repeat(turns, stretch * _WARM_UP_STRETCHES, warming)
        warm_up = [each.rate for each in warming.each[:_WARM_UP_STRETCHES]]
        highest = statistics.median(warm_up[-_HIGHEST_OF:])
        rate = max(highest * SHARE, 1.0)
        figures = Stretches(stretch)
        with Watch([stat(first[0]).parent, *first], database, stretch) as watch:
            driver.keep_rate(turns, rate, seconds, figures)
    whole = figures.each[: max(int(seconds / stretch), 1)]
    problems = [f"{count} answers at full speed were {outcome}" for outcome, count in warming.errors.most_common()]
    problems += watch.problems
    report = Report(warm_up, highest, rate, figures, watch.samples, judge(watch.samples, whole), {}, {}, problems)
    if service.processes() != first:
        report.problems.append("a process of the service was replaced")
    return report


def _look_for_problems(report: Report, service: Service, status: int) -> None:
    figures, problems = report.figures, report.problems
    problems += [f"{count} answers were {outcome}" for outcome, count in figures.errors.most_common()]
    if figures.rate < report.rate * 0.98:
        problems.append(f"{figures.rate:.1f} answers a second came of {report.rate:.1f} that were asked for")
    unsent = {state: count for state, count in report.messages.items() if state != "sent"}
    if unsent:
        problems.append(f"messages were not delivered: {unsent}")
    if sum(report.taken.values()) < report.messages.get("sent", 0):
        problems.append(f"{report.messages['sent']} messages were sent, {sum(report.taken.values())} arrived")
    if not report.taken.get("mails") or not report.taken.get("sms"):
        problems.append(f"mails and SMS should have come: {dict(report.taken)}")
    problems += [f"log: {line[:200]}" for line in service.log.splitlines()[:20]]
    if status != 0:
        problems.append("the service did not stop in good order")


def _populate(core: Core) -> tuple[Sequence[Person], Mapping[str, str]]:
    """Add a merchant with applications, people and a partner; return who calls, and how the partner does."""
    call = Call(core, Caller(source="soak"))
    merchant = add_merchant(call, "Soak")
    lifetimes = {"session_lifetime": timedelta(minutes=1), "session_idle_lifetime": timedelta(minutes=1)}
    tokens = [add_application(call, merchant.id, f"Soak {each}", **lifetimes).token for each in range(_APPLICATIONS)]
    password = secrets.token_urlsafe(15)
    hashed = call.passwords.hash(password)
    people: list[Person] = []
    for number in range(_PEOPLE):
        email = f"person{number}@example.com"
        phone = f"+1201555{100 + number:04d}"
        add_account(
            call,
            merchant.id,
            UserRole.CUSTOMER,
            email=email,
            username=f"person{number}",
            phone=phone,
            password_hash=hashed,
        )
        people += [Person(email, password, token) for token in tokens]
    integration, secret = add_integration(call, merchant.id, "Soak", AUTHENTICATION_KINDS, "soak-partner")
    credentials = base64.b64encode(f"{integration.client_id}:{secret}".encode()).decode()
    return people, {
        "merchantId": str(merchant.id),
        "username": "person1",
        "authorization": f"Basic {credentials}",
    }


def _wait_until_delivered(database: Database) -> Mapping[str, int]:
    """Wait for the last messages, and return how many are in which state; also what is still asked for accounts."""
    unfinished = ("requested", "queued", "sending")
    _wait_until(lambda: not any(map(_messages(database).__getitem__, unfinished)), _DELIVERED_WITHIN)
    return +_messages(database)


def _messages(database: Database) -> Counter[str]:
    messages, requests = tables.messages.c, tables.account_requests
    with database.reading() as db:
        counted = db.execute(sa.select(messages.state, sa.func.count()).group_by(messages.state))
        states = Counter({state: count for state, count in counted})
        states["requested"] = db.execute(sa.select(sa.func.count()).select_from(requests)).scalar_one()
    return states


def _wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    """Wait for something, and return whether it came."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
