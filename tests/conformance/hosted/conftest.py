"""Fixtures: the hosted pages over a shop of their own, live on a port, and a browser that opens them."""

import itertools
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from gatehouse.app import create_app
from gatehouse.operations import reset_codes
from gatehouse.storage.engine import Database
from tests import factories
from tests.conformance import soap

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SCREENSHOTS = os.environ.get("GATEHOUSE_SCREENSHOTS")
"""A folder that takes a picture of each page in each look, for a person to see."""

WIDE, NARROW = 1280, 320
"""Pixels of a desk's screen, and of the smallest phone. Source of the latter: WCAG 2.2, 1.4.10."""

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


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


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
    server = make_server("127.0.0.1", 0, hosted.app, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. It ends with the module, because Playwright keeps the thread's event loop to itself."""
    if not CHROMIUM.exists():
        pytest.fail("these tests need Debian's package chromium", pytrace=False)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


def _look(page: Page, scheme: Any, width: int) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800 if width == WIDE else 640})


@dataclass
class Reader:
    """Somebody with a browser, who must not see an error in its console, nor reach another host."""

    browser: Browser
    address: str
    problems: list[str] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def open(self, path: str, **options: Any) -> Page:
        """Open a page in a browser that knows nothing yet. `options` are those of Playwright's contexts."""
        context = self.browser.new_context(**({"locale": "en-GB"} | options))
        context.set_default_timeout(10_000)
        context.on("console", self._note_console)
        context.on("weberror", lambda error: self.problems.append(f"script: {error.error}"))
        context.on("request", self._note_request)
        page = context.new_page()
        self.pages.append(page)
        page.goto(self.address + path)
        return page

    def assert_accessible(self, page: Page) -> None:
        """axe-core finds nothing, in light, in dark and on a small phone, and nothing is cut off there."""
        page.evaluate(Axe().axe_script)
        for scheme, width in (("light", WIDE), ("dark", WIDE), ("light", NARROW)):
            _look(page, scheme, width)
            found = page.evaluate("axe.run({resultTypes: ['violations']}).then((result) => result.violations)")
            assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width

    def picture(self, page: Page, name: str) -> None:
        """Take a picture of the page in each look, where SCREENSHOTS says so."""
        if SCREENSHOTS is None:
            return
        for scheme, width in itertools.product(("light", "dark"), (WIDE, NARROW)):
            _look(page, scheme, width)
            page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{scheme}-{width}.png", full_page=True)

    def _note_console(self, message: ConsoleMessage) -> None:
        # Chromium calls the status of a page that was asked for an error; the status is ours.
        is_status = message.text.startswith("Failed to load resource") and "/reset" in message.location["url"]
        if message.type in ("error", "warning") and not (is_status and "/reset/" not in message.location["url"]):
            self.problems.append(f"console: {message.text}")

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith(f"{self.address}/reset"):
            self.problems.append(f"request: {request.url}")


@pytest.fixture
def reader(browser: Browser, address: str) -> Iterator[Reader]:
    """A reader who has seen nothing go wrong by the end of the test."""
    reader = Reader(browser, address)
    yield reader
    for page in reader.pages:
        page.context.close()
    assert reader.problems == []
