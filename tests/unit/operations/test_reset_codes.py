"""Tests of operations/reset_codes.py and of callers.find_partner, on both databases."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.results import GuestResult
from gatehouse.operations import reset_codes
from gatehouse.operations.accounts import set_account_status
from gatehouse.operations.integrations import allow_merchant, deny_merchant, set_integration_disabled
from gatehouse.operations.passwords import reset_password, update_password
from gatehouse.storage import accounts, tables
from gatehouse.storage import reset_codes as kept_codes
from tests.factories import EMAIL, NOON, PASSWORD, PHONE, USERNAME, make_account, make_merchant, make_shop
from tests.partner import CODE, NEW, make_partner

CARD = "6035 7100 0001"
SENT = GuestResult(return_code=ReturnCode.SUCCESS, email="*****@*****")


@pytest.fixture
def partner(core):
    """A partner of a shop whose account has everything that it can be found and verified by."""
    shop = make_shop(core, cards=[CARD], postal_code="SW1A 1AA", date_of_birth=date(1980, 12, 31))
    return make_partner(shop)


# Generated codes


@pytest.mark.parametrize(
    "identity",
    [
        {"username": "JANE "},
        {"email": "Jane@Example.com"},
        {"printed_card_number": "6035-7100-0001"},
        {"account_id": 1001},
    ],
)
def test_partner_has_a_code_sent_to_each_kind_of_identity(partner, identity):
    """And is told the whole address, because it knows its guests."""
    result = partner.generate(**identity)

    assert result == GuestResult(return_code=ReturnCode.SUCCESS, number="1001", email=EMAIL)
    (message,) = partner.shop.messages()
    assert (message.kind, message.recipient) == ("reset_code", EMAIL)
    assert message.expires_at == NOON + timedelta(hours=1)
    assert partner.shop.events()[-1] == ("reset_code.sent", None)


def test_generated_code_is_unguessable_and_kept_as_a_digest(partner):
    """192 bits in 32 characters."""
    partner.generate()
    partner.generate()

    first, second = partner.codes()
    assert len(first) == len(second) == 32
    assert first != second
    (kept,) = partner.shop.rows(tables.reset_codes)
    assert kept.code_digest == partner.shop.core.keys.reset_code_digest(second)


def test_newer_code_ends_the_older(partner):
    """One live code for an account."""
    partner.generate()
    partner.send()
    older, newer = partner.codes()

    assert newer == CODE
    assert partner.redeem(older).return_code is ReturnCode.INVALID_RESET_CODE
    assert partner.redeem(newer).return_code is ReturnCode.SUCCESS


def test_code_lives_as_long_as_the_merchant_says(partner):
    """To the second."""
    partner.shop.set_merchant(reset_code_lifetime=timedelta(minutes=5))
    partner.generate()

    partner.shop.clock.advance(minutes=5, seconds=-1)
    assert partner.redeem(partner.codes()[0], "short").return_code is ReturnCode.PASSWORD_TOO_WEAK
    partner.shop.clock.advance(seconds=1)
    assert partner.redeem(partner.codes()[0]).return_code is ReturnCode.RESET_CODE_EXPIRED


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ({"username": "nobody"}, ReturnCode.ACCOUNT_NOT_FOUND),
        ({"email": "nobody@example.com"}, ReturnCode.ACCOUNT_NOT_FOUND),
        ({"printed_card_number": "1"}, ReturnCode.ACCOUNT_NOT_FOUND),
        ({"account_id": 9}, ReturnCode.ACCOUNT_NOT_FOUND),
        ({"username": "no-address"}, ReturnCode.EMAIL_MISSING),
        ({"username": "disabled"}, ReturnCode.ACCOUNT_DISABLED),
        ({"username": "locked"}, ReturnCode.ACCOUNT_LOCKED),
    ],
)
def test_partner_is_told_why_nothing_was_sent(partner, identity, expected):
    """A partner looks after its guests itself; each refusal is audited."""
    shop = partner.shop
    make_account(shop.core, shop.merchant, username="no-address")
    for name, status in (("disabled", AccountStatus.DISABLED), ("locked", AccountStatus.LOCKED)):
        account = make_account(shop.core, shop.merchant, username=name, email=f"{name}@example.com")
        set_account_status(shop.call(), account.id, status)

    assert partner.generate(**identity) == GuestResult(return_code=expected)
    assert partner.send(**identity) == GuestResult(return_code=expected)
    assert shop.messages() == []
    assert shop.events()[-1] == ("password.reset_requested", expected.key)


def test_account_of_another_merchant_is_not_found(partner):
    """Although its number is known."""
    other = make_account(partner.shop.core, make_merchant(partner.shop.core), username="other", email=EMAIL)

    assert partner.generate(account_id=other.id).return_code is ReturnCode.ACCOUNT_NOT_FOUND
    assert partner.shop.messages() == []


def test_address_of_several_accounts_asks_which(partner):
    """A family shares it. A stranger is not told; each account gets its mail."""
    make_account(partner.shop.core, partner.shop.merchant, username="john", email=EMAIL)

    assert partner.generate(email=EMAIL) == GuestResult(
        return_code=ReturnCode.MORE_INFO_REQUIRED, fields=("username", "accountId", "printedCardNumber")
    )
    assert partner.shop.messages() == []
    assert partner.generate("anonymous", email=EMAIL).email == EMAIL
    assert [message.content["username"] for message in partner.shop.messages()] == ["jane", "john"]


def test_stranger_cannot_have_mails_sent_without_end(partner):
    """Five accounts of an address are served."""
    for _ in range(6):
        make_account(partner.shop.core, partner.shop.merchant, email=EMAIL)

    partner.generate("anonymous", email=EMAIL)

    assert len(partner.shop.messages()) == 5


# What a stranger learns


@pytest.mark.parametrize("identity", [{"username": USERNAME}, {"account_id": 1001}, {"printed_card_number": CARD}])
def test_stranger_is_told_nothing_of_the_address(partner, identity):
    """The mail goes out all the same."""
    assert partner.generate("anonymous", **identity) == SENT
    assert [message.recipient for message in partner.shop.messages()] == [EMAIL]


@pytest.mark.parametrize(
    "identity", [{"username": "nobody"}, {"account_id": 9}, {"printed_card_number": "9"}, {"username": "disabled"}]
)
def test_unknown_identity_answers_like_a_known_one(partner, identity):
    """Nobody learns who exists."""
    shop = partner.shop
    account = make_account(shop.core, shop.merchant, username="disabled", email="disabled@example.com")
    set_account_status(shop.call(), account.id, AccountStatus.DISABLED)

    assert partner.generate("anonymous", **identity) == SENT
    assert shop.messages() == []


@pytest.mark.parametrize("address", [EMAIL, "JANE@example.com", "nobody@example.com"])
def test_stranger_gets_the_address_back_that_it_gave(partner, address):
    """In the stranger's own letters, not in those that are kept."""
    assert partner.generate("anonymous", email=address).email == address


def test_mask_of_nobody_is_like_that_of_somebody(partner):
    """It changes when another's would, and stays when another's would stay."""
    partner.shop.set_merchant(shows_masked_email=True)

    def mask(name, **verification):
        return partner.generate("anonymous", verification, username=name).email

    assert mask(USERNAME) == mask(" JANE") == "j***@e***.com"
    assert mask("nobody") == mask(" NOBODY ")
    assert len({mask(f"nobody {number}") for number in range(8)}) > 4
    partner.shop.set_merchant(verification_fields=["postalCode"])
    assert mask(USERNAME, postalCode="SW1A1AA") == mask(USERNAME, postalCode="sw1a 1aa") == "j***@e***.com"
    assert mask(USERNAME, postalCode="SW1A 2AA") == mask(USERNAME, postalCode="sw1a2aa")
    assert len({mask(USERNAME, postalCode=f"SW{number}") for number in range(8)}) > 4


# Verification


@pytest.mark.parametrize(
    ("field", "right", "wrong"),
    [
        ("phone", ["+12015550123", "(201) 555-0123", "201 555 0123"], ["+12015550124", "x"]),
        ("postalCode", ["SW1A 1AA", "sw1a1aa", "SW1A-1AA"], ["SW1A 2AA", "-"]),
        ("dateOfBirth", ["1980-12-31", " 1980-12-31 "], ["1980-12-30", "31.12.1980"]),
    ],
)
def test_verification_fields(partner, field, right, wrong):
    """As a guest writes them; a wrong one answers like an unknown account."""
    partner.shop.set_merchant(verification_fields=[field])

    for value in right:
        assert partner.generate(None, {field: value}).return_code is ReturnCode.SUCCESS
    sent = len(partner.shop.messages())
    for value in wrong:
        assert partner.generate(None, {field: value}) == GuestResult(return_code=ReturnCode.ACCOUNT_NOT_FOUND)
        assert partner.generate("anonymous", {field: value}) == SENT
    assert len(partner.shop.messages()) == sent


def test_fields_that_are_missing_are_asked_for(partner):
    """Whoever the identity belongs to, and all that are missing at once."""
    partner.shop.set_merchant(verification_fields=["phone", "postalCode", "dateOfBirth"])
    asked = GuestResult(return_code=ReturnCode.MORE_INFO_REQUIRED, fields=("phone", "dateOfBirth"))

    for kind, name in itertools.product(("anonymous", "b2b"), (USERNAME, "nobody")):
        assert partner.generate(kind, {"postalCode": "1"}, username=name) == asked
    assert partner.shop.messages() == []


def test_account_without_the_field_is_never_verified(partner):
    """Nothing is not equal to nothing."""
    make_account(partner.shop.core, partner.shop.merchant, username="bare", email="bare@example.com")
    for field in ("phone", "postalCode", "dateOfBirth"):
        partner.shop.set_merchant(verification_fields=[field])
        for value in ("-", "None", PHONE):
            result = partner.generate(None, {field: value}, username="bare")
            assert result.return_code is ReturnCode.ACCOUNT_NOT_FOUND


# The link


def test_link_leads_to_the_hosted_page(partner):
    """Without an own page of the merchant."""
    partner.send()

    assert partner.links() == [f"http://127.0.0.1:8080/reset?code={CODE}"]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("https://shop.example.com/new", "https://shop.example.com/new?resetCode="),
        ("https://shop.example.com/new?shop=7&a=b%20c", "https://shop.example.com/new?shop=7&a=b%20c&resetCode="),
        ("https://shop.example.com/#/new", "https://shop.example.com/?resetCode=%s#/new"),
    ],
)
def test_link_leads_to_the_merchants_page(partner, page, expected):
    """Whose address stays as it is."""
    partner.shop.set_merchant(reset_page=page)
    partner.send()

    assert partner.links() == [expected % CODE if "%s" in expected else expected + CODE]


@pytest.mark.parametrize("code", ["a b+c&d=e%f#g?h/i", "ünï çødé ✓ 😀", "\"'<>\\\r\n\t\0 x", "        "])
def test_code_of_any_characters_is_escaped(partner, code):
    """And is the same when it comes back."""
    partner.shop.set_merchant(reset_page="https://shop.example.com/new")
    assert partner.send(code).return_code is ReturnCode.SUCCESS

    (link,) = partner.links()
    assert link.isascii()
    assert not set("+ \"'<>#\r\n\t\0") & set(link)
    assert partner.codes() == [code]
    assert partner.redeem(code).return_code is ReturnCode.SUCCESS


# A partner's own code


@pytest.mark.parametrize(
    ("code", "least", "expected"),
    [
        ("1234567", 8, ReturnCode.INVALID_FIELD),
        ("12345678", 8, ReturnCode.SUCCESS),
        ("12345678", 9, ReturnCode.INVALID_FIELD),
        ("x" * 200, 8, ReturnCode.SUCCESS),
        ("x" * 201, 8, ReturnCode.INVALID_FIELD),
    ],
)
def test_length_of_a_partners_code(partner, code, least, expected):
    """At least eight characters, or what the merchant asks for."""
    partner.shop.set_merchant(reset_code_min_length=least)

    assert partner.send(code).return_code is expected


def test_code_is_generated_where_the_partner_has_none(partner):
    """As the older document has it."""
    assert partner.send(None).return_code is ReturnCode.SUCCESS
    assert len(partner.codes()[0]) == 32


def test_code_in_use_for_another_account_is_refused(partner):
    """It would let one guest into the other's account."""
    other = make_account(partner.shop.core, partner.shop.merchant, username="other", email="other@example.com")
    partner.send(CODE)

    assert partner.send(CODE, account_id=other.id) == GuestResult(
        return_code=ReturnCode.INVALID_FIELD, detail="resetCode"
    )
    assert partner.send(CODE).return_code is ReturnCode.SUCCESS


def test_only_third_parties_choose_codes_and_redeem(partner):
    """Other merchants have the hosted page."""
    partner.shop.set_merchant(third_party_accounts_of_record=False)

    refused = ReturnCode.NOT_THIRD_PARTY_ACCOUNT_OF_RECORD
    assert partner.send().return_code is refused
    assert partner.redeem().return_code is refused
    assert partner.generate().return_code is ReturnCode.SUCCESS


# Redeeming


def test_redeeming_sets_the_password_and_ends_all_other_access(partner):
    """Sessions, login cookies and temporary passwords; the owner is told by mail."""
    shop = partner.shop
    shop.log_in(set_cookie=True)
    reset_password(shop.call(), EMAIL)
    assert len(shop.rows(tables.temporary_passwords)) == 1
    partner.send()

    assert partner.redeem() == GuestResult(return_code=ReturnCode.SUCCESS, number="1001")

    assert [session.ended_at for session in shop.rows(tables.sessions)] == [NOON]
    assert [cookie.ended_at for cookie in shop.rows(tables.login_cookies)] == [NOON]
    assert shop.rows(tables.temporary_passwords) == []
    assert [message.kind for message in shop.messages()][-1] == "password_changed"
    assert shop.events()[-1] == ("reset_code.redeemed", None)
    assert shop.login(password=PASSWORD).return_code is ReturnCode.INVALID_CREDENTIALS
    assert shop.login(password=NEW).return_code is ReturnCode.SUCCESS


def test_code_works_once(partner):
    """Also for the same password."""
    partner.send()
    partner.redeem()

    assert partner.redeem().return_code is ReturnCode.INVALID_RESET_CODE
    assert partner.shop.events()[-1] == ("reset_code.refused", "InvalidResetCode")


def test_code_works_once_for_calls_at_the_same_time(partner):
    """The database picks the winner; the password is the winner's."""
    partner.send()
    barrier = Barrier(8)

    def redeem(number):
        barrier.wait()
        return partner.redeem(new=f"{NEW} {number}").return_code

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(redeem, range(8)))

    assert sorted(each.key for each in outcomes) == ["InvalidResetCode"] * 7 + ["Success"]
    winner = outcomes.index(ReturnCode.SUCCESS)
    assert partner.shop.login(password=f"{NEW} {winner}").return_code is ReturnCode.SUCCESS


def test_redeeming_waits_for_who_holds_the_account(partner):
    """Who changes the password holds the account and then ends the code: holding the code meanwhile would deadlock."""
    partner.send()
    account, database = partner.shop.account.id, partner.shop.core.database
    with ThreadPoolExecutor(1) as pool:
        with database.writing() as db:
            accounts.lock(db, account)
            redeemed = pool.submit(partner.redeem)
            with pytest.raises(TimeoutError):
                redeemed.result(timeout=0.7)
            kept_codes.end(db, account)
        assert redeemed.result(timeout=20).return_code is ReturnCode.INVALID_RESET_CODE


def test_refused_password_does_not_use_up_the_code(partner):
    """The guest tries another one."""
    shop = partner.shop
    shop.set_merchant(password_history=3)
    partner.send()

    assert partner.redeem(new="short").return_code is ReturnCode.PASSWORD_TOO_WEAK
    assert partner.redeem(new=PASSWORD).return_code is ReturnCode.PASSWORD_REUSED
    assert partner.redeem().return_code is ReturnCode.SUCCESS


def test_code_is_bound_to_its_merchant(partner):
    """An integration of two merchants does not carry it over."""
    other = make_merchant(partner.shop.core, third_party_accounts_of_record=True)
    allow_merchant(partner.shop.call(), partner.integration.id, other.id)
    partner.send()

    assert partner.redeem(merchant_id=other.id).return_code is ReturnCode.INVALID_RESET_CODE
    assert partner.redeem().return_code is ReturnCode.SUCCESS


def test_new_password_by_another_way_ends_the_code(partner):
    """Who is back in needs none."""
    partner.send()
    update_password(partner.shop.call(partner.shop.log_in()), PASSWORD, NEW)

    assert partner.redeem().return_code is ReturnCode.INVALID_RESET_CODE


@pytest.mark.parametrize("status", [AccountStatus.DISABLED, AccountStatus.LOCKED])
def test_code_of_an_account_that_is_closed_meanwhile(partner, status):
    """It is ended with the other ways in."""
    partner.send()
    set_account_status(partner.shop.call(), partner.shop.account.id, status)

    assert partner.redeem().return_code is ReturnCode.INVALID_RESET_CODE


def test_guesses_are_bounded(partner):
    """A hundred wrong codes in a quarter of an hour; then the right one waits, too."""
    partner.send()
    for number in range(reset_codes.MAX_WRONG_CODES):
        assert partner.redeem(f"guess {number}").return_code is ReturnCode.INVALID_RESET_CODE

    assert partner.redeem() == GuestResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=timedelta(minutes=15))
    partner.shop.clock.advance(minutes=15, seconds=1)
    assert partner.redeem().return_code is ReturnCode.SUCCESS


def test_codes_that_cannot_be_guessed_are_never_held_back(partner):
    """Else anybody could lock out a merchant's guests with wrong codes."""
    partner.generate()
    (code,) = partner.codes()
    for number in range(reset_codes.MAX_WRONG_CODES + 1):
        last = partner.redeem(f"guess {number}")
    assert last.return_code is ReturnCode.TOO_MANY_REQUESTS

    assert partner.redeem("A" * 32).return_code is ReturnCode.INVALID_RESET_CODE
    assert partner.redeem(code).return_code is ReturnCode.SUCCESS


def test_account_gets_eight_mails_in_a_quarter_of_an_hour(partner):
    """And the code of the last mail keeps working, so that a flood keeps nobody out."""
    for _ in range(10):
        partner.generate("anonymous", email=EMAIL)
    assert len(partner.links()) == 8
    refused = partner.generate("b2b", email=EMAIL)
    assert refused == GuestResult(return_code=ReturnCode.TOO_MANY_REQUESTS, retry_after=timedelta(minutes=15))
    reset_password(partner.shop.call(), EMAIL)
    assert len(partner.shop.messages()) == 8

    partner.shop.clock.advance(minutes=15, seconds=1)
    assert partner.redeem(partner.codes()[-1]).return_code is ReturnCode.SUCCESS
    assert partner.generate("b2b", email=EMAIL).return_code is ReturnCode.SUCCESS


def test_mails_that_the_owner_used_do_not_count(partner):
    """Who changes the password again and again, and can prove it, is no nuisance to anybody."""
    for number in range(20):
        partner.shop.clock.advance(seconds=5)
        assert partner.generate("b2b", email=EMAIL).is_success
        assert partner.redeem(partner.codes()[-1], new=f"{NEW} {number}").is_success


def test_request_from_before_a_change_of_the_password_is_not_done_after_it(partner):
    """The change ended what was asked before it, done or not."""
    partner.generate("anonymous", email=EMAIL)
    reset_password(partner.shop.call(), EMAIL)
    partner.shop.clock.advance(seconds=1)
    session = partner.shop.log_in()
    assert update_password(partner.shop.call(session), PASSWORD, NEW).is_success

    assert partner.links() == []
    assert partner.shop.messages("temporary_password") == []


# Who may call


@pytest.mark.parametrize("secret", ["wrong", "x" * 43])
def test_wrong_secret(partner, secret):
    """And nothing is sent."""
    result = reset_codes.generate_and_send(partner.call(secret), partner.request())

    assert result == GuestResult(return_code=ReturnCode.INVALID_CLIENT_CREDENTIALS)
    assert partner.shop.messages() == []


def test_disabled_integration(partner):
    """Its secret counts no more."""
    set_integration_disabled(partner.shop.call(), partner.integration.id, True)

    assert partner.generate().return_code is ReturnCode.INVALID_CLIENT_CREDENTIALS


@pytest.mark.parametrize(
    ("kinds", "asked", "generate", "send"),
    [
        (("anonymous", "b2b"), None, ReturnCode.SUCCESS, ReturnCode.SUCCESS),
        (("anonymous", "b2b"), "anonymous", ReturnCode.SUCCESS, ReturnCode.AUTHENTICATION_NOT_ALLOWED),
        (("anonymous",), None, ReturnCode.SUCCESS, ReturnCode.AUTHENTICATION_NOT_ALLOWED),
        (("anonymous",), "b2b", ReturnCode.AUTHENTICATION_NOT_ALLOWED, ReturnCode.AUTHENTICATION_NOT_ALLOWED),
        (("b2b",), None, ReturnCode.SUCCESS, ReturnCode.SUCCESS),
        (("b2b",), "anonymous", ReturnCode.AUTHENTICATION_NOT_ALLOWED, ReturnCode.AUTHENTICATION_NOT_ALLOWED),
    ],
)
def test_kinds_of_authentication(shop, kinds, asked, generate, send):
    """By the call and by the integration; `b2b` where it may."""
    partner = make_partner(shop, kinds=kinds)

    assert partner.generate(asked).return_code is generate
    assert reset_codes.send(partner.call(), partner.request(asked), CODE).return_code is send


def test_merchants_of_an_integration(partner):
    """Its own, and those that an operator allows."""
    shop = partner.shop
    other = make_merchant(shop.core, third_party_accounts_of_record=True)
    make_account(shop.core, other, username=USERNAME, email="other@example.com")

    assert partner.generate(merchant_id=other.id, username=USERNAME).return_code is ReturnCode.MERCHANT_NOT_FOUND
    assert partner.generate(merchant_id=2**63 - 1, username=USERNAME).return_code is ReturnCode.MERCHANT_NOT_FOUND
    allow_merchant(shop.call(), partner.integration.id, other.id)
    assert partner.generate(merchant_id=other.id, username=USERNAME).email == "other@example.com"
    deny_merchant(shop.call(), partner.integration.id, other.id)
    assert partner.generate(merchant_id=other.id, username=USERNAME).return_code is ReturnCode.MERCHANT_NOT_FOUND
