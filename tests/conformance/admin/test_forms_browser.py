"""The panel's forms as people use them: in Chromium, without scripts, with axe-core looking at each of their states."""

import re

import pytest
from playwright.sync_api import Page, expect

from gatehouse.operations import merchants
from gatehouse.storage import tables
from tests.conformance.admin.conftest import MAX, OLGA, Operator, World

PARTS = 9
"""Into how many tests the pages are spread."""


def heading(page: Page):
    return page.get_by_role("heading", level=1)


def save(page: Page, button: str = "Save") -> None:
    page.get_by_role("button", name=button, exact=True).click()


def pages_of(world: World) -> dict[str, str]:
    """Return the address of every page with a form, and of those that lead there, by the name of its picture."""
    numbers = world.numbers["ours"]
    merchant = f"/admin/merchants/{numbers['merchant_id']}"
    operator = f"/admin/operators/{numbers['operator_id']}"
    return {
        "merchant-add": "/admin/merchants/add",
        "merchant-change": f"{merchant}/change",
        "account-add": f"{merchant}/accounts/add",
        "account-change": f"{merchant}/accounts/{numbers['account_id']}/change",
        "application-add": f"{merchant}/applications/add",
        "application-change": f"{merchant}/applications/{numbers['application_id']}/change",
        "integration-add": f"{merchant}/integrations/add",
        "integration-change": f"{merchant}/integrations/{numbers['integration_id']}/change",
        "operators": "/admin/operators",
        "operator": operator,
        "operator-oneself": f"/admin/operators/{world.operator(OLGA).id}",
        "operator-add": "/admin/operators/add",
        "operator-change": f"{operator}/change",
        "operator-start-password": f"{operator}/start-password",
        "operator-remove-second-factor": f"{operator}/remove-second-factor",
        "operator-end-sessions": f"{operator}/end-sessions",
        "operator-disable": f"{operator}/disable",
    }


@pytest.mark.parametrize("part", range(PARTS))
def test_every_form_is_good_for_everybody(part: int, world: World, reader: Operator):
    """As it is opened, and as it comes back when nothing was typed into it."""
    page = reader.sign_in(OLGA)
    expect(heading(page)).to_have_text("The last day")
    for name, path in list(pages_of(world).items())[part::PARTS]:
        page.goto(reader.address + path)
        reader.assert_accessible(page)
        reader.picture(page, name)
        if name.endswith("-add"):
            page.locator("form.card button.main").click()
            expect(page.get_by_role("alert")).to_be_focused()
            expect(page).to_have_title(re.compile("^Error: "))
            reader.assert_accessible(page)
            reader.picture(page, f"{name}-refused")


def test_a_refusal_is_tied_to_its_field_and_keeps_what_was_typed(world: World, reader: Operator):
    """The summary has the focus and leads to each field, which tells what is wrong with it."""
    page = reader.open("/admin", java_script_enabled=False)
    reader.sign_in_on(page, MAX)
    page.goto(reader.address + pages_of(world)["merchant-change"])
    page.get_by_label("Shortest password").fill("lots")
    page.get_by_label("Country").fill("XX")
    page.get_by_label("How long a reset code works").fill("45m")
    save(page)

    expect(heading(page)).to_have_text("Change the settings")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("link")).to_have_count(2)
    expect(page.get_by_label("Shortest password")).to_have_value("lots")
    expect(page.get_by_label("How long a reset code works")).to_have_value("45m")
    expect(page.get_by_label("Shortest password")).to_have_accessible_description(
        re.compile("Shortest password must be a whole number from 1 to 1024.")
    )
    summary.get_by_role("link", name=re.compile("Country")).press("Enter")
    expect(page.get_by_label("Country")).to_be_focused()

    page.get_by_label("Country").fill("at")
    page.get_by_label("Shortest password").fill("10")
    save(page)
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    changed = world.shop.rows(tables.merchants)[0]
    assert (changed.region, changed.password_min_length) == ("AT", 10)


def test_nobody_overwrites_what_somebody_else_has_changed(world: World, reader: Operator):
    """The form comes back with what was typed, and beside it what is there now; saved again, it counts."""
    page = reader.sign_in(MAX)
    page.goto(reader.address + pages_of(world)["merchant-change"])
    merchants.change_merchant(world.call(), world.numbers["ours"]["merchant_id"], region="CH", shows_masked_email=True)
    page.get_by_label("Country").fill("AT")
    save(page)

    expect(page.get_by_role("alert")).to_contain_text("Somebody else has changed this")
    expect(page.get_by_text("Now it is: CH")).to_be_visible()
    expect(page.get_by_text("Now it is: Enough to recognise it")).to_be_visible()
    expect(page.locator(".present")).to_have_count(2)
    reader.assert_accessible(page)
    reader.picture(page, "merchant-changed-meanwhile")
    assert world.shop.rows(tables.merchants)[0].region == "CH"
    save(page)
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    assert world.shop.rows(tables.merchants)[0].region == "AT"


def test_an_application_is_added_and_its_secrets_are_shown_once(world: World, reader: Operator):
    """From the button of the list to what the programmer is given."""
    page = reader.sign_in(MAX)
    page.goto(f"{reader.address}/admin/merchants/{world.numbers['ours']['merchant_id']}/applications")
    page.get_by_role("link", name="Add an application").click()
    page.get_by_label("Name", exact=True).fill("Till")
    page.get_by_label("Web pages that may call").fill("https://shop.example.com\nHTTPS://till.example.com:443\n")
    save(page, "Add the application")

    expect(heading(page)).to_have_text("Till is there")
    expect(page.locator(".secret")).to_have_count(2)
    reader.assert_accessible(page)
    reader.picture(page, "application-added")
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("https://shop.example.com, https://till.example.com")).to_be_visible()


def test_an_operator_is_added_and_chooses_a_password(world: World, reader: Operator):
    """What an owner hands over is good for nothing else; then the operator sees its merchant."""
    page = reader.sign_in(OLGA)
    page.get_by_role("link", name="Operators").click()
    page.get_by_role("link", name="Add an operator").click()
    page.get_by_label("Name", exact=True).fill("Nina")
    page.get_by_label(re.compile("^Manager")).check()
    page.get_by_label(re.compile("^Café Lumière")).check()
    save(page, "Add the operator")
    expect(heading(page)).to_have_text("nina may sign in")
    password = page.locator(".secret").nth(1).inner_text()
    reader.assert_accessible(page)
    reader.picture(page, "operator-added")

    nina = reader.open("/admin")
    nina.get_by_label("Name").fill("nina")
    nina.get_by_label("Password").fill(password)
    nina.get_by_role("button", name="Sign in").click()
    expect(heading(nina)).to_have_text("Change the password")
    expect(nina.get_by_text("Choose a password of your own first")).to_be_visible()
    reader.assert_accessible(nina)
    reader.picture(nina, "own-password-owed")
    nina.get_by_label("Present password").fill(password)
    nina.get_by_label("New password", exact=True).fill("ten white storks land")
    nina.get_by_label("New password again").fill("ten white storks land")
    nina.get_by_role("button", name="Change the password").click()
    expect(nina.get_by_role("status")).to_contain_text("Your password was changed.")
    nina.get_by_role("link", name="Merchants").click()
    expect(nina.get_by_role("link", name="Café Lumière")).to_be_visible()
    expect(nina.get_by_text("Other & Sons")).to_have_count(0)
    expect(nina.get_by_role("link", name="Operators")).to_have_count(0)


def test_what_was_disabled_is_enabled_by_undo(world: World, reader: Operator):
    """With one button, on the page that says what was done."""
    page = reader.sign_in(MAX)
    numbers = world.numbers["ours"]
    page.goto(f"{reader.address}/admin/merchants/{numbers['merchant_id']}/accounts/{numbers['account_id']}")
    page.get_by_role("link", name="Disable").click()
    page.get_by_role("button", name="Disable the account").click()
    expect(page.get_by_role("status")).to_contain_text("The account is disabled.")
    reader.assert_accessible(page)
    reader.picture(page, "account-disabled-undo")
    page.get_by_role("button", name="Undo").click()

    expect(page.get_by_role("status")).to_contain_text("The account may log in again.")
    assert world.shop.present_account().status == "Active"


def test_some_of_many_merchants_are_chosen_without_scripts(world: World, reader: Operator):
    """Those that are chosen are shown, others are found by their name; what was typed and chosen before stays."""
    for number in range(40):
        merchants.add_merchant(world.call(), f"Branch {number:02}")
    page = reader.sign_in(OLGA, java_script_enabled=False)
    page.goto(f"{reader.address}/admin/operators/add")
    search, boxes = page.get_by_label("Search for more of 42"), page.get_by_role("checkbox")
    expect(boxes).to_have_count(0)
    page.get_by_label("Name", exact=True).fill("nina")
    search.fill("branch")
    search.press("Enter")
    expect(page.get_by_role("status")).to_have_text("20 of 40 that have “branch”: type more of it to see others.")
    expect(boxes).to_have_count(20)
    expect(search).to_be_focused()
    page.get_by_label("Branch 07").check()
    search.fill("  LUMI")
    page.get_by_role("button", name="Search").click()

    expect(page.get_by_label("Branch 07")).to_be_checked()
    expect(page.get_by_label("Name", exact=True)).to_have_value("nina")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(boxes).to_have_count(2)
    page.get_by_label("Café Lumière").check()
    search.fill("no such name")
    page.get_by_role("button", name="Add the operator").click()
    expect(page.get_by_role("status")).to_have_text("None besides those that are chosen has “no such name”.")
    expect(boxes).to_have_count(2)
    page.get_by_label("Name", exact=True).press("Enter")
    expect(heading(page)).to_have_text("nina may sign in")
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("Café Lumière, Branch 07")).to_be_visible()

    page.get_by_role("link", name="Change").click()
    expect(boxes).to_have_count(2)
    page.get_by_label("Café Lumière").uncheck()
    page.get_by_label("Branch 07").uncheck()
    save(page)
    expect(page.get_by_role("alert")).to_contain_text("works for some merchants")
    page.get_by_role("alert").get_by_role("link").click()
    expect(search).to_be_focused()


def test_a_search_among_many_merchants_is_good_for_everybody(world: World, reader: Operator):
    """As it is opened, with what was found, and with what is chosen."""
    for number in range(40):
        merchants.add_merchant(world.call(), f"Branch {number:02}")
    page = reader.sign_in(OLGA)
    expect(heading(page)).to_have_text("The last day")
    page.goto(reader.address + pages_of(world)["operator-change"])
    reader.assert_accessible(page)
    page.get_by_label("Search for more").fill("branch 0")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("checkbox")).to_have_count(11)
    reader.assert_accessible(page)
    reader.picture(page, "operator-change-search")
