"""What every answer tells a browser: one table of addresses, and what holds for each of them."""

import http.client
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conformance import soap
from tests.conformance.conftest import LOGIN

HOST = "accounts.example.com"
SOAP, JSON, FORM = soap.XML, "application/json", "application/x-www-form-urlencoded"

ADDRESSES: dict[str, tuple[str, str, str | None, str]] = {
    "soap call": ("POST", soap.PATH, SOAP, soap.envelope(soap.call("LogOff"))),
    "soap fault": ("POST", soap.PATH, SOAP, "<"),
    "soap wrong media type": ("POST", soap.PATH, "text/plain", "<"),
    "soap wrong verb": ("DELETE", soap.PATH, None, ""),
    "soap options": ("OPTIONS", soap.PATH, None, ""),
    "wsdl": ("GET", f"{soap.PATH}?wsdl", None, ""),
    "wsdl head": ("HEAD", f"{soap.PATH}?wsdl", None, ""),
    "no such document": ("GET", f"{soap.PATH}?xsd=xsd99", None, ""),
    "help page": ("GET", soap.PATH, None, ""),
    "help page of an endpoint": ("GET", f"{soap.PATH}/soap", None, ""),
    "help style": ("GET", f"{soap.PATH}/help/help.css", None, ""),
    "no such help page": ("GET", f"{soap.PATH}/help/nothing", None, ""),
    "json call": ("POST", f"{soap.PATH}/LogOff", JSON, "{}"),
    "json refusal": ("POST", f"{soap.PATH}/LogOff", JSON, "["),
    "json wrong verb": ("GET", f"{soap.PATH}/LogOff", None, ""),
    "json preflight": ("OPTIONS", f"{soap.PATH}/LogOff", None, ""),
    "guestmanagement": ("POST", "/guestmanagement/resetGuestPassword.json", JSON, "{}"),
    "guestmanagement wrong verb": ("GET", "/guestmanagement/resetGuestPassword.json", None, ""),
    "openapi": ("GET", "/openapi.json", None, ""),
    "docs": ("GET", "/docs", None, ""),
    "docs style": ("GET", "/docs/swagger-ui.css", None, ""),
    "docs nothing": ("GET", "/docs/nothing", None, ""),
    "reset page": ("GET", "/reset?code=nobody", None, ""),
    "reset form": ("POST", "/reset", FORM, "code=nobody&new_password=x"),
    "reset script": ("GET", "/reset/static/reset.js", None, ""),
    "reset colours": ("GET", "/reset/colours/0f766e.css", None, ""),
    "reset colours nothing": ("GET", "/reset/colours/nothing.css", None, ""),
    "alive": ("GET", "/healthz", None, ""),
    "ready": ("GET", "/readyz", None, ""),
    "nothing": ("GET", "/nothing/here", None, ""),
    "nothing at the root": ("GET", "/", None, ""),
    "another host in the path": ("GET", "//evil.example/reset", None, ""),
    "two slashes": ("GET", "//reset", None, ""),
    "a way up": ("GET", "/reset/static/../../../etc/passwd", None, ""),
    "a backslash": ("GET", "/\\evil.example/", None, ""),
}
MAY_BE_KEPT = {
    "help page": "no-cache",
    "help style": "max-age=300",
    "openapi": "max-age=300",
    "docs": "max-age=300",
    "docs style": "max-age=300",
    "reset script": "no-cache",
    "reset colours": "public, max-age=3600",
}
"""What says the same to everybody. All else is `no-store`."""


def ask(front, name: str, **environ: Any) -> soap.Answer:
    """Send the request of this name."""
    method, target, media_type, body = ADDRESSES[name]
    headers = {"applicationToken": front.token}
    return front.client.request(method, target, body.encode(), headers, CONTENT_TYPE=media_type, **environ)


@pytest.fixture(params=ADDRESSES)
def name(request: pytest.FixtureRequest) -> str:
    """Each address."""
    return request.param


def test_every_answer_is_guarded(front, name):
    """No guessing of types, no frames, no use by others, no word to others of where a reader came from."""
    answer = ask(front, name)

    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Cross-Origin-Resource-Policy") == "same-origin"
    assert answer.header("Referrer-Policy") == "no-referrer"
    assert answer.header("Cache-Control") == MAY_BE_KEPT.get(name, "no-store")
    assert re.fullmatch("[0-9a-f-]{36}", answer.header("X-Request-Id") or "")
    rules = dict(each.strip().split(" ", 1) for each in (answer.header("Content-Security-Policy") or "").split(";"))
    assert (rules["default-src"], rules["frame-ancestors"], rules["base-uri"]) == ("'none'",) * 3
    assert set(rules.get("script-src", "'none'").split()) <= {"'self'", "'none'"}
    once = [key.casefold() for key, _ in answer.headers if key.casefold() != "set-cookie"]
    assert len(set(once)) == len(once)


def test_pages_are_apart_from_other_windows(front, name):
    """Also from one that opened them."""
    answer = ask(front, name)

    is_page = (answer.header("Content-Type") or "").startswith("text/html")
    assert answer.header("Cross-Origin-Opener-Policy") == ("same-origin" if is_page else None)
    assert is_page or name not in ("help page", "docs", "reset page", "reset form")


def test_https_is_remembered_and_http_is_not(make_front, name):
    """A browser that came by https once comes so for a year; over http the header means nothing."""
    front = make_front()

    assert ask(front, name).header("Strict-Transport-Security") is None
    assert ask(front, name, **{"wsgi.url_scheme": "https"}).header("Strict-Transport-Security") == "max-age=31536000"


@pytest.mark.parametrize(("settings", "value"), [({}, "max-age=31536000"), ({"hsts_seconds": 0}, None)])
def test_public_https_is_remembered_unless_the_operator_says_otherwise(make_front, settings, value):
    """Behind a proxy that ends TLS, the service itself sees http."""
    front = make_front(public_url=f"https://{HOST}", **settings)

    assert ask(front, "help page").header("Strict-Transport-Security") == value


def test_nothing_leads_elsewhere(front, name):
    """Whatever stands in an address, nobody is sent to another host."""
    location = ask(front, name).header("Location")

    assert location is None or urlsplit(location).netloc in ("", HOST)
    assert location is None or not location.startswith(("//", "/\\"))


@pytest.mark.parametrize("verb", ["TRACE", "TRACK", "CONNECT", "DELETE", "PUT", "PATCH"])
@pytest.mark.parametrize(
    "target", sorted({target for _, target, _, _ in ADDRESSES.values() if ".." not in target and "\\" not in target})
)
def test_other_verbs_are_refused_and_nothing_comes_back(front, verb, target):
    """TRACE would hand a script the cookies that it may not read."""
    answer = front.client.request(verb, target, b"", {"Cookie": "credentialsToken=secret", "X-Sent": "sent"})

    assert answer.status in (404, 405, 308)
    assert b"secret" not in answer.body
    assert b"sent" not in answer.body
    assert answer.header("X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("target", ["/nothing/here", "/", "/.git/config", "/.env", "/admin.php", "/v2/account.svc.bak"])
def test_nothing_there_says_nothing(front, target):
    """A short plain text, the same everywhere, without what was asked for."""
    answer = front.client.get(target)

    assert (answer.status, answer.header("Content-Type")) == (404, "text/plain; charset=utf-8")
    assert answer.body == b"There is nothing at this address. The account service is at /v2/account.svc\n"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_cookies_are_as_narrow_as_can_be(front, scheme):
    """The names of two are fixed for old clients; that of the form has the prefix where browsers take it."""
    answers = [
        front.login(setCookie=True, **{"wsgi.url_scheme": scheme}),
        front.client.get("/reset?code=nobody", **{"wsgi.url_scheme": scheme}),
    ]

    cookies = [each.split("; ") for answer in answers for each in answer.cookies]
    form = "__Host-gatehouse-form" if scheme == "https" else "gatehouse-form"
    assert [each[0].partition("=")[0] for each in cookies] == ["credentialsToken", "EncodedCookie", form]
    for each in cookies:
        assert {"HttpOnly", "Path=/"} < set(each)
        assert ("Secure" in each) == (scheme == "https")
        assert not any(part.startswith("Domain=") for part in each)
        assert len(each[0]) < 4096
    assert ["SameSite=Strict" in each for each in cookies] == [False, False, True]
    assert ["SameSite=Lax" in each for each in cookies] == [True, True, False]


@pytest.mark.parametrize("media_type", [FORM, "text/plain", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("method", ["UpdatePassword", "LogOff"])
def test_no_form_of_another_site_calls_with_the_visitors_cookie(front, method, media_type):
    """What a browser sends without asking first is of three media types, and no front reads any of them."""
    session = front.log_in()
    cookie = {"Cookie": f"credentialsToken={session}", "Origin": "https://evil.example"}
    body = soap.envelope(soap.call(method))

    over_soap = front.client.post(body, cookie, media_type)
    over_json = front.client.request("POST", f"{soap.PATH}/{method}", b"{}", cookie, CONTENT_TYPE=media_type)

    assert over_soap.status == 415
    assert over_json.status == 415
    assert front.call("RegisterDevice", {"deviceId": "till"}, session=session).outcome == ("0", "Success")


def test_only_what_is_listed_may_be_read_elsewhere(front, name):
    """No address tells a browser that pages of others may read its answer, or call with cookies."""
    answer = ask(front, name, HTTP_ORIGIN="https://evil.example", HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST")

    assert not [key for key, _ in answer.headers if key.casefold().startswith("access-control-")]


def test_live_service_tells_no_version(sqlite_service):
    """Neither of the server nor of what stands behind it, also where it refuses before any front."""
    for method, target in (("GET", soap.PATH), ("GET", "/nothing"), ("TRACE", "/"), ("GET", "/" + "x" * 9000)):
        connection = http.client.HTTPConnection("127.0.0.1", sqlite_service.port, timeout=20)
        connection.request(method, target, headers={"Host": HOST})
        answer = connection.getresponse()
        names = {key.casefold(): value for key, value in answer.getheaders()}
        answer.read()
        connection.close()

        assert not re.search(r"\d", names.get("server", "")), names
        assert not names.keys() & {"x-powered-by", "x-aspnet-version", "via"}


def test_login_by_get_is_none(front):
    """A link or an image must not log anybody in, nor out."""
    query = "&".join(f"{key}={value}" for key, value in LOGIN.items())

    for method in ("Login", "LogOff"):
        answer = front.client.get(f"{soap.PATH}/{method}?{query}")
        assert answer.status == 405
        assert answer.cookies == []
        assert list(json.loads(answer.body)) == ["Message"]
