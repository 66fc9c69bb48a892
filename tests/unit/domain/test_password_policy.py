"""Tests of domain/password_policy.py."""

import pytest

from gatehouse.domain.password_policy import (
    MAX_PASSWORD_BYTES,
    PasswordPolicy,
    Weakness,
    is_too_long,
    pincode_weakness,
    weakness,
)


def reason_of(policy, password, names):
    """Return the English text of what the password breaks, or None."""
    found = weakness(policy, password, names)
    return found and found.text(policy)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("abcdefg", "it is shorter than 8 characters"),
        ("abcdefgh", None),
        ("x" + "abc" * 341, None),
        ("x1" + "abc" * 341, "it is longer than 1024 characters"),
        ("half \ud800 a character", "it has a character that is none of a text"),
        ("a zero\x00 byte", "it has a character that is none of a text"),
        ("a tab\tis typed", None),
        ("pass word with blanks", None),
        ("пароль-длинный", None),
        ("🔑🐎🔋📎🔑🐎🔋📎", None),
        ("aaaaaaaa", "it repeats one or two characters"),
        ("abababab", "it repeats one or two characters"),
        ("abcabcabc", None),
    ],
)
def test_rules_are_length_and_variety_in_characters(password, reason):
    """Any character is allowed, and no kind of character is asked for (NIST SP 800-63B-4)."""
    assert reason_of(PasswordPolicy(), password, []) == reason


@pytest.mark.parametrize(
    ("password", "is_refused"),
    [
        ("jane.doe@example.com", True),
        ("JANE.DOE@example.COM1", True),
        ("123jane.doe@example.com", True),
        ("1234jane.doe@example.com", False),
        ("something else", False),
    ],
)
def test_own_names_are_refused_also_with_a_little_added(password, is_refused):
    """They are what a stranger who knows the person tries first."""
    reason = reason_of(PasswordPolicy(), password, ["jane.doe@example.com", "ab"])

    assert (reason == "it is made from the user's own name or address") is is_refused
    assert is_refused or reason is None


def test_a_merchant_sets_its_own_lengths():
    """The rules are a merchant's, the defaults ours."""
    policy = PasswordPolicy(min_length=4, max_length=6)

    assert reason_of(policy, "abc", []) == "it is shorter than 4 characters"
    assert reason_of(policy, "abcd", []) is None
    assert reason_of(policy, "abcdefg", []) == "it is longer than 6 characters"


def test_no_password_is_chosen_that_no_front_would_take():
    """A merchant may allow 1,000 characters, and each may have four bytes."""
    policy = PasswordPolicy(max_length=1000)

    assert weakness(policy, "🔑🐎🔋" * (MAX_PASSWORD_BYTES // 12), []) is None
    assert weakness(policy, "🔑🐎🔋" * (MAX_PASSWORD_BYTES // 12) + "🔑🐎", []) is Weakness.TOO_LONG


def test_bytes_are_counted_after_composing():
    """What is hashed counts: composing makes most texts shorter, and a few longer."""
    assert not is_too_long("e\u0301" * 512)
    assert is_too_long("\u00e9" * 513)
    assert is_too_long("\u0958" * 200)
    assert not is_too_long("\u0958" * 170)


@pytest.mark.parametrize("pincode", ["1593", "83041", "739154", "839204718265", "20185"])
def test_good_pincodes_are_accepted(pincode):
    """4 to 12 digits."""
    assert pincode_weakness(pincode) is None


@pytest.mark.parametrize(
    ("pincode", "reason"),
    [
        ("159", "it must have 4 to 12 digits"),
        ("8392047182651", "it must have 4 to 12 digits"),
        ("", "it must have digits only"),
        ("15a3", "it must have digits only"),
        (" 1593", "it must have digits only"),
        ("١٥٩٣", "it must have digits only"),
        ("²593", "it must have digits only"),
        ("1234", "it is too easy to guess"),
        ("9876", "it is too easy to guess"),
        ("890123", "it is too easy to guess"),
        ("210987", "it is too easy to guess"),
        ("0000", "it is too easy to guess"),
        ("1212", "it is too easy to guess"),
        ("123123", "it is too easy to guess"),
        ("1984", "it is too easy to guess"),
        ("2026", "it is too easy to guess"),
        ("2580", "it is too easy to guess"),
    ],
)
def test_bad_pincodes_are_refused_with_the_reason(pincode, reason):
    """A till has ASCII digits only, and a thief tries runs, repetitions and years first."""
    assert pincode_weakness(pincode) == reason
