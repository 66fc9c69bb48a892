"""The limits of guesses and of requests as callers see them, on every front, and over several processes."""

import base64
import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from gatehouse.app import create_app
from tests.conformance import soap
from tests.conformance.conftest import LOGIN, Front
from tests.conformance.service import Service, running_service
from tests.factories import EMAIL, make_shop
from tests.partner import make_partner


@pytest.fixture
def limited(core) -> Front:
    """A service whose callers may make five requests in a minute."""
    shop = make_shop(replace(core, settings=replace(core.settings, requests_per_source=5)))
    return Front(shop, soap.Client(create_app(shop.core.settings, shop.core)))


def json_call(front: Front, method: str, body: Any) -> soap.Answer:
    """Call a method over JSON."""
    return front.client.request(
        "POST",
        f"/v2/account.svc/{method}",
        json.dumps(body).encode(),
        {"applicationToken": front.token},
        CONTENT_TYPE="application/json",
    )


def test_requests_beyond_the_limit_by_soap(limited):
    """An outcome like any other, because old clients throw at any other status; the time to wait is in the header."""
    found = [limited.call("UpdatePassword").outcome for _ in range(5)]
    assert found == [("40", "SessionRequired")] * 5

    refused = limited.call("Login", LOGIN)
    assert refused.outcome == ("80", "TooManyRequests")
    assert 0 < int(refused.header("Retry-After") or "") <= 60
    assert limited.call("Login", LOGIN, REMOTE_ADDR="192.0.2.8").outcome == ("0", "Success")


def test_requests_beyond_the_limit_by_json(limited):
    """As over SOAP, and the same requests count."""
    for _ in range(5):
        limited.call("UpdatePassword")

    refused = json_call(limited, "Login", LOGIN)
    assert (refused.status, json.loads(refused.body)["d"]["Key"]) == (200, "TooManyRequests")
    assert 0 < int(refused.header("Retry-After") or "") <= 60


def test_requests_beyond_the_limit_by_partners_and_on_the_page(limited):
    """429, as their documents say."""
    partner = make_partner(limited.shop)
    for _ in range(5):
        limited.call("UpdatePassword")

    refused = limited.client.request(
        "POST",
        "/guestmanagement/resetGuestPassword.json",
        json.dumps({"merchantId": 1, "resetPasswordCode": "some code", "newPassword": "some password"}).encode(),
        {"Authorization": partner.basic},
        CONTENT_TYPE="application/json",
    )
    assert (refused.status, json.loads(refused.body)["errorCode"]) == (429, "guestmanagement.too_many_requests")
    assert 0 < int(refused.header("Retry-After") or "") <= 60
    page = limited.client.request("GET", "/reset?code=some-code")
    assert page.status == 429
    assert 0 < int(page.header("Retry-After") or "") <= 60


def test_requests_of_one_application(core):
    """From wherever they come; others are not held up."""
    shop = make_shop(replace(core, settings=replace(core.settings, requests_per_application=3)))
    front = Front(shop, soap.Client(create_app(shop.core.settings, shop.core)))
    found = [front.call("UpdatePassword", REMOTE_ADDR=f"192.0.2.{number}").result["Key"] for number in range(4)]

    assert found == ["SessionRequired"] * 3 + ["TooManyRequests"]
    assert front.call("UpdatePassword", token="another").result["Key"] == "InvalidApplicationToken"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def live(request: pytest.FixtureRequest) -> Iterator[Service]:
    """A live service of two processes on its defaults."""
    with tempfile.TemporaryDirectory() as folder:
        if request.param == "sqlite":
            with running_service(Path(folder)) as service:
                yield service
            return
        server = request.getfixturevalue("postgres_server")
        with server.database("limits") as url, running_service(Path(folder), url) as service:
            yield service


def log_in(live: Service, number: int, password: str | None = None, **headers: str) -> requests.Response:
    """Log a demo account in over JSON, with a wrong password unless told the right one."""
    account = live.demo["accounts"][number]
    body = {"email": account["email"], "password": password or "wrong", "userrole": account["userrole"]}
    sent = {"applicationToken": live.demo["applicationToken"], **headers}
    return requests.post(f"{live.url}/v2/account.svc/Login", json=body, headers=sent, timeout=60)


def key(response: requests.Response) -> str:
    """Return the outcome."""
    found: str = response.json()["d"]["Key"]
    return found


def test_budget_holds_over_processes_and_parallel_guesses(live):
    """Five wrong ones from one address, whichever process counts them; the others do not count for the account."""
    with ThreadPoolExecutor(12) as pool:
        found = [key(each) for each in pool.map(lambda _: log_in(live, 0), range(40))]

    assert found.count("InvalidCredentials") == 5
    assert found.count("TooManyRequests") == 35
    assert int(log_in(live, 0).headers["Retry-After"]) <= 60


def test_two_wrong_passwords_in_a_row_are_forgiven(live):
    """As the contract promises, on the defaults; and a right one begins anew."""
    right = live.demo["accounts"][1]["password"]
    for _ in range(4):
        assert [key(log_in(live, 1)), key(log_in(live, 1)), key(log_in(live, 1, right))] == [
            "InvalidCredentials",
            "InvalidCredentials",
            "Success",
        ]


def test_three_hundred_honest_logins_a_minute(live):
    """Budgets count failures. Source: contract, Running it."""
    accounts = [number for number, each in enumerate(live.demo["accounts"]) if number > 1 and each["password"]]

    def honest(number: int) -> str:
        chosen = accounts[number % len(accounts)]
        return key(log_in(live, chosen, live.demo["accounts"][chosen]["password"]))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(honest, range(300))) == {"Success"}


def test_wrong_partner_secrets(live):
    """401 twenty times, then 429, also for the right one from there."""
    integration = live.demo["integrations"][0]

    def ask(secret: str) -> requests.Response:
        basic = base64.b64encode(f"{integration['clientId']}:{secret}".encode()).decode()
        body = {"merchantId": live.demo["merchantId"], "email": EMAIL, "authentication": "anonymous"}
        address = f"{live.url}/guestmanagement/generateAndSendGuestResetPasswordCode.json"
        return requests.post(address, json=body, headers={"Authorization": f"Basic {basic}"}, timeout=60)

    assert [ask("wrong").status_code for _ in range(21)] == [401] * 20 + [429]
    refused = ask(integration["clientSecret"])
    assert (refused.status_code, refused.json()["errorCode"]) == (429, "guestmanagement.too_many_requests")
    assert int(refused.headers["Retry-After"]) <= 900


def test_forwarded_address_of_a_stranger_changes_nothing(live):
    """Only trusted proxies say where a caller is from: else each guess could say to be from elsewhere."""
    found = [key(log_in(live, 2, **{"X-Forwarded-For": f"198.51.100.{number}"})) for number in range(7)]
    assert found == ["InvalidCredentials"] * 5 + ["TooManyRequests"] * 2
