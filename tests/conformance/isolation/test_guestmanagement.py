"""Every guestmanagement call with every kind of thing of another merchant."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from gatehouse.operations.accounts import change_account
from gatehouse.operations.integrations import allow_merchant
from tests.conformance.isolation.account_calls import named
from tests.conformance.isolation.world import CARD, SHARED_CODE, House, World, changed
from tests.factories import EMAIL, USERNAME
from tests.partner import basic

GENERATE = "generateAndSendGuestResetPasswordCode"
SEND = "sendGuestResetPasswordCode"
RESET = "resetGuestPassword"
NEW = "a new one & four magpies"
SENT = ("message_events", "messages", "reset_codes")
RESET_DONE = ("accounts", "audit_entries", "login_cookies", "message_events", "messages", "reset_codes", "sessions")
RESET_DONE += ("temporary_passwords",)

IDENTITIES = {
    "username": ({"username": USERNAME}, {"username": "there only username"}),
    "accountId": ({"accountId": "here accountId"}, {"accountId": "there accountId"}),
    "printedCardNumber": ({"printedCardNumber": CARD}, {"printedCardNumber": "there only card"}),
    "email": ({"email": EMAIL}, {"email": "there only email"}),
}
"""Of each kind one that is known here, and one that only the other merchant knows."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One call. A value `here …` or `there …` stands for a thing of the merchant called, or of the other one."""

    name: str
    members: Mapping[str, str]
    merchant: str = "here merchantId"
    client: str = "here client id"
    secret: str = "here client secret"
    nested: bool = False
    expects: str = "success"
    status: int = 200
    may_change: tuple[str, ...] = ()
    may_audit_there: bool = False


def code_calls(members: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Return the two calls that send a code, with this identity."""
    return [(GENERATE, dict(members)), (SEND, {**members, "resetCode": "a code of its own"})]


EVERY_CALL = [
    call for own, foreign in IDENTITIES.values() for identity in (own, foreign) for call in code_calls(identity)
] + [(RESET, {"resetPasswordCode": code, "newPassword": NEW}) for code in (SHARED_CODE, "there generated code")]

FOREIGN_MERCHANT = [
    Attempt(name=name, members=members, merchant="there merchantId", expects="merchant_not_found")
    for name, members in EVERY_CALL
] + [
    Attempt(
        name=GENERATE,
        members={**own, "authentication": "anonymous"},
        merchant="there merchantId",
        expects="merchant_not_found",
    )
    for own, _ in IDENTITIES.values()
]

FOREIGN_CREDENTIALS = [
    Attempt(
        name=name,
        members=members,
        merchant=merchant,
        client=client,
        secret=secret,
        expects="invalid_client_credentials",
        status=401,
        may_audit_there=True,
    )
    for (name, members), merchant, (client, secret) in itertools.product(
        (EVERY_CALL[0], EVERY_CALL[1], EVERY_CALL[-1]),
        ("here merchantId", "there merchantId"),
        (
            ("here client id", "there client secret"),
            ("there client id", "here client secret"),
            ("here client id", "there token"),
            ("here client id", "there hash key"),
            ("here client id", "there session"),
        ),
    )
]

FOREIGN_IDENTITY = [
    Attempt(
        name=name,
        members=members,
        nested=nested,
        expects="account_not_found",
    )
    for (_, foreign), nested in itertools.product(IDENTITIES.values(), (False, True))
    for name, members in code_calls(foreign)
] + [Attempt(name=GENERATE, members={**foreign, "authentication": "anonymous"}) for _, foreign in IDENTITIES.values()]

SHARED_IDENTITY = [
    Attempt(name=name, members=members, nested=nested, may_change=SENT)
    for (own, _), nested in itertools.product(IDENTITIES.values(), (False, True))
    for name, members in code_calls(own)
] + [
    Attempt(name=GENERATE, members={**own, "authentication": "anonymous"}, may_change=SENT)
    for own, _ in IDENTITIES.values()
]
"""Names that both merchants know mean the account of the one that is called."""

FOREIGN_CODE = [
    Attempt(
        name=RESET,
        members={"resetPasswordCode": f"there {thing}", "newPassword": NEW},
        expects="invalid_reset_code",
    )
    for thing in ("generated code", "temporary password", "code of phone-of-both", "cookie", "session", "token")
]

ATTEMPTS = [*FOREIGN_MERCHANT, *FOREIGN_CREDENTIALS, *FOREIGN_IDENTITY, *SHARED_IDENTITY, *FOREIGN_CODE]


def post(world: World, attempt: Attempt, here: House, there: House) -> tuple[int, str, str]:
    """Make the call and let the worker do what it left; return status, result or error code, and the whole body."""
    members: dict[str, object] = {name: named(value, here, there) for name, value in attempt.members.items()}
    if attempt.nested:
        members["userIdentity"] = {name: members.pop(name) for name in IDENTITIES if name in members}
    body = {"merchantId": int(named(attempt.merchant, here, there)), **members}
    credentials = basic(named(attempt.client, here, there), named(attempt.secret, here, there))
    answer = world.client.request(
        "POST",
        f"/guestmanagement/{attempt.name}.json",
        json.dumps(body).encode(),
        {"Authorization": credentials},
        CONTENT_TYPE="application/json",
    )
    world.work()
    found = json.loads(answer.body)
    key = found.get("errorCode", found["result"]).removeprefix("guestmanagement.")
    return answer.status, key, answer.body.decode()


@pytest.mark.parametrize(
    "attempt", [pytest.param(each, id=f"{each.name}-{number}") for number, each in enumerate(ATTEMPTS)]
)
def test_things_of_another_do_nothing(world: World, houses: tuple[House, House], attempt: Attempt):
    """It is refused or not known, nothing of the other merchant changes, and nothing of it is in the answer."""
    here, there = houses
    before = world.dump()

    status, key, body = post(world, attempt, here, there)

    assert (status, key) == (attempt.status, attempt.expects)
    # Wrong guesses are counted by digests that belong to nobody; a name that was tried is told to whose it is.
    own = ("audit_entries", *attempt.may_change)
    allowed = {(here.name, table) for table in own} | {("nobody", "guess_counts")}
    allowed |= {(there.name, "audit_entries")} if attempt.may_audit_there else set()
    assert changed(before, world.dump()) <= allowed
    if there.only_here["email"] not in attempt.members.values() and "there only email" not in attempt.members.values():
        assert there.only_here["email"] not in body


@pytest.mark.parametrize(
    ("name", "members"), [*((name, members) for own, _ in IDENTITIES.values() for name, members in code_calls(own))]
)
def test_a_code_goes_to_the_account_of_the_merchant_that_is_called(
    world: World, houses: tuple[House, House], name: str, members: dict[str, str]
):
    """The mail is to that account, from that merchant, and its code works there alone."""
    here, there = houses
    seen = len(here.shop.messages("reset_code"))

    assert post(world, Attempt(name=name, members=members), here, there)[1] == "success"

    (mail,) = here.shop.messages("reset_code")[seen:]
    assert (mail.merchant_id, mail.account_id) == (here.shop.merchant.id, here.shop.account.id)
    assert mail.content["merchant"] == here.name
    code = here.partner.codes()[-1]
    redeem = {"resetPasswordCode": code, "newPassword": NEW}
    assert post(world, Attempt(name=RESET, members=redeem), there, here)[1] == "invalid_reset_code"
    assert post(world, Attempt(name=RESET, members=redeem), here, there)[1] == "success"


def test_the_same_code_at_both_is_two_codes(world: World, houses: tuple[House, House]):
    """Partners choose their codes without knowing of each other; each resets one account, once."""
    here, there = houses
    redeem = Attempt(name=RESET, members={"resetPasswordCode": SHARED_CODE, "newPassword": NEW})
    before = world.dump()

    assert post(world, redeem, here, there)[1] == "success"

    assert changed(before, world.dump()) <= {(here.name, table) for table in RESET_DONE}
    assert post(world, redeem, here, there)[1] == "invalid_reset_code"
    assert there.shop.login(password=there.password).is_success
    assert post(world, redeem, there, here)[1] == "success"
    assert there.shop.login(password=NEW).is_success


def test_a_code_that_is_in_use_at_the_other_may_be_chosen(world: World, houses: tuple[House, House]):
    """Else a partner could find out which codes another merchant's guests were sent."""
    here, there = houses
    code = there.issued["generated code"]
    members = {"username": USERNAME, "resetCode": code}

    status, key, _ = post(world, Attempt(name=SEND, members=members), here, there)

    assert (status, key) == (200, "success")
    redeem = Attempt(name=RESET, members={"resetPasswordCode": code, "newPassword": NEW})
    assert post(world, redeem, here, there)[1] == "success"
    assert post(world, redeem, there, here)[1] == "success"


def test_an_integration_of_both_keeps_them_apart(world: World, houses: tuple[House, House]):
    """What an operator allowed for both is still one merchant in each call."""
    here, there = houses
    allow_merchant(here.shop.call(), here.partner.integration.id, there.shop.merchant.id)
    before = world.dump()

    for code in ("there generated code", "here generated code"):
        merchant = "here merchantId" if code.startswith("there") else "there merchantId"
        members = {"resetPasswordCode": code, "newPassword": NEW}
        assert post(world, Attempt(name=RESET, members=members, merchant=merchant), here, there)[1] == (
            "invalid_reset_code"
        )
    for whose, merchant in (("there", "here merchantId"), ("here", "there merchantId")):
        for kind in ("accountId", "only accountId"):
            members = {"accountId": f"{whose} {kind}"}
            assert post(world, Attempt(name=GENERATE, members=members, merchant=merchant), here, there)[1] == (
                "account_not_found"
            )

    assert {table for _, table in changed(before, world.dump())} <= {"audit_entries", "guess_counts"}


@pytest.mark.parametrize("name", ["username", "email", "printedCardNumber", "accountId"])
def test_the_other_merchants_verification_fields_prove_nothing(world: World, houses: tuple[House, House], name: str):
    """A postal code that the person has at one merchant only is wrong at the other."""
    here, there = houses
    here.shop.set_merchant(verification_fields=["postalCode"])
    change_account(here.shop.call(), here.shop.account.id, postal_code="10115")
    change_account(there.shop.call(), there.shop.account.id, postal_code="69117")
    own, _ = IDENTITIES[name]

    wrong = post(world, Attempt(name=GENERATE, members={**own, "postalCode": "69117"}), here, there)
    right = post(world, Attempt(name=GENERATE, members={**own, "postalCode": "10115"}), here, there)

    assert (wrong[1], right[1]) == ("account_not_found", "success")


@pytest.mark.parametrize("code", [SHARED_CODE, "here generated code"])
def test_the_same_things_work_where_they_belong(world: World, houses: tuple[House, House], code: str):
    """Or the refusals would prove nothing."""
    here, there = houses
    members = {"resetPasswordCode": code, "newPassword": NEW}

    assert post(world, Attempt(name=RESET, members=members), here, there)[1] == "success"
