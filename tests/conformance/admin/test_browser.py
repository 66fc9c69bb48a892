"""The panel as people use it: in Chromium, without scripts, by keyboard, and looked at by axe-core."""

import re

import pyotp
import pytest
from playwright.sync_api import Page, expect

from gatehouse.storage import tables
from tests.conformance.admin.conftest import MAX, OLGA, PASSWORDS, SUE, Operator, World
from tests.conformance.browsers import go_on

PARTS = 6
"""Tests that the pages are shared out to, so that none takes long."""


def heading(page: Page):
    """Return the heading that says what the page is."""
    return page.get_by_role("heading", level=1)


def pages_of(world: World) -> dict[str, str]:
    """Return every page that is opened by its address alone, by the name that its picture gets."""
    numbers = world.numbers["ours"]
    merchant = f"/admin/merchants/{numbers['merchant_id']}"
    account = f"{merchant}/accounts/{numbers['account_id']}"
    return {
        "home": "/admin/",
        "merchants": "/admin/merchants",
        "merchants-none": "/admin/merchants?name=nothing+like+it",
        "settings": merchant,
        "accounts": f"{merchant}/accounts",
        "accounts-none": f"{merchant}/accounts?q=nobody@example.com",
        "account": account,
        "account-lock": f"{account}/lock",
        "account-unlock": f"{account}/unlock",
        "account-disable": f"{account}/disable",
        "account-enable": f"{account}/enable",
        "account-end-sessions": f"{account}/end-sessions",
        "account-reset": f"{account}/reset",
        "devices": f"{merchant}/devices",
        "devices-none": f"{merchant}/devices?state=blocked",
        "messages": f"{merchant}/messages",
        "messages-none": f"{merchant}/messages?state=sent",
        "message": f"{merchant}/messages/{numbers['message_id']}",
        "message-resend": f"{merchant}/messages/{numbers['message_id']}/resend",
        "clients": f"{merchant}/clients",
        "applications": f"{merchant}/applications",
        "application": f"{merchant}/applications/{numbers['application_id']}",
        "application-token": f"{merchant}/applications/{numbers['application_id']}/token",
        "integrations": f"{merchant}/integrations",
        "integration": f"{merchant}/integrations/{numbers['integration_id']}",
        "integration-secret": f"{merchant}/integrations/{numbers['integration_id']}/secrets",
        "audit": f"{merchant}/audit",
        "audit-none": f"{merchant}/audit?event=device.blocked",
        "audit-verify": f"{merchant}/audit/verify",
        "explain": "/admin/explain",
        "explain-nothing": "/admin/explain?request=00000000-0000-4000-8000-000000000000",
        "explain-outcome": "/admin/explain?outcome=InvalidCredentials",
        "own-account": "/admin/own-account",
        "own-account-password": "/admin/own-account/password",
        "own-account-second-factor": "/admin/own-account/second-factor",
        "own-account-time-zone": "/admin/own-account/time-zone",
        "own-account-sign-out": "/admin/own-account/sign-out-everywhere",
        "nothing": "/admin/nothing",
    }


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_good_for_everybody(part: int, world: World, reader: Operator):
    """Nothing for axe-core to find, in light, in dark and on a phone of 320 pixels, where nothing is cut off."""
    page = reader.sign_in(OLGA)
    expect(heading(page)).to_have_text("The last day")
    for name, path in list(pages_of(world).items())[part::PARTS]:
        page.goto(reader.address + path)
        reader.assert_accessible(page)
        reader.picture(page, name)


def test_support_sees_less_and_as_well(world: World, reader: Operator):
    """Masked values, and no button that would be refused."""
    page = reader.sign_in(SUE)
    page.goto(reader.address + pages_of(world)["account"])

    expect(page.get_by_text("j***@e***.com").first).to_be_visible()
    expect(page.get_by_role("link", name="Start a reset")).to_be_visible()
    expect(page.get_by_role("link", name="Lock", exact=True)).to_have_count(0)
    reader.assert_accessible(page)
    reader.picture(page, "account-support")
    page.goto(reader.address + pages_of(world)["account-lock"])
    expect(heading(page)).to_have_text("You may not do this")
    reader.assert_accessible(page)
    reader.picture(page, "forbidden")


def test_signing_in_without_scripts(world: World, reader: Operator):
    """A refusal is tied to its field and has the focus; then the second factor, from its picture to a recovery code."""
    page = reader.open("/admin", java_script_enabled=False)
    page.get_by_label("Name").fill(OLGA)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_accessible_description("The name or the password is wrong.")
    expect(page).to_have_title(re.compile("^Error: Sign in"))
    page.get_by_label("Password").fill(PASSWORDS[OLGA])
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("link", name="Add a second factor").click()
    page.get_by_label("Your password").fill(PASSWORDS[OLGA])
    page.get_by_role("button", name="Go on").click()
    secret = page.locator(".secret").inner_text().replace(" ", "")
    moment = int(world.shop.clock.moment.timestamp())
    page.get_by_label("The code that it shows").fill(pyotp.TOTP(secret).at(moment))
    page.get_by_role("button", name="Turn the second factor on").click()
    recovery_code = page.locator(".codes code").first.inner_text()
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("You are signed out.")

    page.get_by_label("Name").fill(OLGA)
    page.get_by_label("Password").fill(PASSWORDS[OLGA])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code").fill(recovery_code)
    page.get_by_role("button", name="Sign in").click()
    expect(heading(page)).to_have_text("The last day")


def test_the_pages_of_signing_in_are_good_for_everybody(world: World, reader: Operator):
    """New, refused, with a second factor being added, and asked for."""
    page = reader.open("/admin")
    reader.assert_accessible(page)
    reader.picture(page, "sign-in")
    page.get_by_label("Name").fill(OLGA)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    reader.assert_accessible(page)
    reader.picture(page, "sign-in-refused")
    page.get_by_label("Password").fill(PASSWORDS[OLGA])
    page.get_by_role("button", name="Sign in").click()
    expect(heading(page)).to_have_text("The last day")
    page.goto(f"{reader.address}/admin/own-account/second-factor")
    page.get_by_label("Your password").fill(PASSWORDS[OLGA])
    page.get_by_role("button", name="Go on").click()
    reader.assert_accessible(page)
    reader.picture(page, "second-factor-scan")
    secret = page.locator(".secret").inner_text().replace(" ", "")
    moment = int(world.shop.clock.moment.timestamp())
    page.get_by_label("The code that it shows").fill(pyotp.TOTP(secret).at(moment))
    page.get_by_role("button", name="Turn the second factor on").click()
    reader.assert_accessible(page)
    reader.picture(page, "recovery-codes")
    for path in ("", "/second-factor/remove", "/recovery-codes"):
        page.goto(f"{reader.address}/admin/own-account{path}")
        reader.assert_accessible(page)
        reader.picture(page, f"own-account-with-factor{path.replace('/', '-')}")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Name").fill(OLGA)
    page.get_by_label("Password").fill(PASSWORDS[OLGA])
    page.get_by_role("button", name="Sign in").click()
    expect(heading(page)).to_have_text("Your second factor")
    reader.assert_accessible(page)
    reader.picture(page, "sign-in-code")


def test_a_lost_phone_is_blocked_by_keyboard_and_let_in_again(world: World, reader: Operator):
    """The daily task, from signing in to the result: find the owner, block the device, undo it. Without scripts."""
    page = reader.open("/admin", java_script_enabled=False)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(MAX)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORDS[MAX])
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("The last day")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.goto(f"{reader.address}/admin/merchants")
    page.get_by_role("link", name="Café Lumière").press("Enter")
    page.get_by_label("Find an account").press_sequentially("jane@example.com")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text(re.compile("Account"))

    page.get_by_role("button", name="Block phone-ours").press("Enter")
    expect(heading(page)).to_have_text("Block 1 device")
    reader.picture(page, "devices-block")
    page.get_by_role("button", name="Block 1 device").press("Enter")
    expect(page.get_by_role("status")).to_have_text("Blocked. What was begun on it has ended.")
    page.get_by_role("button", name="Unblock phone-ours").press("Enter")
    page.get_by_role("button", name="Unblock 1 device").press("Enter")
    expect(page.get_by_role("status")).to_have_text("No longer blocked.")


def test_many_devices_are_forgotten(world: World, reader: Operator):
    """Chosen by their boxes; the question can be cancelled."""
    page = reader.sign_in(MAX)
    page.goto(reader.address + pages_of(world)["devices"])
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Forget the chosen").click()
    expect(heading(page)).to_have_text("Forget 2 devices")
    reader.assert_accessible(page)
    reader.picture(page, "devices-forget")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("checkbox")).to_have_count(2)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Forget the chosen").click()
    page.get_by_role("button", name="Forget 2 devices").click()

    expect(page.get_by_role("status")).to_have_text("Forgotten. Whoever has it must register it anew.")
    expect(page.get_by_text("No device was registered yet.")).to_be_visible()
    assert "phone-ours" not in {row.device_id for row in world.shop.rows(tables.devices)}
    reader.assert_accessible(page)


def test_times_are_in_the_operators_zone(world: World, reader: Operator):
    """With UTC where one points at it."""
    page = reader.sign_in(OLGA)
    page.goto(f"{reader.address}/admin/own-account/time-zone")
    page.get_by_label("Time zone").fill("Europe/Nowhere")
    page.get_by_role("button", name="Show times in this zone").click()
    expect(page.get_by_role("alert")).to_contain_text("no time zone of this name")
    page.get_by_label("Time zone").fill("Asia/Kolkata")
    go_on(page, page.get_by_role("button", name="Show times in this zone"))
    page.goto(reader.address + pages_of(world)["merchants"])

    shown = page.locator("time").first
    expect(shown).to_have_text("2026-03-01 17:30")
    expect(shown).to_have_attribute("title", "2026-03-01 12:00:00 UTC")
