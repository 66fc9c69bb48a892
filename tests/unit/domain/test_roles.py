"""Tests of domain/roles.py."""

import pytest

from gatehouse.domain.roles import UserRole, find_role


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("15", 15),
        ("20", 20),
        ("21", 21),
        ("25", 25),
        ("Customer", 15),
        ("Merchant", 20),
        ("MerchantSub", 21),
        ("Affiliate", 25),
        ("merchantsub", 21),
        ("CUSTOMER", 15),
        (" 15 ", 15),
    ],
)
def test_role_is_found_by_number_and_by_name(text, number):
    """Old clients send the number, generated ones the name, in whatever case."""
    assert find_role(text) == number


@pytest.mark.parametrize("text", ["", "0", "1", "16", "015", "15.0", "+15", "Customers", "MERCHANT_SUB", "admin"])
def test_anything_else_is_no_role(text):
    """A guess would give somebody another role than was asked."""
    assert find_role(text) is None


def test_wire_names_are_the_contracts():
    """They are shown to clients."""
    assert {role.value: role.wire_name for role in UserRole} == {
        15: "Customer",
        20: "Merchant",
        21: "MerchantSub",
        25: "Affiliate",
    }
