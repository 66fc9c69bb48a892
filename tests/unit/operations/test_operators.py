"""Tests of operations/operators.py: signing in to the panel, the second factor, and who may do what."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest

from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.operators import MAX_WRONG_CODES, OperatorRole, Right
from gatehouse.operations import operator_passwords, operator_sign_in, operators, second_factors
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.signed_in import SignedIn
from tests import factories

NAME, PASSWORD, OTHER = "olga", "seven quiet otters swim", "eight quiet herons fly"
HERE, ELSEWHERE = "192.0.2.7", "198.51.100.9"


class Desk:
    """One operator, and where calls come from."""

    def __init__(self, core, role=OperatorRole.OWNER, merchant_ids=()):
        self.core = core
        self.operator = operators.add_operator(Call(core, Caller()), NAME, role, PASSWORD, merchant_ids)

    def call(self, source=HERE):
        return Call(self.core, Caller(source=source))

    def sign_in(self, password=PASSWORD, source=HERE, name=NAME):
        return operator_sign_in.sign_in(self.call(source), name, password)

    def find(self, token):
        return operator_sign_in.find_signed_in(self.call(), token)

    def who(self) -> SignedIn:
        """Sign in, with a code where one is asked for."""
        found = self.sign_in()
        if found.owes_code:
            self.core.now.advance(seconds=30)
            found = operator_sign_in.prove_code(self.call(), found.token, self.code())
        who = self.find(found.token)
        assert who is not None
        return who

    def enrol(self):
        """Add a second factor and return its recovery codes."""
        who = self.who()
        enrolment = second_factors.begin_second_factor(self.call(), who, PASSWORD)
        self.secret = enrolment.secret
        codes = second_factors.confirm_second_factor(self.call(), self.who(), self.code())
        assert codes is not None
        return codes

    def code(self, seconds=0):
        """Return what the authenticator application shows, or showed some seconds ago."""
        return pyotp.TOTP(self.secret).at(int(self.core.now.moment.timestamp()) + seconds)

    def events(self):
        """Return what happened to the operator, oldest first."""
        return [each.event for each in reversed(operators.show_operator(self.call(), self.operator.id)[2])]


@pytest.fixture
def desk(core):
    """An owner without a second factor."""
    return Desk(core)


def test_right_password_signs_in(desk):
    """Whatever the case of the name."""
    found = desk.sign_in(name=" OLGA ")

    assert not found.owes_code
    assert found.wait is None
    assert desk.find(found.token).operator.username == NAME
    assert desk.events() == ["operator.added", "operator.signed_in"]


@pytest.mark.parametrize(("name", "password"), [(NAME, "wrong"), ("nobody", PASSWORD), (NAME, ""), (NAME, "x" * 5000)])
def test_wrong_sign_in_is_refused(desk, name, password):
    """Nobody learns which of the two was wrong."""
    assert desk.sign_in(password, name=name) == operator_sign_in.SignIn()


def test_disabled_operator_is_refused_and_signed_out(desk):
    """As somebody who is not there; the last owner stays, or nobody could do anything."""
    token = desk.sign_in().token
    with pytest.raises(AdministrationError, match="only owner"):
        operators.set_operator_disabled(desk.call(), desk.operator.id, True)
    operators.add_operator(desk.call(), "second", OperatorRole.OWNER, OTHER)
    operators.set_operator_disabled(desk.call(), desk.operator.id, True)

    assert desk.find(token) is None
    assert desk.sign_in() == operator_sign_in.SignIn()
    operators.set_operator_disabled(desk.call(), desk.operator.id, False)
    assert desk.find(token) is None, "what has ended does not come back"
    assert desk.sign_in().token


def test_wrong_passwords_are_held_back_by_name_and_network(desk):
    """The same gate as accounts; somebody elsewhere can still sign in."""
    for _ in range(desk.core.settings.guesses_per_account_and_source):
        assert desk.sign_in("wrong").wait is None

    assert desk.sign_in(PASSWORD).wait is not None
    assert desk.sign_in(PASSWORD, source=ELSEWHERE).token
    desk.core.now.advance(minutes=2)
    assert desk.sign_in(PASSWORD).token
    assert desk.sign_in("wrong").wait is None, "and a right password forgives"


def test_wrong_passwords_are_held_back_by_name(desk):
    """Also those that come from everywhere."""
    for number in range(desk.core.settings.guesses_per_account):
        assert desk.sign_in("wrong", source=f"198.51.100.{number}").wait is None

    assert desk.sign_in(PASSWORD).wait is not None
    desk.core.now.advance(minutes=16)
    assert desk.sign_in(PASSWORD).token


def test_wrong_passwords_are_held_back_by_network(desk):
    """Also for one name after the other."""
    for number in range(desk.core.settings.guesses_per_source):
        assert desk.sign_in("wrong", name=f"name{number}").wait is None

    assert desk.sign_in(PASSWORD).wait is not None
    assert desk.sign_in(PASSWORD, source=ELSEWHERE).token


def test_session_ends_when_idle_and_at_last(desk):
    """Twenty minutes without a page, or twelve hours in all."""
    idle = desk.sign_in().token
    desk.core.now.advance(minutes=19)
    assert desk.find(idle)
    desk.core.now.advance(minutes=19)
    assert desk.find(idle), "each page begins the idle time anew"
    desk.core.now.advance(minutes=20)
    assert desk.find(idle) is None

    busy = desk.sign_in().token
    for _ in range(47):
        desk.core.now.advance(minutes=15)
        assert desk.find(busy)
    desk.core.now.advance(minutes=15)
    assert desk.find(busy) is None


def test_sign_out_ends_one_session_or_all(desk):
    """For a desk that one leaves, and for a machine that was lost."""
    first, second, third = (desk.sign_in().token for _ in range(3))
    operator_sign_in.sign_out(desk.call(), desk.find(first))
    assert desk.find(first) is None
    assert len(operator_sign_in.list_own_sessions(desk.call(), desk.find(second))) == 2

    assert operator_sign_in.sign_out_everywhere(desk.call(), desk.find(second)) == 2
    assert desk.find(second) is None
    assert desk.find(third) is None


def test_second_factor_is_asked_for(desk):
    """After the right password the session is good for nothing else, and the full one has another token."""
    desk.enrol()
    desk.core.now.advance(seconds=60)

    half = desk.sign_in()
    assert half.owes_code
    assert desk.find(half.token) is None
    assert operator_sign_in.prove_code(desk.call(), half.token, "000000") == operator_sign_in.SignIn(owes_code=True)
    full = operator_sign_in.prove_code(desk.call(), half.token, f" {desk.code()[:3]} {desk.code()[3:]} ")
    assert full.token not in (None, half.token)
    assert desk.find(full.token)
    assert operator_sign_in.prove_code(desk.call(), half.token, desk.code(30)) == operator_sign_in.SignIn(), (
        "it has ended"
    )


def test_code_works_once(desk):
    """Who looks over a shoulder comes too late; and an older code does not work after a newer one."""
    desk.enrol()
    desk.core.now.advance(seconds=60)
    first, second, third = (desk.sign_in().token for _ in range(3))
    code, before = desk.code(), desk.code(-30)

    assert operator_sign_in.prove_code(desk.call(), first, code).token
    assert operator_sign_in.prove_code(desk.call(), second, code).token is None
    assert operator_sign_in.prove_code(desk.call(), third, before).token is None
    assert operator_sign_in.prove_code(desk.call(), third, desk.code(30)).token, "the next one does, a little early"


def test_enrolment_code_is_used_up_too(desk):
    """It was on the screen."""
    desk.enrol()

    assert operator_sign_in.prove_code(desk.call(), desk.sign_in().token, desk.code()).token is None


def test_wrong_codes_are_held_back(desk):
    """However many sessions they come from; a right password does not forgive them."""
    desk.enrol()
    desk.core.now.advance(seconds=60)
    for _ in range(MAX_WRONG_CODES):
        assert operator_sign_in.prove_code(desk.call(), desk.sign_in().token, "000000").wait is None

    refused = operator_sign_in.prove_code(desk.call(ELSEWHERE), desk.sign_in().token, desk.code())
    assert refused.token is None
    assert refused.wait is not None
    desk.core.now.advance(minutes=16)
    assert operator_sign_in.prove_code(desk.call(), desk.sign_in().token, desk.code()).token


def test_owed_code_must_come_soon(desk):
    """A half session lives ten minutes."""
    desk.enrol()
    half = desk.sign_in().token
    desk.core.now.advance(minutes=10)

    assert operator_sign_in.prove_code(desk.call(), half, desk.code()) == operator_sign_in.SignIn()


def test_recovery_code_works_once(desk):
    """For who has lost the phone; with or without the hyphens, and counted down."""
    codes = desk.enrol()
    assert len(codes) == 10
    assert all(re.fullmatch(r"(\w{4}-){5}\w{4}", each) for each in codes)

    found = operator_sign_in.prove_code(desk.call(), desk.sign_in().token, codes[0].replace("-", ""))
    assert second_factors.count_recovery_codes(desk.call(), desk.find(found.token)) == 9
    assert operator_sign_in.prove_code(desk.call(), desk.sign_in().token, codes[0]).token is None
    assert operator_sign_in.prove_code(desk.call(), desk.sign_in().token, codes[1]).token
    assert "operator.recovery_code_used" in desk.events()


def test_code_is_good_for_one_of_many_at_the_same_time(desk):
    """The database picks the winner."""
    desk.enrol()
    desk.core.now.advance(seconds=60)
    tokens = [desk.sign_in().token for _ in range(4)]
    code, won, barrier = desk.code(), [], threading.Barrier(4)

    def prove(token):
        barrier.wait()
        if operator_sign_in.prove_code(desk.call(), token, code).token:
            won.append(token)

    threads = [threading.Thread(target=prove, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1


def test_second_factor_takes_password_and_first_code(desk):
    """Who sits down at an unlocked desk can neither add one nor remove it; until its first code it is not asked for."""
    who = desk.who()
    assert second_factors.begin_second_factor(desk.call(), who, "wrong") == "Your present password is wrong."
    enrolment = second_factors.begin_second_factor(desk.call(), who, PASSWORD)
    assert enrolment.address.startswith("otpauth://totp/Gatehouse:olga?secret=")
    assert second_factors.find_enrolment(desk.call(), desk.who()) == enrolment
    assert second_factors.confirm_second_factor(desk.call(), desk.who(), "000000") is None
    assert not desk.sign_in().owes_code

    desk.enrol()
    who = desk.who()
    assert second_factors.remove_own_second_factor(desk.call(), who, "wrong")
    assert desk.sign_in().owes_code
    assert second_factors.remove_own_second_factor(desk.call(), who, PASSWORD) is None
    assert not desk.sign_in().owes_code


def test_new_recovery_codes_end_the_old(desk):
    """A list that was lost is worth nothing then."""
    old = desk.enrol()
    new = second_factors.make_recovery_codes(desk.call(), desk.who(), PASSWORD)

    assert operator_sign_in.prove_code(desk.call(), desk.sign_in().token, old[0]).token is None
    assert operator_sign_in.prove_code(desk.call(), desk.sign_in().token, new[0]).token


def test_secrets_are_not_kept_readable(desk):
    """A copy of the database signs nobody in."""
    codes = desk.enrol()
    with desk.core.database.reading() as db:
        kept = repr(
            [row for table in ("operators", "operator_recovery_codes", "operator_sessions")
             for row in db.exec_driver_sql(f"SELECT * FROM {table}")]  # noqa: S608  names from the line above
        )  # fmt: skip

    assert desk.secret not in kept
    assert codes[0].replace("-", "") not in kept


def test_password_change_ends_other_sessions(desk):
    """Whoever else is signed in with the old one is out, also who owes a code."""
    other, who = desk.sign_in().token, desk.who()

    assert operator_passwords.change_own_password(desk.call(), who, "wrong", OTHER) == "Your present password is wrong."
    for weak in ("short", "password1234", "olga-gatehouse", "aaaaaaaaaaaaaaaa"):
        assert "refused" in operator_passwords.change_own_password(desk.call(), who, PASSWORD, weak)
    assert operator_passwords.change_own_password(desk.call(), who, PASSWORD, OTHER) is None

    assert desk.find(other) is None
    assert desk.sign_in().token is None
    assert desk.sign_in(OTHER).token


def test_parallel_guesses_from_one_address_leave_the_name_to_others(desk):
    """Those that found no room count for nobody else."""
    with ThreadPoolExecutor(12) as pool:
        waits = list(pool.map(lambda _: desk.sign_in("wrong").wait, range(60)))

    assert waits.count(None) == desk.core.settings.guesses_per_account_and_source
    assert desk.sign_in(PASSWORD, source=ELSEWHERE).token


def test_own_password_cannot_be_guessed_from_a_session(desk):
    """Who found the desk unlocked does not find the password, too."""
    who = desk.who()
    for _ in range(desk.core.settings.guesses_per_account):
        operator_passwords.change_own_password(desk.call(), who, "wrong", OTHER)

    assert "too many" in operator_passwords.change_own_password(desk.call(), who, PASSWORD, OTHER)


def test_roles_and_merchants(core):
    """An owner works for all, the others for those that they were given."""
    ours, theirs = factories.make_merchant(core), factories.make_merchant(core)
    owner = Desk(core).who()
    assert owner.works_for(ours.id)
    assert owner.works_for(theirs.id)
    assert owner.may(Right.CHANGE_MERCHANT)

    call = Call(core, Caller())
    for role in (OperatorRole.MANAGER, OperatorRole.SUPPORT):
        with pytest.raises(AdministrationError, match="name them"):
            operators.add_operator(call, "nobody", role, PASSWORD)
    with pytest.raises(AdministrationError, match="no merchant"):
        operators.add_operator(call, "nobody", OperatorRole.MANAGER, PASSWORD, [ours.id, 999])
    with pytest.raises(AdministrationError, match="name none"):
        operators.add_operator(call, "nobody", OperatorRole.OWNER, PASSWORD, [ours.id])
    operators.add_operator(call, "sam", OperatorRole.SUPPORT, PASSWORD, [ours.id])
    sam = operator_sign_in.find_signed_in(call, operator_sign_in.sign_in(call, "sam", PASSWORD).token)
    assert sam.works_for(ours.id)
    assert not sam.works_for(theirs.id)
    assert {right for right in Right if sam.may(right)} == {Right.READ, Right.START_RESETS, Right.BLOCK_DEVICES}


def test_change_of_role_counts_at_once(core):
    """Without signing in again; what was there before and after is kept."""
    ours, theirs = factories.make_merchant(core), factories.make_merchant(core)
    Desk(core)
    call = Call(core, Caller())
    added = operators.add_operator(call, "sam", OperatorRole.SUPPORT, PASSWORD, [ours.id])
    token = operator_sign_in.sign_in(Call(core, Caller()), "sam", PASSWORD).token

    operators.change_operator(call, added.id, OperatorRole.MANAGER, [theirs.id])

    who = operator_sign_in.find_signed_in(Call(core, Caller()), token)
    assert (who.role, who.merchant_ids) == (OperatorRole.MANAGER, {theirs.id})
    changes = operators.show_operator(call, added.id)[2][0].changes
    assert changes == {"role": ["support", "manager"], "merchants": [[ours.id], [theirs.id]]}
    operators.change_operator(call, added.id, OperatorRole.OWNER)
    assert operator_sign_in.find_signed_in(Call(core, Caller()), token).merchant_ids is None


def test_lost_second_factor_is_removed_by_command(desk):
    """And nobody stays signed in."""
    desk.enrol()
    who = desk.who()
    operators.remove_second_factor(desk.call(), desk.operator.id)

    assert operator_sign_in.list_own_sessions(desk.call(), who) == []
    assert desk.sign_in().token
    assert not desk.sign_in().owes_code


def test_time_zone_must_exist(desk):
    """A page could not be shown in another."""
    operators.set_time_zone(desk.call(), desk.who(), "Europe/Vienna")
    assert desk.who().operator.time_zone == "Europe/Vienna"
    with pytest.raises(AdministrationError, match="time zone"):
        operators.set_time_zone(desk.call(), desk.who(), "../etc/passwd")


def test_weak_or_taken_operators_are_refused(desk):
    """By the rules for operators, which are stricter than those for accounts."""
    for name, password, why in (("x", "short", "shorter"), (NAME, OTHER, "of this name"), ("", OTHER, "characters")):
        with pytest.raises(AdministrationError, match=why):
            operators.add_operator(desk.call(), name, OperatorRole.OWNER, password)


def test_confirming_begins_the_session_anew(desk):
    """In the place of the one before, whose token ends; the address is the one that it comes from now."""
    token = desk.sign_in().token
    desk.core.now.advance(minutes=15)
    call = desk.call(ELSEWHERE)
    who = operator_sign_in.find_signed_in(call, token)
    assert not who.authority.has_fresh_proof(call.now)

    confirmed = operator_sign_in.confirm(call, who, PASSWORD, "")

    assert call.authority.has_fresh_proof(call.now)
    assert desk.find(token) is None
    assert desk.find(confirmed.token).session.id == confirmed.who.session.id
    assert confirmed.who.session.source == ELSEWHERE
    assert desk.events()[-2:] == ["operator.signed_in", "operator.confirmed"]
    assert operator_sign_in.confirm(desk.call(), who, PASSWORD, "") == "Your session has ended in the meantime."


def test_confirming_takes_what_signing_in_takes(desk):
    """The password, and where there is a second factor its code, each of them good once."""
    codes = desk.enrol()
    who = desk.who()
    used = desk.code()
    for password, code, text in (
        ("wrong", desk.code(30), "Your present password is wrong."),
        (PASSWORD, "", "This code is wrong, or was used before."),
        (PASSWORD, used, "This code is wrong, or was used before."),
    ):
        assert operator_sign_in.confirm(desk.call(), who, password, code) == text
    assert desk.events()[-3:] == ["operator.confirmation_refused"] * 3

    confirmed = operator_sign_in.confirm(desk.call(), who, PASSWORD, desk.code(30))
    again = operator_sign_in.confirm(desk.call(), confirmed.who, PASSWORD, codes[0])
    assert operator_sign_in.confirm(desk.call(), again.who, PASSWORD, codes[0]).startswith("This code is wrong")


def test_confirming_is_no_way_to_guess(desk):
    """Wrong passwords are those of an owner's own session, and wrong codes those of signing in."""
    desk.enrol()
    who = desk.who()
    for _ in range(MAX_WRONG_CODES):
        assert operator_sign_in.confirm(desk.call(), who, PASSWORD, "000000").startswith("This code is wrong")
    desk.core.now.advance(seconds=30)
    assert operator_sign_in.confirm(desk.call(), who, PASSWORD, desk.code()).startswith("There were too many")
    half = desk.sign_in()
    assert operator_sign_in.prove_code(desk.call(), half.token, desk.code()).wait is not None

    for _ in range(desk.core.settings.guesses_per_account):
        assert operator_sign_in.confirm(desk.call(), who, "wrong", "") == "Your present password is wrong."
    assert operator_sign_in.confirm(desk.call(), who, PASSWORD, "").startswith("There were too many wrong passwords")
    assert operator_passwords.change_own_password(desk.call(), who, PASSWORD, OTHER).startswith("There were too many")
