"""Tests of security/keys.py."""

import pytest

from gatehouse.security.keys import Keys

SECRET_KEY = "0123456789abcdef0123456789abcdef"
OTHER_KEY = "fedcba9876543210fedcba9876543210"


def test_keys_of_one_secret_are_always_the_same():
    """Cookies and codes are verified by another process, after a restart."""
    one, two = Keys(SECRET_KEY), Keys(SECRET_KEY)

    assert one.sign_login_cookie(b"content") == two.sign_login_cookie(b"content")
    assert one.activation_code_digest(1, "123456") == two.activation_code_digest(1, "123456")
    assert one.demo_secret("a") == two.demo_secret("a")


def test_another_secret_gives_other_keys():
    """A database that leaks without its key gives no cookie and no code."""
    one, two = Keys(SECRET_KEY), Keys(OTHER_KEY)

    assert one.sign_login_cookie(b"content") != two.sign_login_cookie(b"content")
    assert one.activation_code_digest(1, "123456") != two.activation_code_digest(1, "123456")
    assert one.demo_secret("a") != two.demo_secret("a")


def test_each_purpose_has_its_own_key():
    """What is signed for one purpose must not pass for another."""
    keys = Keys(SECRET_KEY)

    signatures = {keys.sign_login_cookie(b"1:2"), keys.activation_code_digest(1, "2"), keys.demo_secret("1:2")}
    signatures |= {keys.audit_mac(b"1:2"), keys.audit_seal_digest(b"1:2")}

    assert len(signatures) == 5


def test_activation_code_is_bound_to_its_device():
    """The same six digits of another device are another code."""
    keys = Keys(SECRET_KEY)

    assert keys.activation_code_digest(1, "123456") != keys.activation_code_digest(2, "123456")


def test_sealed_secret_is_read_again_for_its_purpose_only():
    """Hash keys must be read again; a row that is copied to another column must not."""
    keys = Keys(SECRET_KEY)
    sealed = keys.seal("schlüssel", "hash key")

    assert keys.unseal(sealed, "hash key") == "schlüssel"
    assert keys.unseal(sealed, "other") is None
    assert Keys(OTHER_KEY).unseal(sealed, "hash key") is None
    assert b"schl" not in sealed
    assert sealed != keys.seal("schlüssel", "hash key")


@pytest.mark.parametrize("index", [0, 12, -1])
def test_sealed_secret_that_was_changed_is_not_read(index):
    """One flipped bit is noticed, wherever it is."""
    keys = Keys(SECRET_KEY)
    sealed = bytearray(keys.seal("secret", "hash key"))
    sealed[index] ^= 1

    assert keys.unseal(bytes(sealed), "hash key") is None
