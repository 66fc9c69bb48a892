"""Nothing secret stays anywhere: every flow over the wire, then a search of all that the service kept.

Source: OWASP ASVS 5.0, 11.4 (stored secrets), 14.2 (data in logs and addresses) and 16.2.5 (no credentials in logs).
"""

import base64
import contextlib
import email
import email.policy
import hashlib
import json
import os
import re
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from lxml import etree

from gatehouse.config import SECRET_KEY_FILE
from tests.conformance import soap
from tests.conformance.service import Service, running_service
from tests.conformance.wire_secrets import Secrets
from tests.scratch import scratch_folder

WAIT_SECONDS = 30

SECRET_KEY = "5de664ef205f95d4a68b69b148eecb04f110ac95ef77f4e5158ae315a76ddd8a"
"""The demo data comes from it. With another one a pincode may be by chance the number of an account, or a year."""

LEAST_PINCODE = "7000"
"""Above what stands in a database and a log anyway: years, numbers of accounts, settings, times of slow calls."""

pytestmark = pytest.mark.timeout(300)
"""The first test waits for the whole story."""


@dataclass
class Story:
    """A service, what was secret on its wire, and every command line that was seen."""

    service: Service
    found: Secrets = field(default_factory=Secrets)
    command_lines: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def secret(self, what: str) -> str:
        """Return a new password, which nobody chose before, and remember it."""
        return self.found.note(what, f"{what} & {secrets.token_hex(9)} \u00e9")

    def soap(self, method: str, session: str | None = None, **members: Any) -> dict[str, str | None]:
        """Call a method over SOAP and return its result; what is secret in it is remembered."""
        headers = {"Content-Type": soap.XML, "applicationToken": self.service.demo["applicationToken"]}
        headers |= {"credentialsToken": session} if session else {}
        body = soap.envelope(soap.call(method, soap.members(members))).encode()
        answer = requests.post(f"{self.service.url}{soap.PATH}", body, headers=headers, timeout=30)
        (result,) = etree.fromstring(answer.content).find(f"{{{soap.ENVELOPE}}}Body")[0]
        values = {etree.QName(each).localname: each.text for each in result}
        return self._remember(answer, values)

    def json(self, method: str, session: str | None = None, **members: Any) -> dict[str, Any]:
        """Call a method over JSON with a signature, and return its result."""
        mobile, body = self.service.demo["mobile"], json.dumps(members).encode()
        digest = base64.b64encode(hashlib.sha256(body + mobile["hashKey"].encode()).digest()).decode()
        headers = {"Content-Type": "application/json", "applicationToken": mobile["applicationToken"]}
        headers |= {"Signature": f"bytes-SHA256, {digest}"} | ({"credentialsToken": session} if session else {})
        answer = requests.post(f"{self.service.url}{soap.PATH}/{method}", body, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        result = answer.json()["d"]
        return self._remember(answer, result) if isinstance(result, dict) else {"Key": "Success" if result else ""}

    def guest(self, method: str, **members: Any) -> dict[str, Any]:
        """Call a guestmanagement method as the demo's partner."""
        partner = self.service.demo["integrations"][0]
        answer = requests.post(
            f"{self.service.url}/guestmanagement/{method}.json",
            json={"merchantId": self.service.demo["merchantId"], **members},
            auth=(partner["clientId"], partner["clientSecret"]),
            timeout=30,
        )
        return answer.json()

    def message(self, kind: str, pattern: str) -> str:
        """Wait for a mail or an SMS that was not there before, and return what the pattern finds in it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            # Without those that are being written, which get another name.
            for path in sorted((self.service.folder / "var" / kind).glob("[!.]*")):
                if path.name in self.seen:
                    continue
                content = path.read_bytes()
                text = content.decode()
                if kind == "mail":
                    mail = email.message_from_bytes(content, policy=email.policy.default)
                    text = mail.get_body(("plain",)).get_content()
                if match := re.search(pattern, text):
                    self.seen.add(path.name)
                    return match[1]
            time.sleep(0.1)
        raise AssertionError(f"no {kind} came with {pattern}")

    def command(self, *arguments: str, standard_input: str = "") -> Any:
        """Run a command; its own line is looked at while it waits for its input."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
        command = [sys.executable, "-m", "gatehouse", *arguments, "--json"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, cwd=self.service.folder, env=inherited, text=True, **pipes) as process:
            self.look_at_processes()
            out, error = process.communicate(standard_input, timeout=60)
        assert process.returncode == 0, error
        return json.loads(out)

    def look_at_processes(self) -> None:
        """Keep the command lines that every user of this machine can see."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                self.command_lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))

    def _remember(self, answer: requests.Response, result: dict[str, Any]) -> dict[str, Any]:
        for name in ("CredentialsToken", "EncodedCookie"):
            if result.get(name):
                self.found.note(name, result[name])
        for cookie in answer.cookies:
            self.found.note(f"cookie {cookie.name}", cookie.value)
        return result


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """A service on which everything was done that can be, and which has ended."""
    with scratch_folder("gatehouse-secrets-") as folder:
        (folder / SECRET_KEY_FILE).parent.mkdir(mode=0o700)
        (folder / SECRET_KEY_FILE).touch(mode=0o600)
        (folder / SECRET_KEY_FILE).write_text(SECRET_KEY, encoding="utf-8")
        with running_service(folder) as service:
            told = Story(service)
            _note_demo_data(told)
            _log_in_over_soap(told)
            _forget_the_password(told)
            _log_in_over_json(told)
            _reset_as_a_guest(told)
            _reset_on_the_page(told)
            _send_what_cannot_be_read(told)
            _administer(told)
            told.look_at_processes()
            _wait_until_delivered(told)
        yield told


def _note_demo_data(told: Story) -> None:
    demo = told.service.demo
    for application in (demo, demo["mobile"]):
        told.found.note("application token", application["applicationToken"])
        told.found.note("hash key", application["hashKey"])
    told.found.note("client secret", demo["integrations"][0]["clientSecret"])
    told.found.note("operator's password", demo["admin"]["password"])
    for account in demo["accounts"]:
        told.found.note("demo password", account["password"])
        told.found.note("demo pincode", account["pincode"])
    assert min(account["pincode"] for account in demo["accounts"]) > LEAST_PINCODE, "the tests need another SECRET_KEY"
    told.found.note("secret key", (told.service.folder / SECRET_KEY_FILE).read_text().strip())


def _log_in_over_soap(told: Story) -> None:
    account = told.service.demo["accounts"][0]
    who = {"Email": account["email"], "userrole": account["userrole"], "setCookie": True}
    assert told.soap("Login", **who, Password=told.secret("wrong password"))["Key"] == "InvalidCredentials"
    mistyped = told.secret("password typed as a name")
    assert told.soap("Login", username=mistyped, Password="x", userrole="15")["Key"] == "InvalidCredentials"
    assert told.soap("Login", Email=f"{mistyped}@x", Password="x", userrole="15")["Key"] == "InvalidCredentials"
    told.soap("Login", **who, Password="x" * 1025 + told.secret("too long password"))
    token = told.found.note("pushToken", secrets.token_urlsafe(30))
    device = f"till-{secrets.token_hex(4)}"
    login = told.soap("Login", **who, Password=account["password"], deviceId=device, pushToken=token)
    decoded = told.soap("DecodeLoginCookie", Cookie=login["EncodedCookie"])
    assert decoded["Key"] == "Success"
    session = decoded["CredentialsToken"]
    assert told.soap("RegisterDevice", session, deviceId=device, phoneNumber=account["phone"])["Key"] == "Success"
    assert told.soap("DeviceSendActivationCode", session, deviceId=device)["Key"] == "Success"
    code = told.found.note("activation code", told.message("sms", r"code\D*(\d{6})"))
    wrong = told.found.note("wrong activation code", f"{(int(code) + 1) % 1_000_000:06}")
    answer = told.soap("DeviceActivate", session, deviceId=device, activationCode=wrong)
    assert answer["Key"] == "InvalidActivationCode"
    assert told.soap("DeviceActivate", session, deviceId=device, activationCode=code)["Key"] == "Success"
    new = told.secret("new password")
    changed = told.soap("UpdatePassword", session, oldPassword=account["password"], newPassword=new)
    assert changed["Key"] == "Success"
    weak = told.found.note("common password", "sunshine1994sunshine1994")
    told.soap("UpdatePassword", session, oldPassword=new, newPassword=weak)
    pincode = told.found.note("pincode", "80631947")
    assert told.soap("UpdatePincode", session, Password=new, newPincode=pincode)["Key"] == "Success"
    told.soap("DecodeLoginCookie", Cookie=told.found.note("wrong cookie", secrets.token_urlsafe(40)))
    assert told.soap("LogOff", session)["Key"] == "Success"


def _forget_the_password(told: Story) -> None:
    account = told.service.demo["accounts"][1]
    assert told.soap("ResetPassword", Email=account["email"])["Key"] == "Success"
    temporary = told.message("mail", r"(?i)temporary password[^:]*:\s*(\S+)")
    told.found.note("temporary password", temporary)
    login = told.soap("Login", Email=account["email"], Password=temporary, userrole=account["userrole"])
    assert login["IsPasswordChangeRequired"] == "true"
    new = told.secret("password after a temporary one")
    changed = told.soap("UpdatePassword", login["CredentialsToken"], oldPassword=temporary, newPassword=new)
    assert changed["Key"] == "Success"


def _log_in_over_json(told: Story) -> None:
    account = told.service.demo["accounts"][2]
    login = told.json("Login", email=account["email"], password=account["password"], setCookie=True)
    assert login["Key"] == "Success"
    assert told.json("DecodeLoginCookie", cookie=login["EncodedCookie"])["Key"] == "Success"
    told.json("Login", email=account["email"], password=told.secret("wrong password"))
    new = told.secret("new password")
    session = login["CredentialsToken"]
    changed = told.json("UpdatePassword", session, oldPassword=account["password"], newPassword=new)
    assert changed["Key"] == "Success"
    assert told.json("LogOff", session)["Key"] == "Success"


def _reset_as_a_guest(told: Story) -> None:
    account = told.service.demo["accounts"][3]
    own_code = told.secret("partner's code")
    sent = told.guest("sendGuestResetPasswordCode", email=account["email"], resetCode=own_code)
    assert sent["result"] == "success", sent
    wrong = told.guest(
        "resetGuestPassword", resetPasswordCode=told.secret("wrong code"), newPassword=told.secret("new")
    )
    assert wrong["errorCode"] == "guestmanagement.invalid_reset_code"
    done = told.guest("resetGuestPassword", resetPasswordCode=own_code, newPassword=told.secret("guest's password"))
    assert done == {"result": "success"}
    stranger = (
        told.service.demo["integrations"][0]["clientId"],
        told.found.note("wrong client secret", "x" * 20 + "y"),
    )
    url = f"{told.service.url}/guestmanagement/resetGuestPassword.json"
    assert requests.post(url, json={}, auth=stranger, timeout=30).status_code == 401
    partner = told.service.demo["integrations"][0]
    told.guest(
        "generateAndSendGuestResetPasswordCode",
        userIdentity={"email": account["email"]},
        username=partner["clientId"],
        password=partner["clientSecret"],
    )
    link = told.message("mail", r"(https?://\S+/reset\?code=[A-Za-z0-9_-]{32})\s")
    told.found.note("reset code", parse_qs(urlsplit(link).query)["code"][0])


def _reset_on_the_page(told: Story) -> None:
    account = told.service.demo["accounts"][4]
    assert told.guest("generateAndSendGuestResetPasswordCode", email=account["email"])["result"] == "success"
    link = told.message("mail", r"(https?://\S+/reset\?code=[A-Za-z0-9_-]{32})\s")
    code = told.found.note("reset code", parse_qs(urlsplit(link).query)["code"][0])
    with requests.Session() as browser:
        page = browser.get(f"{told.service.url}/reset", params={"code": code}, timeout=30)
        kept = dict(re.findall(r'name="(csrf_token|code)" value="([^"]*)"', page.text))
        told.found.note("form token", kept["csrf_token"])
        for new in (told.secret("password for a stale form"), told.secret("password of the page")):
            stale = {"csrf_token": told.found.note("wrong form token", secrets.token_urlsafe(32))}
            fields = {each: unescape(value) for each, value in kept.items()} | {"new_password": new}
            fields |= stale if "stale" in new else {}
            page = browser.post(f"{told.service.url}/reset", fields, timeout=30)
        assert "Your password has been changed" in page.text
        browser.get(f"{told.service.url}/reset", params={"code": told.secret("unknown code")}, timeout=30)


def _send_what_cannot_be_read(told: Story) -> None:
    """An error must not show in the log what it could not make sense of."""
    secret, url = told.secret("password that was not read"), f"{told.service.url}{soap.PATH}"
    xml = soap.envelope(soap.call("Login", soap.members({"Password": secret})))
    for body, kind in (
        (xml[:-9], soap.XML),
        (
            xml.replace("<s:Body>", f"<s:Header><x s:mustUnderstand='1'>{secret.partition(' ')[0]}</x></s:Header>"),
            soap.XML,
        ),
        (xml.replace("Login", "NoSuchMethod"), soap.XML),
        (xml, "text/plain"),
    ):
        requests.post(url, body.encode(), headers={"Content-Type": kind, "SOAPAction": f'"{secret[:8]}"'}, timeout=30)
    for path in ("/Login", "/NoSuchMethod"):
        headers = {"Content-Type": "application/json"}
        requests.post(url + path, json.dumps({"password": secret})[:-1].encode(), headers=headers, timeout=30)
    requests.get(f"{told.service.url}/nowhere", params={"password": secret}, timeout=30)
    requests.get(f"{told.service.url}/nowhere/{requests.utils.quote(secret)}", timeout=30)
    requests.get(url, params={"wsdl": secret}, headers={"Authorization": f"Bearer {secret[:20]}"}, timeout=30)


def _administer(told: Story) -> None:
    merchant = str(told.service.demo["merchantId"])
    new, pincode = told.secret("operator's choice"), told.found.note("pincode", "73051846")
    options = ["--merchant", merchant, "--username", "quite-new", "--password-stdin", "--pincode-stdin"]
    added = told.command("account", "add", *options, standard_input=f"{new}\n{pincode}\n")
    again = told.secret("operator's second choice")
    told.command("account", "password", str(added["accountId"]), "--password-stdin", standard_input=f"{again}\n")
    application = told.command("application", "add", "--merchant", merchant, "Till")
    told.found.note("application token", application["applicationToken"])
    told.found.note("hash key", application["hashKey"])
    partner = told.command("integration", "add", "--merchant", merchant, "--client-id", "another", "Another")
    told.found.note("client secret", partner["clientSecret"])
    told.command("demo")


def _wait_until_delivered(told: Story) -> None:
    """Wait for the worker to have nothing left to send; a message is wiped once it is sent."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        states = {each["state"] for each in told.command("message", "list")}
        if states == {"sent"}:
            return
        time.sleep(0.5)
    raise AssertionError(f"messages are {states}")


def test_every_kind_of_secret_was_on_the_wire(story):
    """A story that stopped short would find nothing, too."""
    kinds = {name.rpartition(" ")[0] for name in story.found.kept}

    assert {"CredentialsToken", "EncodedCookie", "activation code", "temporary password", "reset code"} <= kinds
    assert {"form token", "hash key", "client secret", "pincode", "secret key", "cookie EncodedCookie"} <= kinds
    assert len(story.found.kept) > 60


def test_no_secret_is_in_the_database(story):
    """Whoever has a copy of it can do nothing with it: not as any user, and not as any program."""
    file = story.service.folder / "var/gatehouse.db"
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        cells = [
            value if isinstance(value, bytes) else str(value).encode()
            for table in tables
            for row in db.execute(f'SELECT * FROM "{table}"')  # noqa: S608  the names are the schema's
            for value in row
        ]

    assert len(tables) > 15
    assert b"quite-new" in cells
    assert story.found.found_in(b"\n".join(cells)) == []


def test_no_secret_is_in_the_files_of_the_database(story):
    """Nor in what was deleted: a page that is free again is overwritten."""
    files = sorted((story.service.folder / "var").glob("gatehouse.db*"))

    assert any(b"quite-new" in file.read_bytes() for file in files)
    for file in files:
        assert story.found.found_in(file.read_bytes()) == [], file.name


def test_no_secret_is_in_the_log(story):
    """Logs are sent elsewhere, and read by many."""
    assert len(story.service.log.splitlines()) > 40
    assert story.found.found_in(story.service.log.encode()) == []


def test_no_secret_is_in_a_command_line(story):
    """Every user of the machine can see them."""
    lines = "\n".join(set(story.command_lines))

    assert "gatehouse serve" in lines
    assert "--password-stdin" in lines
    assert story.found.found_in(lines.encode()) == []


def test_no_secret_is_in_the_name_of_a_file(story):
    """What is in a mail is for its receiver; its name is seen by whoever lists the folder."""
    names = [str(path.relative_to(story.service.folder)) for path in story.service.folder.rglob("*")]

    assert sum(name.endswith(".eml") for name in names) > 5
    assert story.found.found_in("\n".join(names).encode()) == []


@pytest.mark.parametrize(
    "content",
    [
        "a password, as it is",
        "x=a%20password%2C%20as%20it%20is&",
        "x=a+password%2C+as+it+is&",
        base64.b64encode(b"a password, as it is").decode(),
        base64.b64encode(b"me:a password, as it is.").decode(),
        base64.urlsafe_b64encode(b"you:a password, as it is???").decode(),
        b"a password, as it is".hex().upper(),
        "the code is 123456.",
        '{"pin": "123456"}',
        base64.b64encode(b"123456").decode(),
    ],
)
def test_search_finds_a_secret_in_every_form(content):
    """Otherwise the tests above could not fail."""
    found = Secrets()
    found.note("password", "a password, as it is")
    found.note("code", "123456")

    assert len(found.found_in(content.encode())) >= 1
    assert found.found_in(b"2026-01-01 10:00:00.123456 1234567 A123456 a password") == []
