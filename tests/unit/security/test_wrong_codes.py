"""Tests of security/wrong_codes.py."""

from datetime import timedelta

from gatehouse.security.wrong_codes import COUNTED, MAX_OF_ALL, MAX_OF_ONE_SOURCE, WrongCodes
from tests.factories import NOON


def test_one_source_is_stopped_before_all_are():
    """Otherwise one could keep everybody from the page."""
    seen = WrongCodes()
    for _ in range(MAX_OF_ONE_SOURCE):
        assert not seen.are_too_many("192.0.2.7", NOON)
        seen.note("192.0.2.7", NOON)

    assert seen.are_too_many("192.0.2.7", NOON)
    assert not seen.are_too_many("192.0.2.8", NOON)


def test_many_sources_together_are_stopped():
    """A code of eight characters is not to be searched for by a thousand machines either."""
    seen = WrongCodes()
    for number in range(MAX_OF_ALL + 50):
        seen.note(f"192.0.2.{number}", NOON)

    assert seen.are_too_many("198.51.100.1", NOON)
    assert len(seen._seen) == MAX_OF_ALL


def test_it_is_forgotten_after_a_while():
    """Nobody is shut out for good."""
    seen = WrongCodes()
    for number in range(MAX_OF_ALL):
        seen.note(f"192.0.2.{number}", NOON)

    assert seen.are_too_many("198.51.100.1", NOON + COUNTED - timedelta(seconds=1))
    assert not seen.are_too_many("198.51.100.1", NOON + COUNTED)
