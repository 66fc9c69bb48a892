"""Guesses at one merchant hold nobody back at the other, and what one merchant trusts opens no way at the other."""

import dataclasses
import itertools
from collections.abc import Callable

import pytest

from tests.conformance.isolation.account_calls import PROTOCOLS, Attempt, make
from tests.conformance.isolation.test_account_calls import login
from tests.conformance.isolation.world import House, World
from tests.factories import EMAIL

MOST = 3
"""Wrong passwords that are allowed here for one identity."""

WRONG = Attempt(method="Login", members=login(Email=EMAIL, Password="a wrong one"))
RIGHT = Attempt(method="Login", members=login(Email=EMAIL, Password="here password"))


@pytest.fixture(params=["north", "south"])
def guessed(request: pytest.FixtureRequest, make_world: Callable[..., World]) -> tuple[World, House, House]:
    """A world where somebody guessed too often at one merchant; that merchant, and the other one."""
    world = make_world(guesses_per_account=MOST, guesses_per_account_and_source=MOST)
    here, there = (world.north, world.south) if request.param == "north" else (world.south, world.north)
    keys = [make(world, WRONG, "SOAP", here, there).key for _ in range(MOST + 1)]
    assert keys == ["InvalidCredentials"] * MOST + ["TooManyRequests"]
    return world, here, there


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_same_address_at_the_other_merchant_is_not_held_back(guessed: tuple[World, House, House], protocol: str):
    """Else whoever knows an address could lock its owner out everywhere by guessing anywhere."""
    world, here, there = guessed

    assert make(world, RIGHT, protocol, there, here).key == "Success"
    assert make(world, WRONG, protocol, there, here).key == "InvalidCredentials"
    assert make(world, RIGHT, protocol, here, there).key == "TooManyRequests"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_success_at_the_other_merchant_forgives_nothing(guessed: tuple[World, House, House], protocol: str):
    """A guesser with an account of that name elsewhere would guess on for ever."""
    world, here, there = guessed

    assert make(world, RIGHT, protocol, there, here).key == "Success"
    assert make(world, RIGHT, protocol, here, there).key == "TooManyRequests"


@pytest.mark.parametrize(
    ("proof", "protocol"),
    [
        *itertools.product(
            ("there activated device", "there registered device", "here registered device", "here blocked device"),
            PROTOCOLS,
        )
    ],
)
def test_a_device_of_the_other_merchant_is_no_owners_proof(
    guessed: tuple[World, House, House], proof: str, protocol: str
):
    """Only one that was activated for this account has a budget of its own."""
    world, here, there = guessed
    attempt = dataclasses.replace(RIGHT, members={**RIGHT.members, "deviceId": proof})

    assert make(world, attempt, protocol, here, there).key == "TooManyRequests"


@pytest.mark.parametrize(
    ("proof", "protocol"),
    [*itertools.product(("there cookie", "there web cookie", "here web cookie", "there rotated cookie"), PROTOCOLS)],
)
def test_a_cookie_of_another_application_is_no_owners_proof(
    guessed: tuple[World, House, House], proof: str, protocol: str
):
    """Only one that this application could decode has a budget of its own."""
    world, here, there = guessed
    attempt = dataclasses.replace(RIGHT, cookies={"EncodedCookie": proof})

    assert make(world, attempt, protocol, here, there).key == "TooManyRequests"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("proof", ["device", "cookie"])
def test_the_owners_own_proof_is_taken(guessed: tuple[World, House, House], proof: str, protocol: str):
    """Or the refusals would prove nothing."""
    world, here, there = guessed
    attempt = (
        dataclasses.replace(RIGHT, members={**RIGHT.members, "deviceId": "here activated device"})
        if proof == "device"
        else dataclasses.replace(RIGHT, cookies={"EncodedCookie": "here cookie"})
    )

    assert make(world, attempt, protocol, here, there).key == "Success"
