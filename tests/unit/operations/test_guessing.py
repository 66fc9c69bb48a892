"""Tests of the gate against guessing, by the operations that pass it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from gatehouse.domain.codes import ReturnCode
from gatehouse.operations import reset_codes
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.login import LoginRequest, login
from gatehouse.operations.login_cookies import decode_login_cookie
from gatehouse.operations.passwords import update_password, update_pincode
from gatehouse.storage import guess_counts, tables
from tests import factories
from tests.factories import EMAIL, NOON, PASSWORD, PHONE, USERNAME, make_account, make_merchant, make_shop
from tests.partner import make_partner

WRONG, LIMITED, RIGHT = ReturnCode.INVALID_CREDENTIALS, ReturnCode.TOO_MANY_REQUESTS, ReturnCode.SUCCESS


@pytest.fixture
def shop(core):
    """A merchant with an application and an account."""
    return make_shop(core)


def try_login(shop, source="192.0.2.1", password="wrong", token=None, cookie=None, **members):
    """Log in from an address and return the result."""
    caller = Caller(application_token=token or shop.application.token, source=source, login_cookie=cookie)
    named = members.keys() & {"email", "username"}
    request = LoginRequest(password=password, user_role="15", **({} if named else {"email": EMAIL}), **members)
    return login(Call(shop.core, caller), request)


def codes(shop, count, **how):
    """Return the outcomes of so many tries."""
    return [try_login(shop, **how).return_code for _ in range(count)]


def far(number):
    """Return an address of its own."""
    return f"198.51.{number // 250}.{number % 250 + 1}"


def test_ten_wrong_passwords_from_anywhere(shop):
    """The eleventh is not looked at, wherever it is from, for as long as the quarter of an hour lasts."""
    found = [try_login(shop, source=far(number)).return_code for number in range(10)]
    assert found == [WRONG] * 10

    shop.clock.advance(minutes=5)
    limited = try_login(shop, source=far(11), password=PASSWORD)
    assert limited.return_code is LIMITED
    assert limited.retry_after.total_seconds() == 10 * 60
    shop.clock.advance(minutes=10)
    assert try_login(shop, source=far(11), password=PASSWORD).return_code is RIGHT


def test_one_address_cannot_use_up_what_is_allowed_to_all(shop):
    """Five wrong ones, then a wait that grows; the owner gets in from elsewhere."""
    assert codes(shop, 6) == [WRONG] * 5 + [LIMITED]
    assert try_login(shop, source="192.0.2.2", password=PASSWORD).return_code is RIGHT


def test_waits_grow_to_a_quarter_of_an_hour_and_no_further(shop, core):
    """One minute, two, four, eight, fifteen, fifteen: never a permanent lock."""
    core = replace(core, settings=replace(core.settings, guesses_per_account=1000))
    shop = replace(shop, core=core)
    assert codes(shop, 5) == [WRONG] * 5
    waits = []
    for _ in range(6):
        limited = try_login(shop, password=PASSWORD)
        assert limited.return_code is LIMITED
        waits.append(limited.retry_after.total_seconds() / 60)
        shop.clock.advance(seconds=limited.retry_after.total_seconds())
        assert try_login(shop).return_code is WRONG
    assert waits == [1, 2, 4, 8, 15, 15]

    shop.clock.advance(minutes=30)
    assert codes(shop, 6) == [WRONG] * 5 + [LIMITED]


def test_right_password_clears_the_account_but_not_the_address(shop, core):
    """Else whoever has an account could guess at others without end."""
    core = replace(core, settings=replace(core.settings, guesses_per_source=8))
    shop = replace(shop, core=core)
    make_account(core, shop.merchant, email="other@example.com", username="other", password=PASSWORD)
    for _ in range(2):
        assert codes(shop, 4) == [WRONG] * 4
        if _ == 0:
            assert try_login(shop, password=PASSWORD).return_code is RIGHT

    assert try_login(shop, email="other@example.com", password=PASSWORD).return_code is LIMITED
    assert try_login(shop, source="192.0.2.2", email="other@example.com", password=PASSWORD).return_code is RIGHT


@pytest.mark.parametrize("identity", [{"email": EMAIL}, {"username": USERNAME}, {"email": "nobody@example.com"}])
def test_names_that_nobody_has_are_limited_like_others(shop, identity):
    """The limit is of what is said, so that it tells nobody who exists."""
    assert codes(shop, 6, **identity) == [WRONG] * 5 + [LIMITED]


def test_limits_do_not_tell_which_identities_belong_together(shop):
    """A username is not limited for what was tried under its owner's address."""
    assert codes(shop, 6, email=EMAIL)[-1] is LIMITED
    assert try_login(shop, username=USERNAME).return_code is WRONG


def test_ways_of_writing_an_identity_share_a_budget(shop):
    """What is compared alike is counted alike."""
    assert codes(shop, 3, email=EMAIL) + codes(shop, 3, email=f"  {EMAIL.upper()} ") == [WRONG] * 5 + [LIMITED]


def test_ipv6_customers_are_counted_by_their_network(shop, core):
    """A /64 is one customer (RFC 6177), who could draw a new address for each guess."""
    found = [try_login(shop, source=f"2001:db8:1:2::{number:x}").return_code for number in range(1, 7)]
    assert found == [WRONG] * 5 + [LIMITED]
    assert try_login(shop, source="2001:db8:1:3::1").return_code is WRONG


def test_a_hundred_wrong_passwords_of_an_address(shop):
    """Whoever they are for; others are not held up."""
    found = [try_login(shop, email=f"guest{number}@example.com").return_code for number in range(101)]
    assert found == [WRONG] * 100 + [LIMITED]
    assert try_login(shop, source="192.0.2.2", password=PASSWORD).return_code is RIGHT


def test_application_under_attack_holds_back_suspects_only(shop, core):
    """Who has not guessed wrong before gets in while others attack from many addresses."""
    core = replace(core, settings=replace(core.settings, guesses_per_application=20))
    shop = replace(shop, core=core)
    for number in range(20):
        assert try_login(shop, source=far(number), email=f"guest{number}@example.com").return_code is WRONG

    assert try_login(shop, source=far(3), password=PASSWORD).return_code is LIMITED
    assert try_login(shop, source=far(999), password=PASSWORD).return_code is RIGHT
    assert try_login(shop, source=far(999)).return_code is WRONG
    assert try_login(shop, source=far(999), password=PASSWORD).return_code is LIMITED


@pytest.mark.parametrize("proof", ["device", "login cookie"])
def test_no_stranger_keeps_the_owner_out(shop, proof):
    """An activated device, or a valid login cookie, has a budget of its own: ten thousand guesses do not touch it."""
    shown = {"source": "192.0.2.1"}
    if proof == "device":
        session = shop.log_in()
        shop.register(session, "phone-1")
        shop.activate(session, "phone-1")
        shown["device_id"] = "phone-1"
    else:
        shown["cookie"] = shop.login(set_cookie=True).encoded_cookie
    # The whole number once; the other ways differ in what is shown and in the database alone.
    guesses = 10_000 if proof == "device" and shop.core.database.is_sqlite else 1_000
    guessed, let_in = [], []
    for number in range(guesses):
        guessed.append(try_login(shop, source=far(number % 500)).return_code)
        if number % (guesses // 100) == 0:
            shop.clock.advance(seconds=5)
            let_in.append(try_login(shop, password=PASSWORD, **shown).return_code)

    assert let_in == [RIGHT] * 100
    assert guessed.count(WRONG) == 10
    assert guessed.count(LIMITED) == guesses - 10


def test_proof_of_the_owner_has_a_budget_too(shop):
    """A stolen device is no way to guess without end."""
    session = shop.log_in()
    shop.register(session, "phone-1")
    shop.activate(session, "phone-1")
    assert codes(shop, 11, device_id="phone-1") == [WRONG] * 10 + [LIMITED]


def test_own_device_is_no_proof_for_another_account(shop, core):
    """Else its owner could guess at anybody's password, and log in with the own one in between to begin anew."""
    make_account(core, shop.merchant, email="mallory@example.com", username="mallory", password="mallory's own 1")
    session = shop.log_in(email="mallory@example.com", password="mallory's own 1")
    shop.register(session, "phone-1", PHONE)
    shop.activate(session, "phone-1")

    found = codes(shop, 6, email=EMAIL, username="mallory", device_id="phone-1")
    assert found == [WRONG] * 5 + [LIMITED]
    assert try_login(shop, email=EMAIL, password=PASSWORD, device_id="phone-1").return_code is LIMITED


def test_own_password_forgives_no_guesses_at_another_account(shop, core):
    """Else whoever has an account could name it beside another's address, and begin anew after every few guesses."""
    make_account(core, shop.merchant, email="mallory@example.com", username="mallory", password="mallory's own 1")
    assert codes(shop, 4) == [WRONG] * 4
    both = try_login(shop, email=EMAIL, username="mallory", password="mallory's own 1")
    assert both.return_code is ReturnCode.AMBIGUOUS_IDENTITY

    assert codes(shop, 2) == [WRONG, LIMITED]


def test_device_that_is_not_activated_or_blocked_is_no_proof(shop):
    """Whoever may register one."""
    session = shop.log_in()
    shop.register(session, "phone-1")
    assert codes(shop, 6, device_id="phone-1") == [WRONG] * 5 + [LIMITED]


def test_cookie_of_another_application_or_an_old_one_is_no_proof(shop, core):
    """A login cookie counts where it could be decoded now."""
    other = factories.make_application(core, shop.merchant, name="Other")
    cookie = shop.login(set_cookie=True).encoded_cookie
    assert codes(shop, 6, token=other.token, cookie=cookie) == [WRONG] * 5 + [LIMITED]
    assert codes(shop, 2, cookie=cookie) == [WRONG] * 2

    decode_login_cookie(shop.call(), cookie)
    shop.clock.advance(seconds=59)
    assert codes(shop, 1, cookie=cookie) == [WRONG]
    shop.clock.advance(seconds=1)
    assert codes(shop, 2, cookie=cookie) == [WRONG, LIMITED]


def test_thousand_parallel_guesses_learn_no_more_than_the_budget(shop):
    """The counts are raised in the database, so no reading between them lets one more through."""
    barrier = Barrier(16)

    def guess(number):
        if number < 16:
            barrier.wait()
        return try_login(shop, source=far(number)).return_code

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(guess, range(1000)))

    assert found.count(WRONG) == 10
    assert found.count(LIMITED) == 990


def test_parallel_guesses_from_one_address_leave_the_account_to_others(shop):
    """Those that found no room count for nobody else."""
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: try_login(shop).return_code, range(60)))

    assert found.count(WRONG) == 5
    assert try_login(shop, source="192.0.2.2", password=PASSWORD).return_code is RIGHT


def test_parallel_right_passwords_are_all_let_in(shop):
    """Budgets count failures: many tills may log the same account in at the same moment."""
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: try_login(shop, password=PASSWORD).return_code, range(64)))

    assert found == [RIGHT] * 64


@pytest.mark.parametrize("method", [update_password, update_pincode])
def test_old_secret_of_a_session(shop, method):
    """A stolen session is no way to learn the password; the count is of the account, not of the session."""
    first, second = shop.log_in(), shop.log_in()
    new = "a new password 1" if method is update_password else "4826"
    found = [method(shop.call(first), "wrong", new).return_code for _ in range(10)]

    assert found == [WRONG] * 10
    assert method(shop.call(second), PASSWORD, new).return_code is LIMITED
    shop.clock.advance(minutes=15)
    assert method(shop.call(second), PASSWORD, new).return_code is RIGHT


def test_owner_is_warned_once(shop):
    """However many are tried, and nobody is when there is nobody."""
    for _ in range(3):
        for number in range(12):
            try_login(shop, source=far(number))
            try_login(shop, source=far(number), email="nobody@example.com")
        shop.clock.advance(minutes=31)

    assert [message.recipient for message in shop.messages("many_wrong_guesses")] == [EMAIL]
    shop.clock.advance(hours=25)
    for number in range(12):
        try_login(shop, source=far(number))
    assert len(shop.messages("many_wrong_guesses")) == 2


def test_client_secrets(core):
    """By name and network: a stranger's wrong ones do not hold up the partner."""
    partner = make_partner(make_shop(core))

    def ask(secret, source):
        caller = replace(partner.call(secret).caller, source=source)
        return reset_codes.generate_and_send(Call(core, caller), partner.request()).return_code

    found = [ask("wrong", "192.0.2.1") for _ in range(21)]
    assert found == [ReturnCode.INVALID_CLIENT_CREDENTIALS] * 20 + [LIMITED]
    assert ask(partner.secret, "192.0.2.1") is LIMITED
    assert ask(partner.secret, "192.0.2.2") is RIGHT


def test_made_up_cookies(shop, monkeypatch):
    """They are counted by their network, and a valid one is answered all the same."""
    monkeypatch.setattr("gatehouse.operations.login_cookies.MAX_WRONG_COOKIES", 3)
    valid = shop.login(set_cookie=True).encoded_cookie
    found = [decode_login_cookie(shop.call(), "made up").return_code for _ in range(4)]
    assert found == [ReturnCode.INVALID_COOKIE] * 3 + [LIMITED]
    assert decode_login_cookie(shop.call(), valid).return_code is RIGHT


def test_counts_tell_nothing_and_are_removed(shop):
    """Keys are keyed digests; a count that is forgotten leaves the table."""
    codes(shop, 3)
    with shop.core.database.reading() as db:
        rows = db.execute(tables.guess_counts.select()).all()
    assert len(rows) == 4
    assert not any(EMAIL.encode() in bytes(row.key_digest) for row in rows)

    with shop.core.database.writing() as db:
        assert guess_counts.has_forgotten(db, NOON.replace(hour=13))
        assert guess_counts.remove_forgotten(db, NOON.replace(hour=13), 3) == 3
        assert guess_counts.remove_forgotten(db, NOON.replace(hour=13), 3) == 1
        assert db.execute(tables.guess_counts.select()).all() == []


def test_isolation_of_merchants(shop, core):
    """The same address at another merchant is another account."""
    assert codes(shop, 6)[-1] is LIMITED
    other = make_merchant(core, name="Other")
    make_account(core, other, email=EMAIL, password=PASSWORD)
    token = factories.make_application(core, other).token
    assert try_login(shop, source="192.0.2.1", token=token, password=PASSWORD).return_code is RIGHT
