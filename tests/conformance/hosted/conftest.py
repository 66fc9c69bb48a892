"""Fixtures: the hosted pages over a shop of their own, live on a port, and a browser that opens them."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser

from gatehouse.app import create_app
from gatehouse.operations import reset_codes
from gatehouse.storage.engine import Database
from tests import factories
from tests.conformance import soap
from tests.conformance.browsers import Reader, serving

CODE = "a-partner's code of their own"


@dataclass
class Hosted:
    """A shop whose codes lead to the hosted page, and an application that serves it."""

    shop: factories.Shop
    app: Any

    @property
    def client(self) -> soap.Client:
        """What sends plain requests."""
        return soap.Client(self.app)

    def send(self, code: str = CODE) -> str:
        """Mail the account's owner a link with this code; return the address of the page."""
        call = self.shop.call()
        with call.writing():
            reset_codes.send_code(call, self.shop.merchant, self.shop.account, code)
        return f"/reset?{urlencode({'code': code})}"


@pytest.fixture
def hosted(shop_template: tuple[Path, factories.Shop], tmp_path: Path) -> Iterator[Hosted]:
    """The pages of a shop that stands on a database of its own."""
    template, shop = shop_template
    shutil.copy(template, tmp_path / "hosted.db")
    database = Database(f"sqlite:///{tmp_path / 'hosted.db'}")
    core = factories.make_core(database)
    hosted = Hosted(replace(shop, core=core), create_app(core.settings, core))
    hosted.shop.set_merchant(name="Café Lumière", colour="#0f766e")
    yield hosted
    database.close()


@pytest.fixture
def address(hosted: Hosted) -> Iterator[str]:
    """Where the pages are served: scheme, host and port."""
    with serving(hosted.app) as address:
        yield address


@pytest.fixture
def reader(browser: Browser, address: str) -> Iterator[Reader]:
    """A reader who has seen nothing go wrong by the end of the test."""
    reader = Reader(browser, address, "/reset")
    yield reader
    reader.close()
