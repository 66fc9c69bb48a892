"""The JSON of `account.svc`: the same calls and outcomes as over SOAP, in the shape of a WCF JSON endpoint."""

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from gatehouse.domain.results import ServiceResult
from gatehouse.fronts.wcf_json.dates import json_date
from gatehouse.operations import applications
from gatehouse.operations.calls import Call, Caller
from tests.conformance.conftest import LOGIN
from tests.conformance.soap import Answer
from tests.factories import EMAIL, NOON

JSON = "application/json; charset=utf-8"
LOGIN_RESULT = [
    "Code",
    "IsSuccess",
    "Key",
    "Message",
    "Number",
    "AccountStatus",
    "CredentialsHeaderName",
    "CredentialsToken",
    "CustomerNumber",
    "Email",
    "EncodedCookie",
    "IsDeviceActivated",
    "IsDeviceBlocked",
    "IsDeviceRegistered",
    "IsDeviceRegistrationRequired",
    "IsFirstLogin",
    "IsPasswordChangeRequired",
    "LastLogin",
    "VersionUpdateRequired",
]


def post(front, method: str, body: Any = None, *, raw: bytes | None = None, **headers: str | None) -> Answer:
    """Call a method with a JSON body and the application's token."""
    content = raw if raw is not None else json.dumps(body).encode() if body is not None else b""
    all_headers = {"applicationToken": front.token} | headers
    return front.client.request(
        "POST",
        f"/v2/account.svc/{method}",
        content,
        {name: value for name, value in all_headers.items() if value is not None},
        CONTENT_TYPE=headers.pop("content_type", JSON),
    )


def d(answer: Answer) -> Any:
    """Return the result of an answer."""
    assert answer.status == 200, answer.body
    assert answer.header("Content-Type") == JSON
    (only,) = json.loads(answer.body).items()
    assert only[0] == "d"
    return only[1]


def message(answer: Answer) -> tuple[int, str]:
    """Return status and text of a refusal, which has nothing else in it."""
    assert list(json.loads(answer.body)) == ["Message"]
    return answer.status, json.loads(answer.body)["Message"]


def log_in(front) -> str:
    """Log in and return the credentials token."""
    return d(post(front, "Login", LOGIN))["CredentialsToken"]


def change(front, **options: Any) -> None:
    """Set options of the shop's application."""
    core = front.shop.core
    applications.change_application(Call(core, Caller()), front.shop.application.application.id, **options)


def test_login_answers_what_soap_answers(front):
    """The members, their order and the outcome are one contract."""
    result = d(post(front, "Login", LOGIN))

    assert list(result) == LOGIN_RESULT
    assert (result["Code"], result["Key"], result["Email"], result["LastLogin"]) == (0, "Success", EMAIL, None)
    assert result["EncodedCookie"] is None
    assert front.login().outcome == ("0", "Success")


def test_last_login_is_a_microsoft_date(front):
    """Scripts of that time parse it by its pattern."""
    log_in(front)

    assert d(post(front, "Login", LOGIN))["LastLogin"] == json_date(NOON)


def test_date_is_in_milliseconds_since_1970():
    """The example of the contract."""
    assert json_date(NOON.replace(year=2015, month=1, day=1, hour=0)) == "/Date(1420070400000)/"
    assert json_date(NOON + timedelta(microseconds=1999)).endswith("001)/")


@pytest.mark.parametrize(
    "body",
    [
        {"EMAIL": EMAIL, "password": LOGIN["Password"], "UserRole": "Customer"},
        {**LOGIN, "userrole": 15},
        {**LOGIN, "userrole": None, "options": {"userRole": 15}},
        {**LOGIN, "userrole": "", "Options": [{"userrole": "15"}, None]},
        {**LOGIN, "unknown": {"deep": [1]}},
    ],
)
def test_members_are_read_leniently(front, body):
    """Names in any case, options as an object or an array, numbers for texts, unknown members ignored."""
    assert d(post(front, "login", body))["Key"] == "Success"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({**LOGIN, "setCookie": "yes"}, "setCookie"),
        ({**LOGIN, "Email": {"a": 1}}, "Email"),
        ({**LOGIN, "Email": [EMAIL]}, "Email"),
        ({**LOGIN, "options": "text"}, "Options"),
        ({**LOGIN, "options": {"userrole": "20"}}, "userrole"),
        ({**LOGIN, "deviceId": "a\u0000b"}, "deviceId"),
        ({**LOGIN, "Password": "\ud800"}, "Password"),
    ],
)
def test_value_that_its_type_does_not_allow_is_named(front, body, name):
    """A result, not an error: the body was JSON."""
    result = d(post(front, "Login", body))

    assert result["Key"] == "InvalidField"
    assert name in result["Message"]


def test_set_cookie_sets_both_cookies(front):
    """Browsers keep them without a line of script."""
    answer = post(front, "Login", {**LOGIN, "options": {"setCookie": True}})

    assert d(answer)["EncodedCookie"]
    assert [each.partition("=")[0] for each in answer.cookies] == ["credentialsToken", "EncodedCookie"]


def test_method_without_members_needs_no_body(front):
    """LogOff of a session; afterwards the token is refused."""
    token = log_in(front)

    assert d(post(front, "LogOff", credentialsToken=token))["Key"] == "Success"
    assert message(post(front, "LogOff", credentialsToken=token)) == (403, "The session has ended. Log in again.")


@pytest.mark.parametrize("method", ["RegisterDevice", "DeviceSendActivationCode", "DeviceActivate", "UpdatePassword"])
def test_token_that_is_no_longer_valid_is_403(front, method):
    """Mobile applications then forget the user."""
    assert message(post(front, method, {}, credentialsToken="stale"))[0] == 403


@pytest.mark.parametrize(("method", "body"), [("Login", LOGIN), ("ResetPassword", {"Email": EMAIL})])
def test_stale_token_does_not_matter_where_no_session_is_needed(front, method, body):
    """Cookie jars never forget, so it is no 403 here."""
    assert d(post(front, method, body, credentialsToken="stale"))["Key"] == "Success"


def test_missing_session_is_a_result(front):
    """403 is used for nothing else."""
    assert d(post(front, "UpdatePassword", {}))["Key"] == "SessionRequired"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"{", "The body is not JSON."),
        (b"[]", "The body is not a JSON object."),
        (b'"text"', "The body is not a JSON object."),
        (b"{'Email': 1}", "The body is not JSON."),
        (b'{"Email": NaN}', "The body is not JSON."),
        (b'{"Email": "\xff"}', "The body is not UTF-8."),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "The body is nested too deep."),
        (b"[" * 60_000, "The body is nested too deep."),
    ],
)
def test_malformed_body_is_400(front, raw, text):
    """And the next good request is served."""
    assert message(post(front, "Login", raw=raw)) == (400, text)
    assert d(post(front, "Login", LOGIN))["Key"] == "Success"


def test_bounds_and_media_type(front):
    """The limits are those of SOAP."""
    assert message(post(front, "Login", raw=b" " * 70_000))[0] == 413
    assert message(post(front, "Login", LOGIN, content_type="text/plain"))[0] == 415
    answer = front.client.get("/v2/account.svc/Login")
    assert (answer.status, answer.header("Allow")) == (405, "OPTIONS, POST")
    assert front.client.request("POST", "/v2/account.svc/Nonsense").status == 404


def test_duplicate_members_must_agree(front):
    """Parsers differ in which one they take."""
    same = b'{"Email": "a@example.com", "email": "a@example.com", "Password": "x", "userrole": "15"}'

    assert d(post(front, "Login", raw=same))["Key"] == "InvalidCredentials"
    assert d(post(front, "Login", raw=same.replace(b"a@", b"b@", 1)))["Key"] == "InvalidField"


def signature(front, body: bytes) -> str:
    """Return the signature of a body under the application's hash key."""
    digest = hashlib.sha256(body + front.shop.application.hash_key.encode()).digest()
    return f"bytes-SHA256, {base64.b64encode(digest).decode()}"


def test_signed_call_gets_a_signed_answer(front):
    """Over the bytes of the body, in both directions."""
    body = json.dumps(LOGIN).encode()

    answer = post(front, "Login", raw=body, Signature=signature(front, body))

    assert d(answer)["Key"] == "Success"
    assert answer.header("Signature") == signature(front, answer.body)


@pytest.mark.parametrize("given", ["bytes-SHA256, AAAA", "nonsense", "", "md5, 1B2M2Y8AsgTpgAmY7PhCfg=="])
def test_wrong_signature_is_refused(front, given):
    """A signature that is there is checked, also where it need not be; an empty header is none."""
    answer = d(post(front, "Login", LOGIN, Signature=given))

    assert answer["Key"] == ("InvalidSignature" if given else "Success")


def test_signature_of_another_body_is_refused(front):
    """It is bound to what was sent."""
    answer = post(front, "Login", {**LOGIN, "appName": "x"}, Signature=signature(front, json.dumps(LOGIN).encode()))

    assert d(answer)["Key"] == "InvalidSignature"


def test_application_may_require_or_switch_off_signatures(front):
    """By application: `required` refuses a call without, `off` does not look."""
    change(front, signature="required")
    assert d(post(front, "Login", LOGIN))["Key"] == "InvalidSignature"

    change(front, signature="off")
    answer = post(front, "Login", LOGIN, Signature="nonsense")
    assert d(answer)["Key"] == "Success"
    assert answer.header("Signature") is None


def test_required_signature_is_required_of_a_session_too(front):
    """A session names the application: who leaves its token out must not get around its policy."""
    token = log_in(front)
    change(front, signature="required")
    body = json.dumps({"oldPassword": "x", "newPassword": "y"}).encode()

    unsigned = post(front, "UpdatePassword", raw=body, applicationToken=None, credentialsToken=token)
    signed = post(
        front,
        "UpdatePassword",
        raw=body,
        applicationToken=None,
        credentialsToken=token,
        Signature=signature(front, body),
    )

    assert d(unsigned)["Key"] == "InvalidSignature"
    assert d(signed)["Key"] == "InvalidCredentials"
    assert unsigned.header("Signature") == signature(front, unsigned.body)


@pytest.mark.parametrize("token", ["\ud800", "a\u0000b", "x" * 300, " ", 7, ["x"], {"x": "y"}])
def test_application_token_that_is_none(front, token):
    """As a member; it is looked up for the signature before the call itself looks at it."""
    answer = d(post(front, "Login", {**LOGIN, "applicationToken": token}, applicationToken=None))

    assert answer["Key"] in ("InvalidField", "InvalidApplicationToken", "ApplicationTokenRequired")


@pytest.mark.parametrize("charset", ["nonsense", "utf-7", "idna"])
def test_charset_that_is_not_known_is_415(front, charset):
    """As over SOAP."""
    answer = post(front, "Login", LOGIN, content_type=f"application/json; charset={charset}")

    assert message(answer) == (415, "The charset is not known.")


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [("ResetPassword", {"Email": EMAIL}, True), ("ResetPassword", {}, False), ("DeviceActivate", {}, False)],
)
def test_boolean_results_are_bare(front, method, body, expected):
    """Old mobile applications read nothing else of these methods."""
    change(front, boolean_results=True)

    assert d(post(front, method, body)) is expected
    assert isinstance(d(post(front, "Login", LOGIN)), dict)


def test_a_bug_shows_nothing(front, monkeypatch, caplog):
    """The id leads to the log; neither has a value that was sent."""

    def fail(*_: Any) -> ServiceResult:
        raise RuntimeError("secret words")

    monkeypatch.setattr("gatehouse.fronts.wcf_json.app.sign", fail)
    answer = post(front, "Login", LOGIN)

    assert message(answer) == (500, "The service could not handle the request.")
    assert answer.header("X-Request-Id") in caplog.text
    assert "secret words" not in caplog.text
