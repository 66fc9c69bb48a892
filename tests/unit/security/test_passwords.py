"""Tests of security/passwords.py and security/password_strength.py."""

import re
import threading
import time

import argon2
import pytest

from gatehouse.domain.errors import UnavailableError
from gatehouse.security import passwords
from gatehouse.security.password_strength import strength
from tests.factories import make_hasher


def test_hash_is_argon2id_salted_and_verified():
    """The PHC form names its parameters, so that they can be raised later."""
    hasher = make_hasher()
    kept = hasher.hash("correct horse")

    assert re.match(r"hmac-sha256:derived-[0-9a-f]{8}\$argon2id\$v=19\$m=8,t=1,p=1\$", kept)
    assert kept != hasher.hash("correct horse")
    assert hasher.verify(kept, "correct horse")
    assert not hasher.verify(kept, "wrong horse")
    assert not hasher.verify(kept, "")


def test_composed_and_decomposed_letters_are_the_same_password():
    """Keyboards compose letters differently (NIST SP 800-63B-4, 3.1.1.2)."""
    hasher = make_hasher()

    assert hasher.verify(hasher.hash("caf\u00e9 caf\u00e9"), "cafe\u0301 cafe\u0301")
    assert not hasher.verify(hasher.hash("café"), "cafe")


def test_case_and_compatible_letters_stay_different():
    """NFC and no more: folding would make passwords easier to guess."""
    hasher = make_hasher()
    kept = hasher.hash("Password\ufb01")

    assert not hasher.verify(kept, "password\ufb01")
    assert not hasher.verify(kept, "Passwordfi")


def test_without_a_hash_the_same_work_is_done(monkeypatch):
    """Otherwise the time of the answer tells who has an account."""
    hasher = make_hasher()
    verified = []
    real = argon2.PasswordHasher.verify
    monkeypatch.setattr(
        argon2.PasswordHasher, "verify", lambda self, kept, given: verified.append(kept) or real(self, kept, given)
    )

    assert hasher.verify(None, "anything") is False

    assert len(verified) == 1
    assert verified[0].startswith("$argon2id$v=19$m=8,t=1,p=1$")


def test_hash_of_other_parameters_is_outdated():
    """Login replaces it, so that raised parameters reach everybody."""
    kept = make_hasher(passes=1).hash("password")

    assert not make_hasher(passes=1).is_outdated(kept)
    assert make_hasher(passes=2).is_outdated(kept)
    assert make_hasher(passes=2).verify(kept, "password")


def test_no_more_hashes_than_slots_run_at_once(monkeypatch):
    """Argon2's memory must not grow with the number of callers."""
    hasher = make_hasher(slots=2)
    lock, running, most = threading.Lock(), 0, 0

    def slow_hash(_self, _password):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return "$hash"

    monkeypatch.setattr(argon2.PasswordHasher, "hash", slow_hash)
    threads = [threading.Thread(target=hasher.hash, args=("password",)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 2


def test_caller_that_waits_too_long_is_told_to_come_back(monkeypatch):
    """A queue without an end would hold every thread of the service."""
    hasher = make_hasher(slots=1)
    has_begun, may_end = threading.Event(), threading.Event()

    def slow_hash(_self, _password):
        has_begun.set()
        may_end.wait(30)
        return "$hash"

    monkeypatch.setattr(argon2.PasswordHasher, "hash", slow_hash)
    holder = threading.Thread(target=hasher.hash, args=("password",))
    holder.start()
    assert has_begun.wait(30)
    monkeypatch.setattr(passwords, "MAX_WAIT", 0.01)

    with pytest.raises(UnavailableError):
        hasher.hash("password")

    may_end.set()
    holder.join()
    assert hasher.hash("password").endswith("$hash")


def test_slot_is_given_back_after_a_failure(monkeypatch):
    """One broken hash in the database must not cost a slot for ever."""
    hasher = make_hasher(slots=1)
    monkeypatch.setattr(passwords, "MAX_WAIT", 0.01)
    for _ in range(2):
        with pytest.raises(argon2.exceptions.InvalidHashError):
            hasher.verify("no hash at all", "password")

    assert hasher.hash("password")


@pytest.mark.parametrize(
    ("password", "names", "is_weak"),
    [
        ("password123", [], True),
        ("correct horse battery", [], False),
        ("Kowalczewska1", [], False),
        ("Kowalczewska1", ["kowalczewska", None, ""], True),
    ],
)
def test_strength_knows_common_words_and_own_names(password, names, is_weak):
    """A merchant asks for a score of 2 unless it says otherwise."""
    assert (strength(password, names) < 2) is is_weak


def test_strength_of_a_very_long_password_takes_no_time():
    """The estimate's time grows fast with the length; a caller must not be able to use that."""
    strength("warm up", [])
    # Of the CPU: on a busy machine the time of day is mostly others' time.
    begin = time.thread_time()

    assert strength("aB3$" * 250, []) >= 0

    assert time.thread_time() - begin < 1
