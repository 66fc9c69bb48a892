"""Tests of operations/explanations, on both databases: partners' calls, requests that were made, and all texts."""

import pytest

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.advice import ADVICE
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.operators import OperatorRole
from gatehouse.domain.tolerances import Tolerance
from gatehouse.operations.accounts import set_account_status
from gatehouse.operations.audit_seals import Sealer
from gatehouse.operations.audit_verification import verify_part
from gatehouse.operations.explanations.guest_calls import CodeRequest, Redemption, explain_guest_call
from gatehouse.operations.explanations.requests import explain_outcome, explain_request
from gatehouse.operations.explanations.texts import MEANINGS, TOLERATED, event_text
from gatehouse.operations.integrations import set_integration_disabled
from gatehouse.storage import tables
from tests.factories import EMAIL, make_account, make_shop
from tests.operators import make_signed_in
from tests.partner import CODE, NEW, make_partner

OWNER = make_signed_in()


@pytest.fixture
def partner(shop):
    """A partner of the shop."""
    return make_partner(shop)


def generate(**identity):
    """Return a call to generate a code: how it is made, and how it is asked about."""

    def both(partner):
        request = partner.request(None, None, **dict(identity))
        return (lambda: partner.generate(**dict(identity))), CodeRequest(request=request, is_own_code=False)

    return both


def send(code=CODE, **identity):
    """Return a call to send a code of the partner's own."""

    def both(partner):
        request = partner.request(**dict(identity))
        asked = CodeRequest(request=request, is_own_code=True, code=code)
        return (lambda: partner.send(code, **dict(identity))), asked

    return both


def redeem(new=NEW, spoiled=""):
    """Return a call to redeem the code that was mailed."""

    def both(partner):
        partner.generate()
        code = spoiled or partner.codes()[-1]
        merchant_id = partner.shop.merchant.id
        asked = Redemption(merchant_id=merchant_id, authentication=None, code=code, new_password=new)
        return (lambda: partner.redeem(code, new)), asked

    return both


def first(change, then):
    """Return a call after a change of the partner's shop."""

    def both(partner):
        change(partner)
        return then(partner)

    return both


CALLS = {
    "a guest": generate(),
    "nobody": generate(username="nobody"),
    "another merchant": generate(username="jane", merchant_id=999),
    "a shared address": first(lambda p: make_account(p.shop.core, p.shop.merchant, email=EMAIL), generate(email=EMAIL)),
    "no address": first(
        lambda p: make_account(p.shop.core, p.shop.merchant, username="bare"), generate(username="bare")
    ),
    "locked": first(
        lambda p: set_account_status(p.shop.call(), p.shop.account.id, AccountStatus.LOCKED), generate(email=EMAIL)
    ),
    "more is asked for": first(lambda p: p.shop.set_merchant(verification_fields=["phone"]), generate()),
    "own code": send(),
    "short code": send("short"),
    "own accounts": first(lambda p: p.shop.set_merchant(third_party_accounts_of_record=False), send()),
    "disabled": first(lambda p: set_integration_disabled(p.shop.call(), p.integration.id, True), generate()),
    "weak password": redeem("short"),
    "spoiled code": redeem(spoiled="x" * 32),
    "good code": redeem(),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_partners_call_is_explained_as_it_is_answered(name, partner):
    """Whatever the steps, the one that refuses is the one that the partner is told of."""
    perform, asked = CALLS[name](partner)

    course = explain_guest_call(partner.call(), OWNER, asked)

    answer = perform()
    told = course.refusal.code if course.refusal else ReturnCode.SUCCESS
    assert told is answer.return_code
    if course.refusal and answer.detail:
        assert course.refusal.message == answer.message


def test_a_partners_own_code_is_not_tried(partner):
    """It may be short enough to be guessed."""
    partner.send()
    asked = [
        Redemption(merchant_id=partner.shop.merchant.id, authentication=None, code=code, new_password=NEW)
        for code in (CODE, "some-other-code")
    ]

    right, wrong = (explain_guest_call(partner.call(), OWNER, each) for each in asked)

    assert right.steps == wrong.steps
    assert [each.name for each in right.open_steps] == ["The reset code"]


def test_a_request_is_explained_to_who_works_for_its_merchant(shop):
    """With its neighbours of the same account; to others there is none."""
    theirs = make_shop(shop.core)
    theirs.login(password="wrong")
    shop.login()
    shop.login(password="wrong", device_id="till-1")
    shop.login()
    entry, other = (
        next(each for each in shop.rows(tables.audit_entries) if each.outcome and each.merchant_id == where.merchant.id)
        for where in (shop, theirs)
    )
    manager = make_signed_in(OperatorRole.MANAGER, shop.merchant.id)

    (found,) = explain_request(shop.call(), manager, entry.request_id)

    assert found.code is ReturnCode.INVALID_CREDENTIALS
    assert found.meaning == "There is an account of this name, and the password was wrong."
    assert found.advice == ADVICE[ReturnCode.INVALID_CREDENTIALS]
    assert found.account is not None
    assert (found.account.id, found.given) == (shop.account.id, ["e-mail address"])
    assert [each.event for each in found.before] == ["account.added", "session.started"]
    assert [each.event for each in found.after] == ["session.started"]
    assert explain_request(shop.call(), manager, other.request_id) == []
    assert len(explain_request(shop.call(), OWNER, other.request_id)) == 1


def test_neighbours_of_nobody_are_from_the_same_place(shop):
    """Where no account is known, the address or the name that was given tell what belongs together."""
    shop.login(email="nobody@example.com")
    shop.login(email="nobody@example.com")
    entry = [each for each in shop.rows(tables.audit_entries) if each.outcome][-1]

    (found,) = explain_request(shop.call(), OWNER, entry.request_id)

    assert found.meaning.startswith("No account of the merchant has the name that was given.")
    assert [each.outcome for each in found.before] == ["InvalidCredentials"]


def test_a_wait_that_goes_on_is_told(shop):
    """For the address from which the refused login came."""
    for _ in range(5):
        shop.login(password="wrong")
    entry = shop.rows(tables.audit_entries)[-1]

    (found,) = explain_request(shop.call(), OWNER, entry.request_id)

    assert found.now[-1] == "From there no password of it is looked at for 1 more minute, after too many wrong ones."


def test_an_outcome_has_the_newest_of_ones_own(shop):
    """And an outcome that there is not has none."""
    make_shop(shop.core).login(password="wrong")
    shop.login(password="wrong")
    shop.login()

    found = explain_outcome(shop.call(), make_signed_in(OperatorRole.SUPPORT, shop.merchant.id), "InvalidCredentials")

    assert found is not None
    assert [each.merchant_id for each in found.entries] == [shop.merchant.id]
    assert explain_outcome(shop.call(), OWNER, "Nonsense") is None


def test_a_part_of_a_trail_hangs_on_the_seal_before_it(shop, monkeypatch):
    """Each part by itself; where a seal is changed, the part that it is in and the one after it say so."""
    monkeypatch.setattr("gatehouse.operations.audit_verification.PART_ENTRIES", 1)
    for _ in range(4):
        shop.log_in()
        Sealer(shop.core).seal_now()
    shop.log_in()

    newest = verify_part(shop.call(), shop.merchant.id)
    assert (newest.fault, newest.first_seal, newest.last_seal, newest.unsealed) == (None, 4, 4, 1)
    assert (newest.is_from_beginning, newest.is_to_end) == (False, True)
    oldest = verify_part(shop.call(), shop.merchant.id, 1)
    assert (oldest.fault, oldest.is_from_beginning, oldest.is_to_end) == (None, True, False)

    with shop.core.database.writing() as db:
        seals = tables.audit_seals
        db.execute(seals.update().where(seals.c.number == 2).values(digest=b"x" * 32))
    faults = [verify_part(shop.call(), shop.merchant.id, number).fault for number in (1, 2, 3, 4)]
    assert [fault is not None for fault in faults] == [False, True, True, False]


def test_everything_has_a_text():
    """Outcomes, tolerances and events, each in words of its own."""
    assert MEANINGS.keys() == ADVICE.keys() == set(ReturnCode)
    assert TOLERATED.keys() == set(Tolerance)
    assert len(set(MEANINGS.values())) == len(MEANINGS)
    assert len({event_text(each) for each in AuditEvent}) == len(AuditEvent)
    assert event_text("account.added") == "Account was added."
