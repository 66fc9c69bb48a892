"""The hosted pages as people use them: in Chromium, with and without its scripts, by keyboard, in four languages."""

import re
import sqlite3

import pytest
from playwright.sync_api import Page, expect

from gatehouse.domain.codes import ReturnCode
from gatehouse.fronts.hosted.languages import texts
from gatehouse.operations.hosted_reset import MAX_WRONG_OF_NETWORK
from tests.conformance.browsers import Reader
from tests.conformance.hosted.conftest import Hosted
from tests.factories import EMAIL, PASSWORD

NEW_PASSWORD = "  quiet otters & 7 löwen "
"""With blanks at both ends, markup and an umlaut: none of it may be changed on the way."""


def field_of(page: Page):
    """Return the field of the new password."""
    return page.locator("#new-password")


def save(page: Page) -> None:
    """Send the form."""
    page.get_by_role("button", name="Set new password").click()


def heading(page: Page):
    """Return the heading that says what the page is."""
    return page.get_by_role("heading", level=1)


def test_a_new_password_is_chosen_and_logs_in(hosted: Hosted, reader: Reader):
    """The whole purpose; old password and old sessions are gone, and the owner is told."""
    hosted.shop.log_in()
    page = reader.open(hosted.send())

    expect(heading(page)).to_have_text("Choose a new password")
    expect(page.get_by_text("For your account with Café Lumière.")).to_be_visible()
    expect(page).to_have_title(re.compile(r"^Choose a new password . Café Lumière$"))
    field_of(page).fill(NEW_PASSWORD)
    save(page)

    expect(heading(page)).to_have_text("Your password has been changed")
    assert "code=" not in page.url
    assert hosted.shop.login().return_code is ReturnCode.INVALID_CREDENTIALS
    hosted.shop.log_in(password=NEW_PASSWORD)
    assert len(hosted.shop.messages("password_changed")) == 1


def test_rules_are_shown_first_and_checked_while_typing(hosted: Hosted, reader: Reader):
    """Nobody should have to be refused to learn what is wanted, and nothing leaves the page for it."""
    hosted.shop.set_merchant(password_max_length=128)
    page = reader.open(hosted.send())
    length = page.locator("li", has_text="8 to 128 characters")
    variety = page.locator("li", has_text="at least 3 different characters")
    guess = page.locator("li", has_text="hard to guess")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url.removesuffix("icon.svg")))

    expect(guess).to_be_visible()
    for typed, is_long, is_varied in (
        ("", False, False),
        ("aaaaaaaa", True, False),
        ("abc", False, True),
        ("quiet otters", True, True),
        ("🔑🐎🔋🔑🐎🔋🔑", False, True),
        ("ab" * 64 + "c", False, True),
    ):
        field_of(page).fill(typed)
        for rule, is_met in ((length, is_long), (variety, is_varied)):
            expect(rule).to_have_class("is-met" if is_met else "")
            expect(rule).to_contain_text("(done)" if is_met else re.compile(r"\w"))
    field_of(page).fill("aaaaaaaa")
    expect(page.get_by_role("status")).to_have_text("Still needed: at least 3 different characters")
    field_of(page).fill("quiet otters")
    expect(page.get_by_role("status")).to_have_text("Length and variety are fine.")
    assert set(requests) <= {f"{reader.address}/reset/static/"}, "nothing but the icon, which comes when it comes"


def test_what_the_page_can_check_is_refused_before_it_is_sent(hosted: Hosted, reader: Reader):
    """The text is by the field and the field has the focus, as when the server refuses."""
    page = reader.open(hosted.send())
    refusal = page.get_by_role("alert")
    expect(refusal).to_have_count(0)

    for typed, text in (
        ("", "Enter a new password."),
        ("short", "This password is too short. Use at least 8 characters."),
        ("abababab", "This password repeats one or two characters. Use at least 3 different ones."),
    ):
        field_of(page).fill(typed)
        save(page)
        expect(refusal).to_have_text(text)
        expect(field_of(page)).to_be_focused()
        expect(field_of(page)).to_have_attribute("aria-invalid", "true")
    assert "code=" in page.url, "nothing was sent"
    field_of(page).press_sequentially("x")
    expect(refusal).to_have_count(0)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_refusal_of_the_server_is_tied_to_the_field(hosted: Hosted, reader: Reader, javascript: bool):
    """A screen reader says it with the field; a password is never sent back; the code is not used up."""
    page = reader.open(hosted.send(), java_script_enabled=javascript)

    for typed, text in (
        ("elephant77", "This password is too easy to guess."),
        ("password1", "This password is known from data breaches, or among the most used ones."),
        (f"{EMAIL}1", "This password is made from your name or address."),
        ("ab" * 512 + "c", "This password is too long. Use at most 1024 characters."),
    ):
        field_of(page).fill(typed)
        save(page)
        expect(page.get_by_role("alert")).to_contain_text(text)
        expect(field_of(page)).to_have_value("")
        expect(field_of(page)).to_be_focused()
        expect(field_of(page)).to_have_attribute("aria-invalid", "true")
        expect(field_of(page)).to_have_accessible_description(re.compile(re.escape(text)))
        expect(page).to_have_title(re.compile(r"^Error: "))
    field_of(page).fill(NEW_PASSWORD)
    save(page)
    expect(heading(page)).to_have_text("Your password has been changed")


def test_all_of_it_works_without_scripts(hosted: Hosted, reader: Reader):
    """The button that needs a script is not there, and the server checks everything."""
    page = reader.open(hosted.send(), java_script_enabled=False)
    expect(page.get_by_role("button", name="Show password")).to_have_count(0)

    for typed, text in (("", "Enter a new password."), ("short", "This password is too short.")):
        field_of(page).fill(typed)
        save(page)
        expect(page.get_by_role("alert")).to_contain_text(text)
    page.get_by_role("button", name="Deutsch").click()
    expect(heading(page)).to_have_text("Neues Passwort wählen")
    field_of(page).fill(NEW_PASSWORD)
    page.get_by_role("button", name="Passwort festlegen").click()

    expect(heading(page)).to_have_text("Ihr Passwort wurde geändert")
    hosted.shop.log_in(password=NEW_PASSWORD)


def test_all_of_it_works_by_keyboard(hosted: Hosted, reader: Reader):
    """In the order in which one reads, with the focus to be seen."""
    page = reader.open(hosted.send())

    page.keyboard.press("Tab")
    expect(field_of(page)).to_be_focused()
    page.keyboard.type(NEW_PASSWORD)
    page.keyboard.press("Tab")
    show = page.get_by_role("button", name="Show password")
    expect(show).to_be_focused()
    assert show.evaluate("(button) => getComputedStyle(button).outlineWidth") == "3px"
    page.keyboard.press("Space")
    expect(field_of(page)).to_have_attribute("type", "text")
    expect(page.get_by_role("button", name="Hide password")).to_be_focused()
    page.keyboard.press("Enter")
    expect(field_of(page)).to_have_attribute("type", "password")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Set new password")).to_be_focused()
    page.keyboard.press("Enter")

    expect(heading(page)).to_have_text("Your password has been changed")
    hosted.shop.log_in(password=NEW_PASSWORD)


def test_a_password_manager_is_told_what_the_field_is(hosted: Hosted, reader: Reader):
    """It then proposes a password that keeps the merchant's rules."""
    hosted.shop.set_merchant(password_min_length=12)
    page = reader.open(hosted.send())

    expect(field_of(page)).to_have_attribute("autocomplete", "new-password")
    expect(field_of(page)).to_have_attribute("passwordrules", "minlength: 12; maxlength: 1024;")
    expect(page.locator("li", has_text="at least 12 characters")).to_be_visible()


def test_a_former_password_is_refused_where_the_merchant_remembers(hosted: Hosted, reader: Reader):
    """The rule is shown only where there is one."""
    page = reader.open(hosted.send())
    expect(page.get_by_text("not used here lately")).to_have_count(0)

    hosted.shop.set_merchant(password_history=3)
    page.reload()
    expect(page.get_by_text("not used here lately")).to_be_visible()
    field_of(page).fill(PASSWORD)
    save(page)

    expect(page.get_by_role("alert")).to_have_text("You have used this password before. Choose another one.")


@pytest.mark.parametrize("is_used", [True, False])
def test_a_dead_link_offers_a_new_one(hosted: Hosted, reader: Reader, is_used: bool):
    """One button, and a new mail is there; the answer does not tell whether there was an account."""
    path = hosted.send()
    if is_used:
        page = reader.open(path)
        field_of(page).fill("a first new password")
        save(page)
        expect(heading(page)).to_have_text("Your password has been changed")
    hosted.shop.clock.advance(minutes=61)

    page = reader.open(path)
    expect(heading(page)).to_have_text("This link has been used" if is_used else "This link has expired")
    page.get_by_role("button", name="Send a new link").click()

    expect(heading(page)).to_have_text("Check your e-mail")
    assert len(hosted.shop.messages("reset_code")) == 2


@pytest.mark.parametrize(
    ("locale", "merchants", "title"),
    [
        ("en-US", "de", "Choose a new password"),
        ("de-AT", "en", "Neues Passwort wählen"),
        ("es-MX", "en", "Elija una nueva contraseña"),
        ("fr-CA", "en", "Choisissez un nouveau mot de passe"),
        ("ja-JP", "fr", "Choisissez un nouveau mot de passe"),
    ],
)
def test_the_page_speaks_the_readers_language(hosted: Hosted, reader: Reader, locale: str, merchants: str, title: str):
    """The browser's, and the merchant's for who has none of ours; one may switch, also to a refusal's text."""
    hosted.shop.set_merchant(language=merchants)
    page = reader.open(hosted.send(), locale=locale)

    expect(heading(page)).to_have_text(title)
    if not title.startswith("Choose"):
        page.get_by_role("button", name="English").click()
    expect(heading(page)).to_have_text("Choose a new password")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    field_of(page).fill("elephant77")
    save(page)
    expect(page.get_by_role("alert")).to_contain_text("too easy to guess")
    page.get_by_role("button", name="Español").click()
    expect(heading(page)).to_have_text("Elija una nueva contraseña")
    expect(page.locator("html")).to_have_attribute("lang", "es")


def test_the_form_is_good_for_everybody(hosted: Hosted, reader: Reader):
    """axe-core finds nothing, whether it is new, being filled in or refused, in any language."""
    page = reader.open(hosted.send())
    reader.assert_accessible(page)
    reader.picture(page, "choose")
    field_of(page).fill("quiet otters")
    page.get_by_role("button", name="Show password").click()
    reader.assert_accessible(page)
    reader.picture(page, "typing")
    field_of(page).fill("elephant77")
    save(page)
    expect(page.get_by_role("alert")).to_be_visible()
    reader.assert_accessible(page)
    reader.picture(page, "refused")
    for language in ("Deutsch", "Español", "Français"):
        page.get_by_role("button", name=language).click()
        expect(page.locator("[aria-current]")).to_have_text(language)
        reader.assert_accessible(page)
        reader.picture(page, f"choose-{language}")
    field_of(page).fill(NEW_PASSWORD)
    page.get_by_role("button", name="Enregistrer").click()
    expect(heading(page)).to_have_text("Votre mot de passe a été modifié")
    reader.assert_accessible(page)
    reader.picture(page, "done")
    reader.picture(reader.open(hosted.send(), locale="de"), "choose-fresh-de")


@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#fde047"])
def test_any_colour_of_a_merchant_can_be_read(hosted: Hosted, reader: Reader, colour: str):
    """A merchant knows its colour, and nothing of contrast."""
    hosted.shop.set_merchant(colour=colour, name="The Very Long Name of a Shop for Hats and Umbrellas & Sons")
    page = reader.open(hosted.send())

    reader.assert_accessible(page)
    reader.picture(page, f"colour-{colour[1:]}")


def test_the_pages_of_dead_links_are_good_for_everybody(hosted: Hosted, reader: Reader):
    """Expired, asked again, used, closed, and what is no link at all."""
    path = hosted.send()
    hosted.shop.clock.advance(minutes=61)
    page = reader.open(path)
    expect(heading(page)).to_have_text("This link has expired")
    reader.assert_accessible(page)
    reader.picture(page, "expired")

    page.context.clear_cookies()
    page.get_by_role("button", name="Send a new link").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing was changed")
    reader.assert_accessible(page)
    reader.picture(page, "stale")
    page.get_by_role("button", name="Send a new link").click()
    expect(heading(page)).to_have_text("Check your e-mail")
    reader.assert_accessible(page)
    reader.picture(page, "sent")

    page = reader.open(path)
    expect(heading(page)).to_have_text("This link does not work")
    reader.assert_accessible(page)
    reader.picture(page, "unknown")

    page = reader.open(hosted.send())
    field_of(page).fill(NEW_PASSWORD)
    save(page)
    expect(heading(page)).to_have_text("Your password has been changed")
    page.goto(reader.address + path)
    expect(heading(page)).to_have_text("This link has been used")
    reader.assert_accessible(page)
    reader.picture(page, "used")


def test_the_pages_of_trouble_are_good_for_everybody(hosted: Hosted, reader: Reader, tmp_path):
    """A closed account, too many wrong links, and a database that is away."""
    path = hosted.send()
    with sqlite3.connect(tmp_path / "hosted.db") as other:
        other.execute("UPDATE accounts SET status = 'Locked'")
    other.close()
    page = reader.open(path)
    expect(heading(page)).to_have_text("This account cannot be used at present")
    reader.assert_accessible(page)
    reader.picture(page, "closed")

    for number in range(MAX_WRONG_OF_NETWORK):
        hosted.client.get(f"/reset?code=wrong-{number}", REMOTE_ADDR="127.0.0.1")
    page.reload()
    expect(heading(page)).to_have_text("Please wait a little")
    reader.assert_accessible(page)
    reader.picture(page, "limited")

    hosted.shop.clock.advance(minutes=16)
    with sqlite3.connect(tmp_path / "hosted.db") as other:
        other.execute("ALTER TABLE reset_codes RENAME TO away")
    other.close()
    page.reload()
    expect(heading(page)).to_have_text(texts("en")["unavailable_title"])
    reader.assert_accessible(page)
    reader.picture(page, "unavailable")
