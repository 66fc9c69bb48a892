"""Tests of what becomes of hashes when a pepper key is added or replaced: at login, and as doctor tells it."""

from dataclasses import replace

import argon2
import pytest

from gatehouse.config import PepperKey
from gatehouse.domain.codes import ReturnCode
from gatehouse.operations.core import make_peppers
from gatehouse.operations.passwords import update_pincode
from gatehouse.operations.peppers import count_pepper_use
from gatehouse.security.keys import Keys
from gatehouse.storage import tables
from tests import factories
from tests.factories import PASSWORD, SECRET_KEY

OLD, NEW = PepperKey("1", b"1" * 32), PepperKey("2", b"2" * 32)
DERIVED = Keys(SECRET_KEY).pepper()[0]


@pytest.fixture
def with_keys(database):
    """A function that starts the service anew with these keys, on the same database."""

    def start(*keys):
        core = factories.make_core(database, pepper_keys=keys)
        hasher = factories.make_hasher(peppers=make_peppers(core.settings, core.keys))
        return replace(core, passwords=hasher)

    return start


def test_login_renews_a_hash_of_an_older_key(with_keys):
    """So that the old key can go one day, without anybody having to choose a new password."""
    shop = factories.make_shop(with_keys())
    assert shop.present_account().password_hash.startswith(f"hmac-sha256:{DERIVED}$")

    for keys, newest in (((OLD,), "1"), ((NEW, OLD), "2")):
        shop = replace(shop, core=with_keys(*keys))
        assert shop.login(password="wrong").return_code is ReturnCode.INVALID_CREDENTIALS
        assert not shop.present_account().password_hash.startswith(f"hmac-sha256:{newest}$")
        assert shop.login().return_code is ReturnCode.SUCCESS
        assert shop.present_account().password_hash.startswith(f"hmac-sha256:{newest}$")

    shop = replace(shop, core=with_keys(NEW))
    assert shop.login().return_code is ReturnCode.SUCCESS
    shop = replace(shop, core=with_keys(OLD))
    assert shop.login().return_code is ReturnCode.INVALID_CREDENTIALS


def test_login_renews_a_hash_without_a_key(with_keys):
    """That of the first release, or of the service that was here before."""
    core = with_keys(NEW)
    foreign = argon2.PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
    shop = factories.make_shop(core, password=None, password_hash=foreign)
    assert shop.present_account().password_hash == foreign

    assert shop.login().return_code is ReturnCode.SUCCESS

    assert shop.present_account().password_hash.startswith("hmac-sha256:2$argon2id$v=19$m=8,t=1,p=1$")
    assert shop.login().return_code is ReturnCode.SUCCESS


def test_use_of_keys_is_counted_wherever_hashes_are(with_keys):
    """An operator has to know when an old key may go, and which one is missing."""
    shop = factories.make_shop(with_keys(OLD))
    shop.set_merchant(password_history=3)
    update_pincode(shop.call(shop.log_in()), PASSWORD, "1593")
    with shop.core.database.writing() as db:
        db.execute(
            tables.former_passwords.insert().values(
                merchant_id=shop.merchant.id,
                account_id=shop.account.id,
                password_hash="$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA",
                created_at=shop.core.now(),
            )
        )

    present = count_pepper_use(replace(shop, core=with_keys(NEW, OLD)).call())
    without = count_pepper_use(replace(shop, core=with_keys(NEW)).call())

    assert (present.by_name, present.missing, present.without) == ({"2": 0, "1": 2, DERIVED: 0}, 0, 1)
    assert (without.by_name, without.missing, without.without) == ({"2": 0, DERIVED: 0}, 2, 1)
