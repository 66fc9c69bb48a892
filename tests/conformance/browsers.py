"""A browser for tests, pages that their own process serves, and somebody who opens them and notes what goes wrong."""

import contextlib
import itertools
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

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

WAITS_MS = 20_000
"""Milliseconds that a browser has for each thing, on a machine that may be busy."""

SCREENSHOTS = os.environ.get("GATEHOUSE_SCREENSHOTS")
"""A folder that takes a picture of each page in each look, for a person to see."""

WIDE, NARROW = 1280, 320
"""Pixels of a desk's screen, and of the smallest phone. Source of the latter: WCAG 2.2, 1.4.10."""


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an application on a free port; give scheme, host and port."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """Run Debian's Chromium; without it the test fails and says what to install."""
    if not CHROMIUM.exists():
        pytest.fail("these tests need Debian's package chromium", pytrace=False)
    expect.set_options(timeout=WAITS_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


def look(page: Page, scheme: Any, width: int) -> None:
    """Show a page in light or dark, on a desk or a phone."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800 if width == WIDE else 640})


def go_on(page: Page, by: Locator) -> None:
    """Click, and wait until the next page is whole: what is read of it, or opened after it, waits for nothing."""
    with page.expect_navigation():
        by.click()


@dataclass
class Reader:
    """Somebody with a browser, who must not see an error, nor reach anything but what is below `root`."""

    browser: Browser
    address: str
    root: str
    problems: list[str] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def open(self, path: str, **options: Any) -> Page:
        """Open a page in a browser that knows nothing yet. `options` are those of Playwright's contexts."""
        context = self.browser.new_context(**({"locale": "en-GB"} | options))
        context.set_default_timeout(WAITS_MS)
        context.on("console", self._note_console)
        context.on("weberror", lambda error: self.problems.append(f"script: {error.error}"))
        context.on("request", self._note_request)
        page = context.new_page()
        self.pages.append(page)
        page.goto(self.address + path)
        return page

    def close(self) -> None:
        """Close every page; nothing must have gone wrong on any."""
        for page in self.pages:
            page.context.close()
        assert self.problems == []

    def assert_accessible(self, page: Page) -> None:
        """axe-core finds nothing, in light and in dark, on a desk and on a phone, and nothing is cut off."""
        # After a click the next page has begun, and need not be whole.
        page.wait_for_load_state()
        page.evaluate(Axe().axe_script)
        for scheme, width in itertools.product(("light", "dark"), (WIDE, NARROW)):
            look(page, scheme, width)
            found = page.evaluate("axe.run({resultTypes: ['violations']}).then((result) => result.violations)")
            assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width

    def picture(self, page: Page, name: str) -> None:
        """Take a picture of the page in each look, where SCREENSHOTS says so."""
        if SCREENSHOTS is None:
            return
        for scheme, width in itertools.product(("light", "dark"), (WIDE, NARROW)):
            look(page, scheme, width)
            page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{scheme}-{width}.png", full_page=True)

    def _note_console(self, message: ConsoleMessage) -> None:
        # Chromium calls the status of a page that was asked for an error; the status is ours.
        is_status = message.text.startswith("Failed to load resource") and "/static/" not in message.location["url"]
        if message.type in ("error", "warning") and not is_status:
            self.problems.append(f"console: {message.text}")

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith(f"{self.address}{self.root}"):
            self.problems.append(f"request: {request.url}")
