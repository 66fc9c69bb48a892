"""From nothing to the first login with the panel alone: a service without demo data, Chromium, a mail, and SOAP."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from lxml import etree
from playwright.sync_api import Browser, expect

from gatehouse.app import create_app
from gatehouse.domain.operators import OperatorRole
from gatehouse.operations import operators
from gatehouse.operations.calls import Call, Caller
from gatehouse.storage.engine import Database
from tests import factories
from tests.conformance import soap
from tests.conformance.admin.conftest import OLGA, PASSWORDS, SUE, Operator, _addressed
from tests.conformance.browsers import serving
from tests.conformance.service import free_port, running_command
from tests.conformance.test_reset_story import new_link

EMAIL, PASSWORD = "gina@example.org", "one heron, two otters"


@pytest.fixture
def new_service(tmp_path: Path) -> Iterator[str]:
    """The address of a service in an empty folder, whose schema and owner were made by command."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
    environment = inherited | {"GATEHOUSE_BIND": f"127.0.0.1:{port}", "GATEHOUSE_WORKERS": "1"}
    command = [sys.executable, "-m", "gatehouse"]
    for rest, typed in ((["migrate"], ""), (["admin", "add", OLGA, "--password-stdin"], PASSWORDS[OLGA])):
        subprocess.run([*command, *rest], cwd=tmp_path, env=environment, input=typed, text=True, check=True, timeout=60)
    with running_command([*command, "serve"], tmp_path, environment):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.timeout(180)
def test_an_owner_gets_from_nothing_to_the_first_login(new_service: str, tmp_path: Path, browser: Browser):
    """Each step is offered on the first page, and what came of the last one is shown there."""
    operator = Operator(browser, new_service, "/admin")
    page = operator.sign_in(OLGA)
    expect(page.get_by_role("heading", level=1)).to_have_text("First steps")

    page.get_by_role("link", name="Add a merchant").click()
    page.get_by_label("Name", exact=True).fill("Café Lumière")
    page.get_by_label("Country").fill("US")
    page.get_by_role("button", name="Add the merchant").click()
    page.get_by_role("link", name="Add an application").click()
    page.get_by_label("Name", exact=True).fill("Web shop")
    page.get_by_role("button", name="Add the application").click()
    token = page.locator(".secret").first.inner_text()
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_text("Done")).to_have_count(2)
    page.get_by_role("link", name="Add an account").click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_role("button", name="Add the account").click()
    expect(page.get_by_role("status")).to_contain_text("a mail with a link")

    link = new_link(tmp_path / "var" / "mail", set(), EMAIL)
    owner = browser.new_page()
    owner.goto(link)
    owner.get_by_role("textbox").fill(PASSWORD)
    with owner.expect_navigation():
        owner.get_by_role("textbox").press("Enter")
    owner.close()
    members = soap.members({"Email": EMAIL, "Password": PASSWORD, "userrole": "Customer"})
    answer = requests.post(
        f"{new_service}{soap.PATH}",
        soap.envelope(soap.call("Login", members)).encode(),
        headers={"Content-Type": soap.XML, "applicationToken": token},
        timeout=20,
    )
    assert etree.fromstring(answer.content).findtext(".//{*}Key") == "Success"

    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The last day")
    expect(page.get_by_text(re.compile("Logins: 1"))).to_be_visible()
    page.goto(f"{new_service}/admin/merchants/1/accounts")
    expect(page.get_by_role("row").nth(1)).not_to_contain_text("never")
    page.goto(f"{new_service}/admin/merchants/1/audit?event=session.started")
    expect(page.get_by_role("row")).to_have_count(2)
    operator.close()


def test_first_steps_are_good_for_everybody_and_offered_to_who_may_do_them(
    sqlite_template: Path, tmp_path: Path, browser: Browser
):
    """With nothing there, with a merchant, and as support, who may add neither."""
    path = tmp_path / "new.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    core = factories.make_core(database)
    call = Call(core, Caller())
    operators.add_operator(call, OLGA, OperatorRole.OWNER, PASSWORDS[OLGA], [])
    with serving(_addressed(create_app(core.settings, core))) as address:
        operator = Operator(browser, address, "/admin")
        page = operator.sign_in(OLGA)
        expect(page.get_by_role("heading", level=1)).to_have_text("First steps")
        expect(page.locator(".first-steps a")).to_have_text(["Add a merchant"])
        operator.assert_accessible(page)
        operator.picture(page, "first-steps")
        merchant = factories.make_merchant(core, name="Café Lumière")
        page.reload()
        expect(page.locator(".first-steps a")).to_have_text(["Add an application", "Add an account"])
        operator.assert_accessible(page)
        operator.picture(page, "first-steps-merchant")
        operators.add_operator(call, SUE, OperatorRole.SUPPORT, PASSWORDS[SUE], [merchant.id])
        page = operator.sign_in(SUE)
        expect(page.get_by_role("heading", level=1)).to_have_text("First steps")
        expect(page.locator(".first-steps a")).to_have_count(0)
        operator.assert_accessible(page)
        factories.make_merchant(core, name="Other & Sons")
        page = operator.sign_in(OLGA)
        expect(page.get_by_role("heading", level=1)).to_have_text("The last day")
        operator.close()
    database.close()
