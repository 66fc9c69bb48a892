"""`gatehouse audit`: what happened, listed, taken away and verified."""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click

from gatehouse.cli.opening import open_call, open_current_core
from gatehouse.cli.option_types import Command, add_options, after_option, duration, number
from gatehouse.cli.printing import Shown, json_line, json_option, print_more_hint, print_records
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import INSTALLATION, AuditEvent
from gatehouse.domain.operators import OperatorEvent
from gatehouse.operations import audit_trail
from gatehouse.operations.audit_trail import AuditEntry, AuditFilter
from gatehouse.operations.audit_verification import Head, verify
from gatehouse.operations.calls import Call
from gatehouse.security.keys import Keys

_FIELDS = {
    "entryNumber": "id",
    "merchantId": "merchant_id",
    "createdAt": "created_at",
    "event": "event",
    "outcome": "outcome",
    "accountId": "account_id",
    "applicationId": "application_id",
    "integrationId": "integration_id",
    "subject": "subject",
    "device": "device",
    "identity": "identity",
    "source": "source",
    "requestId": "request_id",
    "changes": "changes",
}
"""What is shown of an entry, with the field that it comes from."""

_TABLE = ["entryNumber", "createdAt", "event", "outcome", "accountId", "subject", "source", "requestId"]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet would execute. Source: OWASP, CSV Injection."""


def _moment(value: str) -> datetime:
    """A kind: a moment as 2026-03-01T12:00 (UTC unless it names another zone), or how long ago it was, as 24h."""
    try:
        moment = datetime.fromisoformat(value.strip())
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return datetime.now(UTC) - duration()(value)
    except click.BadParameter:
        raise click.BadParameter("must be a moment as 2026-03-01 or 2026-03-01T12:00, or a time ago as 24h") from None


_moment.__name__ = "moment"


def _head(value: str) -> tuple[int, Head]:
    """A kind: MERCHANT:NUMBER:DIGEST, as verify prints it."""
    found = re.fullmatch(r"([0-9]{1,18}):([0-9]{1,18}):([0-9a-fA-F]{64})", value.strip())
    if found is None:
        raise click.BadParameter("must be MERCHANT:NUMBER:DIGEST, as verify prints it")
    return int(found[1]), (int(found[2]), found[3].lower())


_head.__name__ = "merchant:head"


def _trail(value: str) -> int:
    """A kind: the number of a merchant, or 0 for the trail of the installation itself."""
    return INSTALLATION if value == str(INSTALLATION) else number(value)


_trail.__name__ = "number"

_EVENTS = [each.value for each in (*AuditEvent, *OperatorEvent)]

_filters: Callable[[Command], Command] = add_options(
    [
        click.option(
            "--merchant", "merchant_id", type=_trail, help="Only those of this merchant; 0 for those of operators."
        ),
        click.option("--account", "account_id", type=number, help="Only those about this account."),
        click.option("--application", "application_id", type=number, help="Only calls of this application."),
        click.option("--integration", "integration_id", type=number, help="Only calls of this integration."),
        click.option("--event", type=click.Choice(_EVENTS), help="Only this event."),
        click.option("--outcome", help="Only this outcome, as InvalidCredentials."),
        click.option("--source", help="Only what came from this address."),
        click.option("--request", "request_id", metavar="ID", help="Only this request."),
        click.option("--device", "device_id", metavar="ID", help="Only what this device sent; needs --merchant."),
        click.option("--identity", metavar="TEXT", help="Only who said to be this one; needs --merchant."),
        click.option("--since", type=_moment, help="Only from then on, as 2026-03-01T12:00 or 24h."),
        click.option("--until", type=_moment, help="Only before then."),
    ]
)


@click.group
def audit() -> None:
    """What happened: listed, taken away and verified.

    \b
    gatehouse audit list --merchant 1 --since 24h --outcome InvalidCredentials
    gatehouse audit list --merchant 1 --identity jane@example.com
    gatehouse audit list --merchant 0 --event operator.sign_in_refused
    gatehouse audit export --format csv --output audit.csv
    gatehouse audit verify
    """


@audit.command("list")
@_filters
@after_option
@click.option("--limit", type=click.IntRange(1, audit_trail.PAGE), default=audit_trail.PAGE, help="At most so many.")
@click.option("--newest", is_flag=True, help="The newest entries instead of the oldest.")
@json_option
def list_page(after: int, limit: int, newest: bool, as_json: bool, **filters: Any) -> None:
    """List up to a thousand entries, by number."""
    if newest and after:
        raise click.UsageError("--newest and --after exclude each other")
    with open_call() as call:
        wanted = _wanted(call, filters)
        if newest:
            found = audit_trail.list_newest(call, wanted, limit)
        else:
            found = audit_trail.list_entries(call, wanted, after, limit)
    print_records([_shown(each) for each in found], _TABLE, as_json)
    if len(found) == limit and not newest:
        print_more_hint(found[-1].id)


@audit.command("export")
@_filters
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", help="JSON lines, or CSV.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write, which is new.")
def export(form: str, output: Path | None, **filters: Any) -> None:
    """Write every entry, of one merchant or of all, to a file or the standard output."""
    write = _write_csv if form == "csv" else _write_lines
    with open_call() as call:
        entries = map(_shown, audit_trail.export_entries(call, _wanted(call, filters)))
        if output is None:
            write(entries, sys.stdout)
            return
        with output.open("x", encoding="utf-8", newline="") as file:
            count = write(entries, file)
    click.echo(f"{count} entries", err=True)


@audit.command("verify")
@click.option(
    "--merchant", "merchant_id", type=_trail, help="Only the trail of this merchant; 0 for that of operators."
)
@click.option("--expect", "heads", type=_head, multiple=True, help="A head that was kept elsewhere; repeatable.")
@click.option(
    "--former-key-file",
    "former",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="File with a GATEHOUSE_SECRET_KEY that was in use before; repeatable.",
)
@json_option
def verify_trail(
    merchant_id: int | None, heads: tuple[tuple[int, Head], ...], former: tuple[Path, ...], as_json: bool
) -> None:
    """Find changed, missing and added entries. The exit status is 1 when there are any.

    It seals what is not sealed yet, and prints the head of each merchant's trail. Keep the heads where nobody who
    can write in the database comes, and give them back with --expect: they alone tell whether the end was cut off.

    \b
    gatehouse audit verify
    gatehouse audit verify --expect 1:42:5f0c...
    """
    keys = [Keys(path.read_text(encoding="utf-8").strip()) for path in former]
    with open_current_core() as core:
        verdicts = verify(core, dict(heads), merchant_id, keys)
    found = [
        {
            "merchantId": each.merchant_id,
            "isIntact": each.fault is None,
            "fault": each.fault,
            "seals": each.seals,
            "entries": each.entries,
            "unsealed": each.unsealed,
            "head": f"{each.merchant_id}:{each.head}" if each.head else None,
        }
        for each in verdicts
    ]
    print_records(found, ["merchantId", "isIntact", "seals", "entries", "head", "fault"], as_json)
    faulty = sum(each.fault is not None for each in verdicts)
    if faulty:
        raise AdministrationError(f"{faulty} of {len(verdicts)} audit trails are not intact")


def _wanted(call: Call, filters: dict[str, Any]) -> AuditFilter:
    device_id, identity, merchant_id = filters.pop("device_id"), filters.pop("identity"), filters["merchant_id"]
    if device_id:
        filters["device"] = audit_trail.device_filter(call, merchant_id, device_id)
    if identity:
        filters["identity"] = audit_trail.identity_filter(call, merchant_id, identity)
    return AuditFilter(**filters)


def _write_lines(entries: Iterable[Shown], file: TextIO) -> int:
    count = 0
    for each in entries:
        file.write(json_line(each) + "\n")
        count += 1
    return count


def _write_csv(entries: Iterable[Shown], file: TextIO) -> int:
    """Write the entries with a line of names. Source: RFC 4180."""
    count, writer = 0, csv.writer(file)
    writer.writerow(_FIELDS)
    for each in entries:
        writer.writerow([_cell(value) for value in each.values()])
        count += 1
    return count


def _cell(value: object) -> str | int:
    """Return the value as a cell holds it: what a spreadsheet would execute gets an apostrophe before it."""
    match value:
        case None:
            return ""
        case int():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case dict() | list():
            text = json.dumps(value, sort_keys=True)
        case _:
            text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _shown(found: AuditEntry) -> Shown:
    return {name: getattr(found, field) for name, field in _FIELDS.items()}
