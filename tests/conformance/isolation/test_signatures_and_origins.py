"""What JSON calls have beside SOAP: signatures by an application's key, and web pages of an application's origins."""

import base64
import hashlib
import itertools
import json
from collections.abc import Callable

import pytest

from gatehouse.operations.applications import change_application
from tests.conformance.isolation.account_calls import named
from tests.conformance.isolation.test_account_calls import ALL_CALLS, SESSION_CALLS
from tests.conformance.isolation.world import House, World, changed
from tests.conformance.soap import PATH, Answer


def sign(body: bytes, hash_key: str) -> str:
    """Return the signature header of a body."""
    return f"bytes-SHA256, {base64.b64encode(hashlib.sha256(body + hash_key.encode()).digest()).decode()}"


def post(world: World, houses: tuple[House, House], method: str, key: str | None, **headers: str | None) -> Answer:
    """Call a method with right members and the session that it needs, signed with a thing of this name."""
    here, there = houses
    body = json.dumps({name: named(value, here, there) for name, value in ALL_CALLS[method].items()}).encode()
    every: dict[str, str | None] = {"applicationToken": here.token}
    if method in SESSION_CALLS:
        every["credentialsToken"] = here.issued["session"]
    if key is not None:
        every["Signature"] = sign(body, named(key, here, there))
    sent = {name: value for name, value in (every | headers).items() if value is not None}
    answer = world.client.request("POST", f"{PATH}/{method}", body, sent, CONTENT_TYPE="application/json")
    world.work()
    return answer


def outcome(answer: Answer) -> str:
    """Return the key of the result."""
    assert answer.status == 200, answer
    return str(json.loads(answer.body)["d"]["Key"])


FOREIGN_KEYS = ("there hash key", "there web hash key", "here web hash key", "there token", "here token")


@pytest.mark.parametrize("signature", ["optional", "required"])
@pytest.mark.parametrize(("method", "key"), [*itertools.product(ALL_CALLS, FOREIGN_KEYS)])
def test_a_signature_by_another_key_is_none(
    world: World, houses: tuple[House, House], method: str, key: str, signature: str
):
    """The other merchant's key, that of another application, and what is no key."""
    here, _ = houses
    change_application(here.shop.call(), here.shop.application.application.id, signature=signature)
    before = world.dump()

    answer = post(world, houses, method, key)

    assert outcome(answer) == "InvalidSignature"
    assert changed(before, world.dump()) <= {(here.name, "audit_entries")}
    assert answer.header("Signature") == sign(answer.body, here.shop.application.hash_key)


@pytest.mark.parametrize("method", ALL_CALLS)
def test_the_own_key_is_taken_and_signs_the_answer(world: World, houses: tuple[House, House], method: str):
    """Or the refusals would prove nothing."""
    here, _ = houses
    change_application(here.shop.call(), here.shop.application.application.id, signature="required")

    answer = post(world, houses, method, "here hash key")

    assert outcome(answer) == "Success"
    # After LogOff the session names the application no longer, so the token must.
    assert answer.header("Signature") == sign(answer.body, here.shop.application.hash_key)


@pytest.mark.parametrize("key", [None, *FOREIGN_KEYS])
@pytest.mark.parametrize("method", SESSION_CALLS)
def test_a_session_alone_does_not_get_around_the_signature(
    world: World, houses: tuple[House, House], method: str, key: str | None
):
    """A session names its application, so that application's rule counts although its token was left out."""
    here, _ = houses
    change_application(here.shop.call(), here.shop.application.application.id, signature="required")
    before = world.dump()

    answer = post(world, houses, method, key, applicationToken=None)

    assert outcome(answer) == "InvalidSignature"
    assert changed(before, world.dump()) <= {(here.name, "audit_entries")}


@pytest.mark.parametrize("method", sorted(ALL_CALLS.keys() - SESSION_CALLS.keys()))
def test_another_merchants_session_does_not_get_around_the_signature(make_world: Callable[..., World], method: str):
    """Nor does it name the application of a call that needs no session: that is the one of the settings."""
    token = make_world().north.token
    world = make_world(default_application=token)
    here, there = world.north, world.south
    change_application(here.shop.call(), here.shop.application.application.id, signature="required")
    before = world.dump()

    for session in (None, there.issued["session"], here.issued["web session"]):
        answer = post(world, (here, there), method, None, applicationToken=None, credentialsToken=session)
        assert outcome(answer) == "InvalidSignature"

    assert changed(before, world.dump()) <= {(here.name, "audit_entries")}


FOREIGN_ORIGINS = ("https://{there}.example.com", "https://web.{there}.example.com", "https://web.{here}.example.com")


@pytest.mark.parametrize("method", ALL_CALLS)
def test_a_page_of_another_application_reads_no_answer(world: World, houses: tuple[House, House], method: str):
    """A browser gives an answer to a page only where the calling application lists that page's origin."""
    here, there = houses
    for origin in FOREIGN_ORIGINS:
        filled = origin.format(here=here.name.lower(), there=there.name.lower())
        answer = post(world, houses, method, None, Origin=filled)
        assert answer.header("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize("method", ALL_CALLS)
def test_a_page_of_the_application_reads_its_answer(world: World, houses: tuple[House, House], method: str):
    """Or the silence would prove nothing."""
    here, _ = houses
    origin = f"https://{here.name.lower()}.example.com"

    answer = post(world, houses, method, None, Origin=origin)

    assert answer.header("Access-Control-Allow-Origin") == origin
