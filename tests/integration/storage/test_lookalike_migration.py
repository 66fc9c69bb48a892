"""Tests of migration 0006, which fills in what is new of the accounts that are there."""

import logging

import pytest
import sqlalchemy as sa

from gatehouse.domain.identity import email_key, username_key
from gatehouse.domain.lookalikes import skeleton_digest
from gatehouse.storage import schema
from gatehouse.storage.engine import Database
from gatehouse.storage.tables import accounts
from tests.factories import NOON


@pytest.fixture
def before(empty_database_url):
    """A database as it was before, with a merchant."""
    database = Database(empty_database_url)
    with database.writing() as db:
        schema.migrate(db, "0005")
        merchants = sa.Table("merchants", sa.MetaData(), autoload_with=db)
        values = {
            "name": "Acme",
            "region": "US",
            "password_min_length": 8,
            "password_max_length": 128,
            "password_min_strength": 2,
            "password_history": 0,
            "temporary_password_lifetime": 1800,
            "reset_replaces_password": False,
            "third_party_accounts_of_record": True,
            "created_at": NOON,
        }
        db.execute(merchants.insert().values(values))
    yield database
    database.close()


def _add(database, *identities):
    """Add accounts with the keys that the version before gave them."""
    with database.writing() as db:
        old = sa.Table("accounts", sa.MetaData(), autoload_with=db)
        for email, email_key, username, username_key in identities:
            db.execute(
                old.insert().values(
                    merchant_id=1,
                    role=15,
                    status="active",
                    email=email,
                    email_key=email_key,
                    username=username,
                    username_key=username_key,
                    created_at=NOON,
                )
            )


def _rows(database):
    with database.reading() as db:
        return db.execute(sa.select(accounts).order_by(accounts.c.id)).all()


def test_accounts_that_are_there_get_their_skeletons(before):
    """A look-alike of somebody who came before the rule is refused, too. There are more than a page of them."""
    many = [(f"p{number}@Example.com", f"p{number}@example.com", f"P{number}", f"p{number}") for number in range(1100)]
    _add(
        before,
        *many,
        (None, None, "jane", "jane"),
        ("j\u00fc@xn--mnchen-3ya.de", "j\u00fc@xn--mnchen-3ya.de", None, None),
    )

    assert schema.upgrade(before) is True

    rows = _rows(before)
    assert len(rows) == 1102
    for row in rows:
        assert row.email_key == (email_key(row.email) if row.email else None)
        assert row.username_key == (username_key(row.username) if row.username else None)
        assert row.email_skeleton_digest == (skeleton_digest(row.email_key) if row.email else None)
        assert row.username_skeleton_digest == (skeleton_digest(row.username_key) if row.username else None)
    assert rows[-1].email_key == "j\u00fc@m\u00fcnchen.de"


def test_usernames_that_invisible_characters_told_apart_are_kept(before, caplog):
    """An upgrade must not fail because of one account; its owner can still log in by e-mail."""
    _add(
        before,
        ("a@b.de", "a@b.de", "ja\u00adne", "ja\u00adne"),
        ("c@b.de", "c@b.de", "jane", "jane"),
        ("d@b.de", "d@b.de", "to\u00adm", "to\u00adm"),
        ("e@b.de", "e@b.de", "t\u00adom", "t\u00adom"),
    )
    caplog.set_level(logging.WARNING, "gatehouse.migrations")

    assert schema.upgrade(before) is True

    rows = _rows(before)
    assert [row.username_key for row in rows] == ["ja\u00adne", "jane", "tom", "t\u00adom"]
    assert [record.args for record in caplog.records if record.name == "gatehouse.migrations"] == [
        (rows[0].id,),
        (rows[3].id,),
    ]
