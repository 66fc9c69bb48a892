"""Tests of the sealed audit trail, on both databases: what verify finds, and that it finds nothing else."""

import random
import threading
import time

import pytest
import sqlalchemy as sa

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import UnavailableError
from gatehouse.domain.events import INSTALLATION, AuditEvent
from gatehouse.domain.operators import OperatorRole
from gatehouse.operations import audit, operator_sign_in, operators
from gatehouse.operations.audit_seals import Sealer
from gatehouse.operations.audit_verification import verify
from gatehouse.operations.calls import Call, Caller
from gatehouse.security.keys import Keys
from gatehouse.storage import audit_seals, schema, tables
from gatehouse.storage.engine import Database
from tests.factories import NOON, make_core, make_merchant, make_shop

ENTRIES, SEALS = tables.audit_entries, tables.audit_seals


@pytest.fixture
def merchant_id(core):
    """A merchant with twelve entries, under three seals of four."""
    number = make_merchant(core).id
    record(core, number, 3)
    Sealer(core).seal_now()
    record(core, number, 4)
    Sealer(core).seal_now()
    record(core, number, 4)
    Sealer(core).seal_now()
    return number


def record(core, merchant_id, count=1, **values):
    """Add entries, each by a call of its own."""
    for _ in range(count):
        call = Call(core, Caller(source="192.0.2.7"))
        with call.writing():
            audit.record(call, AuditEvent.LOGIN_REFUSED, merchant_id=merchant_id, **values)


def numbers(core, merchant_id, table=ENTRIES):
    """Return the numbers of the merchant's rows."""
    with core.database.reading() as db:
        return list(db.scalars(sa.select(table.c.id).where(table.c.merchant_id == merchant_id).order_by(table.c.id)))


def execute(core, statement):
    """Do what somebody does who can write in the database."""
    with core.database.writing() as db:
        return db.execute(statement)


def fault(core, merchant_id, **options):
    """Return what verify says of the merchant."""
    [verdict] = verify(core, options.pop("expected", {}), merchant_id, **options)
    return verdict.fault


def test_untouched_trail_verifies(core, merchant_id):
    """And verify seals by itself what was not sealed yet."""
    record(core, merchant_id, 2)

    [verdict] = verify(core, {}, merchant_id)

    assert (verdict.fault, verdict.seals, verdict.entries, verdict.unsealed) == (None, 4, 14, 0)
    assert verdict.head.startswith("4:")
    assert len(verdict.head) == 2 + 64


CHANGES = {
    "merchant_id": None,
    "account_id": None,
    "application_id": None,
    "integration_id": 7,
    "event": "session.started",
    "outcome": "Success",
    "subject": "2",
    "device": "0" * 32,
    "identity": "0" * 32,
    "source": "192.0.2.8",
    "request_id": "another",
    "changes": {"role": [15, 20]},
    "mac": b"x" * 40,
}


@pytest.mark.parametrize("is_sealed", [True, False])
def test_changed_field_of_each_kind_is_found(core, is_sealed):
    """Also before it is sealed: an entry proves itself."""
    shop, other = make_shop(core), make_merchant(core)
    record(core, shop.merchant.id, 3, outcome=ReturnCode.INVALID_CREDENTIALS, subject="1")
    if is_sealed:
        Sealer(core).seal_now()
    row = numbers(core, shop.merchant.id)[-2]
    known = {"account_id": shop.account.id, "application_id": shop.application.application.id}
    assert set(CHANGES) | {"created_at"} == {column.name for column in ENTRIES.c} - {"id"}

    for name, value in CHANGES.items():
        if name == "merchant_id":
            continue
        with core.database.reading() as db:
            before = db.execute(sa.select(ENTRIES.c[name]).where(ENTRIES.c.id == row)).scalar_one()
        execute(core, ENTRIES.update().where(ENTRIES.c.id == row).values({name: known.get(name, value)}))
        assert fault(core, shop.merchant.id).startswith(f"entry {row} was changed"), name
        execute(core, ENTRIES.update().where(ENTRIES.c.id == row).values({name: before}))
        assert fault(core, shop.merchant.id) is None
    execute(core, ENTRIES.update().where(ENTRIES.c.id == row).values(merchant_id=other.id))
    assert fault(core, other.id).startswith(f"entry {row} was changed")


def test_changed_moment_is_found(core, merchant_id):
    """By the least that a database keeps of it."""
    row = numbers(core, merchant_id)[5]
    moment = core.now().replace(microsecond=1)

    execute(core, ENTRIES.update().where(ENTRIES.c.id == row).values(created_at=moment))

    assert fault(core, merchant_id).startswith(f"entry {row} was changed")


def test_mac_that_was_taken_away_is_found(core, merchant_id):
    """Otherwise a changed entry would pass for one of an older version."""
    record(core, merchant_id)
    rows = numbers(core, merchant_id)

    execute(core, ENTRIES.update().where(ENTRIES.c.id == rows[-1]).values(mac=None, source="192.0.2.99"))

    assert fault(core, merchant_id).startswith(f"entry {rows[-1]} has no MAC")


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        (slice(5, 6), "entry {0} is missing (seal 2)"),
        (slice(4, 8), "4 entries from {0} to {3} are missing (seal 2)"),
        (slice(0, 1), "entry {0} is missing (seal 1)"),
        (slice(11, 12), "entry {0} is missing (seal 3)"),
        (slice(5, 7), "2 entries from {0} to {1} are missing (seal 2)"),
    ],
    ids=["middle", "whole seal", "first", "last", "two"],
)
def test_missing_rows_are_found(core, merchant_id, gone, told):
    """And named by their numbers."""
    rows = numbers(core, merchant_id)[gone]

    execute(core, ENTRIES.delete().where(ENTRIES.c.id.in_(rows)))

    assert fault(core, merchant_id) == told.format(*rows)


@pytest.mark.parametrize("pair", [(4, 6), (5, 9)], ids=["in a seal", "across seals"])
def test_swapped_rows_are_found(core, merchant_id, pair):
    """Each of them is genuine, but not in this place."""
    rows = numbers(core, merchant_id)
    one, other = rows[pair[0]], rows[pair[1]]

    for old, new in ((one, 10**6), (other, one), (10**6, other)):
        execute(core, ENTRIES.update().where(ENTRIES.c.id == old).values(id=new))

    assert fault(core, merchant_id) == f"entry {one} is not the one that was sealed (seal 2)"


@pytest.mark.parametrize("position", [6, 12], ids=["middle", "end"])
def test_inserted_rows_are_found(core, merchant_id, position):
    """A row of somebody's own making, in a number that nobody had or after all others."""
    rows = numbers(core, merchant_id)
    if position < len(rows):
        gap = rows[position]
        execute(core, ENTRIES.delete().where(ENTRIES.c.id == gap))
    values = {"merchant_id": merchant_id, "event": "session.started", "created_at": core.now(), "mac": b"m" * 40}
    free = rows[position] if position < len(rows) else rows[-1] + 1

    execute(core, ENTRIES.insert().values(id=free, **values))

    assert fault(core, merchant_id).startswith(f"entry {free} was changed")


def test_row_added_between_seals_is_found(core, merchant_id):
    """A number between two seals may be another merchant's, or nobody's; it is never this merchant's later."""
    other = make_merchant(core).id
    [between] = numbers(core, other)
    record(core, merchant_id)
    Sealer(core).seal_now()

    execute(core, ENTRIES.delete().where(ENTRIES.c.id == between))
    execute(
        core, ENTRIES.insert().values(id=between, merchant_id=merchant_id, event="x", created_at=core.now(), mac=None)
    )

    assert fault(core, merchant_id) == f"entry {between} was added afterwards (before the end of seal 4)"


def test_copied_row_is_found(core, merchant_id):
    """It is genuine, and would be sealed like any other."""
    rows = numbers(core, merchant_id)
    with core.database.reading() as db:
        row = db.execute(sa.select(ENTRIES).where(ENTRIES.c.id == rows[5])).one()

    execute(core, ENTRIES.insert().values({**row._mapping, "id": rows[-1] + 1}))

    assert fault(core, merchant_id) == f"entry {rows[-1] + 1} is a copy of entry {rows[5]}"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("number", 9, "seal 2 is missing"),
        ("first_entry_id", 10**6, "seal 2 was changed"),
        ("last_entry_id", 10**6, "seal 2 was changed"),
        ("entry_count", 3, "seal 2 was changed"),
        ("entries", b"x" * 24, "the list of entries in seal 2 was changed"),
        ("entries", None, "the list of entries in seal 2 was changed"),
        ("entries_digest", b"x" * 32, "seal 2 was changed"),
        ("digest", b"x" * 32, "seal 2 was changed"),
        ("removal_mac", b"x" * 32, "seal 2 says that its entries were removed, but"),
        ("removed_at", True, "seal 2 says that its entries were removed, but"),
        ("sealed_at", True, "seal 2 was changed"),
    ],
)
def test_changed_seal_is_found(core, merchant_id, name, value, told):
    """Whatever of it was changed."""
    moment = core.now().replace(microsecond=1)
    found = SEALS.c.merchant_id == merchant_id, SEALS.c.number == 2

    execute(core, SEALS.update().where(*found).values({name: moment if value is True else value}))

    assert fault(core, merchant_id).startswith(told)


@pytest.mark.parametrize(
    ("gone", "told"), [(1, "seal 1 is missing at the beginning"), (2, "seal 2 is missing")], ids=["first", "middle"]
)
def test_missing_seal_is_found(core, merchant_id, gone, told):
    """Its entries are there, but nothing says that they are all."""
    execute(core, SEALS.delete().where(SEALS.c.merchant_id == merchant_id, SEALS.c.number == gone))

    assert fault(core, merchant_id) == told


def test_cut_off_end_is_found_by_a_head_that_was_kept(core, merchant_id):
    """Nothing that is left can tell of what came after it; a number and a digest elsewhere can."""
    [verdict] = verify(core, {}, merchant_id)
    number, _, digest = verdict.head.partition(":")
    kept = {merchant_id: (int(number), digest)}
    assert fault(core, merchant_id, expected=kept) is None
    last = numbers(core, merchant_id)[8:]
    execute(core, SEALS.delete().where(SEALS.c.merchant_id == merchant_id, SEALS.c.number == 3))
    execute(core, ENTRIES.delete().where(ENTRIES.c.id.in_(last)))

    assert fault(core, merchant_id) is None
    assert fault(core, merchant_id, expected=kept) == "the end is missing: seal 3 is not there any more"
    # Also when the trail has grown again since.
    record(core, merchant_id, 4)
    assert "the trail was made anew" in fault(core, merchant_id, expected=kept)


def test_trails_of_merchants_are_apart(core, merchant_id):
    """What was done to one says nothing against another."""
    other = make_merchant(core).id
    execute(core, ENTRIES.delete().where(ENTRIES.c.id == numbers(core, merchant_id)[3]))

    verdicts = {each.merchant_id: each.fault for each in verify(core, {})}

    assert verdicts[other] is None
    assert verdicts[merchant_id] is not None


def test_trail_of_operators_is_sealed_removed_and_verified_like_others(database):
    """By the looks that go through new entries and through every merchant, and by its own numbers."""
    core = make_core(database, audit_days=30)
    operator = operators.add_operator(Call(core, Caller()), "olga", OperatorRole.OWNER, "plenty of letters 7")
    sealer = Sealer(core)
    assert sealer.step() == 1
    operator_sign_in.sign_in(Call(core, Caller()), "olga", "wrong")
    operators.end_operator_sessions(Call(core, Caller()), operator.id)
    assert sealer.step() == 1
    rows = numbers(core, INSTALLATION)
    assert len(rows) == 3

    for name, value in (("subject", "9"), ("event", "operator.signed_in"), ("source", "192.0.2.9")):
        with database.reading() as db:
            before = db.execute(sa.select(ENTRIES.c[name]).where(ENTRIES.c.id == rows[1])).scalar_one()
        execute(core, ENTRIES.update().where(ENTRIES.c.id == rows[1]).values({name: value}))
        assert fault(core, INSTALLATION).startswith(f"entry {rows[1]} was changed"), name
        execute(core, ENTRIES.update().where(ENTRIES.c.id == rows[1]).values({name: before}))
    assert fault(core, INSTALLATION) is None

    core.now.advance(days=31)
    assert sealer.remove_old() == 2
    assert fault(core, INSTALLATION) is None
    assert numbers(core, INSTALLATION) == []

    # Nothing of a merchant can be passed off as what happened to an operator.
    merchant_id = make_merchant(core).id
    execute(core, ENTRIES.update().where(ENTRIES.c.merchant_id == merchant_id).values(merchant_id=INSTALLATION))
    assert "was changed" in fault(core, INSTALLATION)


def test_entries_of_an_older_version_are_sealed_as_they_are(core):
    """They have no MAC; from then on they cannot be changed either."""
    number = make_merchant(core).id
    execute(core, ENTRIES.update().values(mac=None, device=None, integration_id=None, changes=None))
    record(core, number, 3)
    assert fault(core, number) is None
    first = numbers(core, number)[0]

    execute(core, ENTRIES.update().where(ENTRIES.c.id == first).values(source="192.0.2.99"))

    assert fault(core, number) == f"entry {first} is not the one that was sealed (seal 1)"


def test_trail_of_the_first_release_is_sealed_after_the_migration(empty_database_url):
    """Row by row as it was, on a database that was made then."""
    database = Database(empty_database_url)
    with database.writing() as db:
        schema.migrate(db, "0001")
        first = sa.MetaData()
        first.reflect(db, only=["merchants", "audit_entries"])
        merchant = {name: 1 for name in ("password_min_length", "password_max_length", "password_min_strength")}
        merchant |= {"password_history": 1, "temporary_password_lifetime": 60, "reset_replaces_password": False}
        merchant |= {"third_party_accounts_of_record": False, "name": "Acme", "region": "US", "created_at": NOON}
        db.execute(first.tables["merchants"].insert().values(merchant))
        older = {"merchant_id": 1, "event": "session.started", "source": "192.0.2.7", "created_at": NOON}
        db.execute(first.tables["audit_entries"].insert(), [older] * 3)
    schema.upgrade(database)
    core = make_core(database)
    record(core, 1, 2)

    [verdict] = verify(core, {}, 1)
    assert (verdict.fault, verdict.seals, verdict.entries) == (None, 1, 5)
    execute(core, ENTRIES.update().where(ENTRIES.c.id == 2).values(source="192.0.2.99"))
    assert fault(core, 1) == "entry 2 is not the one that was sealed (seal 1)"
    database.close()


def test_another_secret_key_does_not_verify_unless_the_former_is_given(core, merchant_id):
    """A key is changed when it may have leaked; what was made before stays provable."""
    changed = make_core(core.database)
    object.__setattr__(changed, "keys", Keys("f" * 32))

    assert "made with another secret key" in fault(changed, merchant_id)
    record(changed, merchant_id, 2)
    assert fault(changed, merchant_id, former=[core.keys]) is None
    [verdict] = verify(changed, {}, merchant_id, [core.keys])
    assert verdict.head.startswith("4:")


@pytest.mark.parametrize("sealers", [1, 2])
def test_parallel_writers_are_sealed_whole(core, database, sealers):
    """Numbers become visible out of order on PostgreSQL; a seal that came too early would miss an entry."""
    merchant_ids = [make_merchant(core).id for _ in range(2)]
    # What happens to operators is sealed in between, by the same sealers.
    operators.add_operator(Call(core, Caller()), "olga", OperatorRole.OWNER, "plenty of letters 7")
    done, stop, failures = [0] * 8, threading.Event(), []

    def write(which):
        drawn = random.Random(which)  # noqa: S311  # nothing secret
        for _ in range(200):
            call = Call(core, Caller())
            with call.writing():
                audit.record(call, AuditEvent.LOGIN_REFUSED, merchant_id=drawn.choice(merchant_ids))
                # Others get greater numbers and commit before this one.
                if drawn.random() < 0.2:
                    time.sleep(drawn.random() * (0.002 if database.is_sqlite else 0.02))
            done[which] += 1

    def seal():
        sealer = Sealer(core)
        while not stop.is_set():
            try:
                sealer.step()
            except Exception as error:
                failures.append(error)
                return
            time.sleep(0.001)

    writers = [threading.Thread(target=write, args=(which,)) for which in range(8)]
    background = [threading.Thread(target=seal) for _ in range(sealers)]
    for thread in writers + background:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in background:
        thread.join()

    assert failures == []
    sealed_before = numbers(core, merchant_ids[0], SEALS)
    verdicts = verify(core, {})
    assert [each.fault for each in verdicts] == [None, None, None]
    assert sum(each.entries for each in verdicts) == 3 + 8 * 200
    assert [each.unsealed for each in verdicts] == [0, 0, 0]
    assert len(sealed_before) > 3, "the sealer ran while they wrote"


def test_entries_that_a_sealer_left_are_sealed_by_the_next_one(core, monkeypatch):
    """Also where others have longer chains, and newer seals."""
    busy, quiet = make_merchant(core).id, make_merchant(core).id
    for _ in range(3):
        record(core, busy)
        Sealer(core).seal_now()
    record(core, quiet, 2)
    record(core, busy)
    add = audit_seals.add

    def lose_the_database(db, **values):
        if values["merchant_id"] == quiet:
            raise UnavailableError
        return add(db, **values)

    with monkeypatch.context() as broken:
        broken.setattr(audit_seals, "add", lose_the_database)
        with pytest.raises(UnavailableError):
            Sealer(core).seal_now()

    assert Sealer(core).step() == 1
    assert [(each.fault, each.unsealed) for each in verify(core, {})] == [(None, 0)] * 3


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_entry_of_a_transaction_under_way_is_waited_for(core):
    """One that has its number and no commit yet; on SQLite nobody else could write meanwhile."""
    merchant_id = make_merchant(core).id
    Sealer(core).seal_now()
    sealer, call = Sealer(core), Call(core, Caller())
    with call.writing():
        audit.record(call, AuditEvent.LOGIN_REFUSED, merchant_id=merchant_id)
        record(core, merchant_id)
        assert sealer.step() == 0
        assert sealer.step() == 0
    assert sealer.step() == 1

    [verdict] = verify(core, {}, merchant_id)
    assert (verdict.fault, verdict.seals, verdict.entries) == (None, 2, 3)


def test_sealer_that_comes_later_is_second(core, merchant_id):
    """Two that have read the same end of the chain: one adds to it."""
    record(core, merchant_id)
    barrier, made = threading.Barrier(6), []

    def seal():
        sealer = Sealer(core)
        barrier.wait()
        made.append(sealer.step())

    threads = [threading.Thread(target=seal) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(made) == 1
    assert len(made) == 6
    assert fault(core, merchant_id) is None


def test_old_entries_are_removed_by_whole_seals(database):
    """The newest emptied seal stays as the beginning; all that is left verifies."""
    core = make_core(database, audit_days=30)
    clock, merchant_id = core.now, make_merchant(core).id
    for _ in range(5):
        record(core, merchant_id, 2)
        Sealer(core).seal_now()
        clock.advance(days=10)

    assert Sealer(core).remove_old() == 2

    [verdict] = verify(core, {}, merchant_id)
    assert (verdict.fault, verdict.entries) == (None, 6)
    with database.reading() as db:
        kept = db.execute(sa.select(SEALS.c.number, SEALS.c.entries.is_(None)).order_by(SEALS.c.number)).all()
    assert kept == [(2, True), (3, False), (4, False), (5, False)]
    assert Sealer(core).remove_old() == 0
    # A head from before the beginning cannot be compared, and verify says so.
    assert "was removed with its old entries" in fault(core, merchant_id, expected={merchant_id: (1, "0" * 64)})


def test_all_entries_may_be_old(database):
    """A merchant that nobody has called for a year; the chain goes on when somebody does."""
    core = make_core(database, audit_days=30)
    merchant_id = make_merchant(core).id
    Sealer(core).seal_now()
    core.now.advance(days=31)

    assert Sealer(core).remove_old() == 1
    assert numbers(core, merchant_id) == []
    assert fault(core, merchant_id) is None
    record(core, merchant_id)
    [verdict] = verify(core, {}, merchant_id)
    assert (verdict.fault, verdict.seals, verdict.entries) == (None, 2, 1)


def test_without_days_nothing_is_removed(database):
    """For who has to keep it for ever."""
    core = make_core(database, audit_days=0)
    merchant_id = make_merchant(core).id
    Sealer(core).seal_now()
    core.now.advance(days=3650)

    assert Sealer(core).remove_old() == 0
    assert len(numbers(core, merchant_id)) == 1


@pytest.mark.parametrize(
    "name", ["number", "first_entry_id", "last_entry_id", "digest", "entry_count", "removal_mac", "removed_at"]
)
def test_removal_that_the_service_did_not_make_is_found(database, name):
    """Otherwise who deletes entries would say that they were old."""
    core = make_core(database, audit_days=30)
    merchant_id = make_merchant(core).id
    for _ in range(3):
        record(core, merchant_id, 2)
        Sealer(core).seal_now()
        core.now.advance(days=14)
    assert Sealer(core).remove_old() == 1
    assert fault(core, merchant_id) is None
    value = {"digest": b"x" * 32, "removal_mac": b"x" * 32, "removed_at": core.now()}.get(name, 0)
    if name == "removed_at":
        value = value.replace(microsecond=5)

    execute(core, SEALS.update().where(SEALS.c.removed_at.is_not(None)).values({name: value}))

    assert "the service did not do that" in fault(core, merchant_id)


def test_entry_in_a_removed_range_is_found(database):
    """Nothing may come back into what was removed."""
    core = make_core(database, audit_days=30)
    merchant_id = make_merchant(core).id
    [row] = numbers(core, merchant_id)
    Sealer(core).seal_now()
    core.now.advance(days=31)
    Sealer(core).remove_old()

    execute(core, ENTRIES.insert().values(id=row, merchant_id=merchant_id, event="x", created_at=core.now()))

    assert fault(core, merchant_id) == f"entry {row} was added afterwards (before the end of seal 1)"


def test_heads_are_logged_where_something_was_sealed(core, merchant_id, caplog):
    """A log that is kept elsewhere then shows that an end was cut off."""
    sealer = Sealer(core)
    record(core, merchant_id)
    sealer.seal_now()
    [verdict] = verify(core, {}, merchant_id)
    with caplog.at_level("INFO", logger="gatehouse.audit"):
        sealer._log_heads()
        sealer._log_heads()

    assert [each.getMessage() for each in caplog.records] == [f"head of the audit trail {merchant_id}:{verdict.head}"]


def test_changed_entry_is_logged_when_it_is_sealed(core, caplog):
    """Nobody need wait for the next verification."""
    merchant_id = make_merchant(core).id
    [row] = numbers(core, merchant_id)
    execute(core, ENTRIES.update().values(source="192.0.2.99"))

    Sealer(core).seal_now()

    assert [each.getMessage() for each in caplog.records] == [
        f"audit entry {row} of merchant {merchant_id} is not as it was made"
    ]


def test_sealer_runs_until_it_is_told_to_stop(core, monkeypatch):
    """And an error of one round does not end it."""
    merchant_id, stop, rounds = make_merchant(core).id, threading.Event(), []
    monkeypatch.setattr("gatehouse.operations.audit_seals._SEALED_EVERY", 0.01)
    monkeypatch.setattr("gatehouse.operations.audit_seals._STOPPED_WITHIN", 0.01)
    sealer = Sealer(core)
    step = sealer.step

    def fail_once():
        rounds.append(1)
        if len(rounds) == 1:
            raise RuntimeError("broken")
        return step()

    monkeypatch.setattr(sealer, "step", fail_once)
    thread = threading.Thread(target=sealer.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 30
    while not numbers(core, merchant_id, SEALS) and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join(30)

    assert not thread.is_alive()
    assert len(numbers(core, merchant_id, SEALS)) == 1
