"""What an owner is asked for once more before it changes who signs in: password, and code of a second factor."""

import re

import pytest
from playwright.sync_api import expect

from gatehouse.domain.operators import PROOF_LIFETIME, OperatorRole
from gatehouse.fronts.admin.views import GROUPS, operators
from gatehouse.operations.operators import show_operator
from gatehouse.operations.revisions import revision_of
from tests.conformance.admin.conftest import MAX, OLGA, PASSWORDS, SUE, Operator, World
from tests.conformance.admin.test_rights import address_of
from tests.conformance.admin.test_sign_in import SESSION, code_of, enrol

ASKED = "Confirm that it is you"
CHANGING = [task for task in operators.tasks.found if "POST" in task.methods]


def wait(world: World) -> None:
    """Let the proof of signing in become too old; the session lives on."""
    world.shop.clock.advance(seconds=PROOF_LIFETIME.total_seconds())


def events(world: World) -> list[str]:
    """Return what happened to the owner, oldest first."""
    return [each.event for each in reversed(show_operator(world.call(), world.operator(OLGA).id)[2])]


def test_all_that_changes_operators_wants_a_proof_and_nothing_that_is_looked_at():
    """Also what is added later."""
    wanting = [task.endpoint for group in GROUPS for task in group.found if task.wants_proof]

    assert wanting == [task.endpoint for task in CHANGING]
    assert len(wanting) >= 7


@pytest.mark.parametrize("task", CHANGING, ids=lambda task: task.endpoint)
def test_nothing_is_shown_or_done_without_one(task, visit, world: World):
    """Ten minutes after signing in, and not before."""
    olga = visit(OLGA)
    address = address_of(task, world.numbers["ours"])
    assert ASKED not in olga.get(address).text
    wait(world)

    opened, sent = olga.get(address), olga.post(address)
    assert (opened.status_code, sent.status_code) == (200, 403)
    assert ASKED in opened.text
    assert ASKED in sent.text
    assert world.operator(MAX).disabled_at is None
    assert events(world)[-1] == "operator.signed_in"


def test_a_page_is_opened_after_the_proof(visit, world: World):
    """The same, with a session of a new token; then nothing more is asked."""
    olga = visit(OLGA)
    address = f"/admin/operators/{world.operator(MAX).id}/disable"
    wait(world)
    olga.get(address)
    before = olga.client.get_cookie(SESSION).value
    refused = olga.post(address, {"proof_for_page": "yes", "proof_password": "wrong"})
    assert refused.status_code == 422
    assert "Your present password is wrong." in refused.text
    assert 'wrong"' not in refused.text

    answer = olga.post(address, {"proof_for_page": "yes", "proof_password": PASSWORDS[OLGA]})

    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    assert olga.client.get_cookie(SESSION).value != before
    assert world.operator(MAX).disabled_at is None, "to confirm is not to disable"
    assert "Disable max" in olga.get(address).text
    assert olga.post(address).status_code == 303
    assert world.operator(MAX).disabled_at is not None
    assert "operator.confirmed" in events(world)
    olga.client.set_cookie(SESSION, before)
    assert olga.get("/admin/").status_code == 303, "the session before has ended"


def test_what_was_sent_is_done_after_the_proof(visit, world: World):
    """With all that was typed and chosen; what another operator changed meanwhile is still not overwritten."""
    olga, max_ = visit(OLGA), world.operator(MAX)
    address = f"/admin/operators/{max_.id}/change"
    theirs = str(world.numbers["theirs"]["merchant_id"])
    olga.get(address)
    seen = re.search(r'name="revision" value="([^"]+)"', olga.get(address).text)[1]
    fields = {"role": "support", "merchant_ids": ["1", theirs], "revision": seen}
    wait(world)

    asked = olga.post(address, fields)
    waiting = re.findall(r'<input type="hidden" name="(?!form_token)([^"]+)" value="([^"]*)">', asked.text)
    assert sorted(waiting) == sorted(
        [("role", "support"), ("merchant_ids", "1"), ("merchant_ids", theirs), ("revision", seen)]
    )
    refused = olga.post(address, fields | {"proof_password": ""})
    assert refused.status_code == 422
    assert re.findall(r'<input type="hidden" name="(?!form_token)([^"]+)" value="([^"]*)">', refused.text) == waiting

    assert olga.post(address, fields | {"proof_password": PASSWORDS[OLGA]}).status_code == 303
    found, merchant_ids, _ = show_operator(world.call(), max_.id)
    assert (found.role, list(merchant_ids)) == (OperatorRole.SUPPORT, [1, int(theirs)])
    assert revision_of({"role": found.role, "merchant_ids": list(merchant_ids)}) != seen
    olga.get(address)
    assert olga.post(address, fields).status_code == 409


def test_a_second_factor_is_asked_for_as_well(visit, world: World):
    """The password alone does nothing, and a code that was used does neither."""
    olga = visit(OLGA)
    secret, codes = enrol(world, olga)
    wait(world)
    address = f"/admin/operators/{world.operator(MAX).id}/end-sessions"
    assert "Code of your second factor" in olga.get(address).text
    code = code_of(world, secret)
    for given in ("", "000000"):
        answer = olga.post(address, {"proof_password": PASSWORDS[OLGA], "proof_code": given})
        assert answer.status_code == 422
        assert "This code is wrong, or was used before." in answer.text

    assert olga.post(address, {"proof_password": PASSWORDS[OLGA], "proof_code": code}).status_code == 303
    wait(world)
    olga.get(address)
    assert olga.post(address, {"proof_password": PASSWORDS[OLGA], "proof_code": code}).status_code == 422
    assert olga.post(address, {"proof_password": PASSWORDS[OLGA], "proof_code": codes[0]}).status_code == 303


def test_guesses_are_bounded(visit, world: World):
    """By the budget of an operator's own session: no other page takes the password then either."""
    olga = visit(OLGA)
    address = "/admin/operators/add"
    wait(world)
    olga.get(address)
    for _ in range(world.shop.core.settings.guesses_per_account):
        assert "is wrong" in olga.post(address, {"proof_password": "wrong"}).text

    for path, field in ((address, "proof_password"), ("/admin/own-account/password", "old_password")):
        answer = olga.post(path, {field: PASSWORDS[OLGA], "new_password": "x", "new_password_again": "x"})
        assert answer.status_code == 422
        assert "There were too many wrong passwords." in answer.text


def test_a_proof_of_another_session_is_none(visit, world: World):
    """The form's token is that of the session, and signing in elsewhere proves nothing here."""
    olga, elsewhere = visit(OLGA), visit(OLGA)
    wait(world)
    again = visit(OLGA)
    address = "/admin/operators/add"
    olga.get(address)
    olga.token, kept = elsewhere.token, olga.token
    refused = olga.post(address, {"proof_password": PASSWORDS[OLGA]})
    assert refused.status_code == 403
    assert "Nothing was done" in refused.text
    olga.token = kept

    assert ASKED in olga.get(address).text
    assert ASKED not in again.get(address).text


def test_who_may_not_change_operators_is_not_asked(visit, world: World):
    """The answer is the same as ever."""
    sue = visit(SUE)
    wait(world)

    for task in CHANGING:
        answer = sue.get(address_of(task, world.numbers["ours"]))
        assert answer.status_code == 403, task.endpoint
        assert ASKED not in answer.text


OWN = {
    "/admin/own-account/password": "old_password",
    "/admin/own-account/second-factor/remove": "password",
    "/admin/own-account/recovery-codes": "password",
}
NEW = {"new_password": "ten white storks wade", "new_password_again": "ten white storks wade"}


@pytest.mark.parametrize("path", OWN)
def test_own_means_of_signing_in_ask_for_the_code_beside_the_password(path: str, visit, world: World):
    """Where there is one; soon after signing in the password is enough."""
    olga = visit(OLGA)
    secret, _ = enrol(world, olga)
    field = {OWN[path]: PASSWORDS[OLGA]}
    assert "Code of your second factor" not in olga.get(path).text
    wait(world)

    assert "Code of your second factor" in olga.get(path).text
    refused = olga.post(path, NEW | field)
    assert refused.status_code == 422
    assert "This code is wrong" in refused.text
    answer = olga.post(path, NEW | field | {"proof_code": code_of(world, secret)})
    assert answer.status_code in (200, 303)
    assert "is wrong" not in answer.text
    assert olga.get("/admin/own-account").status_code == 200, "the new session is the one that is left"


def test_a_code_is_not_asked_for_twice(visit, world: World):
    """A new password that is refused does not take the proof back."""
    olga = visit(OLGA)
    secret, _ = enrol(world, olga)
    wait(world)
    path = "/admin/own-account/password"
    olga.get(path)
    weak = {"old_password": PASSWORDS[OLGA], "new_password": "tiny-77", "new_password_again": "tiny-77"}
    refused = olga.post(path, weak | {"proof_code": code_of(world, secret)})
    assert "shorter than 12 characters" in refused.text
    assert "Code of your second factor" not in refused.text
    olga.get(path)

    assert olga.post(path, {"old_password": PASSWORDS[OLGA]} | NEW).status_code == 303


def test_an_owner_confirms_and_goes_on_without_scripts(world: World, reader: Operator):
    """By keyboard: from the button to the result, and what was typed before is not typed again."""
    page = reader.sign_in(OLGA, java_script_enabled=False)
    page.goto(f"{reader.address}/admin/operators/add")
    page.get_by_label("Name").fill("nina")
    page.get_by_label("Café Lumière").check()
    wait(world)
    page.get_by_role("button", name="Add the operator").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(ASKED)
    expect(page.get_by_label("Your password")).to_be_focused()
    reader.picture(page, "prove")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Your present password is wrong.")
    expect(page.get_by_label("Your password")).to_be_focused()
    page.keyboard.type(PASSWORDS[OLGA])
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("nina may sign in")
    assert world.operator("nina").role == OperatorRole.SUPPORT


def test_the_page_that_asks_is_good_for_everybody(world: World, reader: Operator):
    """With and without a refusal."""
    page = reader.sign_in(OLGA)
    expect(page.get_by_role("heading", level=1)).to_have_text("The last day")
    wait(world)
    page.goto(f"{reader.address}/admin/operators/add")
    reader.assert_accessible(page)
    page.get_by_label("Your password").fill("wrong")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_be_visible()
    reader.assert_accessible(page)
    reader.picture(page, "prove-refused")
