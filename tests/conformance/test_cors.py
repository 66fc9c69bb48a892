"""The JSON of `account.svc` called by scripts of pages of other origins: only of those that the application lists."""

import base64
import hashlib
import json

import pytest
import sqlalchemy as sa

from gatehouse.domain.errors import AdministrationError, UnavailableError
from tests import factories
from tests.conformance.conftest import LOGIN
from tests.conformance.soap import PATH

SHOP, OTHER = "https://shop.example.com", "https://other.example.com"
EXPOSED = "Signature, X-Request-Id, Retry-After"


@pytest.fixture
def listing(make_front):
    """A front whose application lists the shop's origin."""
    front = make_front()
    front.shop.set_application(origins=[SHOP, "http://localhost:3000"])
    return front


def ask(front, origin=SHOP, path=f"{PATH}/Login", method="POST"):
    """Ask as a browser does before a call."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "applicationtoken,content-type,credentialstoken,signature",
    }
    return front.client.request("OPTIONS", path, headers={k: v for k, v in headers.items() if v is not None})


def post(front, body=None, method="Login", origin=SHOP, **headers):
    """Call as a browser does."""
    given = {"applicationToken": front.token, "Origin": origin} | headers
    content = body if isinstance(body, bytes) else json.dumps(LOGIN if body is None else body).encode()
    return front.client.request(
        "POST",
        f"{PATH}/{method}",
        content,
        {name: value for name, value in given.items() if value is not None},
        CONTENT_TYPE="application/json",
    )


def allowed(answer):
    """Return the headers of an answer that a browser decides by."""
    return {name: value for name, value in answer.headers if name.startswith("Access-Control-")}


@pytest.mark.parametrize("path", [f"{PATH}/Login", f"{PATH}/login/", "/V2/Account.svc/UpdatePassword"])
def test_browser_may_ask_for_a_listed_origin(listing, path):
    """It sends no token with its question; what it may send with the call is said."""
    answer = ask(listing, path=path)

    assert (answer.status, answer.header("Allow"), answer.body) == (200, "OPTIONS, POST", b"")
    assert allowed(answer) == {
        "Access-Control-Allow-Origin": SHOP,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "applicationToken, credentialsToken, Content-Type, Signature, X-Requested-With",
        "Access-Control-Max-Age": "600",
    }
    assert answer.header("Vary") == "Origin"


@pytest.mark.parametrize(
    "origin",
    [OTHER, "null", "*", "", None, "https://shop.example.com.evil.org", "http://shop.example.com", f"{SHOP}:444"],
)
def test_no_other_origin_is_allowed(listing, origin):
    """Neither before a call nor after it; the call itself is answered, since servers send what they like, too."""
    answer = ask(listing, origin)
    assert (answer.status, answer.header("Allow"), allowed(answer)) == (200, "OPTIONS, POST", {})
    called = post(listing, origin=origin)
    assert (called.status, allowed(called)) == (200, {})
    assert answer.header("Vary") == called.header("Vary") == "Origin"


def test_page_of_a_listed_origin_reads_the_answer(listing):
    """And the headers that it needs; never with cookies."""
    answer = post(listing)

    assert json.loads(answer.body)["d"]["Key"] == "Success"
    assert allowed(answer) == {"Access-Control-Allow-Origin": SHOP, "Access-Control-Expose-Headers": EXPOSED}


def test_list_is_the_calling_applications_own(listing):
    """A page may not read what another application is answered, though it may ask."""
    core = listing.shop.core
    other = factories.make_application(core, listing.shop.merchant, origins=[OTHER])

    assert allowed(ask(listing, OTHER))["Access-Control-Allow-Origin"] == OTHER
    assert allowed(post(listing, origin=OTHER)) == {}
    assert allowed(post(listing, applicationToken=other.token)) == {}
    assert allowed(post(listing, origin=OTHER, applicationToken=other.token))["Access-Control-Allow-Origin"] == OTHER


def test_session_names_the_application_too(listing):
    """For calls that have no application's token."""
    token = json.loads(post(listing).body)["d"]["CredentialsToken"]

    answer = post(listing, {}, "UpdatePassword", applicationToken=None, credentialsToken=token)

    assert json.loads(answer.body)["d"]["Key"] == "MissingField"
    assert allowed(answer)["Access-Control-Allow-Origin"] == SHOP


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b" " * 70_000, {}, 413),
        (b"{}", {"credentialsToken": "stale"}, 403),
        (b"{}", {"Content-Encoding": "br"}, 415),
    ],
)
def test_page_reads_a_refusal_too(listing, body, headers, status):
    """It must learn that its user has to log in again."""
    answer = post(listing, body, "UpdatePassword", **headers)

    assert answer.status == status
    assert allowed(answer)["Access-Control-Allow-Origin"] == SHOP
    assert allowed(post(listing, body, "UpdatePassword", OTHER, **headers)) == {}
    assert allowed(post(listing, body, "UpdatePassword", applicationToken="unknown", **headers)) == {}


def test_disabled_application_lists_nothing(listing):
    """After the few seconds for which the list is remembered."""
    assert allowed(ask(listing)) != {}
    listing.shop.set_application(disabled_at=listing.shop.clock())
    assert allowed(post(listing)) == {}

    listing.shop.clock.advance(seconds=5)

    assert allowed(ask(listing)) == {}


def test_new_origin_is_known_soon(listing):
    """Within the same few seconds, also where the clock was put back meanwhile."""
    assert allowed(ask(listing, OTHER)) == {}
    listing.shop.set_application(origins=[OTHER])

    listing.shop.clock.advance(seconds=-60)

    assert allowed(ask(listing, OTHER))["Access-Control-Allow-Origin"] == OTHER


def test_flood_of_questions_is_no_flood_of_queries(listing):
    """Anybody may ask, and nothing else stands before it."""
    statements = []
    engine = listing.shop.core.database.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    for number in range(50):
        ask(listing, f"https://{number}.example.com")
    for _ in range(50):
        ask(listing)

    assert len([each for each in statements if "applications" in each]) == 1


def test_call_reads_its_application_once(listing):
    """For the signature, for the call, for the answer's shape, for its signature and for the origin."""
    statements = []
    engine = listing.shop.core.database.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    listing.shop.set_application(boolean_results=True)
    body = json.dumps({"Email": LOGIN["Email"]}).encode()
    digest = hashlib.sha256(body + listing.shop.application.hash_key.encode()).digest()
    del statements[:]

    answer = post(listing, body, "ResetPassword", Signature=f"bytes-SHA256, {base64.b64encode(digest).decode()}")

    assert json.loads(answer.body)["d"] is True
    assert answer.header("Signature")
    assert allowed(answer)["Access-Control-Allow-Origin"] == SHOP
    assert len([each for each in statements if "FROM applications" in each]) == 1


def test_database_that_is_away(listing, monkeypatch):
    """A question is answered as a call is."""

    def fail(_):
        raise UnavailableError("away")

    monkeypatch.setattr(listing.shop.core.database.__class__, "reading", fail)

    assert ask(listing).status == 503


def test_question_without_an_origin_is_a_plain_one(listing):
    """Monitors and proxies ask so."""
    answer = listing.client.request("OPTIONS", f"{PATH}/Login")

    assert (answer.status, answer.header("Allow"), allowed(answer)) == (200, "OPTIONS, POST", {})


@pytest.mark.parametrize("origins", [["*"], ["null"], ["https://*.example.com"], ["https://a.example/x"], [""]])
def test_origins_of_everybody_cannot_be_listed(front, origins):
    """Neither a wildcard nor nobody."""
    with pytest.raises(AdministrationError, match="an origin is scheme, host"):
        front.shop.set_application(origins=origins)
