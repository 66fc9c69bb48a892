"""Tests of `gatehouse audit`, on both databases."""

import csv
import io
import json

import pytest
from click.testing import CliRunner

from gatehouse.cli.main import main
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.operators import OperatorRole
from gatehouse.operations import audit, operator_sign_in, operators
from gatehouse.operations.calls import Call, Caller
from gatehouse.storage import tables
from tests.factories import EMAIL, SECRET_KEY


@pytest.fixture
def run(database_url, tmp_path, monkeypatch):
    """A function that runs a command on the test's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", database_url)
    monkeypatch.setenv("GATEHOUSE_SECRET_KEY", SECRET_KEY)
    return lambda *arguments: CliRunner().invoke(main, ["audit", *arguments])


@pytest.fixture
def trail(shop):
    """Three additions by an operator, then a login, a refused one and one of nobody, an hour apart."""
    shop.log_in(device_id="till-1")
    shop.clock.advance(hours=1)
    shop.login(password="wrong")
    shop.clock.advance(hours=1)
    shop.login(email="Nobody@example.com", password="wrong")
    return shop


def listed(run, *options):
    """Return the numbers that list gives."""
    done = run("list", "--json", *options)
    assert done.exit_code == 0, done.output
    return [each["entryNumber"] for each in json.loads(done.stdout)]


def test_list_is_filtered_by_everything(run, trail):
    """An operator looks for a person, an address, a time, a request."""
    merchant, request = str(trail.merchant.id), trail.rows(tables.audit_entries)[3].request_id

    assert listed(run) == [1, 2, 3, 4, 5, 6]
    assert listed(run, "--merchant", merchant, "--event", "login.refused") == [5, 6]
    assert listed(run, "--outcome", "InvalidCredentials", "--account", str(trail.account.id)) == [5]
    assert listed(run, "--source", "192.0.2.7") == [4, 5, 6]
    assert listed(run, "--request", request) == [4]
    assert listed(run, "--application", str(trail.application.application.id)) == [2, 4, 5, 6]
    assert listed(run, "--integration", "1") == []
    assert listed(run, "--since", "2026-03-01T13:00") == [5, 6]
    assert listed(run, "--since", "2026-03-01T14:00+01:00", "--until", "2026-03-01T14:00:00Z") == [5]
    assert listed(run, "--merchant", merchant, "--identity", " NOBODY@example.com") == [6]
    assert listed(run, "--merchant", merchant, "--identity", EMAIL) == [4, 5]
    assert listed(run, "--merchant", merchant, "--device", "till-1") == [4]
    assert listed(run, "--since", "1h") == []


def test_list_is_paged(run, trail):
    """By number, or from the newest."""
    done = run("list", "--limit", "2", "--after", "2")

    assert [line.split()[0] for line in done.stdout.splitlines()] == ["entryNumber", "3", "4"]
    assert "--after 4" in done.stderr
    assert listed(run, "--newest", "--limit", "2") == [5, 6]
    assert run("list", "--newest", "--after", "2").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--merchant", "99"), "there is no merchant"),
        (("--identity", "x"), "give its number"),
        (("--device", "x"), "give its number"),
        (("--since", "yesterday"), "must be a moment"),
        (("--event", "login"), "is not one of"),
    ],
)
def test_list_says_what_is_wrong(run, trail, arguments, told):
    """In one line."""
    done = run("list", *arguments)

    assert done.exit_code != 0
    assert told in done.output


def test_export_gives_every_entry_as_a_line_of_json(run, trail, monkeypatch):
    """Page by page, so that memory does not grow with the trail."""
    monkeypatch.setattr("gatehouse.operations.audit_trail.PAGE", 4)

    done = run("export")

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["entryNumber"] for each in lines] == [1, 2, 3, 4, 5, 6]
    assert lines[4]["outcome"] == "InvalidCredentials"
    assert lines[4]["createdAt"] == "2026-03-01T13:00:00Z"
    assert lines[0]["changes"]["region"] == [None, "US"]
    assert set(lines[0]) == {
        "entryNumber",
        "merchantId",
        "createdAt",
        "event",
        "outcome",
        "accountId",
        "applicationId",
        "integrationId",
        "subject",
        "device",
        "identity",
        "source",
        "requestId",
        "changes",
    }


def test_exported_csv_executes_nothing(run, trail, tmp_path):
    """A cell that begins like a formula would be one in a spreadsheet."""
    call = Call(trail.core, Caller(source="=cmd|' /C calc'!A0", request_id="@SUM(1)"))
    with call.writing():
        values = {"merchant_id": trail.merchant.id, "subject": '-1,"2"'}
        audit.record(call, AuditEvent.CALL_REFUSED, outcome=ReturnCode.INVALID_FIELD, **values)

    done = run("export", "--format", "csv", "--output", "audit.csv", "--merchant", str(trail.merchant.id))

    assert done.exit_code == 0, done.output
    assert done.stderr == "7 entries\n"
    rows = list(csv.DictReader(io.StringIO((tmp_path / "audit.csv").read_text())))
    assert (rows[-1]["source"], rows[-1]["requestId"]) == ("'=cmd|' /C calc'!A0", "'@SUM(1)")
    assert (rows[-1]["subject"], rows[-1]["accountId"]) == ('\'-1,"2"', "")
    assert json.loads(rows[0]["changes"])["region"] == [None, "US"]
    # A file that is there is not overwritten.
    assert run("export", "--output", "audit.csv").exit_code == 1


def test_verify_tells_the_heads_and_compares_them(run, trail):
    """Nothing to find; and the heads can be given back."""
    done = run("verify", "--json")

    assert done.exit_code == 0, done.output
    installation, verdict = json.loads(done.stdout)
    assert (installation["merchantId"], installation["isIntact"], installation["head"]) == (0, True, None)
    assert (verdict["isIntact"], verdict["fault"], verdict["entries"]) == (True, None, 6)
    assert run("verify", "--expect", verdict["head"]).exit_code == 0
    number, digest = verdict["head"].rsplit(":", 1)
    assert run("verify", "--expect", f"{number}:{'0' * 64}").exit_code == 1
    assert run("verify", "--expect", "1:2").exit_code == 2
    assert len(digest) == 64


def test_verify_fails_with_the_first_fault(run, trail):
    """In plain words, with exit status 1 for who runs it every night."""
    assert run("verify").exit_code == 0
    with trail.core.database.writing() as db:
        db.execute(tables.audit_entries.update().where(tables.audit_entries.c.id == 5).values(outcome=None))

    done = run("verify", "--merchant", str(trail.merchant.id))

    assert done.exit_code == 1
    assert "entry 5 was changed" in done.stdout
    assert "1 of 1 audit trails are not intact" in done.stderr
    _, verdict = json.loads(run("verify", "--json").stdout)
    assert (verdict["isIntact"], verdict["fault"][:7]) == (False, "entry 5")


def test_verify_takes_the_key_that_was_in_use_before(run, trail, tmp_path, monkeypatch):
    """After the secret key was changed."""
    assert run("verify").exit_code == 0
    monkeypatch.setenv("GATEHOUSE_SECRET_KEY", "f" * 32)
    (tmp_path / "former.key").write_text(SECRET_KEY + "\n")

    assert "another secret key" in run("verify").stdout
    assert run("verify", "--former-key-file", "former.key").exit_code == 0


def test_what_happened_to_operators_is_listed_exported_and_verified(run, trail, tmp_path):
    """In the trail of the installation, which has no merchant and the number 0."""
    operator = operators.add_operator(trail.call(), "olga", OperatorRole.OWNER, "plenty of letters 7")
    operator_sign_in.sign_in(trail.call(), "olga", "wrong")

    done = run("list", "--json", "--merchant", "0")
    added, refused = json.loads(done.stdout)
    assert (added["event"], added["merchantId"], added["subject"]) == ("operator.added", 0, str(operator.id))
    assert added["changes"]["role"] == [None, "owner"]
    assert (refused["event"], refused["outcome"]) == ("operator.sign_in_refused", "InvalidCredentials")
    assert refused["source"] == "192.0.2.7"
    assert listed(run, "--event", "operator.added") == [added["entryNumber"]]
    exported = [json.loads(line) for line in run("export").stdout.splitlines()]
    assert [each["event"] for each in exported[-2:]] == ["operator.added", "operator.sign_in_refused"]

    [verdict] = json.loads(run("verify", "--json", "--merchant", "0").stdout)
    assert (verdict["isIntact"], verdict["seals"], verdict["entries"]) == (True, 1, 2)
    assert verdict["head"].startswith("0:1:")
    with trail.core.database.writing() as db:
        refusal = tables.audit_entries.c.event == "operator.sign_in_refused"
        db.execute(tables.audit_entries.delete().where(refusal))
    assert run("verify", "--expect", verdict["head"]).exit_code == 1
    assert "missing (seal 1)" in run("verify", "--merchant", "0").stdout
