"""A guest who forgot the password, from the shop's call to the next login, live on both databases."""

import base64
import email
import email.policy
import json
import re
import secrets
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree
from playwright.sync_api import Browser

from tests.conformance import soap
from tests.conformance.service import Service

WAIT_SECONDS = 60


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest) -> Service:
    """The live service."""
    return request.getfixturevalue(f"{request.param}_service")


def call(service: Service, name: str, **members: Any) -> dict[str, Any]:
    """Call a guestmanagement method as the demo's partner."""
    integration = service.demo["integrations"][0]
    credentials = f"{integration['clientId']}:{integration['clientSecret']}".encode()
    answer = requests.post(
        f"{service.url}/guestmanagement/{name}.json",
        json={"merchantId": service.demo["merchantId"], **members},
        headers={"Authorization": f"Basic {base64.b64encode(credentials).decode()}"},
        timeout=20,
    )
    assert answer.status_code == 200
    return answer.json()


def login(service: Service, account: dict[str, Any], password: str) -> str | None:
    """Log in over SOAP and return the key of the outcome."""
    members = {"Email": account["email"], "Password": password, "userrole": account["userrole"]}
    answer = requests.post(
        f"{service.url}{soap.PATH}",
        soap.envelope(soap.call("Login", soap.members(members))).encode(),
        headers={"Content-Type": soap.XML, "applicationToken": service.demo["applicationToken"]},
        timeout=20,
    )
    return etree.fromstring(answer.content).findtext(".//{*}Key")


def new_link(folder: Path, seen: set[str], recipient: str) -> str:
    """Wait for a mail to the recipient that was not there before, and return the link in its text."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        for path in folder.glob("*.eml"):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if path.name in seen or mail["To"].addresses[0].addr_spec != recipient:
                continue
            found = re.search(r"https?://\S+", mail.get_body(("plain",)).get_content())
            if found:
                return found[0]
        time.sleep(0.1)
    raise AssertionError("no mail with a link came")


@pytest.mark.parametrize("identity", ["username", "printedCardNumber"])
def test_guest_resets_the_password_by_mail_and_page(service: Service, browser: Browser, identity: str) -> None:
    """Generate, read the mail, open the link, set the password, log in over SOAP with it."""
    account = service.demo["accounts"][1]
    folder, password = service.folder / "var" / "mail", f"a new one, {secrets.token_hex(6)}"
    seen = {path.name for path in folder.glob("*.eml")}

    answer = call(service, "generateAndSendGuestResetPasswordCode", **{identity: account[identity]})
    assert answer == {"result": "success", "email": account["email"]}
    link = new_link(folder, seen, account["email"])
    assert link.startswith(f"{service.url}/reset?code=")

    page = browser.new_page()
    page.goto(link)
    page.get_by_role("textbox").fill(password)
    with page.expect_navigation():
        page.get_by_role("textbox").press("Enter")
    assert page.get_by_role("textbox").count() == 0
    page.goto(link)
    assert page.get_by_role("textbox").count() == 0, "a used link must not ask for a password again"
    page.close()

    assert login(service, account, password) == "Success"
    assert login(service, account, account["password"]) == "InvalidCredentials"


def test_third_party_sends_its_own_code_and_redeems_it(service: Service) -> None:
    """The partner's site does what the hosted page does elsewhere."""
    account, code = service.demo["accounts"][2], f"partner code {secrets.token_hex(8)} & more"
    password = f"another one, {secrets.token_hex(6)}"
    seen = {path.name for path in (service.folder / "var" / "mail").glob("*.eml")}

    sent = call(service, "sendGuestResetPasswordCode", userIdentity={"email": account["email"]}, resetCode=code)
    assert sent == {"result": "success", "email": account["email"]}
    assert new_link(service.folder / "var" / "mail", seen, account["email"])
    weak = call(service, "resetGuestPassword", resetPasswordCode=code, newPassword="short")
    assert weak["errorCode"] == "guestmanagement.password_too_weak"
    done = call(service, "resetGuestPassword", resetPasswordCode=code, newPassword=password)
    again = call(service, "resetGuestPassword", resetPasswordCode=code, newPassword=password)

    assert done == {"result": "success"}
    assert again["errorCode"] == "guestmanagement.invalid_reset_code"
    assert login(service, account, password) == "Success"
    assert json.dumps(password) not in service.log
    assert code not in service.log
