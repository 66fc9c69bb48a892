"""What the panel's forms let through: whose records they name, and what a start password is good for."""

import re

from gatehouse.delivery.templates import render
from gatehouse.domain.operators import OperatorRole
from gatehouse.fronts.admin.views import GROUPS
from gatehouse.operations import integrations, operators
from gatehouse.operations.revisions import revision_of
from tests.conformance.admin.conftest import MAX, OLGA, SUE, World
from tests.conformance.admin.test_rights import address_of

CHOSEN = "ten white storks land"


def integration_page(world: World) -> str:
    """Return the address of the first merchant's integration."""
    numbers = world.numbers["ours"]
    return f"/admin/merchants/{numbers['merchant_id']}/integrations/{numbers['integration_id']}"


def fields_of(world: World, **values: str) -> dict[str, str]:
    """Return what the form of the integration sends, with the revision that it has now."""
    found = integrations.show_integration(world.call(), world.numbers["ours"]["integration_id"])
    seen = revision_of(integrations.values_of(world.call(), found))
    return {"name": "Partner", "authentication": "b2b", "revision": seen, **values}


def test_an_integration_calls_for_nobody_that_the_operator_does_not_work_for(visit, world: World):
    """A form that names another merchant gives it nothing, and one that names none takes nothing away there."""
    integration_id, theirs = world.numbers["ours"]["integration_id"], world.numbers["theirs"]["merchant_id"]
    max_ = visit(MAX)
    answer = max_.post(f"{integration_page(world)}/change", fields_of(world, merchant_ids=str(theirs)))
    assert answer.status_code == 303
    found = integrations.show_integration(world.call(), integration_id)
    assert list(integrations.merchants_of(world.call(), found)) == [found.merchant_id]

    olga = visit(OLGA)
    olga.post(f"{integration_page(world)}/change", fields_of(world, merchant_ids=str(theirs)))
    assert list(integrations.merchants_of(world.call(), found)) == [found.merchant_id, theirs]
    page = max_.get(integration_page(world)).text
    assert "1 that you do not look after" in page
    assert "Other &amp; Sons" not in page
    assert max_.post(f"{integration_page(world)}/change", fields_of(world, name="Renamed")).status_code == 303
    found = integrations.show_integration(world.call(), integration_id)
    assert found.name == "Renamed"
    assert list(integrations.merchants_of(world.call(), found)) == [found.merchant_id, theirs]


def test_the_former_address_of_an_account_gets_a_mail(visit, world: World):
    """In the language of the merchant's mails; it tells the new one to nobody, and has no link."""
    world.shop.set_merchant(language="de")
    account = world.shop.account
    page = f"/admin/merchants/{account.merchant_id}/accounts/{account.id}/change"
    max_ = visit(MAX)
    text = max_.get(page).text
    sent = {"email": "jane.new@example.com", "role": str(account.role), "username": account.username or ""}
    sent["revision"] = re.search(r'name="revision" value="([^"]+)"', text)[1]

    assert max_.post(page, sent).status_code == 303

    queued = world.shop.messages("email_changed")
    assert [each.recipient for each in queued] == [account.email]
    mail = render(queued[0])
    assert mail.subject == "Café Lumière: Ihre E-Mail-Adresse wurde geändert"
    assert "jane.new@example.com" not in mail.text + mail.html
    assert "http" not in mail.text + mail.html


def test_a_start_password_opens_nothing_else(visitor, world: World):
    """Every page leads to the one where another password is chosen; nothing can be done by a form either."""
    merchant_id = world.numbers["ours"]["merchant_id"]
    _, password = operators.invite_operator(world.call(), "nina", OperatorRole.MANAGER, [merchant_id])
    visitor.sign_in("nina", password)
    visitor.get("/admin/own-account/password")
    before = world.shop.events()
    for task in (task for group in GROUPS for task in group.found):
        if task.right is None or task.endpoint in ("own_account_password", "sign_in_out"):
            continue
        for method in task.methods:
            address = address_of(task, world.numbers["ours"])
            answer = visitor.client.open(address, method=method, data={"form_token": visitor.token})
            assert answer.status_code == 303, task.endpoint
            assert answer.headers["Location"] == "/admin/own-account/password?done=own_password_owed", task.endpoint
    assert world.shop.events() == before

    fields = {"old_password": password, "new_password": CHOSEN, "new_password_again": CHOSEN}
    assert visitor.post("/admin/own-account/password", fields).status_code == 303
    assert "Café Lumière" in visitor.get("/admin/merchants").text


def test_a_secret_that_was_typed_is_not_shown_again(visit, world: World):
    """Everything else that was typed is."""
    page = f"/admin/merchants/{world.numbers['ours']['merchant_id']}/applications/add"
    max_ = visit(MAX)
    answer = max_.post(page, {"name": "Till", "origins": "nowhere", "token": "a-token-of-old-programs"})

    assert answer.status_code == 422
    assert "a-token-of-old-programs" not in answer.text
    assert 'value="Till"' in answer.text
    assert "nowhere</textarea>" in answer.text


def test_an_undo_that_is_not_for_the_page_is_not_offered(visit, world: World):
    """The name of a notice stands in the address, where anybody may put another one."""
    page = visit(MAX).get("/admin/merchants?done=account_disabled")

    assert page.status_code == 200
    assert ">Undo<" not in page.text


def test_support_finds_no_button_that_would_be_refused(visit, world: World):
    """Neither in lists nor on the pages of records."""
    sue, merchant = visit(SUE), f"/admin/merchants/{world.numbers['ours']['merchant_id']}"
    numbers = world.numbers["ours"]
    for path in (
        "/admin/merchants",
        merchant,
        f"{merchant}/accounts",
        f"{merchant}/accounts/{numbers['account_id']}",
        f"{merchant}/applications",
        f"{merchant}/applications/{numbers['application_id']}",
        f"{merchant}/integrations",
        integration_page(world),
    ):
        text = sue.get(path).text
        assert "/add" not in text, path
        assert "/change" not in text, path
        assert "/admin/operators" not in text, path
