"""Nobody learns who exists: the same bytes, statements and time for each kind of account, on every way to name one.

A way is one to name somebody in a request without a proof. The kinds differ in what is kept of them, and of one
nothing is. The hosted page takes no names, but codes; it is here because a name could be tried as a code.
"""

import json
import math
import random
import re
import shutil
import statistics
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import sqlalchemy as sa

from gatehouse.app import create_app
from gatehouse.domain.accounts import AccountStatus
from gatehouse.operations.accounts import set_account_status
from gatehouse.operations.core import Core
from gatehouse.security.keys import Keys
from gatehouse.security.passwords import PasswordHasher
from gatehouse.security.peppers import Peppers
from gatehouse.storage.engine import Database
from tests import factories
from tests.conformance import soap
from tests.conformance.soap import Answer
from tests.partner import Partner, make_partner

KINDS = ("unknown", "known", "disabled", "locked", "passwordless")
WRONG = "a password of nobody here"
VERIFICATION = {"phone": factories.PHONE, "postalCode": "SW1A 1AA", "dateOfBirth": "1980-02-29"}
WITHOUT_END = {f"guesses_per_{each}": 10**9 for each in ("account", "account_and_source", "source", "application")} | {
    f"requests_per_{each}": 10**9 for each in ("source", "application")
}
"""Settings with which hundreds of tries are no more held back than the first."""

MOST_SECONDS, MOST_PART = 0.001, 0.05
"""How far apart kinds may be, in the median."""

MASK = r"[a-z0-9*]\*{3}@[a-z0-9*]\*{3}\.(?:[a-z]{2,3}|\*{3})"


@dataclass(frozen=True)
class Identity:
    """What a stranger may say of an account of one kind; all have the same lengths."""

    email: str
    username: str
    card: str
    number: int


@dataclass(frozen=True)
class World:
    """A service with an account of each kind, and how a stranger speaks to it."""

    shop: factories.Shop
    partner: Partner
    client: soap.Client
    identities: Mapping[str, Identity]


Send = Callable[[World, Identity, Mapping[str, Any]], Answer]


@dataclass(frozen=True)
class Way:
    """How to name somebody: how it is sent, and what the merchant has chosen."""

    send: Send
    policies: Mapping[str, Any]
    hashes: bool = False
    """Whether a password is tried."""

    def answer(self, world: World, kind: str, **environ: Any) -> Answer:
        """Go this way as a stranger who names the account of this kind."""
        return self.send(world, world.identities[kind], environ)


def over_soap(method: str, **members: str) -> Send:
    """Call a method with these members, in which `{who…}` is the identity."""

    def send(world: World, who: Identity, environ: Mapping[str, Any]) -> Answer:
        values = {name: value.format(who=who) for name, value in members.items()}
        headers = {"applicationToken": world.shop.application.token}
        return world.client.post(soap.envelope(soap.call(method, soap.members(values))), headers, **environ)

    return send


def over_json(method: str, **members: str) -> Send:
    """Do the same in JSON."""

    def send(world: World, who: Identity, environ: Mapping[str, Any]) -> Answer:
        body = json.dumps({name: value.format(who=who) for name, value in members.items()}).encode()
        headers = {"applicationToken": world.shop.application.token}
        everything = {"CONTENT_TYPE": "application/json"} | dict(environ)
        return world.client.request("POST", f"{soap.PATH}/{method}", body, headers, **everything)

    return send


def anonymous(verification: Mapping[str, str] | None = None, **identity: str) -> Send:
    """Have a guest's code sent, as a partner does for a stranger."""

    def send(world: World, who: Identity, environ: Mapping[str, Any]) -> Answer:
        named = {name: value.format(who=who) for name, value in identity.items()}
        members = {"merchantId": world.shop.merchant.id, "authentication": "anonymous"} | named | (verification or {})
        target = "/guestmanagement/generateAndSendGuestResetPasswordCode.json"
        headers = {"Authorization": world.partner.basic}
        everything = {"CONTENT_TYPE": "application/json"} | dict(environ)
        return world.client.request("POST", target, json.dumps(members).encode(), headers, **everything)

    return send


def on_the_page(action: str | None, code: str) -> Send:
    """Open the hosted page with a name for a code, or send its form."""

    def send(world: World, who: Identity, environ: Mapping[str, Any]) -> Answer:
        given = code.format(who=who)
        if action is None:
            return world.client.get(f"/reset?code={quote(given)}", **environ)
        form = {"code": quote(given, safe=""), "action": action, "csrf_token": TOKEN, "new_password": WRONG}
        headers = {"Cookie": f"gatehouse-form={TOKEN}"}
        everything = {"CONTENT_TYPE": "application/x-www-form-urlencoded"} | dict(environ)
        return world.client.request("POST", "/reset", urlencode(form).encode(), headers, **everything)

    return send


TOKEN = b64encode(bytes(32), b"-_").decode().rstrip("=")

BY_EMAIL, BY_USERNAME = {"Email": "{who.email}"}, {"username": "{who.username}"}
GUESS = {"Password": WRONG, "userrole": "15"}
MASKED = {"shows_masked_email": True}
VERIFIED = MASKED | {"verification_fields": sorted(VERIFICATION)}
NAMES = {
    "email": "{who.email}",
    "username": "{who.username}",
    "accountId": "{who.number}",
    "printedCardNumber": "{who.card}",
}

WAYS: dict[str, Way] = {
    "login-soap-email": Way(over_soap("Login", **BY_EMAIL, **GUESS), {}, hashes=True),
    "login-soap-username": Way(over_soap("Login", **BY_USERNAME, **GUESS), {}, hashes=True),
    "login-soap-both": Way(over_soap("Login", **BY_EMAIL, **BY_USERNAME, **GUESS), {}, hashes=True),
    "login-soap-device": Way(over_soap("Login", **BY_EMAIL, **GUESS, deviceId="till"), {}, hashes=True),
    "login-soap-other-role": Way(over_soap("Login", **BY_EMAIL, **GUESS | {"userrole": "20"}), {}, hashes=True),
    "login-json-email": Way(over_json("Login", **BY_EMAIL, **GUESS), {}, hashes=True),
    "login-json-username": Way(over_json("Login", **BY_USERNAME, **GUESS), {}, hashes=True),
    "reset-soap": Way(over_soap("ResetPassword", **BY_EMAIL), {}),
    "reset-json": Way(over_json("ResetPassword", **BY_EMAIL), {}),
    **{f"guest-{name}": Way(anonymous(**{name: value}), {}) for name, value in NAMES.items()},
    **{f"guest-{name}-masked": Way(anonymous(**{name: value}), MASKED) for name, value in NAMES.items()},
    **{
        f"guest-{name}-verified": Way(anonymous(VERIFICATION, **{name: value}), VERIFIED)
        for name, value in NAMES.items()
    },
    **{
        f"guest-{name}-wrongly-verified": Way(anonymous(VERIFICATION | {"postalCode": "X"}, **{name: value}), VERIFIED)
        for name, value in NAMES.items()
    },
    **{f"guest-{name}-more-info": Way(anonymous(**{name: value}), VERIFIED) for name, value in NAMES.items()},
    "page-email": Way(on_the_page(None, "{who.email}"), {}),
    "page-username-choose": Way(on_the_page("choose", "{who.username}"), {}),
    "page-email-send": Way(on_the_page("send", "{who.email}"), {}),
}
TIMED = [
    "login-soap-email",
    "login-json-username",
    "reset-soap",
    "guest-username-masked",
    "guest-printedCardNumber-verified",
]
"""One of each kind of work. The others differ from these in what is read and written, not in what is done."""


def make_world(core: Core) -> World:
    """Make a service with an account of each kind but the one that nobody has."""
    shop = factories.make_shop(core)
    identities: dict[str, Identity] = {}
    for number, kind in enumerate(KINDS):
        # As long as each other, and no lookalikes.
        name = f"{kind:-<12}"
        email, card = f"{name}@example.com", f"6000 0000 {number:04}"
        account_id = 9999
        if kind != "unknown":
            values: dict[str, Any] = {"phone": VERIFICATION["phone"], "postal_code": VERIFICATION["postalCode"]}
            values |= {"date_of_birth": date.fromisoformat(VERIFICATION["dateOfBirth"]), "cards": [card]}
            if kind == "passwordless":
                values["password"] = None
            account_id = factories.make_account(core, shop.merchant, email=email, username=name, **values).id
        if kind in ("disabled", "locked"):
            set_account_status(shop.call(), account_id, AccountStatus(kind.capitalize()))
        identities[kind] = Identity(email, name, card, account_id)
    assert len({len(str(who.number)) for who in identities.values()}) == 1
    return World(shop, make_partner(shop), soap.Client(create_app(core.settings, core)), identities)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, sqlite_template: Path, sqlite_folder: Path) -> Iterator[World]:
    """On each database one for all tests: cheap hashes, and tries without end."""
    with ExitStack() as closing:
        if request.param == "sqlite":
            url = f"sqlite:///{shutil.copy(sqlite_template, sqlite_folder / 'who_exists.db')}"
        else:
            server, template = (request.getfixturevalue(f"postgres_{each}") for each in ("server", "template"))
            url = closing.enter_context(server.database("who_exists", template))
        database = Database(url)
        closing.callback(database.close)
        yield make_world(factories.make_core(database, **WITHOUT_END))


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, world: World) -> Way:
    """Each way, with the merchant as it wants it."""
    return chosen(world, request.param)


def chosen(world: World, name: str) -> Way:
    """Return the way of this name, with the merchant as it wants it."""
    # What was tried before counts no more.
    world.shop.clock.advance(hours=1)
    world.shop.set_merchant(**{"shows_masked_email": False, "verification_fields": []} | WAYS[name].policies)
    return WAYS[name]


def seen(world: World, kind: str, answer: Answer) -> tuple[int, list[tuple[str, str]], str]:
    """Return what a stranger sees, without the ids of requests, the name that was sent, and the letters of a mask."""
    who, body = world.identities[kind], answer.body.decode()
    for said in (who.email, quote(who.email, safe=""), who.username):
        # A template writes what it is given for HTML; none of these characters is another one there.
        body = body.replace(said, "WHO")
    body = re.sub(f'"email":"{MASK}"', '"email":"MASK"', body)
    unlike = {"x-request-id", "set-cookie", "content-length"}
    headers = [(name, value) for name, value in answer.headers if name.casefold() not in unlike]
    cookies = [("Set-Cookie", each.partition("=")[0]) for each in answer.cookies]
    return answer.status, headers + cookies, re.sub(r'name="csrf_token" value="[^"]+"', "", body)


def test_answers_are_the_same(world, way):
    """To the byte, also the second time."""
    for _ in range(2):
        answers = {kind: seen(world, kind, way.answer(world, kind)) for kind in KINDS}

        for kind in KINDS:
            assert answers[kind] == answers["unknown"], kind
        assert answers["unknown"][0] in (200, 404)


def test_statements_are_the_same(world, way):
    """The database does as much for nobody as for somebody: the same statements, as often.

    Not in the same order: counts of guesses are raised in that of their keys.
    """
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    done: dict[str, Counter[str]] = {}
    engine = world.shop.core.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    for kind in KINDS:
        # The first time, rows are made that others find.
        way.answer(world, kind)
        statements.clear()
        way.answer(world, kind)
        done[kind] = Counter(statements)
    sa.event.remove(engine, "before_cursor_execute", note)

    assert done["unknown"]
    for kind in KINDS:
        assert done[kind] == done["unknown"], kind


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way.hashes])
def test_limits_are_the_same(core, name):
    """Twelve guesses at each, from elsewhere for each: the wait begins with the same guess and is as long."""
    world = make_world(core)
    way = chosen(world, name)

    tries = {
        kind: [seen(world, kind, way.answer(world, kind, REMOTE_ADDR=f"192.0.2.{10 + at}")) for _ in range(12)]
        for at, kind in enumerate(KINDS)
    }

    assert len({body for _, _, body in tries["unknown"]}) == 2
    assert ("Retry-After", "60") in tries["unknown"][5][1]
    for kind in KINDS:
        assert tries[kind] == tries["unknown"], kind


class Times:
    """How long tries took by a clock: rounds of one try for each kind of account."""

    def __init__(self, clock: Callable[[], float], most_apart: Callable[[float], float]) -> None:
        """`most_apart` is how many seconds a kind may be apart from the unknown one, from the median of all tries."""
        self._clock, self._most_apart = clock, most_apart
        self._rounds: list[dict[str, float]] = []

    def begin(self) -> None:
        """Begin another round."""
        self._rounds.append({})

    def note(self, kind: str, attempt: Callable[[str], object]) -> None:
        """Try once."""
        started = self._clock()
        attempt(kind)
        self._rounds[-1][kind] = self._clock() - started

    @property
    def differences(self) -> dict[str, float]:
        """By kind, the median of how many seconds more it took than the unknown one in the same round.

        A machine that is faster and slower by turns, for longer than a round, is so for both.
        """
        return {kind: statistics.median(self._in_order(kind)) for kind in KINDS}

    def are_alike(self) -> bool:
        """Whether each kind is certainly close enough to the unknown one."""
        return all(-self._limit < least and most < self._limit for least, most in self._intervals(1.64))

    def are_apart(self) -> bool:
        """Whether a kind is certainly farther away."""
        return any(least >= self._limit or most <= -self._limit for least, most in self._intervals(2.58))

    def _intervals(self, deviations: float) -> Iterator[tuple[float, float]]:
        """Yield for each kind between what its difference is: 90 times in 100 for 1.64 deviations, 99 times for 2.58.

        The interval is of the sign test, which asks nothing of how the noise is distributed.
        """
        count = len(self._rounds)
        first = max(math.floor((count - deviations * math.sqrt(count)) / 2), 0)
        for kind in KINDS:
            ordered = self._in_order(kind)
            yield ordered[first], ordered[-1 - first]

    @property
    def _limit(self) -> float:
        return self._most_apart(statistics.median(taken for each in self._rounds for taken in each.values()))

    def _in_order(self, kind: str) -> list[float]:
        return sorted(each[kind] - each["unknown"] for each in self._rounds)


def settle(attempt: Callable[[str], object], *times: Times, rounds: int, doublings: int) -> bool:
    """Whether the times are alike: found so, or after the last of ever more rounds at least not found apart.

    No round is ever dropped: noise becomes less with more of them, and a difference stays.
    """
    # Always the same orders, so that a failure is seen again; they follow no rhythm of a cache or a timer.
    order = random.Random(20260301)  # noqa: S311  nothing depends on what it draws
    for doubling in range(doublings + 1):
        for _ in range(rounds << max(doubling - 1, 0)):
            for each in times:
                each.begin()
            for kind in order.sample(KINDS, len(KINDS)):
                _note_all(kind, attempt, times)
        if all(each.are_alike() for each in times):
            return True
    return not any(each.are_apart() for each in times)


def _note_all(kind: str, attempt: Callable[[str], object], times: Sequence[Times]) -> None:
    """Try once, by every clock."""
    if times:
        times[0].note(kind, lambda kind: _note_all(kind, attempt, times[1:]))
    else:
        attempt(kind)


def of_cpu() -> Times:
    """Return what holds kinds less than 5 % apart, by the time of the CPU.

    Not the time of day: on a busy machine that is mostly others' time, and the rest of ours is spent waiting for the
    database, which is told to do the same for everybody (`test_statements_are_the_same`).
    """
    return Times(time.process_time, lambda least: MOST_PART * least)


def of_day() -> Times:
    """Return what holds kinds less than 1 ms apart, by all the time that a caller waits."""
    return Times(time.perf_counter, lambda _: MOST_SECONDS)


@pytest.mark.parametrize("name", TIMED)
def test_time_is_the_same(world, name):
    """With hashing at its cheapest, so that nothing hides behind it."""
    way = chosen(world, name)
    for kind in KINDS:
        way.answer(world, kind)
    day, cpu = of_day(), of_cpu()

    assert settle(lambda kind: way.answer(world, kind), day, cpu, rounds=20, doublings=3), (
        day.differences,
        cpu.differences,
    )


def test_time_is_the_same_with_real_hashes(database):
    """As an operator has it, with 19 MiB and 2 passes for each guess."""
    core = factories.make_core(database, **WITHOUT_END)
    settings, peppers = core.settings, Peppers([Keys(factories.SECRET_KEY).pepper()])
    hasher = PasswordHasher(
        settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes, settings.hash_slots, peppers
    )
    world = make_world(replace(core, passwords=hasher))
    way, times = chosen(world, "login-soap-email"), of_cpu()

    assert settle(lambda kind: way.answer(world, kind), times, rounds=10, doublings=2), times.differences


@pytest.mark.parametrize(("more", "is_seen"), [(0.0, False), (0.01, False), (0.15, True), (-0.15, True)])
def test_differences_are_seen_through_noise(more, is_seen):
    """The measure itself: by a clock as restless as a busy machine, with one kind that takes this much more."""
    noise, now = random.Random(7), 0.0  # noqa: S311  it makes noise

    def attempt(kind: str) -> None:
        nonlocal now
        now += 0.004 * (1 + (more if kind == "locked" else 0)) * noise.lognormvariate(0, 0.1)

    times = Times(lambda: now, lambda least: MOST_PART * least)

    assert settle(attempt, times, rounds=20, doublings=3) is not is_seen
