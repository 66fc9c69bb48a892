"""Fixtures: the panel over two merchants and three operators, called as a program or opened in a browser."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.test import Client, TestResponse

from gatehouse.app import create_app
from gatehouse.domain.messages import MessageKind
from gatehouse.domain.operators import OperatorRole
from gatehouse.operations import operators, outbox, reset_codes
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.integrations import add_integration
from gatehouse.storage.engine import Database
from tests import factories
from tests.conformance.browsers import Reader, go_on, serving

OLGA, MAX, SUE = "olga", "max", "sue"
"""An owner; a manager and support of the first merchant."""
PASSWORDS = {
    OLGA: "seven quiet otters swim",
    MAX: "eight brown herons fly",
    SUE: "nine grey badgers dig",
}
PHONE = "+12015550187"
HERE = "192.0.2.7"


@dataclass
class World:
    """Two merchants with the same things in them, of which operators may see one or both."""

    shop: factories.Shop
    other: factories.Shop
    app: Any
    numbers: dict[str, dict[str, int]] = field(default_factory=dict)
    """Numbers of records as addresses name them, by `ours` and `theirs`."""

    def call(self) -> Call:
        """Return a call of nobody."""
        return Call(self.shop.core, Caller())

    def operator(self, name: str) -> operators.Operator:
        """Return an operator as it is now."""
        return next(each for each, _ in operators.list_operators(self.call()) if each.username == name)


@dataclass
class Visitor:
    """An operator with a browser that has no eyes: it keeps cookies and sends forms with their token."""

    client: Client
    token: str = ""

    def get(self, path: str) -> TestResponse:
        """Open a page; the token of its forms is remembered."""
        response = self.client.get(path)
        if found := re.search(r'name="form_token" value="([^"]+)"', response.text):
            self.token = found[1]
        response.close()
        return response

    def post(self, path: str, fields: Mapping[str, str | Sequence[str]] | None = None, **rest: Any) -> TestResponse:
        """Send a form."""
        return self.client.post(path, data={"form_token": self.token, **(fields or {})}, **rest)

    def sign_in(self, name: str, password: str | None = None) -> TestResponse:
        """Send the form of the first page."""
        self.get("/admin/sign-in")
        return self.post("/admin/sign-in", {"username": name, "password": password or PASSWORDS[name]})


@pytest.fixture(scope="session")
def world_template(
    shop_template: tuple[Path, factories.Shop], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, World]:
    """A file with everything in it, which tests copy."""
    source, shop = shop_template
    path = tmp_path_factory.mktemp("admin") / "template.db"
    shutil.copy(source, path)
    database = Database(f"sqlite:///{path}")
    core = factories.make_core(database)
    ours = replace(shop, core=core)
    ours.set_merchant(name="Café Lumière")
    merchant = factories.make_merchant(core, name="Other & Sons")
    values = {"email": "ruth@example.org", "username": "ruth", "phone": PHONE, "full_name": "Ruth Roe"}
    application = factories.make_application(core, merchant, name="Other shop")
    theirs = factories.Shop(core, merchant, application, factories.make_account(core, merchant, **values))
    world = World(ours, theirs, None)
    _fill(world)
    for name, role in ((OLGA, OperatorRole.OWNER), (MAX, OperatorRole.MANAGER), (SUE, OperatorRole.SUPPORT)):
        merchants = [] if role is OperatorRole.OWNER else [ours.merchant.id]
        operators.add_operator(world.call(), name, role, PASSWORDS[name], merchants)
    world.numbers["ours"]["operator_id"] = world.operator(MAX).id
    database.close()
    return path, world


@pytest.fixture
def world(world_template: tuple[Path, World], tmp_path: Path) -> Iterator[World]:
    """The test's own copy."""
    template, made = world_template
    shutil.copy(template, tmp_path / "admin.db")
    database = Database(f"sqlite:///{tmp_path / 'admin.db'}")
    core = factories.make_core(database)
    core.now.moment = made.shop.clock.moment  # type: ignore[attr-defined]  # a Clock
    yield replace(
        made,
        shop=replace(made.shop, core=core),
        other=replace(made.other, core=core),
        app=_addressed(create_app(core.settings, core)),
    )
    database.close()


@pytest.fixture
def visitor(world: World) -> Visitor:
    """Somebody who is not signed in."""
    return Visitor(Client(world.app))


@pytest.fixture
def visit(world: World) -> Any:
    """Make a visitor who is signed in, by name."""

    def make(name: str) -> Visitor:
        found = Visitor(Client(world.app))
        assert found.sign_in(name).status_code == 303
        assert found.get("/admin/").status_code == 200
        return found

    return make


@pytest.fixture
def address(world: World) -> Iterator[str]:
    """Where the panel is served: scheme, host and port."""
    with serving(world.app) as address:
        yield address


class Operator(Reader):
    """An operator with a browser."""

    def sign_in(self, name: str, **options: Any) -> Page:
        """Open the panel and sign in."""
        page = self.open("/admin", **options)
        self.sign_in_on(page, name)
        return page

    def sign_in_on(self, page: Page, name: str) -> None:
        """Sign in on the page for it."""
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORDS[name])
        # What is opened next must not come before the session.
        go_on(page, page.get_by_role("button", name="Sign in"))


@pytest.fixture
def reader(browser: Browser, address: str) -> Iterator[Operator]:
    """An operator who has seen nothing go wrong by the end of the test."""
    reader = Operator(browser, address, "/admin")
    yield reader
    reader.close()


def _addressed(app: Any) -> Any:
    """Say where calls come from, as a server would, where they do not say so themselves."""

    def call(environ: dict[str, Any], start_response: Any) -> Any:
        environ.setdefault("REMOTE_ADDR", HERE)
        return app(environ, start_response)

    return call


def _fill(world: World) -> None:
    """Give both merchants sessions, login cookies, devices, messages, an integration and refusals."""
    for which, shop in (("ours", world.shop), ("theirs", world.other)):
        account = shop.account
        session = shop.log_in(email=account.email, set_cookie=True)
        shop.login(email=account.email, password="wrong")
        number = shop.register(session, f"phone-{which}", PHONE)
        shop.activate(session, f"phone-{which}")
        shop.register(session, f"till-{which}", PHONE)
        call = shop.call()
        with call.writing():
            outbox.queue_mail(call, MessageKind.PASSWORD_CHANGED, account)
            reset_codes.send_code(call, shop.merchant, account)
        integration, _ = add_integration(call, shop.merchant.id, "Partner", ("b2b",), f"partner-{which}")
        world.numbers[which] = {
            "merchant_id": shop.merchant.id,
            "account_id": account.id,
            "application_id": shop.application.application.id,
            "device_number": number,
            "integration_id": integration.id,
            "message_id": shop.messages()[0].id if which == "ours" else _last_message(shop),
        }


def _last_message(shop: factories.Shop) -> int:
    return next(each.id for each in reversed(shop.messages()) if each.merchant_id == shop.merchant.id)
