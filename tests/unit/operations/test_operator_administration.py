"""Tests of operations/operators.py: start passwords, and what nobody may do to others or to itself."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from gatehouse.domain.errors import AdministrationError, ChangedMeanwhileError, NotAllowedError
from gatehouse.domain.operators import PROOF_LIFETIME, RIGHTS, START_PASSWORD_LIFETIME, Authority, OperatorRole
from gatehouse.operations import operator_passwords, operator_sign_in, operators
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.revisions import revision_of
from tests import factories

OWN = "seven quiet otters swim"


@pytest.fixture
def merchant(core):
    """A merchant to work for."""
    return factories.make_merchant(core)


@pytest.fixture
def olga(core):
    """An owner."""
    return operators.add_operator(Call(core, Caller()), "olga", OperatorRole.OWNER, OWN)


def as_owner(core, operator):
    """Return a call of this owner."""
    call = Call(core, Caller())
    call.authority = Authority(operator.id, RIGHTS[OperatorRole.OWNER], None, call.now)
    return call


def sign_in(core, name, password):
    """Sign in, and return who it is, or None."""
    token = operator_sign_in.sign_in(Call(core, Caller()), name, password).token
    return operator_sign_in.find_signed_in(Call(core, Caller()), token) if token else None


def test_start_password_is_good_for_choosing_another_one(core, olga, merchant):
    """Who hands it over knows it; nothing may be done with it, and it ends when it was replaced."""
    invited, password = operators.invite_operator(as_owner(core, olga), "Nina", OperatorRole.MANAGER, [merchant.id])
    assert invited.username == "nina"
    assert password.isalnum()

    nina = sign_in(core, "nina", password)
    assert nina.owes_password
    assert nina.authority.rights == frozenset()
    assert operator_passwords.change_own_password(Call(core, Caller()), nina, password, "ten white storks land") is None

    assert sign_in(core, "nina", password) is None
    nina = sign_in(core, "nina", "ten white storks land")
    assert not nina.owes_password
    assert nina.authority.rights == RIGHTS[OperatorRole.MANAGER]
    core.now.advance(days=START_PASSWORD_LIFETIME.days + 1)
    assert sign_in(core, "nina", "ten white storks land") is not None


def test_start_password_ends_by_itself(core, olga, merchant):
    """One that lies in a mailbox lets nobody in for long; the answer is that to a wrong one."""
    _, password = operators.invite_operator(as_owner(core, olga), "nina", OperatorRole.SUPPORT, [merchant.id])
    core.now.moment += START_PASSWORD_LIFETIME - timedelta(seconds=1)
    assert sign_in(core, "nina", password) is not None
    core.now.advance(seconds=1)

    assert sign_in(core, "nina", password) is None


def test_lost_password_is_replaced(core, olga, merchant):
    """The old one ends, and with it every session."""
    sue = operators.add_operator(Call(core, Caller()), "sue", OperatorRole.SUPPORT, OWN, [merchant.id])
    token = operator_sign_in.sign_in(Call(core, Caller()), "sue", OWN).token

    password = operators.renew_start_password(as_owner(core, olga), sue.id)

    assert operator_sign_in.find_signed_in(Call(core, Caller()), token) is None
    assert sign_in(core, "sue", OWN) is None
    assert sign_in(core, "sue", password).owes_password


@pytest.mark.parametrize(
    "change",
    [
        lambda call, number: operators.change_operator(call, number, OperatorRole.SUPPORT, [1]),
        lambda call, number: operators.set_operator_disabled(call, number, True),
        lambda call, number: operators.renew_start_password(call, number),
        lambda call, number: operators.set_operator_password(call, number, "ten white storks land"),
        lambda call, number: operators.remove_second_factor(call, number),
        lambda call, number: operators.end_operator_sessions(call, number),
    ],
    ids=["role", "disable", "start password", "password", "second factor", "sessions"],
)
def test_nobody_does_this_to_itself(core, olga, merchant, change):
    """Nobody raises its own role, nor goes round the proof that its own account asks for."""
    operators.add_operator(Call(core, Caller()), "second", OperatorRole.OWNER, OWN)

    with pytest.raises(AdministrationError, match="nobody does this to itself"):
        change(as_owner(core, olga), olga.id)


def test_an_owner_with_a_password_of_its_own_is_left(core, olga, merchant):
    """An invitation that is never taken up would otherwise be the only key to everything."""
    command = Call(core, Caller())
    operators.invite_operator(command, "second", OperatorRole.OWNER)

    for change in (
        lambda: operators.set_operator_disabled(command, olga.id, True),
        lambda: operators.change_operator(command, olga.id, OperatorRole.MANAGER, [merchant.id]),
        lambda: operators.renew_start_password(command, olga.id),
    ):
        with pytest.raises(AdministrationError, match="only owner"):
            change()
    operators.add_operator(command, "third", OperatorRole.OWNER, OWN)
    assert operators.set_operator_disabled(command, olga.id, True).disabled_at is not None


def test_two_owners_cannot_end_each_other(core, olga):
    """At the same moment each would see the other as the one who is left."""
    second = operators.add_operator(Call(core, Caller()), "second", OperatorRole.OWNER, OWN)
    together = threading.Barrier(2)

    def disable(who, whom):
        together.wait()
        try:
            operators.set_operator_disabled(as_owner(core, who), whom.id, True)
        except AdministrationError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = [each.result() for each in [pool.submit(disable, olga, second), pool.submit(disable, second, olga)]]
    assert sorted(done) == [False, True]


def test_change_of_an_operator_that_was_changed_is_refused(core, olga, merchant):
    """Two owners with the same page open; the second is told."""
    sue = operators.add_operator(Call(core, Caller()), "sue", OperatorRole.SUPPORT, OWN, [merchant.id])
    seen = revision_of(operators.values_of(sue, [merchant.id]))
    call = as_owner(core, olga)

    assert operators.change_operator(call, sue.id, OperatorRole.MANAGER, seen=seen).role == "manager"
    with pytest.raises(ChangedMeanwhileError):
        operators.change_operator(call, sue.id, OperatorRole.OWNER, [], seen=seen)
    assert operators.show_operator(call, sue.id)[0].role == "manager"
    assert operators.show_operator(call, sue.id)[2][0].changes == {"role": ["support", "manager"]}


def test_what_changes_nothing_leaves_no_trace(core, olga, merchant):
    """A form that is saved as it was opened is no event."""
    sue = operators.add_operator(Call(core, Caller()), "sue", OperatorRole.SUPPORT, OWN, [merchant.id])
    before = operators.show_operator(Call(core, Caller()), sue.id)[2]

    operators.change_operator(as_owner(core, olga), sue.id, OperatorRole.SUPPORT, [merchant.id])

    assert operators.show_operator(Call(core, Caller()), sue.id)[2] == before


CHANGES = {
    "add": lambda call, number: operators.add_operator(call, "nina", OperatorRole.OWNER, OWN),
    "invite": lambda call, number: operators.invite_operator(call, "nina", OperatorRole.OWNER),
    "change": lambda call, number: operators.change_operator(call, number, OperatorRole.OWNER),
    "disable": lambda call, number: operators.set_operator_disabled(call, number, True),
    "password": lambda call, number: operators.set_operator_password(call, number, "ten white storks land"),
    "start password": lambda call, number: operators.renew_start_password(call, number),
    "second factor": lambda call, number: operators.remove_second_factor(call, number),
    "sessions": lambda call, number: operators.end_operator_sessions(call, number),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_operators_are_changed_by_who_proved_of_late_who_it_is(core, olga, merchant, change):
    """Ten minutes after it, not a second longer; a command is asked for nothing."""
    max_ = operators.add_operator(Call(core, Caller()), "max", OperatorRole.MANAGER, "six red foxes run", [merchant.id])
    signed_in_at = core.now()
    core.now.advance(seconds=PROOF_LIFETIME.total_seconds())
    call = as_owner(core, olga)
    call.authority = replace(call.authority, proved_at=signed_in_at)
    before = operators.list_operators(Call(core, Caller()))

    with pytest.raises(NotAllowedError, match="confirm first"):
        change(call, max_.id)
    assert operators.list_operators(Call(core, Caller())) == before
    call.authority = replace(call.authority, proved_at=signed_in_at + timedelta(seconds=1))
    change(call, max_.id)
