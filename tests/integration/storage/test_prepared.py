"""Tests of storage/prepared.py, on both databases."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.exc import IntegrityError

from gatehouse.domain.errors import UnavailableError
from gatehouse.storage import column_types, records, tables
from gatehouse.storage.prepared import Prepared
from tests.factories import NOON, make_core, make_shop

ALL_TYPES = sa.Table(
    "all_types",
    sa.MetaData(),
    sa.Column("id", column_types.Number, sa.Identity(), primary_key=True),
    sa.Column("text", sa.String(20)),
    sa.Column("number", sa.Integer),
    sa.Column("flag", sa.Boolean),
    sa.Column("day", sa.Date),
    sa.Column("moment", column_types.UtcDateTime),
    sa.Column("length", column_types.Duration),
    sa.Column("bytes", sa.LargeBinary(32)),
    sa.Column("values", sa.JSON(none_as_null=True)),
)
FULL = {
    "text": "Ærøskøbing % ? :x",
    "number": -7,
    "flag": True,
    "day": NOON.date(),
    "moment": datetime(2026, 7, 1, 14, 30, 5, 123456, tzinfo=timezone(timedelta(hours=2))),
    "length": timedelta(days=2),
    "bytes": b"\0\xff%s",
    "values": {"a": [1, None, "ß"]},
}
EMPTY = dict.fromkeys(FULL)
INSERT = Prepared(sa.insert(ALL_TYPES).returning(ALL_TYPES.c.id), FULL)
SELECT = Prepared(sa.select(ALL_TYPES).where(ALL_TYPES.c.id == bindparam("row_id")))
UPDATE = Prepared(sa.update(ALL_TYPES).where(ALL_TYPES.c.number == bindparam("old")), ["number"])


@pytest.fixture
def table(database):
    """A table with a column of each type, in the database."""
    with database.writing() as db:
        ALL_TYPES.create(db)
    yield database
    with database.writing() as db:
        ALL_TYPES.drop(db)


@pytest.mark.parametrize("values", [FULL, EMPTY], ids=["full", "empty"])
def test_values_are_written_and_read_as_sqlalchemy_does(table, values):
    """Written here and read there, written there and read here."""
    with table.writing() as db:
        (own,) = INSERT.one(db, values)
        other = db.execute(sa.insert(ALL_TYPES).returning(ALL_TYPES.c.id), values).scalar_one()

    with table.reading() as db:
        of_own = db.execute(sa.select(ALL_TYPES).where(ALL_TYPES.c.id == own)).one()
        read_own, read_other = SELECT.one(db, {"row_id": own}), SELECT.one(db, {"row_id": other})

    assert list(read_own) == list(of_own)
    assert list(read_own)[1:] == list(read_other)[1:]
    if values is FULL:
        assert read_own[5] == datetime(2026, 7, 1, 12, 30, 5, 123456, tzinfo=UTC)


def test_none_one_and_several_rows(table):
    """What is asked for as one row must be one."""
    with table.writing() as db:
        assert SELECT.one(db, {"row_id": 1}) is None
        for _ in range(2):
            INSERT.one(db, EMPTY)
        every = Prepared(sa.select(ALL_TYPES.c.id))

        assert [tuple(row) for row in every.all(db, {})] == [(1,), (2,)]
        with pytest.raises(RuntimeError):
            every.one(db, {})


def test_changed_rows_are_counted(table):
    """And a condition that holds nowhere changes none."""
    with table.writing() as db:
        for _ in range(3):
            INSERT.one(db, EMPTY | {"number": 1})

        assert UPDATE.run(db, {"old": 1, "number": 2}) == 3
        assert UPDATE.run(db, {"old": 1, "number": 2}) == 0


def test_value_of_the_statement_itself_counts_unless_given(table):
    """A constant in a statement is a value like any other."""
    of_seven = Prepared(sa.select(ALL_TYPES.c.id).where(ALL_TYPES.c.number == 7))
    with table.writing() as db:
        INSERT.one(db, EMPTY | {"number": 7})

        assert of_seven.all(db, {}) != []


def test_missing_value_is_an_error(table):
    """Never a null in its place."""
    with table.reading() as db, pytest.raises(KeyError):
        SELECT.one(db, {})


def test_error_of_the_driver_is_sqlalchemys(table):
    """So that who handles it need not know the driver; the text tells no value."""
    insert = Prepared(sa.insert(ALL_TYPES), ["id", "text"])
    with table.writing() as db:
        insert.run(db, {"id": 1, "text": "other"})

    with pytest.raises(IntegrityError) as caught, table.writing() as db:
        insert.run(db, {"id": 1, "text": "a secret"})

    assert "a secret" not in str(caught.value)


def test_error_rolls_back_and_the_connection_stays_good(table):
    """As with statements of SQLAlchemy."""

    def write_and_break():
        with table.writing() as db:
            INSERT.one(db, EMPTY)
            SELECT.one(db, {})

    with pytest.raises(KeyError):
        write_and_break()

    with table.reading() as db:
        assert db.execute(sa.select(sa.func.count()).select_from(ALL_TYPES)).scalar_one() == 0


def test_lost_connection_is_given_up(table):
    """The next call has another one."""

    def lose_it():
        with table.reading() as db:
            if table.is_sqlite:
                db.execute(sa.text("PRAGMA query_only=1"))
            else:
                number = db.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
                with table.reading() as other:
                    other.execute(sa.text("SELECT pg_terminate_backend(:number)"), {"number": number})
            INSERT.one(db, EMPTY)

    with pytest.raises(UnavailableError):
        lose_it()

    with table.writing() as db:
        assert INSERT.one(db, EMPTY) is not None


def test_listeners_hear_of_it(table):
    """Tests and tools that watch the statements must not miss these."""
    heard = []

    def hear(_connection, _cursor, statement, *_):
        heard.append(statement)

    sa.event.listen(table.engine, "before_cursor_execute", hear)
    with table.reading() as db:
        SELECT.one(db, {"row_id": 1})
    sa.event.remove(table.engine, "before_cursor_execute", hear)

    assert [text.partition(" ")[0] for text in heard] == ["SELECT"]


def test_rows_are_added_and_changed_by_name(database):
    """The helpers that most of storage/ uses."""
    shop = make_shop(make_core(database))
    with database.writing() as db:
        records.update_one(db, tables.accounts, shop.account.id, {"full_name": "Jane Doe", "phone": None})

    assert shop.present_account().full_name == "Jane Doe"
