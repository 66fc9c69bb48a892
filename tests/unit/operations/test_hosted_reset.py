"""Tests of operations/hosted_reset.py; what the pages make of it is in tests/conformance/hosted."""

import pytest

from gatehouse.domain.accounts import AccountStatus
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.password_policy import PasswordPolicy, Weakness
from gatehouse.operations import reset_codes
from gatehouse.operations.accounts import set_account_status
from gatehouse.operations.hosted_reset import MAX_LINKS, PageState, choose, open_page, send_again
from tests import factories

CODE = "a-partners-own-code"
NEW_PASSWORD = "quiet otters and 7 lions"


def send(shop, code=CODE):
    """Make this the account's code."""
    call = shop.call()
    with call.writing():
        reset_codes.send_code(call, shop.merchant, shop.account, code)


def test_the_page_has_the_merchants_look_and_rules(shop):
    """Colour, language and rules are read anew each time, as an operator may change them."""
    shop.set_merchant(name="Acme", colour="#0f766e", language="de", password_min_length=12, password_history=3)
    send(shop)

    page = open_page(shop.call(), CODE)

    assert (page.state, page.merchant_name, page.colour, page.language) == (PageState.OPEN, "Acme", "#0f766e", "de")
    assert page.rules == PasswordPolicy(min_length=12, history=3)


def test_a_code_goes_through_its_states(shop):
    """Unknown, open, used; and what ended by time is expired."""
    assert open_page(shop.call(), CODE).state is PageState.UNKNOWN
    send(shop)
    assert open_page(shop.call(), CODE).state is PageState.OPEN
    assert choose(shop.call(), CODE, NEW_PASSWORD).return_code is ReturnCode.SUCCESS
    assert open_page(shop.call(), CODE).state is PageState.USED
    assert choose(shop.call(), CODE, NEW_PASSWORD).return_code is ReturnCode.INVALID_RESET_CODE
    send(shop, "another-code")
    shop.clock.advance(hours=1)
    assert open_page(shop.call(), "another-code").state is PageState.EXPIRED
    assert choose(shop.call(), "another-code", NEW_PASSWORD).return_code is ReturnCode.RESET_CODE_EXPIRED


@pytest.mark.parametrize("code", ["", "x" * 201, "A" * 32])
def test_what_cannot_be_a_code_is_unknown(shop, code):
    """It is not looked up at all, or found nowhere."""
    assert open_page(shop.call(), code).state is PageState.UNKNOWN
    assert choose(shop.call(), code, NEW_PASSWORD).return_code is ReturnCode.INVALID_RESET_CODE


def test_a_code_of_two_merchants_means_nobody(core, shop):
    """Partners choose codes without knowing of each other."""
    other = factories.make_shop(core)
    send(shop)
    send(other)

    assert open_page(shop.call(), CODE).state is PageState.UNKNOWN


def test_a_closed_account_gets_neither_password_nor_link(shop):
    """Closing it ends its code; a used one stays, and its page says that a new password would be of no use."""
    send(shop)
    set_account_status(shop.call(), shop.account.id, AccountStatus.DISABLED)
    assert open_page(shop.call(), CODE).state is PageState.UNKNOWN
    assert choose(shop.call(), CODE, NEW_PASSWORD).return_code is ReturnCode.INVALID_RESET_CODE

    set_account_status(shop.call(), shop.account.id, AccountStatus.ACTIVE)
    send(shop)
    assert choose(shop.call(), CODE, NEW_PASSWORD).is_success
    set_account_status(shop.call(), shop.account.id, AccountStatus.DISABLED)
    assert open_page(shop.call(), CODE).state is PageState.CLOSED
    send_again(shop.call(), CODE)
    assert len(shop.messages("reset_code")) == 2


def test_a_weak_password_is_refused_with_its_reason_and_the_code_stays(shop):
    """The page has words of its own for each reason."""
    send(shop)

    result = choose(shop.call(), CODE, "elephant77")

    assert (result.return_code, result.weakness) == (ReturnCode.PASSWORD_TOO_WEAK, Weakness.GUESSABLE)
    assert result.message == "The new password is too weak: it is too easy to guess."
    assert open_page(shop.call(), CODE).state is PageState.OPEN


def test_a_new_link_takes_the_place_of_the_dead_one(shop):
    """Only the newest link works, and it is audited like every other."""
    send(shop)
    shop.clock.advance(hours=1)
    before = len(shop.events())

    send_again(shop.call(), CODE)

    assert open_page(shop.call(), CODE).state is PageState.UNKNOWN
    assert shop.events(before) == [("reset_code.sent", None)]
    assert len(shop.messages("reset_code")) == 2


def test_new_links_are_bounded_by_the_hour(shop):
    """The bound counts every link that the account was sent, whoever asked for it."""
    for number in range(MAX_LINKS):
        send(shop, f"{CODE}-{number}")
    assert choose(shop.call(), f"{CODE}-3", NEW_PASSWORD).is_success
    send_again(shop.call(), f"{CODE}-3")
    assert len(shop.messages("reset_code")) == MAX_LINKS

    shop.clock.advance(hours=1, seconds=1)
    send_again(shop.call(), f"{CODE}-3")
    assert len(shop.messages("reset_code")) == MAX_LINKS + 1
