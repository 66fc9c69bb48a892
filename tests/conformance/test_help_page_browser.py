"""The help page as people use it: in Chromium, by keyboard, on a phone, in the dark, on paper and without scripts."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from gatehouse.fronts.data_contracts import REQUESTS
from tests.conformance.browsers import NARROW, WIDE, Reader
from tests.conformance.service import Service
from tests.conformance.soap import PATH

LANGUAGES = ["C#", "JavaScript", "PHP", "Java", "Python", "curl"]


@pytest.fixture
def reader(browser: Browser, sqlite_service: Service) -> Iterator[Reader]:
    """A reader who has seen nothing go wrong by the end of the test."""
    reader = Reader(browser, sqlite_service.url, PATH)
    yield reader
    reader.close()


def fill(page: Page, service: Service, **values: str) -> None:
    """Type the application's token, and values into the fields of the method that is chosen."""
    page.get_by_label("Application token").fill(service.demo["applicationToken"])
    for name, value in values.items():
        page.locator(f"fieldset:not([hidden]) [data-member={name}]").fill(value)


@pytest.mark.parametrize("path", ["", "/help/codes"])
def test_pages_are_accessible_in_each_look(reader: Reader, path: str) -> None:
    """axe-core finds nothing, and nothing is cut off on a phone."""
    page = reader.open(PATH + path)

    reader.assert_accessible(page)
    reader.picture(page, f"help{path.replace('/', '-')}")


def test_tabs_by_keyboard(reader: Reader) -> None:
    """Arrows, Home and End; one tab is in the order of the keyboard; all methods follow the choice."""
    page = reader.open(PATH)
    tabs = page.get_by_role("tablist", name="Login, samples")

    assert tabs.get_by_role("tab").all_text_contents() == LANGUAGES
    tabs.get_by_role("tab", name="C#").focus()
    for key, chosen in (("ArrowRight", "JavaScript"), ("End", "curl"), ("ArrowRight", "C#"), ("ArrowLeft", "curl")):
        page.keyboard.press(key)
        expect(tabs.get_by_role("tab", selected=True)).to_have_text(chosen)
        expect(tabs.get_by_role("tab", name=chosen)).to_be_focused()
    expect(page.get_by_role("tabpanel")).to_have_count(len(REQUESTS))
    expect(page.locator("#UpdatePincode-curl")).to_be_visible()
    expect(page.locator("#UpdatePincode-csharp")).to_be_hidden()


def test_choosing_a_language_does_not_move_the_page(reader: Reader) -> None:
    """The samples above get other heights, and the reader stays where the tab was."""
    page = reader.open(PATH, viewport={"width": 390, "height": 800}, reduced_motion="reduce")
    tab = page.get_by_role("tablist", name="LogOff, samples").get_by_role("tab", name="curl")
    tab.scroll_into_view_if_needed()
    before = tab.bounding_box()

    tab.click()

    after = tab.bounding_box()
    assert before
    assert after
    assert abs(before["y"] - after["y"]) < 2


def test_a_sample_is_copied_as_it_is_shown(reader: Reader) -> None:
    """Whole, without colours and line numbers."""
    page = reader.open(PATH, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("tablist", name="LogOff, samples").get_by_role("tab", name="PHP").click()

    page.locator("#LogOff").get_by_role("button", name="Copy").click()

    expect(page.locator("#copied")).to_have_text("Copied")
    shown = page.locator("#LogOff-php code").text_content()
    assert shown
    assert page.evaluate("navigator.clipboard.readText()") == shown


def test_a_days_calls_from_the_form(reader: Reader, sqlite_service: Service) -> None:
    """Login, then a method that needs its session; nothing is kept, and passwords and tokens are not shown."""
    account = sqlite_service.demo["accounts"][3]
    page = reader.open(PATH)
    fill(page, sqlite_service, Email=account["email"], Password=account["password"])
    page.get_by_role("button", name="Call Login").click()

    outcome = page.locator("#outcome")
    expect(outcome).to_contain_text(re.compile("^0 Success . HTTP 200"))
    answer = json.loads(page.locator("#received").text_content() or "")["d"]
    expect(page.get_by_label("Credentials token")).to_have_value(answer["CredentialsToken"])
    sent = page.locator("#sent").text_content() or ""
    assert f"POST {PATH}/Login HTTP/1.1" in sent
    assert account["email"] in sent
    assert account["password"] not in sent
    assert sqlite_service.demo["applicationToken"] not in sent

    page.get_by_label("Method").select_option("RegisterDevice")
    fill(page, sqlite_service, deviceId="a device of the form", phoneNumber="+12015550123")
    page.get_by_role("button", name="Call RegisterDevice").click()
    expect(page.locator("#sent")).to_contain_text("/RegisterDevice")
    expect(outcome).to_contain_text("0 Success")

    page.get_by_label("Method").select_option("DecodeLoginCookie")
    expect(page.locator("#try-DecodeLoginCookie-Cookie")).to_have_value(answer["EncodedCookie"])
    page.get_by_role("button", name="Call DecodeLoginCookie").click()
    expect(page.locator("#sent")).to_contain_text("/DecodeLoginCookie")
    expect(outcome).to_contain_text("0 Success")

    assert page.context.cookies() == []
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    page.reload()
    expect(page.get_by_label("Application token")).to_have_value("")
    expect(page.get_by_label("Credentials token")).to_have_value("")


def test_a_refusal_leads_to_what_to_do(reader: Reader, sqlite_service: Service) -> None:
    """From the method's button to the form, and from the code of the answer to its row."""
    page = reader.open(f"{PATH}/")
    page.get_by_role("link", name="Try DeviceSendActivationCode").click()
    expect(page.get_by_label("Method")).to_be_focused()
    expect(page.get_by_label("Method")).to_have_value("DeviceSendActivationCode")
    fill(page, sqlite_service, deviceId="a device")
    page.get_by_role("button", name="Call DeviceSendActivationCode").click()

    outcome = page.locator("#outcome").get_by_role("link")
    expect(outcome).to_have_text("40 SessionRequired")
    outcome.click()

    expect(page).to_have_url(f"{sqlite_service.url}{PATH}/help/codes#SessionRequired")
    expect(page.get_by_role("row", name="SessionRequired")).to_contain_text("Log in")


def test_without_scripts_every_sample_can_be_read(reader: Reader) -> None:
    """All of them one below the other, under the name of the language; no control that does nothing."""
    page = reader.open(PATH, java_script_enabled=False, viewport={"width": NARROW, "height": 640})

    for sample in page.locator(".sample").all():
        expect(sample.locator("h3")).to_be_visible()
        expect(sample.locator("pre")).to_be_visible()
    expect(page.locator(".sample")).to_have_count(len(REQUESTS) * len(LANGUAGES))
    expect(page.locator("button:visible, input:visible, select:visible")).to_have_count(0)
    expect(page.get_by_text("needs JavaScript")).to_be_visible()


def test_paper_has_what_can_be_read(reader: Reader) -> None:
    """No bar, no form, and no line of a program that ends at the edge."""
    page = reader.open(PATH, viewport={"width": WIDE, "height": 900})
    page.emulate_media(media="print")

    for gone in (".top", ".contents", "#try", ".bar"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator("#Login-csharp pre")).to_have_css("white-space", "pre-wrap")
