"""Tests of domain/versions.py."""

import pytest

from gatehouse.domain.versions import find_version, is_older


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("Till/2.10.3", (2, 10, 3)),
        ("Till 2.10", (2, 10)),
        ("Till2", (2,)),
        ("2.0.0.0", (2,)),
        ("0.0", ()),
        ("Till 1.2 ", (1, 2)),
        ("Till", None),
        ("", None),
        ("Till 2.0-beta", None),
    ],
)
def test_version_is_read_from_the_end_of_the_name(name, version):
    """The field has a name and a version in one member."""
    assert find_version(name) == version


@pytest.mark.parametrize(
    ("name", "minimum", "older"),
    [
        ("Till/2.9", "2.10", True),
        ("Till/2.10", "2.10", False),
        ("Till/2.10.0", "2.10", False),
        ("Till/2.10.1", "2.10", False),
        ("Till/0", "0.1", True),
        ("Till", "2.10", False),
        (None, "2.10", False),
        ("Till/1", None, False),
    ],
)
def test_versions_are_compared_by_their_numbers(name, minimum, older):
    """As texts, 2.9 would be newer than 2.10; a name without a version is left alone."""
    assert is_older(name, minimum) is older
