"""The pictures in docs/admin.md: made here, and held to what the pages still say.

With GATEHOUSE_DOCS_PICTURES set, as scripts/screenshots does, the pictures are made anew. Beside each is what its page
says to a screen reader; while that is the same, so is what matters of the picture.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from gatehouse.app import create_app
from gatehouse.domain.messages import MessageKind, MessageState
from gatehouse.domain.operators import OperatorRole
from gatehouse.operations import operators, outbox
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.integrations import add_integration
from gatehouse.storage import outbox as outbox_rows
from gatehouse.storage.engine import Database
from tests import factories
from tests.conformance import soap
from tests.conformance.admin.conftest import OLGA, PASSWORDS, SUE, Operator, _addressed
from tests.conformance.browsers import go_on, serving

IS_WRITING = bool(os.environ.get("GATEHOUSE_DOCS_PICTURES"))
DOCS = Path(__file__).parents[3] / "docs"
PICTURES = DOCS / "pictures" / "admin"
MOST_BYTES = 1_600_000
"""What all of them may take: they are cloned with the project."""

_PEOPLE = (
    ("alice.archer", "Alice Archer"),
    ("bruno.baker", "Bruno Baker"),
    ("carla.cooper", "Carla Cooper"),
    ("david.dyer", "David Dyer"),
    ("erika.fisher", "Erika Fisher"),
)
_LOGINS_BY_HOUR = (1, 0, 0, 1, 0, 1, 2, 3, 5, 6, 8, 7, 9, 7, 6, 5, 6, 8, 9, 7, 4, 3, 2, 1)
_REFUSED_AT = (6, 9, 10, 10, 15, 17, 18, 18, 21)
_CHANGING = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|…[0-9a-f]{8}\b")
"""Ids of requests, which are new each time."""


@dataclass(frozen=True)
class Picture:
    """A picture: its name, who sees it, where, and how wide and in which light."""

    name: str
    path: str
    who: str = OLGA
    width: int = 1100
    height: int = 760
    scheme: Any = "light"


MERCHANT = "/admin/merchants/1"
PICTURED: Sequence[Picture] = (
    Picture("home", "/admin/"),
    Picture("accounts", f"{MERCHANT}/accounts"),
    Picture("account", f"{MERCHANT}/accounts/1001", height=1100),
    Picture("account-support-phone", f"{MERCHANT}/accounts/1001", SUE, 360, 900, "dark"),
    Picture("devices", f"{MERCHANT}/devices"),
    Picture("devices-block", f"{MERCHANT}/devices", height=560),
    Picture("message", f"{MERCHANT}/messages/1", height=620),
    Picture("integration", f"{MERCHANT}/integrations/1", height=620),
    Picture("settings", MERCHANT, height=900),
    Picture("audit", f"{MERCHANT}/audit", scheme="dark"),
    Picture("audit-verify", f"{MERCHANT}/audit/verify", height=560),
    Picture("explain-request", f"{MERCHANT}/audit?outcome=InvalidCredentials", height=900),
    Picture("explain-envelope", "/admin/explain", height=1000),
    Picture("application-added", f"{MERCHANT}/applications/add", height=560),
    Picture("merchant-change", f"{MERCHANT}/change", height=800),
    Picture("operators", "/admin/operators", height=420),
)

_TOKEN = "a-token-of-the-pictures-and-of-nothing-else"
_TRACE = f"""POST /v2/account.svc HTTP/1.1
Content-Type: text/xml; charset=utf-8
applicationToken: {_TOKEN}

"""
_LOGIN = {"Email": "alice.archer@example.com", "Password": "one that is not shown", "userrole": "Customer"}


@pytest.fixture(scope="module")
def pictured(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a panel over a shop with a day behind it, the same each time."""
    path = tmp_path_factory.mktemp("pictures") / "gatehouse.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    core = factories.make_core(database)
    _fill(core)
    with serving(_addressed(create_app(core.settings, core))) as address:
        yield address
    database.close()


def _fill(core: Any) -> None:
    merchant = factories.make_merchant(core, name="Café Lumière", region="US")
    factories.make_merchant(core, name="Other & Sons", region="DE")
    application = factories.make_application(core, merchant, name="Web shop", token=_TOKEN)
    accounts = [
        factories.make_account(
            core, merchant, email=f"{name}@example.com", username=name, full_name=full, phone=f"+1201555010{number}"
        )
        for number, (name, full) in enumerate(_PEOPLE, start=1)
    ]
    shop = factories.Shop(core, merchant, application, accounts[0])
    session = shop.log_in(email=accounts[0].email)
    for hour, logins in enumerate(_LOGINS_BY_HOUR):
        for number in range(logins):
            shop.log_in(email=accounts[(hour + number) % len(accounts)].email, set_cookie=number == 0)
        if hour == 2:
            _give_up_a_mail(shop, accounts[3])
        if hour == 12:
            session = shop.log_in(email=accounts[0].email)
            for name in ("alice-phone", "alice-tablet"):
                shop.register(session, name, "+12015550101")
            shop.activate(session, "alice-phone")
        for _ in range(_REFUSED_AT.count(hour)):
            shop.login(email=accounts[hour % len(accounts)].email, password="wrong")
        shop.clock.advance(hours=1)
    for name in ("bruno-phone", "till-2"):
        shop.register(shop.log_in(email=accounts[1].email), name, "+12015550102")
    call = shop.call()
    with call.writing():
        for each in accounts[:3]:
            outbox.queue_mail(call, MessageKind.PASSWORD_CHANGED, each)
    add_integration(shop.call(), merchant.id, "Loyalty partner", ("b2b",), "loyalty", "a-partner's secret of its own")
    for name, role in ((OLGA, OperatorRole.OWNER), (SUE, OperatorRole.SUPPORT)):
        given = [] if role is OperatorRole.OWNER else [merchant.id]
        operators.add_operator(Call(core, Caller()), name, role, PASSWORDS[name], given)


def _give_up_a_mail(shop: factories.Shop, account: Any) -> None:
    """Queue a mail that a server refuses, and one that it takes."""
    call = shop.call()
    with call.writing():
        outbox.queue_mail(call, MessageKind.PASSWORD_CHANGED, account)
    database, now = shop.core.database, shop.clock.moment
    with database.writing() as db:
        claimed = outbox_rows.claim(db, "a worker", 10, now + timedelta(seconds=2), now)
        for each in claimed:
            failure = "refused: 550 5.1.1 no such mailbox"
            later = now + timedelta(days=7)
            outbox_rows.finish(db, each.id, "a worker", MessageState.ABANDONED, now, failure, later)


def _block_a_device(page: Page) -> None:
    page.get_by_role("checkbox").first.check()
    go_on(page, page.get_by_role("button", name="Block the chosen", exact=True))


def _explain_the_newest(page: Page) -> None:
    go_on(page, page.get_by_role("link", name="Explain the request").first)


def _explain_an_envelope(page: Page) -> None:
    pasted = _TRACE + soap.envelope(soap.call("Login", soap.members(_LOGIN)))
    page.get_by_label("The id of a request, or the request").fill(pasted)
    go_on(page, page.get_by_role("button", name="Explain"))


def _add_an_application(page: Page) -> None:
    """With a name that no other picture shows, and secrets that are nobody's: they are drawn anew each time."""
    page.get_by_label("Name", exact=True).fill("Till")
    go_on(page, page.get_by_role("button", name="Add the application"))
    page.evaluate(
        "document.querySelectorAll('.secret').forEach((each) => each.textContent = 'shown-here-once-'.repeat(3))"
    )


_ACTS: Mapping[str, Callable[[Page], None]] = {
    "devices-block": _block_a_device,
    "explain-request": _explain_the_newest,
    "explain-envelope": _explain_an_envelope,
    "application-added": _add_an_application,
}
"""What is done on a page before its picture is taken, by the picture's name."""


@pytest.fixture
def reader(browser: Browser, pictured: str) -> Iterator[Operator]:
    """An operator who has seen nothing go wrong by the end of the test."""
    reader = Operator(browser, pictured, "/admin")
    yield reader
    reader.close()


@pytest.mark.parametrize("picture", PICTURED, ids=lambda each: each.name)
def test_picture_shows_what_the_page_says(picture: Picture, reader: Operator):
    """Or else: scripts/screenshots, and look at what it made."""
    page = reader.sign_in(picture.who, viewport={"width": picture.width, "height": picture.height})
    page.emulate_media(color_scheme=picture.scheme, reduced_motion="reduce")
    page.goto(reader.address + picture.path)
    if act := _ACTS.get(picture.name):
        act(page)
    says = _what_it_says(page)
    file, text = PICTURES / f"{picture.name}.png", PICTURES / f"{picture.name}.txt"
    if IS_WRITING:
        PICTURES.mkdir(parents=True, exist_ok=True)
        height = min(picture.height, page.evaluate("document.documentElement.scrollHeight"))
        page.screenshot(path=file, clip={"x": 0, "y": 0, "width": picture.width, "height": height})
        text.write_text(says, encoding="utf-8")

    assert file.exists()
    assert says == text.read_text(encoding="utf-8")


def test_documentation_shows_each_picture():
    """With what is in it in words; and there is none that nobody sees."""
    shown = re.findall(r"!\[([^\]]+)\]\(pictures/admin/([a-z-]+)\.png\)", (DOCS / "admin.md").read_text("utf-8"))

    assert sorted(name for _, name in shown) == sorted(each.name for each in PICTURED)
    assert sorted(each.stem for each in PICTURES.glob("*.png")) == sorted(each.name for each in PICTURED)
    assert sorted(each.stem for each in PICTURES.glob("*.txt")) == sorted(each.name for each in PICTURED)
    assert sum(each.stat().st_size for each in PICTURES.iterdir()) < MOST_BYTES


def _what_it_says(page: Page) -> str:
    """Return what a screen reader finds on the page, without what differs each time, and which links lead here."""
    current = " / ".join(page.locator("[aria-current]").all_inner_texts())
    return _CHANGING.sub("…", f"{page.locator('body').aria_snapshot()}\n\nCurrent: {current}\n")
