"""What an operator does in the panel: find an account, help its owner, block a device."""

import csv
import html
import re
from datetime import timedelta

import pytest

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.tolerances import Tolerance
from gatehouse.fronts.admin.views import home
from gatehouse.operations import callers, clients
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.login import LoginRequest, login
from gatehouse.storage import tables
from tests.conformance.admin.conftest import HERE, MAX, OLGA, PHONE, SUE, Visitor, World
from tests.factories import EMAIL, USERNAME


def account_page(world: World) -> str:
    """Return the address of the first merchant's account."""
    numbers = world.numbers["ours"]
    return f"/admin/merchants/{numbers['merchant_id']}/accounts/{numbers['account_id']}"


def devices_page(world: World) -> str:
    """Return the address of the first merchant's devices."""
    return f"/admin/merchants/{world.numbers['ours']['merchant_id']}/devices"


def text_of(page: str) -> str:
    """Return what there is to read."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


@pytest.mark.parametrize(
    "wanted", [EMAIL, " JANE@Example.com ", USERNAME, "+12015550123", "(201) 555-0123", "6006-4912-0000-1001", "number"]
)
def test_an_account_is_found_by_whatever_one_has(wanted: str, visit, world: World):
    """One that is found alone is opened at once."""
    numbers = world.numbers["ours"]
    with world.shop.core.database.writing() as db:
        values = {"merchant_id": numbers["merchant_id"], "account_id": numbers["account_id"]}
        db.execute(tables.cards.insert().values(**values, printed_number="x", number_key="6006491200001001"))
    wanted = str(numbers["account_id"]) if wanted == "number" else wanted

    answer = visit(SUE).client.get(f"/admin/merchants/{numbers['merchant_id']}/accounts", query_string={"q": wanted})

    assert answer.headers["Location"] == account_page(world)


@pytest.mark.parametrize(
    "wanted", ["ruth@example.org", "ruth", PHONE, "theirs", "nobody", "jane@example", "%", "' OR 1"]
)
def test_what_is_not_there_is_not_found(wanted: str, visit, world: World):
    """Also when another merchant has it; the page says what to do next."""
    wanted = str(world.numbers["theirs"]["account_id"]) if wanted == "theirs" else wanted
    merchant_id = world.numbers["ours"]["merchant_id"]

    answer = visit(OLGA).client.get(f"/admin/merchants/{merchant_id}/accounts", query_string={"q": wanted})

    assert answer.status_code == 200
    assert "Check for a typing error" in answer.text


def test_an_account_shows_all_that_belongs_to_it(visit, world: World):
    """Sessions, login cookies, devices, messages, and what happened."""
    text = text_of(visit(OLGA).get(account_page(world)).text)

    for expected in (
        "jane@example.com",
        "Application ",
        "Good until",
        "phone-ours",
        "till-ours",
        "Password changed",
        "Reset code",
        "session.started",
        "login.refused",
        "InvalidCredentials",
    ):
        assert expected in text
    assert "theirs" not in text
    assert "ruth" not in text


def test_an_account_is_locked_and_unlocked(visit, world: World):
    """It asks first; what is done counts at once, is audited with before and after, and names the operator."""
    max_ = visit(MAX)
    assert "Its sessions and login cookies end" in max_.get(f"{account_page(world)}/lock").text
    assert world.shop.present_account().status == "Active"

    answer = max_.post(f"{account_page(world)}/lock")
    assert "The account is locked." in max_.get(answer.headers["Location"]).text
    assert world.shop.login().return_code is ReturnCode.ACCOUNT_LOCKED
    entry = world.shop.rows(tables.audit_entries)[-2]
    assert entry.event == "account.changed"
    assert entry.changes == {"status": ["Active", "Locked"]}
    assert entry.source == f"operator:{world.operator(MAX).id} {HERE}"

    assert "<h1>Unlock jane@example.com</h1>" in max_.get(f"{account_page(world)}/unlock").text
    max_.post(f"{account_page(world)}/unlock")
    assert world.shop.login().return_code is ReturnCode.SUCCESS


def test_unlocking_forgets_wrong_passwords(visit, world: World):
    """Somebody tried them from everywhere, so that the owner has to wait; the operator lets the owner in."""
    for number in range(world.shop.core.settings.guesses_per_account):
        caller = Caller(application_token=world.shop.application.token, source=f"203.0.113.{number}")
        login(Call(world.shop.core, caller), LoginRequest(email=EMAIL, password="wrong", user_role="15"))
    assert world.shop.login().return_code is ReturnCode.TOO_MANY_REQUESTS
    max_ = visit(MAX)
    asked = max_.get(f"{account_page(world)}/unlock").text
    assert "<h1>Forget the wrong passwords for jane@example.com</h1>" in asked
    assert "Unlock" not in asked
    max_.post(f"{account_page(world)}/unlock")

    assert world.shop.login().return_code is ReturnCode.SUCCESS


def test_an_account_is_disabled_and_enabled(visit, world: World):
    """An unlock does not enable it by accident."""
    max_ = visit(MAX)
    max_.post(f"{account_page(world)}/disable")
    assert world.shop.login().return_code is ReturnCode.ACCOUNT_DISABLED
    answer = max_.post(f"{account_page(world)}/unlock")
    assert answer.status_code == 409
    assert "enable it instead" in answer.text

    max_.post(f"{account_page(world)}/enable")
    assert world.shop.login().return_code is ReturnCode.SUCCESS


def test_sessions_are_ended(visit, world: World):
    """All of the account's, with its login cookies; others' stay."""
    visit(MAX).post(f"{account_page(world)}/end-sessions")

    ended = {row.account_id: row.ended_at is not None for row in world.shop.rows(tables.sessions)}
    assert ended[world.numbers["ours"]["account_id"]] is True
    assert ended[world.numbers["theirs"]["account_id"]] is False
    text = text_of(visit(MAX).get(account_page(world)).text)
    assert "Nobody is logged in." in text
    assert "No browser or application stays logged in." in text


def test_support_starts_a_reset(visit, world: World):
    """The mail goes to the owner; the address is masked on the page."""
    sue, before = visit(SUE), len(world.shop.messages("reset_code"))
    page = sue.get(f"{account_page(world)}/reset")
    assert "j***@e***.com" in page.text
    assert "Start a reset" in sue.get(account_page(world)).text
    sue.post(f"{account_page(world)}/reset")

    sent = world.shop.messages("reset_code")
    assert len(sent) == before + 1
    assert sent[-1].recipient == EMAIL


def test_too_many_mails_are_refused(visit, world: World):
    """The operator's button is no way around the limit."""
    sue = visit(SUE)
    statuses = [sue.post(f"{account_page(world)}/reset").status_code for _ in range(10)]

    assert statuses[0] == 303
    assert statuses[-1] == 409


def test_devices_are_blocked_many_at_once(visit, world: World):
    """It says which and how many, asks, and does it; the sessions on them end."""
    sue = visit(SUE)
    numbers = [row.id for row in world.shop.rows(tables.devices) if "ours" in row.device_id]
    assert len(numbers) == 2
    page = sue.post(f"{devices_page(world)}/block", {"device_number": [str(each) for each in numbers]})
    assert "Block 2 devices" in page.text
    assert "phone-ours" in page.text
    assert _blocked(world) == set()

    fields = {"device_number": [str(each) for each in numbers], "is_confirmed": "yes"}
    answer = sue.post(f"{devices_page(world)}/block", fields)
    assert "Blocked." in sue.get(answer.headers["Location"]).text
    assert _blocked(world) == set(numbers)
    sue.post(f"{devices_page(world)}/unblock", fields)
    assert _blocked(world) == set()
    events = [row.event for row in world.shop.rows(tables.audit_entries)]
    assert events.count("device.blocked") == events.count("device.unblocked") == 2


def _blocked(world: World) -> set[int]:
    return {row.id for row in world.shop.rows(tables.devices) if row.blocked_at is not None}


@pytest.mark.parametrize("name", [OLGA, MAX, SUE])
def test_devices_of_another_merchant_are_not_touched(name: str, visit, world: World):
    """Though their numbers are sent with a form of one's own merchant."""
    visitor, theirs = visit(name), str(world.numbers["theirs"]["device_number"])
    for action in ("block", "unblock") + (("forget",) if name != SUE else ()):
        fields = {"device_number": theirs, "is_confirmed": "yes"}
        answer = visitor.post(f"{devices_page(world)}/{action}", fields)
        assert answer.headers["Location"].endswith("?done=nothing_chosen")

    row = next(row for row in world.shop.rows(tables.devices) if row.id == int(theirs))
    assert row.blocked_at is None


def test_a_device_is_forgotten(visit, world: World):
    """A blocked one is not, because it could register again; the trail keeps that it was there."""
    max_, number = visit(MAX), world.numbers["ours"]["device_number"]
    fields = {"device_number": str(number), "is_confirmed": "yes"}
    max_.post(f"{devices_page(world)}/block", fields)
    answer = max_.post(f"{devices_page(world)}/forget", fields)
    assert answer.status_code == 409
    assert f"lift the block of {number}" in text_of(answer.text)
    max_.post(f"{devices_page(world)}/unblock", fields)
    max_.post(f"{devices_page(world)}/forget", fields)

    assert number not in {row.id for row in world.shop.rows(tables.devices)}
    entry = world.shop.rows(tables.audit_entries)[-1]
    assert (entry.event, entry.subject) == ("device.forgotten", str(number))
    session = world.shop.log_in()
    assert world.shop.register(session, "phone-ours", PHONE) > number, "and may be registered anew"


def test_devices_are_filtered(visit, world: World):
    """By state, by application and by name; a filter that finds nothing says so."""
    olga = visit(OLGA)
    for query, phone, till in (
        ("", True, True),
        ("?state=activated", True, False),
        ("?state=registered", False, True),
        ("?state=blocked", False, False),
        ("?device=till-ours", False, True),
        (f"?application={world.numbers['ours']['application_id']}", True, True),
        (f"?application={world.numbers['theirs']['application_id']}", False, False),
    ):
        text = olga.get(devices_page(world) + query).text
        assert ("Choose phone-ours" in text, "Choose till-ours" in text) == (phone, till), query
        assert ("No device is like this" in text) == (not phone and not till)


def test_lists_are_paged_by_number(visit, world: World):
    """Each record once, however many are added meanwhile."""
    template = world.shop.present_account()._asdict()
    number = template.pop("id")
    with world.shop.core.database.writing() as db:
        new = {"email": None, "email_key": None, "customer_number": None}
        rows = [template | new | {"username": f"n{each}", "username_key": f"n{each}"} for each in range(119)]
        db.execute(tables.accounts.insert(), rows)
    olga, path, seen = visit(OLGA), f"/admin/merchants/{world.numbers['ours']['merchant_id']}/accounts", []
    while path:
        text = olga.get(path).text
        seen += [int(each) for each in re.findall(r'/accounts/(\d+)"', text)]
        older = re.search(r'rel="next" href="([^"]+)"', text)
        path = html.unescape(older[1]) if older else None

    assert len(seen) == len(set(seen)) == 120
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == number


def test_a_message_is_sent_again(visit, world: World):
    """One that was given up: the page says why, and each step of it; one that waits is not sent twice."""
    max_, number = visit(MAX), world.numbers["ours"]["message_id"]
    page = f"/admin/merchants/{world.numbers['ours']['merchant_id']}/messages"
    assert max_.post(f"{page}/{number}/resend").status_code == 409
    assert "No message is abandoned." in max_.get(f"{page}?state=abandoned").text
    with world.shop.core.database.writing() as db:
        changed = tables.messages.update().where(tables.messages.c.id == number)
        db.execute(changed.values(state="abandoned", failure="550 no such user", expires_at=None))

    assert "550 no such user" in max_.get(f"{page}?state=abandoned").text
    assert "Send again" in max_.get(f"{page}/{number}").text
    answer = max_.post(f"{page}/{number}/resend")
    text = text_of(max_.get(answer.headers["Location"]).text)
    assert "The message is queued again." in text
    assert "sent again by an operator" in text
    assert world.shop.rows(tables.audit_entries)[-1].event == "message.requeued"


def test_a_token_is_made_and_shown_once(visit, world: World):
    """The old one ends; support has no button for it."""
    max_, numbers = visit(MAX), world.numbers["ours"]
    page = f"/admin/merchants/{numbers['merchant_id']}/applications/{numbers['application_id']}"
    answer = max_.post(f"{page}/token")
    token = re.search(r'class="secret">([0-9A-F-]{36})<', answer.text)[1]

    assert world.shop.login().return_code is ReturnCode.INVALID_APPLICATION_TOKEN
    assert world.shop.login(token=token).return_code is ReturnCode.SUCCESS
    assert token not in max_.get(page).text
    assert "Make a new token" not in visit(SUE).get(page).text
    assert re.search(r'class="secret">[\w-]{43}<', max_.post(f"{page}/hash-key").text)
    max_.post(f"{page}/disable")
    assert world.shop.login(token=token).return_code is ReturnCode.INVALID_APPLICATION_TOKEN
    max_.post(f"{page}/enable")
    assert world.shop.login(token=token).return_code is ReturnCode.SUCCESS


def test_a_secret_is_replaced_without_a_gap(visit, world: World):
    """Two live at a time; a third is refused until one was ended."""
    max_, numbers = visit(MAX), world.numbers["ours"]
    page = f"/admin/merchants/{numbers['merchant_id']}/integrations/{numbers['integration_id']}"
    assert re.search(r'class="secret">[\w-]{43}<', max_.post(f"{page}/secrets").text)
    assert max_.post(f"{page}/secrets").status_code == 409
    assert "Give it another one" not in max_.get("/admin/").text, "there is one that goes on"
    secrets = re.findall(r"/secrets/(\d+)/end", max_.get(page).text)
    assert len(secrets) == 2
    answer = max_.post(f"{page}/secrets/{secrets[0]}/end")

    assert "The secret has ended." in max_.get(answer.headers["Location"]).text
    assert max_.post(f"{page}/secrets").status_code == 200
    theirs = next(
        row
        for row in world.shop.rows(tables.integration_secrets)
        if row.integration_id == world.numbers["theirs"]["integration_id"]
    )
    assert max_.post(f"{page}/secrets/{theirs.id}/end").status_code == 409
    max_.post(f"{page}/disable")
    assert "Disabled" in max_.get(page).text
    max_.post(f"{page}/enable")
    assert "Enabled" in max_.get(page).text


def test_a_secret_that_ends_soon_is_told(visit, world: World):
    """Before the partner is shut out."""
    number = world.numbers["ours"]["integration_id"]
    with world.shop.core.database.writing() as db:
        ends_at = world.shop.clock.moment + timedelta(days=13)
        changed = tables.integration_secrets.update().where(tables.integration_secrets.c.integration_id == number)
        db.execute(changed.values(expires_at=ends_at))

    assert "The last secret of the integration Partner ends on 2026-03-14." in visit(MAX).get("/admin/").text


def test_clients_are_listed_with_what_was_tolerated(visit, world: World):
    """By stack; those of another merchant are not there."""
    for shop, stack in ((world.shop, "Axis/1.4"), (world.other, "gSOAP/2.8")):
        call = shop.call()
        with call.reading():
            callers.find_application(call)
        clients.note_call(call, "Login", stack, [Tolerance.GZIP])
    clients.write_counts(world.shop.core)

    text = text_of(visit(SUE).get(f"/admin/merchants/{world.numbers['ours']['merchant_id']}/clients").text)
    assert "Axis/1.4" in text
    assert "gSOAP" not in text
    assert Tolerance.GZIP.value.replace("_", " ") in text


def test_the_trail_is_filtered(visit, world: World):
    """By event, outcome, account and request; the values before and after are for who may see them."""
    max_, numbers = visit(MAX), world.numbers["ours"]
    page = f"/admin/merchants/{numbers['merchant_id']}/audit"
    max_.post(f"{account_page(world)}/lock")
    text = text_of(max_.get(f"{page}?event=account.changed").text)
    assert "status: Active → Locked" in text
    assert "operator:" in text
    assert "session.started done" not in text
    assert "status: Active" not in text_of(visit(SUE).get(f"{page}?event=account.changed").text)
    assert "InvalidCredentials" in max_.get(f"{page}?outcome=InvalidCredentials").text
    assert "No entry is like this" in max_.get(f"{page}?outcome=DeviceBlocked").text
    assert "No entry is like this" in max_.get(f"{page}?account={world.numbers['theirs']['account_id']}").text
    request = world.shop.rows(tables.audit_entries)[-1].request_id
    assert "account.changed" in max_.get(f"{page}?request={request}").text


def test_the_trail_is_taken_away(visit, world: World):
    """One merchant's, with a line for each entry; no cell is a formula for a spreadsheet."""
    with world.shop.core.database.writing() as db:
        db.execute(tables.audit_entries.update().values(subject="=1+1"))
    answer = visit(MAX).get(f"/admin/merchants/{world.numbers['ours']['merchant_id']}/audit/export")

    assert answer.headers["Content-Type"].startswith("text/csv")
    lines = list(csv.DictReader(answer.text.splitlines()))
    assert [line["event"] for line in lines] == [event for event, _ in world.shop.events()]
    assert {line["subject"] for line in lines} == {"'=1+1"}


def test_home_tells_what_needs_attention(visit, world: World):
    """Messages that nobody sends, and a second factor that is not there."""
    text = text_of(visit(OLGA).get("/admin/").text)
    assert "Add a second factor" in text
    assert "should have been sent" not in text

    world.shop.clock.advance(minutes=11)
    text = text_of(visit(OLGA).get("/admin/").text)
    assert re.search(r"\d+ messages should have been sent ten minutes ago", text)
    with world.shop.core.database.writing() as db:
        db.execute(tables.messages.update().values(state="abandoned"))
    text = text_of(visit(MAX).get("/admin/").text)
    assert re.search(r"messages could not be delivered: Café Lumière", text)
    assert "Other" not in text


def test_a_broken_page_tells_nothing(visitor: Visitor, monkeypatch, caplog):
    """The log says where it broke, and under which request."""
    visitor.sign_in(OLGA)
    monkeypatch.setattr(home.overview, "show_overview", lambda *_: 1 / 0)

    answer = visitor.get("/admin/")

    assert answer.status_code == 500
    assert "This did not work" in answer.text
    assert "ZeroDivision" not in answer.text
    assert "ZeroDivisionError at gatehouse.fronts.admin.views.home" in caplog.text
    assert answer.headers["X-Request-Id"] in caplog.text
