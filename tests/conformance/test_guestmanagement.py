"""The JSON calls of partners, row by row of the contract's section 4, and of bad input, through the whole service."""

import json
import logging
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from gatehouse.domain.accounts import AccountStatus
from gatehouse.operations import reset_codes
from gatehouse.operations.accounts import change_account, set_account_status
from tests.conformance.conftest import Front
from tests.factories import EMAIL, PASSWORD, PHONE, USERNAME, make_account
from tests.partner import CODE, NEW, Partner, basic, make_partner

GENERATE = "generateAndSendGuestResetPasswordCode"
SEND = "sendGuestResetPasswordCode"
RESET = "resetGuestPassword"
LIMIT = 65_536
JSON = "application/json"


@dataclass
class Caller:
    """A partner's server. What it sends is what a test says."""

    front: Front
    partner: Partner

    def post(self, name, body, *, auth="", prefix="", content_type=JSON, headers=None, **environ):
        """Send a call; `auth` is the Authorization header, the partner's own unless given, or None."""
        content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        all_headers = dict(headers or {})
        if auth is not None:
            all_headers["Authorization"] = auth or self.partner.basic
        answer = self.front.client.request(
            "POST", f"{prefix}/guestmanagement/{name}.json", content, all_headers, CONTENT_TYPE=content_type, **environ
        )
        self.check_headers(answer)
        return answer

    def result(self, name, body, **rest):
        """Send a call, which must be answered with 200, and return the answer."""
        answer = self.post(name, body, **rest)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def error(self, name, body, **rest):
        """Send a call that must fail with 200, and return error code and message."""
        return self.failure(self.post(name, body, **rest), 200)

    @staticmethod
    def failure(answer, status):
        """Return error code without its prefix, and message, of an answer that must be a failure."""
        found = json.loads(answer.body)
        assert (answer.status, found.pop("result")) == (status, "failure"), answer
        assert list(found) == ["errorCode", "errorMessage"]
        assert found["errorCode"].startswith("guestmanagement.")
        return found["errorCode"].removeprefix("guestmanagement."), found["errorMessage"]

    @staticmethod
    def check_headers(answer):
        """What every answer has."""
        assert answer.header("Content-Type") == "application/json; charset=utf-8"
        assert answer.header("Cache-Control") == "no-store"
        assert answer.header("X-Content-Type-Options") == "nosniff"
        assert len(answer.header("X-Request-Id")) == 36

    @property
    def merchant_id(self):
        """The number of the partner's merchant."""
        return self.partner.shop.merchant.id


@pytest.fixture
def make_caller(make_front):
    """Make a partner's server and a service, with settings as given."""

    def make(**settings):
        front = make_front(**settings)
        return Caller(front, make_partner(front.shop))

    return make


@pytest.fixture
def caller(make_caller):
    """A partner's server, and a service on the default settings."""
    return make_caller()


def failed(code, message):
    """Return the whole answer of a failure."""
    return {"result": "failure", "errorCode": f"guestmanagement.{code}", "errorMessage": message}


# The calls and their answers


def test_generate_and_send(caller):
    """As the newer document has it."""
    assert caller.result(GENERATE, {"merchantId": 1, "username": USERNAME}) == {"result": "success", "email": EMAIL}
    assert caller.result(GENERATE, {"merchantId": 1, "username": USERNAME, "authentication": "anonymous"}) == {
        "result": "success",
        "email": "*****@*****",
    }
    assert len(caller.partner.links()) == 2


@pytest.mark.parametrize(
    "identity",
    [
        {"username": USERNAME},
        {"accountId": 1001},
        {"accountId": "1001"},
        {"accountId": 1001.0},
        {"accountId": " 1001 "},
        {"email": EMAIL},
        {"printedCardNumber": "60357100"},
        {"printedCardNumber": 60357100},
        {"username": 4711, "email": None},
        {"username": USERNAME, "accountId": None, "email": "", "printedCardNumber": " "},
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_both_documents_with_every_identity(caller, identity, nested):
    """Flat and nested, and numbers as strings and the other way round; absent, null and empty are the same."""
    shop = caller.partner.shop
    if identity in (
        {"username": 4711, "email": None},
        {"printedCardNumber": "60357100"},
        {"printedCardNumber": 60357100},
    ):
        make_account(shop.core, shop.merchant, username="4711", email=EMAIL, cards=["6035 7100"])
    body = {"userIdentity": identity} if nested else identity

    for merchant in (1, "1"):
        result = caller.result(SEND, {"merchantId": merchant, "resetCode": CODE} | body)
        assert result == {"result": "success", "email": EMAIL}
    assert caller.partner.codes() == [CODE, CODE]


def test_older_document_generates_the_code(caller):
    """And the newer one requires it."""
    assert caller.result(SEND, {"merchantId": 1, "userIdentity": {"username": USERNAME}})["result"] == "success"
    assert len(caller.partner.codes()[0]) == 32
    for absent in ({}, {"resetCode": None}, {"resetCode": ""}):
        assert caller.result(SEND, {"merchantId": 1, "username": USERNAME} | absent) == failed(
            "missing_field", "A mandatory field is missing: resetCode."
        )


def test_reset_guest_password(caller):
    """The whole story, up to the login over SOAP."""
    caller.result(SEND, {"merchantId": 1, "username": USERNAME, "resetCode": 12345678})

    body = {"merchantId": "1", "resetPasswordCode": "12345678", "newPassword": NEW}
    assert caller.result(RESET, body) == {"result": "success"}
    assert caller.front.login(Password=NEW).outcome == ("0", "Success")
    assert caller.error(RESET, body)[0] == "invalid_reset_code"


def test_generated_code_can_be_redeemed(caller):
    """By a partner that took the page over."""
    caller.result(GENERATE, {"merchantId": 1, "email": EMAIL, "authentication": "ANONYMOUS"})

    body = {"merchantId": 1, "resetPasswordCode": caller.partner.codes()[0], "newPassword": NEW}
    assert caller.result(RESET, body) == {"result": "success"}


def test_more_info(caller):
    """Fields at the top or inside of userIdentity, until all are there."""
    shop = caller.partner.shop
    change_account(shop.call(), shop.account.id, postal_code="8001", date_of_birth=date(1980, 12, 31))
    shop.set_merchant(verification_fields=["phone", "postalCode", "dateOfBirth"])
    nested = {"username": USERNAME, "dateOfBirth": "1980-12-31"}
    body = {"merchantId": 1, "userIdentity": nested, "postalCode": 8001}

    assert caller.result(SEND, body) == {"result": "more_info", "fields": ["phone"]}
    assert caller.result(SEND, body | {"phone": PHONE})["result"] == "success"
    assert caller.error(SEND, body | {"phone": "+12015550199"})[0] == "account_not_found"
    twice = body | {"phone": PHONE, "dateOfBirth": "1980-12-30"}
    assert caller.error(SEND, twice) == ("invalid_field", "A field has a value that is not allowed: dateOfBirth.")
    flat = {"merchantId": 1, "username": USERNAME, "phone": PHONE, "postalCode": "8001", "dateOfBirth": "1980-12-31"}
    assert caller.result(GENERATE, flat)["result"] == "success"


def test_address_of_several_accounts(caller):
    """More is asked of a partner."""
    make_account(caller.partner.shop.core, caller.partner.shop.merchant, username="john", email=EMAIL)

    assert caller.result(GENERATE, {"merchantId": 1, "email": EMAIL}) == {
        "result": "more_info",
        "fields": ["username", "accountId", "printedCardNumber"],
    }


@pytest.mark.parametrize("name", [GENERATE, SEND])
@pytest.mark.parametrize(
    "identity",
    [
        {"username": USERNAME, "email": EMAIL},
        {"username": USERNAME, "accountId": 1001},
        {"userIdentity": {"username": USERNAME, "email": EMAIL}},
        {"userIdentity": {"username": USERNAME}, "username": USERNAME},
        {"userIdentity": {"username": USERNAME}, "email": EMAIL},
    ],
)
def test_two_identities(caller, name, identity):
    """Also twice the same; the message says what to do."""
    code, message = caller.error(name, {"merchantId": 1, "resetCode": CODE} | identity)

    assert code == "ambiguous_identity"
    assert "username, accountId, printedCardNumber or email" in message
    assert caller.partner.shop.messages() == []


@pytest.mark.parametrize("identity", [{}, {"userIdentity": {}}, {"username": ""}, {"userIdentity": {"email": None}}])
def test_no_identity(caller, identity):
    """The message names them all."""
    assert caller.result(SEND, {"merchantId": 1, "resetCode": CODE} | identity) == failed(
        "missing_field", "A mandatory field is missing: username, accountId, printedCardNumber or email."
    )


def test_unknown_identity_answers_byte_for_byte(caller):
    """Headers, too, besides the id of the request."""

    def answer(**identity):
        found = caller.post(GENERATE, {"merchantId": 1, "authentication": "anonymous"} | identity)
        return found.status, [each for each in found.headers if each[0] != "X-Request-Id"], found.body

    assert answer(username=USERNAME) == answer(username="nobody")
    assert answer(accountId=1001) == answer(accountId=4711)
    assert answer(email="jane@example.com") == answer(email="jane@example.com")
    assert answer(email="john@example.com")[2] == b'{"result":"success","email":"john@example.com"}'
    assert answer(email="j\u00f6hn@example.com")[2] == '{"result":"success","email":"j\u00f6hn@example.com"}'.encode()


# Every outcome


def test_every_outcome(caller):
    """Each code of the table that these calls can give, with its message."""
    shop = caller.partner.shop
    make_account(shop.core, shop.merchant, username="no-address")
    for name, status in (("disabled", AccountStatus.DISABLED), ("locked", AccountStatus.LOCKED)):
        account = make_account(shop.core, shop.merchant, username=name, email=f"{name}@example.com")
        set_account_status(shop.call(), account.id, status)
    strangers = make_partner(shop, "strangers", ("anonymous",)).basic

    def generate(body, **rest):
        return caller.error(GENERATE, {"merchantId": 1} | body, **rest)[0]

    def reset(code, password=NEW):
        return caller.error(RESET, {"merchantId": 1, "resetPasswordCode": code, "newPassword": password})

    assert generate({}) == "missing_field"
    assert generate({"username": []}) == "invalid_field"
    assert generate({"username": "a", "email": "b"}) == "ambiguous_identity"
    assert generate({"username": USERNAME, "authentication": "b2b"}, auth=strangers) == "authentication_not_allowed"
    assert generate({"username": USERNAME, "merchantId": 2}) == "merchant_not_found"
    assert generate({"username": "nobody"}) == "account_not_found"
    assert generate({"username": "no-address"}) == "email_missing"
    assert generate({"username": "disabled"}) == "account_disabled"
    assert generate({"username": "locked"}) == "account_locked"
    assert reset("unknown code")[0] == "invalid_reset_code"
    caller.result(SEND, {"merchantId": 1, "username": USERNAME, "resetCode": CODE})
    assert reset(CODE, "short") == (
        "password_too_weak",
        "The new password is too weak: it is shorter than 8 characters.",
    )
    shop.set_merchant(password_history=1)
    assert reset(CODE, PASSWORD)[0] == "password_reused"
    shop.clock.advance(hours=1)
    assert reset(CODE)[0] == "reset_code_expired"
    short = {"merchantId": 1, "username": USERNAME, "resetCode": "1234567"}
    assert caller.error(SEND, short) == ("invalid_field", "A field has a value that is not allowed: resetCode.")
    shop.set_merchant(third_party_accounts_of_record=False)
    assert reset(CODE)[0] == "not_third_party_account_of_record"


def test_too_many_requests(caller, monkeypatch):
    """429, with how long to wait."""
    monkeypatch.setattr(reset_codes, "MAX_WRONG_CODES", 2)
    body = {"merchantId": 1, "resetPasswordCode": "a wrong code", "newPassword": NEW}
    caller.error(RESET, body)
    caller.error(RESET, body)

    answer = caller.post(RESET, body)

    assert caller.failure(answer, 429)[0] == "too_many_requests"
    assert answer.header("Retry-After") == "900"


def test_database_that_is_away(caller, caplog):
    """An outcome like any other, with HTTP 200; the log has the id of the request and nothing that was sent."""
    database = caller.partner.shop.core.database
    with database.writing() as db:
        db.exec_driver_sql("DROP TABLE reset_codes")
    caplog.set_level(logging.INFO)

    answer = caller.post(GENERATE, {"merchantId": 1, "username": "sentinel-5e1f"})

    assert caller.failure(answer, 200)[0] == "account_not_found"
    answer = caller.post(GENERATE, {"merchantId": 1, "username": USERNAME})
    assert caller.failure(answer, 200) == (
        "service_unavailable",
        "The service is not available. Try again later.",
    )
    assert answer.header("X-Request-Id") in caplog.text
    assert "sentinel" not in caplog.text


def test_bug_is_logged_without_what_was_sent(caller, caplog, monkeypatch):
    """Kind and place, under the id that the caller got."""

    def break_down(*_):
        raise RuntimeError("sentinel-5e1f")

    monkeypatch.setattr(reset_codes, "generate_and_send", break_down)
    caplog.set_level(logging.INFO)

    answer = caller.post(GENERATE, {"merchantId": 1, "username": "sentinel-5e1f"})

    assert caller.failure(answer, 200) == ("internal_error", "The service could not handle the request.")
    assert f"request={answer.header('X-Request-Id')}" in caplog.text
    assert "RuntimeError at " in caplog.text
    assert "sentinel" not in caplog.text


# Credentials


@pytest.mark.parametrize(
    "auth",
    [
        None,
        "Basic",
        "Basic !!!",
        "Basic cGFydG5lcg==",
        "Bearer abc",
        basic("partner", "wrong"),
        basic("nobody", "x"),
        basic("partner", ""),
        basic("part\0ner", "x\ud800".encode("utf-8", "surrogatepass").decode("latin-1")),
    ],
)
@pytest.mark.parametrize("name", [GENERATE, SEND, RESET])
@pytest.mark.parametrize("body", [{"merchantId": 1, "username": USERNAME}, {}, {"merchantId": "x"}])
def test_missing_or_wrong_credentials(caller, auth, name, body):
    """Before anything is said of the members."""
    answer = caller.post(name, body, auth=auth)

    assert caller.failure(answer, 401) == ("invalid_client_credentials", "The client credentials are not valid.")
    assert answer.header("WWW-Authenticate") == 'Basic realm="guestmanagement", charset="UTF-8"'


def test_scheme_in_any_case(caller):
    """RFC 7235."""
    auth = caller.partner.basic.replace("Basic", "bASIC")

    assert caller.result(GENERATE, {"merchantId": 1, "username": USERNAME}, auth=auth)["result"] == "success"


def test_credentials_of_the_older_document(caller):
    """Beside userIdentity, instead of Basic; Basic counts where both are there."""
    body = {"merchantId": 1, "username": "partner", "password": caller.partner.secret}
    nested = {"userIdentity": {"username": USERNAME}}

    assert caller.result(SEND, body | nested, auth=None)["result"] == "success"
    assert caller.post(SEND, body | nested, auth=basic("partner", "wrong")).status == 401
    assert caller.result(SEND, body | nested | {"password": "wrong"})["result"] == "success"
    assert caller.post(SEND, body | nested | {"password": "wrong"}, auth=None).status == 401
    assert caller.post(SEND, body | nested | {"password": None}, auth=None).status == 401
    assert caller.post(SEND, body, auth=None).status == 401
    assert caller.error(SEND, body | nested | {"accountId": 1001}, auth=None)[0] == "ambiguous_identity"


# Bad input


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "it is not JSON"),
        ("{", "it is not JSON"),
        ("{} {}", "it is not JSON"),
        ("{'merchantId': 1}", "it is not JSON"),
        ('{"merchantId": 01}', "it is not JSON"),
        ('{"a": "\t"}', "it is not JSON"),
        (b'{"username": "\xff"}', "it is not JSON in UTF-8"),
        ('{"merchantId": 1}'.encode("utf-16"), "it is not JSON in UTF-8"),
        ("merchantId=1&username=jane", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ("null", "it is not a JSON object"),
        ('"merchantId"', "it is not a JSON object"),
        ("1", "it is not a JSON object"),
        ('{"merchantId": NaN}', "merchantId is no number that JSON has"),
        ('{"merchantId": Infinity}', "merchantId is no number that JSON has"),
        ('{"other": -Infinity}', "a member is no number that JSON has"),
        ('{"other": [NaN]}', "it has a number that JSON does not have"),
        ("NaN", "it has a number that JSON does not have"),
        ('{"merchantId": 1, "merchantId": 1}', "merchantId is there twice"),
        ('{"userIdentity": {"email": "a", "email": "b"}}', "email is there twice"),
        ('{"sentinel": 1, "sentinel": 2}', "a member is there twice"),
        ('{"other": ' + "[" * 32 + "]" * 32 + "}", "it is nested too deep"),
        ("[" * 60_000, "it is nested too deep"),
        ('{"a":' * 10_000, "it is nested too deep"),
    ],
)
@pytest.mark.parametrize("auth", ["", None])
def test_body_that_cannot_be_read(caller, body, said, auth):
    """400, whoever sends it; the message says what is wrong, with the member's name where it is one of ours."""
    answer = caller.post(GENERATE, body, auth=auth)

    assert caller.failure(answer, 400) == ("invalid_request", f"The request cannot be understood: {said}.")


@pytest.mark.parametrize("body", ['"' + '\\"' * 30_000, '{"a":"' + "\\" * 60_000, "[" + "\"\\'[" * 15_000])
def test_no_body_takes_long(caller, body):
    """Brackets are counted without going back."""
    assert caller.post(GENERATE, body).status == 400


def test_brackets_in_a_text_are_not_nesting(caller):
    """A password may have them."""
    body = {"merchantId": 1, "username": USERNAME, "other": "[" * 100 + '"\\' + "{" * 100, "more": [[[[1]]]]}

    assert caller.result(GENERATE, body)["result"] == "success"


@pytest.mark.parametrize("value", [True, [], {}, "x", "1x", "-1", "", -1, 0, 1.5, 1e300, "१", 2**63, 10**30, "9" * 19])
@pytest.mark.parametrize("name", ["merchantId", "accountId"])
def test_value_that_is_no_number(caller, name, value):
    """Named; empty is missing."""
    body = {"merchantId": 1, "accountId": 1001} | {name: value}

    code = "missing_field" if value == "" else "invalid_field"
    assert caller.error(GENERATE, body)[0] == code
    if code == "invalid_field":
        assert caller.error(GENERATE, body)[1].endswith(f": {name}.")


@pytest.mark.parametrize("digits", ["9" * 5000, "-" + "9" * 5000, "9" * 400 + "." + "9" * 400, "1e9999"])
@pytest.mark.parametrize("name", ["merchantId", "accountId", "username", "email"])
def test_huge_number(caller, name, digits):
    """Python would refuse to read it, or take long."""
    members = {"merchantId": "1", "accountId": "1001"} if name in ("merchantId", "accountId") else {"merchantId": "1"}
    body = "{" + ", ".join(f'"{key}": {value}' for key, value in (members | {name: digits}).items()) + "}"

    assert caller.error(GENERATE, body) == ("invalid_field", f"A field has a value that is not allowed: {name}.")


def test_huge_number_that_nobody_asked_for(caller):
    """Unknown members are ignored, whatever is in them."""
    body = '{"merchantId": 1, "username": "jane", "other": [%s, 1e9999, {"x": null}], "": 1}' % ("9" * 5000)

    assert caller.result(GENERATE, body)["result"] == "success"


@pytest.mark.parametrize("value", [True, 1.5, [], {}, ["jane"], "\ud800", "a\0b", "a\nb", "a\x7f", "a\x85", "x" * 257])
@pytest.mark.parametrize(
    "name", ["username", "email", "printedCardNumber", "phone", "postalCode", "dateOfBirth", "userIdentity.username"]
)
def test_value_that_is_no_text(caller, name, value):
    """Named."""
    members = {"userIdentity": {"username": value}} if "." in name else {name: value}
    others = {} if name in ("username", "email", "printedCardNumber", "userIdentity.username") else {"username": "x"}

    assert caller.error(GENERATE, {"merchantId": 1} | others | members) == (
        "invalid_field",
        f"A field has a value that is not allowed: {name}.",
    )


@pytest.mark.parametrize(
    ("name", "body", "member"),
    [
        (SEND, {"merchantId": 1, "username": "x", "resetCode": ["12345678"]}, "resetCode"),
        (SEND, {"merchantId": 1, "username": "x", "resetCode": "12345678\udfff"}, "resetCode"),
        (SEND, {"merchantId": 1, "userIdentity": "jane"}, "userIdentity"),
        (SEND, {"merchantId": 1, "userIdentity": [{"username": "jane"}]}, "userIdentity"),
        (SEND, {"merchantId": 1, "username": "x", "resetCode": CODE, "authentication": "basic"}, "authentication"),
        (SEND, {"merchantId": 1, "username": "x", "resetCode": CODE, "authentication": 1}, "authentication"),
        (RESET, {"merchantId": 1, "resetPasswordCode": {}, "newPassword": NEW}, "resetPasswordCode"),
        (RESET, {"merchantId": 1, "resetPasswordCode": CODE, "newPassword": True}, "newPassword"),
        (RESET, {"merchantId": 1, "resetPasswordCode": CODE, "newPassword": "a\0long password"}, "newPassword"),
        (RESET, {"merchantId": 1, "resetPasswordCode": CODE, "newPassword": "\ud83d long"}, "newPassword"),
        (RESET, {"merchantId": 1, "resetPasswordCode": CODE, "newPassword": "ü" * 513}, "newPassword"),
    ],
)
def test_other_values_that_are_not_allowed(caller, name, body, member):
    """Each is named."""
    assert caller.error(name, body) == ("invalid_field", f"A field has a value that is not allowed: {member}.")


@pytest.mark.parametrize(
    ("name", "member"),
    [(GENERATE, "merchantId"), (SEND, "merchantId")]
    + [(RESET, each) for each in ("merchantId", "resetPasswordCode", "newPassword")],
)
@pytest.mark.parametrize("empty", [{}, None, ""])
def test_missing_member(caller, name, member, empty):
    """Absent, null and empty."""
    every = {"merchantId": 1, "username": "x", "resetPasswordCode": CODE, "newPassword": NEW, "resetCode": CODE}
    del every[member]
    body = every if empty == {} else every | {member: empty}

    assert caller.error(name, body) == ("missing_field", f"A mandatory field is missing: {member}.")


@pytest.mark.parametrize("length", [LIMIT + 1, 10 * LIMIT, 10**30])
@pytest.mark.parametrize("auth", ["", None])
def test_oversized_body(caller, length, auth):
    """Not even read."""
    answer = caller.post(GENERATE, b"x", auth=auth, CONTENT_LENGTH=str(length))

    assert caller.failure(answer, 413) == ("request_too_large", "The request is too large.")


def test_oversized_body_without_a_length(caller):
    """As in chunks."""
    answer = caller.post(GENERATE, b"x" * (LIMIT + 1), CONTENT_LENGTH=None)

    assert caller.failure(answer, 413)[0] == "request_too_large"


def test_largest_body(caller):
    """Is read; one that ended too early is not."""
    body = json.dumps({"merchantId": 1, "username": USERNAME}).encode()
    body += b" " * (LIMIT - len(body))

    assert caller.result(GENERATE, body)["result"] == "success"
    assert caller.failure(caller.post(GENERATE, body[:-1], CONTENT_LENGTH=str(LIMIT)), 400) == (
        "invalid_request",
        "The request cannot be understood: it ended before it was complete.",
    )


@pytest.mark.parametrize("media_type", [None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "x"])
def test_media_type_that_is_not_json(caller, media_type):
    """It is not guessed."""
    answer = caller.post(GENERATE, {"merchantId": 1, "username": USERNAME}, content_type=media_type)

    assert caller.failure(answer, 415) == (
        "invalid_request",
        "The request cannot be understood: its media type is not application/json.",
    )


def test_compressed_body(caller):
    """It could grow to anything."""
    answer = caller.post(GENERATE, {"merchantId": 1}, headers={"Content-Encoding": "gzip"})

    assert caller.failure(answer, 415)[0] == "invalid_request"


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;x=y"])
def test_media_type_as_clients_write_it(caller, media_type):
    """Also with a byte order mark before the body."""
    body = "\ufeff" + json.dumps({"merchantId": 1, "username": USERNAME})

    assert caller.result(GENERATE, body, content_type=media_type)["result"] == "success"


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "FOO"])
@pytest.mark.parametrize("name", [GENERATE, SEND, RESET])
def test_wrong_verb(caller, verb, name):
    """405, and which one is right."""
    answer = caller.front.client.request(verb, f"/guestmanagement/{name}.json")

    caller.check_headers(answer)
    assert (answer.status, answer.header("Allow")) == (405, "POST")
    if verb == "HEAD":
        assert answer.body == b""
    else:
        assert caller.failure(answer, 405) == (
            "invalid_request",
            "The request cannot be understood: method not allowed.",
        )


# Addresses


@pytest.mark.parametrize("path", ["/{0}", "/REST/24.1/{0}", "/rest/24.1/{0}/"])
def test_prefix_and_case(make_caller, path):
    """With and without the prefix, in any case of the letters."""
    caller = make_caller(rest_prefix="/rest/24.1")
    name = f"GuestManagement/{GENERATE.lower()}.JSON"
    body = json.dumps({"merchantId": 1, "username": USERNAME}).encode()

    answer = caller.front.client.request(
        "POST", path.format(name), body, {"Authorization": caller.partner.basic}, CONTENT_TYPE=JSON
    )

    assert json.loads(answer.body)["result"] == "success"


@pytest.mark.parametrize(
    "path",
    ["/", "/guestmanagement/", "/guestmanagement/other.json", "/rest/24.1/guestmanagement/resetGuestPassword.json"],
)
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_nothing_there(caller, path, verb):
    """Without a setting there is no prefix."""
    answer = caller.front.client.request(verb, path)

    assert answer.status == 404
    assert answer.header("Content-Type") == "text/plain; charset=utf-8"


@pytest.mark.parametrize("page", [None, "https://shop.example.com/new"])
def test_host_never_reaches_a_link(make_caller, page):
    """However it is said."""
    caller = make_caller(public_url="https://login.example.com")
    caller.partner.shop.set_merchant(reset_page=page)
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    headers |= {"Origin": "https://evil.example", "Referer": "https://evil.example/"}

    caller.result(GENERATE, {"merchantId": 1, "username": USERNAME}, headers=headers, SERVER_NAME="evil.example")

    parts = urlsplit(caller.partner.links()[0])
    assert parts.hostname == ("shop.example.com" if page else "login.example.com")
    assert [name for name, _ in parse_qsl(parts.query)] == ["resetCode" if page else "code"]


def test_nothing_that_was_sent_is_logged_or_given_back(caller, caplog):
    """Of calls that work, fail or cannot be read; one line for each."""
    caplog.set_level(logging.DEBUG)
    sentinel = "sentinel-5e1f"
    bodies = [
        (GENERATE, {"merchantId": 1, "username": sentinel}),
        (GENERATE, {"merchantId": sentinel, sentinel: sentinel}),
        (GENERATE, {"merchantId": 1, "authentication": sentinel, "username": {sentinel: sentinel}}),
        (SEND, {"merchantId": 1, "username": USERNAME, "resetCode": sentinel}),
        (RESET, {"merchantId": 1, "resetPasswordCode": sentinel + "?", "newPassword": sentinel}),
        (RESET, f'{{"{sentinel}": {sentinel}'),
    ]
    for name, body in bodies:
        assert sentinel not in caller.post(name, body).body.decode()
    assert sentinel not in caller.post(GENERATE, {}, auth=basic(sentinel, sentinel)).body.decode()

    assert sentinel not in caplog.text
    assert caller.partner.secret not in caplog.text
    lines = [record.getMessage() for record in caplog.records if record.name == "gatehouse.calls"]
    assert len(lines) == len(bodies) + 1
    assert lines[0] == f"{GENERATE} AccountNotFound"


# The live service


def live(service, body, **rest):
    """Send a call of the demo partner to the live service."""
    (integration,) = service.demo["integrations"]
    return requests.post(
        f"{service.url}/guestmanagement/{GENERATE}.json",
        data=body,
        auth=(integration["clientId"], integration["clientSecret"]),
        headers={"Content-Type": JSON},
        timeout=20,
        **rest,
    )


def test_live_service(sqlite_service):
    """With a length and in chunks, by the demo data of the contract."""
    account = sqlite_service.demo["accounts"][2]
    body = json.dumps({"merchantId": sqlite_service.demo["merchantId"], "accountId": account["accountId"]}).encode()

    for sent in (body, iter([body[:7], body[7:]])):
        assert live(sqlite_service, sent).json() == {"result": "success", "email": account["email"]}
    assert requests.get(f"{sqlite_service.url}/readyz", timeout=20).json()["status"] == "ready"


@pytest.mark.parametrize("size", [LIMIT + 1, 20 * LIMIT])
def test_live_service_refuses_an_oversized_body(sqlite_service, size):
    """And its caller reads why, although it was still sending."""
    answer = live(sqlite_service, b"x" * size)

    assert (answer.status_code, answer.json()["errorCode"]) == (413, "guestmanagement.request_too_large")
