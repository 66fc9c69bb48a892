"""Tests of security/peppers.py, by way of the hashes that security/passwords.py makes."""

import hashlib
import hmac
import logging
import time
import unicodedata

import argon2
import pytest

from gatehouse.security.keys import Keys
from gatehouse.security.peppers import Peppers
from tests.factories import SECRET_KEY, make_hasher

OLD, NEW = ("1", b"1" * 32), ("2", b"2" * 32)
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def test_hash_is_of_the_keyed_password():
    """Without the key, who has the database cannot try one word."""
    kept = make_hasher(peppers=Peppers([NEW])).hash("caf\u00e9")

    assert kept.startswith("hmac-sha256:2$argon2id$v=19$m=8,t=1,p=1$")
    phc = kept.removeprefix("hmac-sha256:2")
    assert CHEAP.verify(phc, hmac.new(NEW[1], "caf\u00e9".encode(), hashlib.sha256).digest())
    with pytest.raises(argon2.exceptions.VerifyMismatchError):
        CHEAP.verify(phc, "caf\u00e9")


def test_another_key_verifies_nothing():
    """Also one of the same name."""
    kept = make_hasher(peppers=Peppers([NEW])).hash("password")

    assert not make_hasher(peppers=Peppers([("2", b"x" * 32)])).verify(kept, "password")


def test_replaced_key_still_verifies_and_is_outdated():
    """Nobody's password is known, so each hash moves to the new key at its next login."""
    kept = make_hasher(peppers=Peppers([OLD])).hash("password")
    hasher = make_hasher(peppers=Peppers([NEW, OLD]))

    assert hasher.verify(kept, "password")
    assert not hasher.verify(kept, "passw0rd")
    assert hasher.is_outdated(kept)
    renewed = hasher.hash("password")
    assert renewed.startswith("hmac-sha256:2$")
    assert not hasher.is_outdated(renewed)


def test_hash_without_a_key_verifies_and_is_outdated():
    """That of a released version, or of another program."""
    kept, hasher = CHEAP.hash("password"), make_hasher()

    assert hasher.verify(kept, "password")
    assert not hasher.verify(kept, "passw0rd")
    assert hasher.is_outdated(kept)


def test_hash_of_a_missing_key_refuses_with_the_same_work(monkeypatch, caplog):
    """A caller learns nothing of it, and an operator reads it once."""
    kept = make_hasher(peppers=Peppers([OLD])).hash("password")
    hasher, verified = make_hasher(peppers=Peppers([NEW])), []
    real = argon2.PasswordHasher.verify
    monkeypatch.setattr(
        argon2.PasswordHasher, "verify", lambda self, kept, given: verified.append(kept) or real(self, kept, given)
    )
    caplog.set_level(logging.ERROR, "gatehouse.passwords")

    assert [hasher.verify(kept, "password") for _ in range(3)] == [False] * 3

    assert len(verified) == 3
    messages = [record.getMessage() for record in caplog.records if record.name == "gatehouse.passwords"]
    assert messages == ["a password hash needs the pepper key 1, which is not configured"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_hash_of_letters_that_were_not_composed_verifies(form):
    """Another program hashed what a keyboard sent, composed or not; here every spelling comes to one after a login."""
    spelling = unicodedata.normalize(form, "p\u00e4ssw\u00f6rd")
    foreign, hasher = CHEAP.hash(spelling), make_hasher()

    assert hasher.verify(foreign, spelling)
    assert not hasher.verify(foreign, spelling + "1")
    renewed = hasher.hash(spelling)
    assert hasher.verify(renewed, unicodedata.normalize("NFC", spelling))
    assert hasher.verify(renewed, unicodedata.normalize("NFD", spelling))


def test_work_depends_on_what_was_sent_alone(monkeypatch):
    """Else the time would tell which accounts exist, or came from elsewhere."""
    hasher, verified = make_hasher(), []
    kinds = [None, CHEAP.hash("password"), CHEAP.hash("pa\u0308ss"), hasher.hash("password"), hasher.hash("p\u00e4ss")]
    real = argon2.PasswordHasher.verify
    monkeypatch.setattr(
        argon2.PasswordHasher, "verify", lambda self, kept, given: verified.append(kept) or real(self, kept, given)
    )

    counts = {}
    for given in ("password", "p\u00e4ss", "pa\u0308ss"):
        for kept in kinds:
            verified.clear()
            hasher.verify(kept, given)
            counts.setdefault(given, set()).add(len(verified))

    assert counts == {"password": {1}, "p\u00e4ss": {1}, "pa\u0308ss": {2}}


def test_key_of_a_secret_key_is_its_own():
    """Another secret key has another name, so that doctor can tell; neither tells of the secret key."""
    name, key = Keys(SECRET_KEY).pepper()

    assert (name, key) == Keys(SECRET_KEY).pepper()
    assert Keys(SECRET_KEY[::-1]).pepper()[0] != name
    assert name.removeprefix("derived-") not in key.hex()
    assert len(key) == 32


def test_half_a_character_and_zero_bytes_are_hashed_like_others():
    """No front lets half a character through; nothing fails or is cut off if one did."""
    hasher = make_hasher()

    assert hasher.verify(hasher.hash("\ud800" + "long enough"), "\ud800" + "long enough")
    assert not hasher.verify(hasher.hash("one\x00two"), "one\x00three")
    assert not hasher.verify(hasher.hash("a" * 1023 + "b"), "a" * 1023 + "c")


def test_key_costs_next_to_nothing():
    """A login's time is Argon2's."""
    peppers, rounds = Peppers([NEW]), 2000
    password = b"correct horse battery"
    best = min(_seconds(lambda: peppers.apply_newest(password), rounds) for _ in range(5))

    assert best / rounds < 10e-6


def _seconds(work, rounds):
    # Of the CPU: on a busy machine the time of day is mostly others' time.
    begin = time.thread_time()
    for _ in range(rounds):
        work()
    return time.thread_time() - begin
