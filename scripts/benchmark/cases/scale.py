"""The rates with millions of accounts and a year of audit against those with a thousand accounts.

Every call is about another account, session or series, drawn at random from all. SQLite has a fiftieth of the rows.
"""

import random
import time
from collections.abc import Callable, Sequence

from gatehouse.config import Settings
from gatehouse.operations.core import make_core
from gatehouse.security.keys import Keys
from scripts.benchmark import envelopes, load, seeding
from scripts.benchmark.bench import SECRET_KEY, SQLITE, Bench
from scripts.benchmark.gatehouse import CONNECTIONS, Gatehouse
from scripts.benchmark.load import Series
from scripts.benchmark.measuring import Arm, Comparison, Row, compare
from scripts.benchmark.seeding import Size

TARGET = 0.9

SMALL = Size(accounts=1_000, sessions=4_000, audit_entries=4_000)
_SQLITE_PART = 50


def run(bench: Bench) -> list[Row]:
    """Make both databases of each kind, and measure each kind of call on them in turn."""
    rows = []
    for kind in bench.databases:
        rows += _run(bench, kind, _large(bench, part=_SQLITE_PART if kind == SQLITE else 1))
    return rows


def _large(bench: Bench, part: int) -> Size:
    options = bench.options
    sizes = (options.accounts, options.sessions, options.audit_entries)
    return Size(*(max(each // part, least) for each, least in zip(sizes, (1_000, 4_000, 4_000), strict=True)))


def _run(bench: Bench, kind: str, large: Size) -> list[Row]:
    arms, seconds = {}, 0.0
    for name, size in (("small", SMALL), ("large", large)):
        gatehouse = bench.stack.enter_context(
            bench.start(f"scale-{name}-{kind}", bench.new_database(f"scale_{name}_{kind}", kind))
        )
        load.ask(gatehouse.service.port, gatehouse.logins(1, with_cookie=True)[0].request)
        started = time.perf_counter()
        seeding.make_large(gatehouse.url, size)
        seconds = time.perf_counter() - started
        arms[name] = _arms(gatehouse, size, name)
    told = f"{large.accounts:,} accounts, {large.sessions:,} sessions, {large.audit_entries:,} audit entries"
    made = Row(f"made {kind}", told, [seconds], unit="s")
    comparisons = [
        Comparison(f"{method}, large {kind}", arms["large"][method], arms["small"][method], TARGET)
        for method in arms["small"]
    ]
    return [made, *compare(comparisons, bench.options.seconds, bench.options.repeats)]


def _arms(gatehouse: Gatehouse, size: Size, name: str) -> dict[str, Arm]:
    core = make_core(Settings(database_url=gatehouse.url, secret_key=SECRET_KEY))
    core.database.close()
    decodes = _Cookies(core.keys, gatehouse)
    methods: dict[str, Callable[[], Series]] = {
        "Login": lambda: _Drawn(size.accounts, lambda n: gatehouse.login_as(seeding.email(n)), "Success"),
        "DecodeLoginCookie": lambda: _Decodes(size.accounts, decodes),
        "DeviceSendActivationCode": lambda: _Drawn(
            size.sessions, lambda n: gatehouse.session_read(seeding.session_token(n)), "MissingField"
        ),
    }
    return {
        method: gatehouse.arm(f"{SMALL.accounts:,} accounts" if name == "small" else name, _many(make))
        for method, make in methods.items()
    }


def _many(make: Callable[[], Series]) -> Sequence[Series]:
    return [make() for _ in range(CONNECTIONS)]


class _Drawn(Series):
    """Calls about rows that are drawn at random."""

    def __init__(self, count: int, make: Callable[[int], bytes], key: str) -> None:
        self._count, self._make = count, make
        super().__init__(self._next(), envelopes.soap_mark(key))

    def take(self, reply: bytes) -> None:
        super().take(reply)
        self.request = self._next()

    def _next(self) -> bytes:
        # Not for secrets: any number will do.
        return self._make(random.randint(1, self._count))  # noqa: S311


class _Cookies:
    """The newest cookie of each series: the one that was made, until a call has given the next."""

    def __init__(self, keys: Keys, gatehouse: Gatehouse) -> None:
        self._keys, self._gatehouse = keys, gatehouse
        self._newest: dict[int, str] = {}

    def request(self, number: int) -> bytes:
        cookie = self._newest.get(number) or seeding.login_cookie(self._keys, number)
        return self._gatehouse.decode(cookie)

    def keep(self, number: int, cookie: str) -> None:
        self._newest[number] = cookie


class _Decodes(_Drawn):
    """DecodeLoginCookie, each time of another series."""

    def __init__(self, count: int, cookies: _Cookies) -> None:
        self._cookies = cookies
        self._number = 0
        super().__init__(count, self._request, "Success")

    def take(self, reply: bytes) -> None:
        self._cookies.keep(self._number, envelopes.cookie_in(reply))
        super().take(reply)

    def _request(self, number: int) -> bytes:
        self._number = number
        return self._cookies.request(number)
