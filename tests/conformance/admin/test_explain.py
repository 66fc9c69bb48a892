"""Explain a failure, and what leads to it: read as the fronts read, never performed, and nothing of it kept."""

import html
import json
import logging
import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect
from werkzeug.test import Client

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.operations.accounts import set_account_status
from gatehouse.operations.audit_seals import Sealer
from gatehouse.operations.integrations import add_integration_secret
from gatehouse.storage import tables
from tests.conformance.admin.conftest import MAX, OLGA, SUE, Operator, Visitor, World
from tests.conformance.admin.test_browser import heading, pages_of
from tests.factories import EMAIL, PASSWORD
from tests.partner import basic

SOAP = "/v2/account.svc"
EXPLAIN = "/admin/explain"
ENVELOPE = (
    '<s:Envelope xmlns:s="{namespace}">{header}<s:Body><{method} xmlns="http://tempuri.org/">{members}'
    "</{method}></s:Body></s:Envelope>"
)
SOAP_11, SOAP_12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"


def envelope(members: str = "", method: str = "Login", namespace: str = SOAP_11, header: str = "") -> str:
    """Return an envelope."""
    return ENVELOPE.format(namespace=namespace, method=method, members=members, header=header)


def login_of(world: World, **members: str) -> str:
    """Return the envelope of a login."""
    given = {"Email": EMAIL, "Password": PASSWORD, "userrole": "15", "applicationToken": world.shop.application.token}
    return envelope("".join(f"<{name}>{value}</{name}>" for name, value in (given | members).items() if value))


def text_of(page: str) -> str:
    """Return what there is to read above the form."""
    main = page[page.index("<main") : page.index('<form method="post" action="/admin/explain"')]
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


def explain(visitor: Visitor, pasted: str, **fields: str) -> str:
    """Paste a text, and return what there is to read."""
    visitor.get(EXPLAIN)
    answer = visitor.post(EXPLAIN, {"pasted": pasted.replace("\n", "\r\n"), **fields})
    assert answer.status_code == 200, answer.status_code
    return text_of(answer.text)


FAULTS = {
    "not XML": ("text/xml", "<s:Envelope>"),
    "a bare ampersand": ("text/xml", envelope("<Email>a&b</Email>")),
    "a document type": ("text/xml", f"<!DOCTYPE a>{envelope()}"),
    "too deep": ("text/xml", envelope("<a>" * 40 + "</a>" * 40)),
    "another version": ("text/xml", envelope(namespace=SOAP_12)),
    "another version 1.2": ("application/soap+xml", envelope(namespace=SOAP_11)),
    "no body": ("text/xml", f'<s:Envelope xmlns:s="{SOAP_11}"/>'),
    "not understood": (
        "text/xml",
        envelope(header='<s:Header><w:Security xmlns:w="urn:w" s:mustUnderstand="1"/></s:Header>'),
    ),
    "no such method": ("text/xml", envelope(method="Logon")),
    "no such method 1.2": ("application/soap+xml", envelope(method="Logon", namespace=SOAP_12)),
    "another media type": ("application/xml", envelope()),
    "no such charset": ("text/xml; charset=klingon", envelope()),
}


def test_faults_are_told_as_the_service_gives_them(visit, world: World):
    """Code, text and status are those of the answer to the same request."""
    service, sue = Client(world.app), visit(SUE)
    for name, (content_type, body) in FAULTS.items():
        answer = service.post(SOAP, data=body.encode(), content_type=content_type)
        assert answer.status_code >= 400, name

        text = explain(sue, f"POST {SOAP} HTTP/1.1\nContent-Type: {content_type}\n\n{body}")

        (said,) = re.findall(r"<faultstring[^>]*>([^<]+)|<s:Text[^>]*>([^<]+)", answer.text)
        assert f"with HTTP {answer.status_code}: {''.join(said)}" in text, name
        assert "It comes to no operation" in text, name
        assert "What the caller should change:" in text, name


def test_a_fault_of_the_action(visit):
    """Of SOAPAction, which names another method than the body."""
    text = explain(
        visit(SUE), f'Content-Type: text/xml\nSOAPAction: "http://tempuri.org/IAccount/LogOff"\n\n{envelope()}'
    )

    assert "a:ActionNotSupported with HTTP 500" in text
    assert "The body asks for Login, and the action names another method" in text


def test_a_role_is_explained(visit, world: World):
    """The steps up to it, what it names, and what to change; the password is not tried, and not shown."""
    text = explain(visit(OLGA), login_of(world, userrole="20", Password="some wrong password"))

    assert "Refused, also if the password is right: RoleNotAllowed 34" in text
    assert "The call asks for the role Merchant, and the account is Customer." in text
    assert "Log in with the userrole that the account has." in text
    assert "Not tried The password" in text
    assert "Merchant Café Lumière" in text
    assert EMAIL in text
    assert "some wrong password" not in text
    assert world.shop.application.token not in text


def test_nothing_of_what_was_pasted_is_kept_or_logged(visit, world: World, caplog):
    """Neither in the page, nor in the log, nor in any table; no guess is counted."""
    secrets = {name: f"{name}-very-secret-value" for name in ("Password", "pushToken")}
    session = world.shop.log_in()
    head = f"POST {SOAP} HTTP/1.1\nContent-Type: text/xml\ncredentialsToken: {session}\nCookie: EncodedCookie=a-cookie"
    max_ = visit(MAX)
    max_.get(EXPLAIN)
    before = _rows(world)

    with caplog.at_level(logging.DEBUG):
        answer = max_.post(EXPLAIN, {"pasted": f"{head}\n\n{login_of(world, **secrets)}", "source": "203.0.113.99"})

    assert answer.status_code == 200
    assert _rows(world) == before
    for value in (*secrets.values(), session, "=a-cookie", world.shop.application.token):
        assert value not in answer.text
        assert value not in caplog.text
    for value in (EMAIL, "203.0.113.99"):
        assert value not in caplog.text
    assert "Login" not in " ".join(str(getattr(each, "fields", "")) for each in caplog.records)


def _rows(world: World) -> dict[str, list[str]]:
    """Return every row of every table but the operator's own sessions, whose use is noted."""
    with world.shop.core.database.reading() as db:
        found = [table for table in tables.metadata.sorted_tables if table.name != "operator_sessions"]
        return {table.name: sorted(map(repr, db.execute(sa.select(table)))) for table in found}


def test_a_form_of_another_site_explains_nothing(visit, world: World):
    """It could not read the answer, but would have the service work."""
    sue = visit(SUE)
    answer = sue.client.post(EXPLAIN, data={"pasted": login_of(world)})

    assert answer.status_code == 403
    assert "Step by step" not in answer.text


def test_support_sees_masked_values(visit, world: World):
    """Also those that it pasted: a page may be seen by others."""
    members = {"username": "jane", "deviceId": "phone-ours"}
    text = explain(visit(SUE), login_of(world, **members))

    assert EMAIL not in text
    assert "j***@e***.com" in text
    assert " jane " not in text
    assert "phone-ours" in text


@pytest.mark.parametrize("what", ["token", "session", "request"])
def test_another_merchants_is_as_if_it_were_not_there(what: str, visit, world: World):
    """To a manager; an owner sees it."""
    theirs = world.other
    email = theirs.account.email or ""
    session = theirs.log_in(email=email)
    refused = next(each for each in theirs.rows(tables.audit_entries) if each.outcome and each.merchant_id != 1)
    pasted = {
        "token": (login_of(world, applicationToken=theirs.application.token), login_of(world, applicationToken="none")),
        "session": tuple(f"credentialsToken: {each}\n\n{envelope(method='LogOff')}" for each in (session, "none")),
        "request": (refused.request_id, "00000000-0000-4000-8000-000000000000"),
    }[what]

    one, other = (explain(visit(MAX), each) for each in pasted)
    assert one.replace(pasted[0], "") == other.replace(pasted[1], "")
    assert "Other & Sons" not in one
    assert "Other & Sons" in explain(visit(OLGA), pasted[0])


def test_a_request_is_explained_by_its_id(visit, world: World):
    """What happened, whose account it is, what is so now, and what happened before and after."""
    set_account_status(world.call(), world.shop.account.id, AccountStatus.LOCKED)
    world.shop.login()
    entry = world.shop.rows(tables.audit_entries)[-1]
    assert entry.outcome == "AccountLocked"

    for pasted in (entry.request_id, f"X-Request-Id: {entry.request_id.upper()}"):
        text = explain(visit(SUE), pasted)
        assert "A login was refused. AccountLocked 31" in text
        assert "The password was right, and an operator had locked the account." in text
        assert "The account is locked, in the role Customer." in text
        assert "Named by its e-mail address" in text
        assert "account.changed" in text
        assert EMAIL not in text


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"password": "wrong"}, "There is an account of this name, and the password was wrong."),
        ({"email": "nobody@example.com"}, "No account of the merchant has the name that was given."),
    ],
)
def test_wrong_credentials_are_told_apart_by_the_id_alone(members: dict[str, str], why: str, visit, world: World):
    """Both callers got the same answer; the trail knows more."""
    assert world.shop.login(**members).return_code is ReturnCode.INVALID_CREDENTIALS

    entry = world.shop.rows(tables.audit_entries)[-1]

    assert why in explain(visit(SUE), entry.request_id)


def test_an_id_of_nothing_says_where_to_look(visit, world: World):
    """A fault leaves nothing in the trail; its id tells at least when it was."""
    answer = Client(world.app).post(SOAP, data=b"<", content_type="text/xml")

    text = explain(visit(SUE), answer.headers["X-Request-Id"])

    assert "The audit trail of your merchants has nothing of this request" in text
    assert "It came 20" in text
    assert "SOAP faults" in text


def test_json_needs_to_say_what_it_is_for(visit, world: World):
    """By its first line, or by what is chosen."""
    body = json.dumps({"Email": EMAIL, "Password": 5, "userrole": 20, "options": [{"setCookie": True}]})
    max_ = visit(MAX)
    max_.get(EXPLAIN)
    answer = max_.post(EXPLAIN, {"pasted": body})
    assert answer.status_code == 422
    assert "It does not say for which address it is." in answer.text

    token = world.shop.application.token
    head = f"POST https://login.example.com{SOAP}/Login HTTP/2\n> applicationToken: {token}"
    assert "RoleNotAllowed" in explain(max_, f"{head}\n\n{body}")
    assert "ApplicationTokenRequired" in explain(max_, body, address=f"{SOAP}/Login")
    assert "HTTP 400 with the message: The body is not JSON." in explain(max_, body + "}", address=f"{SOAP}/Login")
    assert "HTTP 404" in explain(max_, f"POST /v3/other.svc/Login\n\n{body}")


def test_a_signature_is_looked_at(visit, world: World):
    """One that is asked for and is not there; one that does not fit what was pasted may have fitted what was sent."""
    world.shop.set_application(signature="required", hash_key="a shared key")
    head = f"POST {SOAP}/Login\napplicationToken: {world.shop.application.token}"
    body = json.dumps({"Email": EMAIL, "Password": "x", "userrole": "15"})

    assert "Refused: InvalidSignature" in explain(visit(MAX), f"{head}\n\n{body}")
    text = explain(visit(MAX), f"{head}\nSignature: bytes-SHA256, AAAA\n\n{body}")
    assert "Not tried The signature" in text
    assert "It depends on the signature and the password" in text


def test_a_partners_call_is_explained(visit, world: World):
    """Its secret by name and end, its merchant, its guest; none of its secrets is shown."""
    numbers = world.numbers["ours"]
    secret = add_integration_secret(world.call(), numbers["integration_id"])
    head = "POST /rest/24.1/guestmanagement/generateAndSendGuestResetPasswordCode.json"
    body = json.dumps({"merchantId": numbers["merchant_id"], "username": "nobody"})
    max_ = visit(MAX)

    text = explain(max_, f"{head}\nAuthorization: {basic('partner-ours', secret)}\n\n{body}")
    assert "Refused: AccountNotFound 70" in text
    assert "client_id partner-ours" not in text or "hidden" in text
    assert secret not in text
    wrong = explain(max_, f"{head}\nAuthorization: {basic('partner-ours', 'none')}\n\n{body}")
    assert "The secret is none of Partner" in wrong
    missing = explain(max_, f"{head}\nAuthorization: {basic('partner-ours', secret)}\n\n{{}}")
    assert "Refused: MissingField 11" in missing
    assert "InvalidClientCredentials" in explain(max_, f"{head}\n\n{body}")
    theirs = explain(max_, f"{head}\nAuthorization: {basic('partner-theirs', secret)}\n\n{body}")
    assert "The client id names no integration at the merchants that you look after." in theirs


def test_an_outcome_is_explained_with_the_newest_of_it(visit, world: World):
    """Of one's own merchants; home leads there."""
    home = visit(OLGA).get("/admin/").text
    assert f'href="{EXPLAIN}?outcome=InvalidCredentials"' in home

    seen = {name: text_of(visit(name).get(f"{EXPLAIN}?outcome=InvalidCredentials").text) for name in (OLGA, MAX)}
    assert "No account has the name that was given, or the password was wrong." in seen[MAX]
    assert [text.count("login.refused") for text in seen.values()] == [2, 1]


def test_entries_lead_to_their_explanation(visit, world: World):
    """From the audit trail, and from the account."""
    entry = next(each for each in world.shop.rows(tables.audit_entries) if each.outcome)
    pages = pages_of(world)
    for page in (pages["audit"], pages["account"]):
        assert f'href="{EXPLAIN}?request={entry.request_id}"' in visit(SUE).get(page).text


def test_the_trail_is_verified_part_by_part(visit, world: World, monkeypatch):
    """As much at a time as a page may take; what was changed past the service is found, and nothing else."""
    monkeypatch.setattr("gatehouse.operations.audit_verification.PART_ENTRIES", 3)
    for _ in range(3):
        Sealer(world.shop.core).seal_now()
        world.shop.log_in()
        world.shop.log_in()
    merchant = f"/admin/merchants/{world.numbers['ours']['merchant_id']}/audit"
    sue = visit(SUE)

    newest = sue.get(f"{merchant}/verify").text
    assert "Nothing was changed, removed or added" in newest
    assert "not verified here" in newest
    part, parts = newest, []
    while found := re.search(rf'href="({merchant}/verify\?seal=\d+)"', part):
        parts.append(found[1])
        part = sue.get(found[1]).text
        assert "Nothing was changed, removed or added" in part
    assert "it is the beginning" in part
    assert len(parts) > 1

    with world.shop.core.database.writing() as db:
        entries = tables.audit_entries
        first = db.execute(sa.select(sa.func.min(entries.c.id)).where(entries.c.merchant_id == 1)).scalar_one()
        db.execute(sa.update(entries).where(entries.c.id == first).values(source="198.51.100.1"))
    assert "was changed, or made with another secret key" in sue.get(parts[-1]).text
    assert "Nothing was changed, removed or added" in sue.get(f"{merchant}/verify").text


def test_a_refusal_of_the_form_is_tied_to_its_box(world: World, reader: Operator):
    """From the menu by keyboard, without scripts: the box has the focus."""
    page = reader.open("/admin", java_script_enabled=False)
    reader.sign_in_on(page, OLGA)
    page.get_by_role("link", name="Explain a failure").press("Enter")
    expect(heading(page)).to_have_text("Explain a failure")
    box = page.get_by_label("The id of a request, or the request")
    box.fill("{}")
    page.get_by_role("button", name="Explain").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("It does not say for which address it is.")
    expect(box).to_be_focused()
    expect(box).to_have_accessible_description(re.compile("^It does not say for which address it is."))
    expect(page).to_have_title(re.compile("^Error: Explain a failure"))


def test_an_explained_envelope_is_good_for_everybody(world: World, reader: Operator):
    """One that comes to an operation, and one that does not."""
    page = reader.sign_in(OLGA)
    page.goto(reader.address + EXPLAIN)
    box = page.get_by_label("The id of a request, or the request")
    head = f"POST {SOAP} HTTP/1.1\nContent-Type: text/xml; charset=utf-8\nUser-Agent: Till/2.1\nSOAPAction: Login"
    box.fill(f"{head}\n\n{login_of(world, userrole='20', deviceId='phone-ours')}")
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_role("heading", level=2).first).to_contain_text("RoleNotAllowed")
    reader.assert_accessible(page)
    reader.picture(page, "explain-envelope")

    box.fill(f"Content-Type: text/xml\n\n{envelope(method='Logon')}")
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text("It comes to no operation")
    reader.assert_accessible(page)
    reader.picture(page, "explain-fault")


def test_an_explained_request_is_good_for_everybody(world: World, reader: Operator):
    """By its id, and from there to its outcome."""
    page = reader.sign_in(OLGA)
    entry = next(each for each in world.shop.rows(tables.audit_entries) if each.outcome)
    page.goto(f"{reader.address}{EXPLAIN}?request={entry.request_id}")
    expect(page.get_by_text("There is an account of this name")).to_be_visible()
    reader.assert_accessible(page)
    reader.picture(page, "explain-request")
    page.get_by_role("link", name="InvalidCredentials").first.click()
    expect(page.get_by_role("heading", level=2).first).to_contain_text("InvalidCredentials")
    page.get_by_label("The id of a request, or the request").fill("{}")
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_role("alert")).to_be_visible()
    reader.assert_accessible(page)
    reader.picture(page, "explain-refused")
