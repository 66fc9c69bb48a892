"""Passwords as long as they may be, in every alphabet, on every path: taken whole, or refused by the member's name."""

import json
import os
import re
import secrets
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from lxml import etree

from tests.conformance import soap
from tests.conformance.service import Service
from tests.conformance.test_reset_story import new_link

LONGEST = "quiet otters, 7 lions " + "\u00e9\u4e2d!" * 167
"""1,024 bytes in UTF-8."""


@dataclass(frozen=True)
class Guest:
    """An account of the running service that no other test uses."""

    service: Service
    username: str

    def call(self, front: str, method: str, session: str | None = None, **members: Any) -> dict[str, Any]:
        """Call a method by `soap` or `json`, and return its result."""
        headers = {"applicationToken": self.service.demo["applicationToken"]}
        headers |= {"credentialsToken": session} if session else {}
        if front == "json":
            url, kind = f"{self.service.url}{soap.PATH}/{method}", "application/json"
            answer = requests.post(url, json.dumps(members), headers=headers | {"Content-Type": kind}, timeout=30)
            result: dict[str, Any] = answer.json()["d"]
            return result
        body = soap.envelope(soap.call(method, soap.members(members))).encode()
        answer = requests.post(
            f"{self.service.url}{soap.PATH}", body, headers=headers | {"Content-Type": soap.XML}, timeout=30
        )
        (result_element,) = etree.fromstring(answer.content).find(f"{{{soap.ENVELOPE}}}Body")[0]
        return {etree.QName(each).localname: each.text for each in result_element}

    def login(self, password: str, front: str = "soap") -> dict[str, Any]:
        """Log in and return the result."""
        return self.call(front, "Login", username=self.username, Password=password, userrole="15")


@pytest.fixture(scope="module")
def guest(sqlite_service: Service) -> Guest:
    """An account whose password is LONGEST."""
    username = f"long-{secrets.token_hex(6)}"
    done = _account(
        sqlite_service, "add", "--username", username, "--email", f"{username}@example.com", password=LONGEST
    )
    assert done.returncode == 0, done.stderr
    return Guest(sqlite_service, username)


def _account(service: Service, *arguments: str, password: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gatehouse", "account", *arguments, "--password-stdin"]
    if arguments[0] == "add":
        command += ["--merchant", str(service.demo["merchantId"])]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
    return subprocess.run(
        command, cwd=service.folder, env=inherited, input=f"{password}\n", text=True, capture_output=True, timeout=60
    )


def test_longest_has_all_the_bytes_that_are_allowed():
    """Composed as it is, and in UTF-8."""
    assert len(LONGEST.encode()) == 1024


@pytest.mark.parametrize("front", ["soap", "json"])
def test_longest_password_logs_in_and_counts_to_its_last_character(guest, front):
    """Nothing is cut off: some hashes take no more than 72 bytes, and nobody would notice."""
    assert guest.login(LONGEST, front)["Key"] == "Success"
    assert guest.login(LONGEST[:-1] + "c", front)["Key"] == "InvalidCredentials"
    assert guest.login(LONGEST[:-1], front)["Key"] == "InvalidCredentials"


@pytest.mark.parametrize("front", ["soap", "json"])
def test_letters_in_parts_are_counted_as_composed(guest, front):
    """A keyboard that sends a letter and its accent apart sends more bytes, and means the same."""
    apart = LONGEST.replace("\u00e9", "e\u0301")
    assert len(apart.encode()) > 1024

    assert guest.login(apart, front)["Key"] == "Success"


@pytest.mark.parametrize("front", ["soap", "json"])
@pytest.mark.parametrize(
    ("method", "member", "others"),
    [
        ("Login", "Password", {"username": "somebody", "userrole": "15"}),
        ("UpdatePassword", "oldPassword", {"newPassword": "quiet otters and 7 lions"}),
        ("UpdatePassword", "newPassword", {"oldPassword": LONGEST}),
        ("UpdatePincode", "Password", {"newPincode": "8063"}),
    ],
)
@pytest.mark.parametrize("too_long", [LONGEST + "x", "\u0958" * 171, "\u4e2d" * 342])
def test_one_byte_more_is_refused_by_the_members_name(guest, front, method, member, others, too_long):
    """Also where composing made it longer. It is refused before anything is hashed, alike for everybody."""
    result = guest.call(front, method, **others, **{member: too_long})

    assert (result["Key"], str(result["Code"])) == ("InvalidField", "12")
    assert result["Message"].endswith(f" {member}.") or member in result["Message"]


@pytest.mark.parametrize("unsendable", ["half \\ud800 a character", "a zero \\u0000 byte"])
def test_what_is_no_text_is_refused_by_the_members_name(guest, unsendable):
    """JSON can spell what no text holds; in XML it would be no message at all."""
    body = f'{{"username": "{guest.username}", "userrole": "15", "password": "{unsendable}"}}'
    headers = {"applicationToken": guest.service.demo["applicationToken"], "Content-Type": "application/json"}

    answer = requests.post(f"{guest.service.url}{soap.PATH}/Login", body, headers=headers, timeout=30)

    assert answer.json()["d"]["Key"] == "InvalidField"
    assert "Password" in answer.json()["d"]["Message"]


def test_partner_may_set_the_longest_and_no_longer(guest):
    """The code is not used up by a password that is refused."""
    partner, code = guest.service.demo["integrations"][0], f"code {secrets.token_hex(8)}"

    def call(name: str, **members: str) -> dict[str, Any]:
        answer: dict[str, Any] = requests.post(
            f"{guest.service.url}/guestmanagement/{name}.json",
            json={"merchantId": guest.service.demo["merchantId"], **members},
            auth=(partner["clientId"], partner["clientSecret"]),
            timeout=30,
        ).json()
        return answer

    assert call("sendGuestResetPasswordCode", username=guest.username, resetCode=code)["result"] == "success"
    refused = call("resetGuestPassword", resetPasswordCode=code, newPassword=LONGEST + "x")
    assert refused["errorCode"] == "guestmanagement.invalid_field"
    assert "newPassword" in refused["errorMessage"]
    assert call("resetGuestPassword", resetPasswordCode=code, newPassword=LONGEST) == {"result": "success"}
    assert guest.login(LONGEST)["Key"] == "Success"


def test_page_takes_the_longest_and_no_longer(guest):
    """It says so in the reader's words; the link stays good."""
    folder = guest.service.folder / "var" / "mail"
    seen = {path.name for path in folder.glob("*.eml")}
    partner = guest.service.demo["integrations"][0]
    requests.post(
        f"{guest.service.url}/guestmanagement/generateAndSendGuestResetPasswordCode.json",
        json={"merchantId": guest.service.demo["merchantId"], "username": guest.username},
        auth=(partner["clientId"], partner["clientSecret"]),
        timeout=30,
    )
    link = new_link(folder, seen, f"{guest.username}@example.com")
    with requests.Session() as browser:
        page = browser.get(link, timeout=30)
        kept = dict(re.findall(r'name="(csrf_token|code)" value="([^"]*)"', page.text))
        for password, text in (
            (LONGEST + "x", "This password is too long."),
            ("a zero \x00 byte in it", "This password has a character that cannot be used"),
            ("iloveyou1", "This password is known from data breaches"),
            (LONGEST, "Your password has been changed"),
        ):
            answer = browser.post(f"{guest.service.url}/reset", kept | {"new_password": password}, timeout=30)
            assert text in answer.text
    assert guest.login(LONGEST)["Key"] == "Success"


def test_command_refuses_one_byte_more(guest):
    """With the reason, and without the password."""
    done = _account(guest.service, "add", "--username", f"{guest.username}-2", password=LONGEST + "x")

    assert done.returncode == 2
    assert "the password is longer than 1024 bytes" in done.stderr
    assert LONGEST[:6] not in done.stderr
