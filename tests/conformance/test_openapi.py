"""The description of the JSON calls, the page that shows it, and a property-based run of what it says."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection

from gatehouse.app import create_app
from gatehouse.domain.codes import ReturnCode
from gatehouse.fronts.guestmanagement import openapi
from gatehouse.operations import callers, reset_codes
from gatehouse.storage.engine import Database
from tests import factories
from tests.conformance.soap import Client
from tests.partner import CODE, make_partner

CALLS = ["generateAndSendGuestResetPasswordCode", "sendGuestResetPasswordCode", "resetGuestPassword"]


@pytest.fixture(scope="module")
def partner(tmp_path_factory: pytest.TempPathFactory, sqlite_template) -> Iterator[Any]:
    """A partner of a shop that all examples share, with a code that is live."""
    path = tmp_path_factory.mktemp("openapi") / "gatehouse.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    made = make_partner(factories.make_shop(factories.make_core(database, rest_prefix="/rest/24.1")))
    made.send(CODE)
    with pytest.MonkeyPatch.context() as patched:
        # The same address sends wrong secrets in thousands of examples.
        patched.setattr(callers, "MAX_WRONG_SECRETS", 1_000_000)
        patched.setattr(reset_codes, "MAX_WRONG_CODES", 1_000_000)
        yield made
    database.close()


@pytest.fixture(scope="module")
def app(partner):
    """The service."""
    return create_app(partner.shop.core.settings, partner.shop.core)


@pytest.fixture
def client(app):
    """A caller of it."""
    return Client(app)


@pytest.fixture(scope="module")
def api_schema(app):
    """The description as the service gives it."""
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


# What breaks the description is an outcome with HTTP 200 here, as the contract has it, and reading is lenient.
LENIENT = [negative_data_rejection]


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("name", CALLS)
def test_service_does_what_it_says(api_schema, partner, name, mode):
    """Good and bad requests: statuses, media types, headers and bodies are those of the description."""

    # Not with schemathesis' own mark: its plugin does not work with pytest 9.
    @hypothesis.given(case=api_schema[f"/guestmanagement/{name}.json"]["POST"].as_strategy(generation_mode=mode))
    @hypothesis.settings(
        max_examples=60,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def check(case):
        answer = case.call_and_validate(auth=(partner.integration.client_id, partner.secret), excluded_checks=LENIENT)
        if mode is GenerationMode.POSITIVE:
            assert answer.status_code == 200
            refused = b"not allowed: " in answer.content and b"not allowed: resetCode." not in answer.content
            # A field outside and inside of userIdentity may be two different ones, which no schema says.
            assert not refused or case.body.get("userIdentity"), answer.content

    check()


def test_examples_work(client, partner):
    """Whoever pastes one gets no complaint about its members."""
    document = json.loads(client.get("/openapi.json").body)
    for path, item in document["paths"].items():
        for example in item["post"]["requestBody"]["content"]["application/json"]["examples"].values():
            body = json.dumps(example["value"]).encode()
            answer = client.request(
                "POST", path, body, {"Authorization": partner.basic}, CONTENT_TYPE="application/json"
            )
            assert answer.status == 200
            assert b"field" not in answer.body


def test_description_is_of_version_3_1(client):
    """And complete: calls, authentication and every error code."""
    answer = client.get("/openapi.json")
    document = json.loads(answer.body)

    assert answer.header("Content-Type") == "application/json; charset=utf-8"
    assert document["openapi"].startswith("3.1.")
    assert list(document["paths"]) == [f"/guestmanagement/{name}.json" for name in CALLS]
    assert document["components"]["securitySchemes"]["basic"]["scheme"] == "basic"
    assert [server["url"] for server in document["servers"]] == ["/", "/rest/24.1"]
    codes = document["components"]["schemas"]["Failure"]["properties"]["errorCode"]["enum"]
    assert len(codes) == len(ReturnCode) - 1
    assert "guestmanagement.not_third_party_account_of_record" in codes
    for item in document["paths"].values():
        assert {"200", "400", "401", "413", "415", "429"} <= set(item["post"]["responses"])
        assert item["post"]["security" if "security" in item["post"] else "responses"]
    assert "servers" not in openapi.describe(None)


def test_page_asks_nobody_else(client):
    """Everything that it loads is served here, and its policy allows no more."""
    answer = client.get("/docs")

    policy = answer.header("Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    loaded = re.findall(r'(?:src|href)="([^"]+)"', answer.body.decode())
    assert len(loaded) == 5
    for address in loaded:
        assert client.get(urljoin("/docs", address)).status == 200
    assert b"<script>" not in answer.body
    assert b"style=" not in answer.body


@pytest.mark.parametrize("page", ["docs", "docs/"])
def test_page_may_stand_behind_a_path(client, page):
    """A proxy takes the path away again, so that no address of the page may begin at the root of the host."""
    answer = client.get(f"/{page}")

    loaded = re.findall(r'(?:src|href)="([^"]+)"', answer.body.decode())
    found = {urljoin(f"https://example.com/login/{page}", each) for each in loaded}
    files = {"favicon-32x32.png", "swagger-ui.css", "swagger-ui-bundle.js", "start.js"}
    assert found == {f"https://example.com/login/docs/{each}" for each in files} | {
        "https://example.com/login/openapi.json"
    }
    script = client.get("/docs/start.js").body.decode()
    assert 'new URL("../openapi.json", document.currentScript.src)' in script


@pytest.mark.parametrize("name", ["other.js", "index.html", "../VERSION", "..%2fVERSION", "swagger-ui.css/x"])
def test_no_other_file_is_served(client, name):
    """Only those that the page loads."""
    assert client.get(f"/docs/{name}").status == 404
