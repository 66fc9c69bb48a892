"""Tests of migration 0008, which brings what happened to operators into the audit trail."""

import pytest
import sqlalchemy as sa

from gatehouse.domain.events import INSTALLATION
from gatehouse.domain.operators import OperatorRole
from gatehouse.operations import operators
from gatehouse.operations.audit_seals import Sealer
from gatehouse.operations.audit_verification import verify
from gatehouse.operations.calls import Call, Caller
from gatehouse.storage import operators as storage_operators
from gatehouse.storage import schema
from gatehouse.storage.engine import Database
from gatehouse.storage.tables import audit_entries
from tests.factories import NOON, make_core, make_merchant


@pytest.fixture
def before(empty_database_url):
    """A database as it was before, of which the newest of three audit entries was removed."""
    database = Database(empty_database_url)
    with database.writing() as db:
        schema.migrate(db, "0007")
        old = sa.MetaData()
        old.reflect(db, only=["merchants", "audit_entries", "operator_events"])
        merchant = {name: 1 for name in ("password_min_length", "password_max_length", "password_min_strength")}
        merchant |= {"password_history": 1, "temporary_password_lifetime": 60, "reset_replaces_password": False}
        merchant |= {"third_party_accounts_of_record": False, "name": "Acme", "region": "US", "created_at": NOON}
        db.execute(old.tables["merchants"].insert().values(merchant))
        entry = {"merchant_id": 1, "event": "session.started", "source": "192.0.2.7", "created_at": NOON}
        db.execute(old.tables["audit_entries"].insert(), [entry] * 3)
        db.execute(old.tables["audit_entries"].delete().where(old.tables["audit_entries"].c.id > 1))
        events = [
            {"operator_id": 7, "event": "operator.added", "changes": {"role": [None, "owner"]}, "created_at": NOON},
            {"operator_id": 8, "event": "operator.added", "source": "cli:root", "created_at": NOON},
            {"operator_id": 7, "event": "operator.signed_in", "request_id": "r", "created_at": NOON},
        ]
        for event in events:
            db.execute(old.tables["operator_events"].insert().values(event))
    yield database
    database.close()


def test_what_happened_is_kept_in_its_order(before):
    """Under the operator's number; and what happens next follows it in one chain."""
    schema.upgrade(before)

    assert schema.differences(before) == []
    with before.reading() as db:
        happened = storage_operators.find_events(db, 7, 10)
        rows = db.execute(sa.select(audit_entries).where(audit_entries.c.merchant_id == INSTALLATION)).all()
    assert [(each.event, each.request_id, each.changes) for each in happened] == [
        ("operator.signed_in", "r", None),
        ("operator.added", None, {"role": [None, "owner"]}),
    ]
    assert [(each.subject, each.source, each.created_at) for each in rows] == [
        ("7", None, NOON),
        ("8", "cli:root", NOON),
        ("7", None, NOON),
    ]
    core = make_core(before)
    operators.add_operator(Call(core, Caller()), "olga", OperatorRole.OWNER, "plenty of letters 7")
    [verdict] = verify(core, {}, INSTALLATION)
    assert (verdict.fault, verdict.seals, verdict.entries) == (None, 1, 4)
    with before.writing() as db:
        db.execute(audit_entries.update().where(audit_entries.c.id == rows[0].id).values(source="192.0.2.9"))
    [verdict] = verify(core, {}, INSTALLATION)
    assert verdict.fault == f"entry {rows[0].id} is not the one that was sealed (seal 1)"


def test_numbers_go_on_where_they_were(before):
    """A number that was given before is not given again: seals count on entries having greater ones."""
    with before.writing() as db:
        db.execute(sa.text("DELETE FROM audit_entries"))
        db.execute(sa.text("DELETE FROM operator_events"))
    schema.upgrade(before)

    core = make_core(before)
    make_merchant(core)
    with before.reading() as db:
        assert list(db.scalars(sa.select(audit_entries.c.id))) == [4]
    assert Sealer(core).seal_now()
    assert [each.fault for each in verify(core, {})] == [None, None, None]
