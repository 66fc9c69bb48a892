"""Fixtures: the service inside the test's process, and the same service live on each database."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from gatehouse.app import create_app
from gatehouse.storage.engine import Database
from tests import factories, postgres
from tests.conformance import soap
from tests.conformance.browsers import running_browser
from tests.conformance.service import SERVERS, Service, running_service
from tests.conformance.soap import Answer

LOGIN = {"Email": factories.EMAIL, "Password": factories.PASSWORD, "userrole": "15"}


@dataclass
class Front:
    """The SOAP front over a shop of its own (see factories.Shop), on a real database."""

    shop: factories.Shop
    client: soap.Client

    @property
    def has_own_names(self) -> bool:
        """Whether the namespaces are those of the contract, and of the schemas."""
        settings = self.shop.core.settings
        return (settings.soap_namespace, settings.data_namespace) == (soap.TARGET, soap.DATA)

    @property
    def token(self) -> str:
        """The application's token."""
        return self.shop.application.token

    def call(
        self,
        method: str,
        values: Mapping[str, str | bool | None] | None = None,
        content: str = "",
        *,
        session: str | None = None,
        token: str | None = "",
        header: str = "",
        headers: Mapping[str, str] | None = None,
        **environ: Any,
    ) -> Answer:
        """Call a method with members and further XML.

        The application's token goes by HTTP header unless `token` is None. The reply must keep to the schemas.
        """
        http = {"applicationToken": token or self.token} if token is not None else {}
        if session is not None:
            http["credentialsToken"] = session
        body = soap.envelope(soap.call(method, soap.members(values or {}) + content), header)
        answer = self.client.post(body, http | dict(headers or {}), **environ)
        if answer.status == 200 and self.has_own_names:
            soap.assert_valid(answer)
        return answer

    def login(self, content: str = "", /, **rest: Any) -> Answer:
        """Call Login as the shop's account; members in `rest` replace those of LOGIN, and None leaves one out."""
        options = {
            name: rest.pop(name)
            for name in ("token", "header", "headers", "wsgi.url_scheme", "session")
            if name in rest
        }
        return self.call("Login", LOGIN | rest, content, **options)

    def log_in(self, **rest: Any) -> str:
        """Log in, which must succeed, and return the credentials token."""
        result = self.login(**rest).result
        assert result["Code"] == "0", result
        assert result["CredentialsToken"] is not None
        return result["CredentialsToken"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. It ends with the module, because Playwright keeps the thread's event loop to itself."""
    with running_browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def shop_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, factories.Shop]:
    """A file with a shop in it that others are copied from, and the shop."""
    path = tmp_path_factory.mktemp("shop") / "template.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    shop = factories.make_shop(factories.make_core(database))
    database.close()
    return path, shop


@pytest.fixture
def make_front(shop_template: tuple[Path, factories.Shop], tmp_path: Path) -> Iterator[Callable[..., Front]]:
    """Make a front, with settings as given."""
    template, shop = shop_template
    opened: list[Database] = []

    def make(**settings: Any) -> Front:
        path = tmp_path / f"gatehouse-{len(opened)}.db"
        shutil.copy(template, path)
        database = Database(f"sqlite:///{path}")
        opened.append(database)
        core = factories.make_core(database, **settings)
        return Front(replace(shop, core=core), soap.Client(create_app(core.settings, core)))

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def front(make_front: Callable[..., Front]) -> Front:
    """A front on the default settings."""
    return make_front()


@pytest.fixture(scope="session")
def sqlite_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The live service as a newcomer has it, on SQLite."""
    with running_service(tmp_path_factory.mktemp("live-sqlite")) as service:
        yield service


@pytest.fixture(scope="session")
def granian_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The same, with its HTTP spoken by granian."""
    with running_service(tmp_path_factory.mktemp("live-granian"), settings={"GATEHOUSE_SERVER": "granian"}) as service:
        yield service


@pytest.fixture(scope="module", params=SERVERS)
def either_service(request: pytest.FixtureRequest) -> Service:
    """The live service on SQLite, once with each server."""
    kind = "sqlite" if request.param == "gunicorn" else "granian"
    found: Service = request.getfixturevalue(f"{kind}_service")
    return found


@pytest.fixture(scope="session")
def postgresql_service(tmp_path_factory: pytest.TempPathFactory, postgres_server: postgres.Server) -> Iterator[Service]:
    """The live service on an empty PostgreSQL database."""
    with (
        postgres_server.database("live") as url,
        running_service(tmp_path_factory.mktemp("live-postgresql"), url) as service,
    ):
        yield service
