"""How long the pages of the panel take with 200 merchants and a million accounts: `scripts/bench panel`."""

import http.client
import re
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from gatehouse.config import Settings
from gatehouse.domain.operators import OperatorRole
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core, make_core
from gatehouse.operations.operators import add_operator
from gatehouse.operations.schema import upgrade_schema
from scripts.benchmark import panel_rows
from scripts.benchmark.panel_rows import BIGGEST, BUSY, PLAIN, Amount
from scripts.benchmark.processes import Cores, running

TARGET = 0.3
"""Seconds within which 19 of 20 answers come. Source: issue of the panel, Tests."""

ROUNDS, QUICK_ROUNDS = 20, 3
_SECRET_KEY = "benchmark" * 4
PASSWORD = "seven quiet otters swim"
_OPERATORS = {
    OperatorRole.OWNER: [],
    OperatorRole.MANAGER: list(range(1, 31)),
    OperatorRole.SUPPORT: [1, 2, 3],
}


@dataclass(frozen=True)
class PageFigures:
    """How long a page took for an operator of a role, in seconds."""

    page: str
    role: str
    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """What half of the answers took at most."""
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        """What 19 of 20 answers took at most."""
        return sorted(self.seconds)[max(0, round(len(self.seconds) * 0.95) - 1)]

    @property
    def is_reached(self) -> bool:
        """Whether this is fast enough."""
        return self.p95 < TARGET


def pages(amount: Amount) -> Mapping[str, str]:
    """Return every page that reads what can be much, by what it shows: first ones, later ones, searches and filters."""
    merchant = f"/admin/merchants/{BIGGEST}"
    plain = PLAIN - BUSY
    return {
        "home": "/admin/",
        "merchants": "/admin/merchants",
        "merchants, by name": "/admin/merchants?name=merchant+19",
        "merchants, later": "/admin/merchants?after=150",
        "settings": merchant,
        "accounts": f"{merchant}/accounts",
        "accounts, later": f"{merchant}/accounts?before={BUSY + amount.accounts // 2}",
        "accounts, the last": f"{merchant}/accounts?before={BUSY + 10}",
        **{
            f"accounts, by {name}": f"{merchant}/accounts?{urlencode({'q': value})}"
            for name, value in {
                "number": str(PLAIN),
                "e-mail": f"guest-{plain:07}@example.com",
                "username": f"guest-{plain:07}",
                "card": panel_rows.card_number(6),
                "phone": panel_rows.phone_number(plain),
                "nothing": "nobody@example.com",
            }.items()
        },
        "account": f"{merchant}/accounts/{PLAIN}",
        "account, busy": f"{merchant}/accounts/{BUSY}",
        "devices": f"{merchant}/devices",
        "devices, later": f"{merchant}/devices?before={amount.devices // 2}",
        "devices, by name": f"{merchant}/devices?device={panel_rows.device_name(6)}",
        **{
            f"devices, {state}{which}": f"{merchant}/devices?state={state}{query}"
            for state in ("registered", "activated", "blocked")
            for which, query in {
                "": "",
                " tills": f"&application={2 * BIGGEST - 1}",
                " phones": f"&application={2 * BIGGEST}",
            }.items()
        },
        "messages": f"{merchant}/messages",
        "messages, later": f"{merchant}/messages?before={amount.messages // 2}",
        **{
            f"messages, {state}": f"{merchant}/messages?state={state}"
            for state in ("queued", "sending", "sent", "abandoned")
        },
        "message": f"{merchant}/messages/8",
        "applications": f"{merchant}/applications",
        "application": f"{merchant}/applications/1",
        "integrations": f"{merchant}/integrations",
        "integration": f"{merchant}/integrations/1",
        "clients": f"{merchant}/clients",
        "audit": f"{merchant}/audit",
        "audit, later": f"{merchant}/audit?before={amount.entries // 2}",
        "audit, seldom event": f"{merchant}/audit?event=device.blocked",
        "audit, frequent event": f"{merchant}/audit?event=session.started",
        "audit, no such event": f"{merchant}/audit?event=pincode.changed",
        "audit, outcome": f"{merchant}/audit?outcome=AccountLocked",
        "audit, no such outcome": f"{merchant}/audit?outcome=NoSuchOutcome",
        "audit, event and other outcome": f"{merchant}/audit?event=login.refused&outcome=DeviceNotActivated",
        "audit, account": f"{merchant}/audit?account={PLAIN}",
        "audit, account and event": f"{merchant}/audit?account={BUSY}&event=device.blocked",
        "audit, request": f"{merchant}/audit?request={panel_rows.request_id(7)}",
        **{
            f"audit, {name}": f"{merchant}/audit?{urlencode(query)}"
            for name, query in {
                "source": {"source": panel_rows.source(1)},
                "source of others": {"source": panel_rows.source(5)},
                "seldom source": {"source": panel_rows.source(80)},
                "device": {"device": panel_rows.device_name(97)},
                "no such device": {"device": "nothing like it"},
                "days": {"since": _day(200), "until": _day(199)},
                "days to come": {"since": _day(-2)},
                "days long ago": {"until": _day(700)},
                "days and seldom event": {"since": _day(300), "until": _day(2), "event": "device.blocked"},
                "day and source": {"since": _day(50), "source": panel_rows.source(1)},
            }.items()
        },
        "audit, no such request": f"{merchant}/audit?request={panel_rows.request_id(-1)}",
        "own account": "/admin/own-account",
    }


def _day(ago: int) -> str:
    return f"{datetime.now(UTC) - timedelta(days=ago):%Y-%m-%d}"


def prepare(core: Core, amount: Amount) -> None:
    """Make the schema, the rows, and an operator of each role, named after it."""
    upgrade_schema(core)
    panel_rows.fill(core, amount)
    for role, merchant_ids in _OPERATORS.items():
        given = [each for each in merchant_ids if each <= amount.merchants]
        add_operator(Call(core, Caller()), role.value, role, PASSWORD, given)


def measure_panel(cores: Cores, folder: Path, url: str, amount: Amount, rounds: int) -> Sequence[PageFigures]:
    """Fill a database, serve it on the core of what is measured, and open each page so often as each role."""
    core = make_core(Settings(database_url=url, secret_key=_SECRET_KEY))
    prepare(core, amount)
    core.database.close()
    own = {"GATEHOUSE_DATABASE_URL": url, "GATEHOUSE_SECRET_KEY": _SECRET_KEY, "GATEHOUSE_LOG_LEVEL": "WARNING"}
    log, demo = folder / "panel.log", str(folder / "panel.json")
    with running(cores.server, "gatehouse_server", log, demo, GATEHOUSE_WORKERS="1", **own) as service:
        return [each for role in _OPERATORS for each in _measure_as(service.port, role, amount, rounds)]


def _measure_as(port: int, role: OperatorRole, amount: Amount, rounds: int) -> Iterator[PageFigures]:
    visitor = Visitor(port)
    visitor.sign_in(role.value)
    found = pages(amount)
    seconds: dict[str, list[float]] = {name: [] for name in found}
    # In turn, so that no page is measured only with what it needs in every cache.
    for _ in range(rounds):
        for name, path in found.items():
            began = time.perf_counter()
            visitor.get(path)
            seconds[name].append(time.perf_counter() - began)
    for name, taken in seconds.items():
        yield PageFigures(name, role.value, taken)


class Visitor:
    """Somebody with a browser that keeps its connection and its cookies, and follows no link."""

    def __init__(self, port: int) -> None:
        """Nothing is opened yet."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookies: dict[str, str] = {}

    def sign_in(self, name: str) -> None:
        """Fill in and send the form of the first page."""
        found = re.search(r'name="form_token" value="([^"]+)"', self.get("/admin/sign-in"))
        assert found is not None, "the form has a token"
        body = urlencode({"form_token": found[1], "username": name, "password": PASSWORD})
        status, _ = self._send("POST", "/admin/sign-in", body)
        if status != 303:
            raise RuntimeError(f"{name} was not signed in: {status}")

    def get(self, path: str) -> str:
        """Open a page, which must be there; a search that finds one record leads to it."""
        status, text = self._send("GET", path)
        if status not in (200, 303):
            raise RuntimeError(f"{path} was answered with {status}")
        return text

    def _send(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        self._connection.request(method, path, body, {"Cookie": cookies, **kind})
        response = self._connection.getresponse()
        text = response.read().decode()
        for line in response.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return response.status, text
