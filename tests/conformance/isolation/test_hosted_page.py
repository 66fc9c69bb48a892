"""The hosted page with the codes of two merchants, and with what is no code at all."""

import html
import re
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from tests.conformance.isolation.world import SHARED_CODE, House, World, changed
from tests.conformance.soap import Answer

FORM = "application/x-www-form-urlencoded"
NEW = "a new one & four magpies"


def visit(world: World, code: str, fields: Mapping[str, str], **headers: str) -> list[Answer]:
    """Open the page of this code and send its form with further fields; return both answers."""
    opened = world.client.get(f"/reset?{urlencode({'code': code})}", headers=headers)
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', opened.body.decode())
    hidden = {name: html.unescape(value) for name, value in found}
    form = {"code": code, **hidden, **fields}
    cookie = "; ".join([*(each.partition(";")[0] for each in opened.cookies), *headers.values()])
    body = urlencode(form).encode()
    sent = world.client.request("POST", "/reset", body, {"Cookie": cookie}, CONTENT_TYPE=FORM)
    world.work()
    return [opened, sent]


def test_a_code_opens_the_page_of_its_own_merchant(world: World, houses: tuple[House, House]):
    """And changes the password of its own account, whichever merchant's cookies the browser has."""
    here, there = houses
    jar = {"Cookie": f"credentialsToken={there.issued['session']}; EncodedCookie={there.issued['cookie']}"}
    before = world.dump()

    opened, done = visit(world, here.issued["generated code"], {"new_password": NEW}, **jar)

    assert (opened.status, done.status) == (200, 200)
    for answer in (opened, done):
        assert here.name in answer.body.decode()
        assert there.name not in answer.body.decode()
    assert not {table for owner, table in changed(before, world.dump()) if owner == there.name}
    email = here.only_here["email"]
    assert here.shop.login(email=email, password=NEW).is_success


@pytest.mark.parametrize("fields", [{"new_password": NEW}, {"action": "send"}], ids=["choose", "send"])
def test_a_code_that_two_merchants_have_means_nobody(world: World, fields: Mapping[str, str]):
    """The page cannot know whose it is, so it shows neither's name and changes nothing at either."""
    before = world.dump()

    answers = visit(world, SHARED_CODE, fields)

    for answer in answers:
        assert answer.status in (404, 403)
        assert not re.search("North|South", answer.body.decode())
    assert changed(before, world.dump()) <= {("nobody", "guess_counts")}


def test_a_code_of_a_merchant_with_its_own_page_is_not_taken_for_the_others(world: World, houses: tuple[House, House]):
    """The page serves merchants that have none; for it the other one's codes do not exist."""
    here, there = houses
    there.shop.set_merchant(reset_page="https://there.example.com/reset")
    before = world.dump()

    opened, done = visit(world, SHARED_CODE, {"new_password": NEW})
    lost, refused = visit(world, there.issued["generated code"], {"new_password": NEW})

    assert (opened.status, done.status) == (200, 200)
    assert (lost.status, refused.status) == (404, 404)
    assert not {table for owner, table in changed(before, world.dump()) if owner == there.name}
    assert here.shop.login(password=NEW).is_success
    assert there.shop.login(password=there.password).is_success


@pytest.mark.parametrize(
    "thing",
    ["token", "hash key", "session", "cookie", "temporary password", "code of phone-of-both", "client secret"],
)
def test_what_is_no_code_opens_nothing(world: World, houses: tuple[House, House], thing: str):
    """Another secret of an account or of a merchant is none here."""
    here, _ = houses
    before = world.dump()

    for answer in visit(world, here.things[thing], {"new_password": NEW}):
        assert answer.status == 404

    assert changed(before, world.dump()) <= {("nobody", "guess_counts")}


def test_a_new_link_goes_to_the_owner_of_the_old_one(world: World, houses: tuple[House, House]):
    """Who opens an expired link of one merchant has no mail sent by the other."""
    here, there = houses
    here.shop.clock.advance(hours=2)
    try:
        before, seen = world.dump(), len(here.shop.messages("reset_code"))
        visit(world, here.issued["generated code"], {"action": "send"})
        sent = here.shop.messages("reset_code")[seen:]
    finally:
        here.shop.clock.advance(hours=-2)

    assert [(mail.merchant_id, mail.recipient) for mail in sent] == [(here.shop.merchant.id, here.only_here["email"])]
    assert not {table for owner, table in changed(before, world.dump()) if owner == there.name}
