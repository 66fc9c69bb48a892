"""Tests of migration 0007, which gives roles to the operators that are there."""

import pytest
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.engine import Database
from gatehouse.storage.tables import operators
from tests.factories import NOON


@pytest.fixture
def before(empty_database_url):
    """A database as it was before, with an operator of the only role that there was, and one of another."""
    database = Database(empty_database_url)
    with database.writing() as db:
        schema.migrate(db, "0006")
        old = sa.Table("operators", sa.MetaData(), autoload_with=db)
        for name, role in (("olga", "admin"), ("sue", "support")):
            db.execute(old.insert().values(username=name, role=role, password_hash="hash", created_at=NOON))
    yield database
    database.close()


def test_who_might_do_everything_is_an_owner(before):
    """Nobody is locked out by the upgrade, and nobody else is raised by it; what is new begins empty."""
    assert schema.upgrade(before) is True

    with before.reading() as db:
        found = db.execute(sa.select(operators).order_by(operators.c.id)).all()
    assert [(each.username, each.role) for each in found] == [("olga", "owner"), ("sue", "support")]
    for each in found:
        assert each.password_hash == "hash"
        assert each.time_zone == "UTC"
        assert (each.totp_confirmed_at, each.disabled_at, each.start_password_expires_at) == (None, None, None)
