"""The audit trail of a merchant: filtered, with the values before and after, and taken away as a file."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import Any

from flask import Response, url_for

from gatehouse.domain.events import AuditEvent
from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.tasks import Tab, Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import audit_trail, panel_lists
from gatehouse.operations.audit_trail import AuditEntry, AuditFilter
from gatehouse.operations.audit_verification import verify_part

tasks = Tasks("audit", tab=Tab("Audit", "audit_show_all"))

EVENTS = tuple(sorted(each.value for each in AuditEvent))

_AUDIT = "/merchants/<merchant_id>/audit"
_FIELDS = (
    "id",
    "created_at",
    "event",
    "outcome",
    "merchant_id",
    "account_id",
    "application_id",
    "integration_id",
    "subject",
    "source",
    "request_id",
    "device",
    "identity",
    "changes",
)
_HARMFUL = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for the beginning of a formula."""


@tasks.page(_AUDIT, Right.READ)
def show_all(visit: Visit, merchant_id: int) -> Response:
    """List the newest entries that agree with what is asked for."""
    wanted = _wanted(visit, merchant_id)
    page = panel_lists.list_newest_entries(visit.call, wanted, visit.asked_number("before"))
    asked = _asked(visit)
    following = page.continues_at and url_for(
        "admin.audit_show_all", merchant_id=merchant_id, before=page.continues_at, **asked
    )
    return visit.render("audit/list", entries=page.records, events=EVENTS, asked=asked, next=following)


@tasks.page(f"{_AUDIT}/verify", Right.READ)
def check(visit: Visit, merchant_id: int) -> Response:
    """Verify the newest part of the trail, or the one that ends with a seal: as much as a page may take time for."""
    found = verify_part(visit.call, merchant_id, visit.asked_number("seal"))
    return visit.render("audit/check", found=found)


@tasks.page(f"{_AUDIT}/export", Right.EXPORT_AUDIT)
def export(visit: Visit, merchant_id: int) -> Response:
    """Give every entry that agrees with what is asked for, as a file for a spreadsheet."""
    entries = audit_trail.export_entries(visit.call, _wanted(visit, merchant_id))
    response = Response(_lines(entries), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="audit-{merchant_id}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _asked(visit: Visit) -> Mapping[str, Any]:
    """Return what the form asks for, by the names that it has in the address; None for what it leaves open."""
    event = visit.asked("event")
    return {
        "since": _day(visit.asked("since", 10)),
        "until": _day(visit.asked("until", 10)),
        "event": event if event in EVENTS else None,
        "outcome": visit.asked("outcome", 40) or None,
        "account": visit.asked_number("account"),
        "source": visit.asked("source", 64) or None,
        "device": visit.asked("device", 256) or None,
        "request": visit.asked("request", 36) or None,
    }


def _wanted(visit: Visit, merchant_id: int) -> AuditFilter:
    asked = _asked(visit)
    since, until, device = asked["since"], asked["until"], asked["device"]
    return AuditFilter(
        merchant_id=merchant_id,
        event=asked["event"],
        outcome=asked["outcome"],
        account_id=asked["account"],
        source=asked["source"],
        device=device and audit_trail.device_filter(visit.call, merchant_id, device),
        request_id=asked["request"],
        since=since and visit.shown.start_of(since),
        until=until and visit.shown.start_of(until + timedelta(days=1)),
    )


def _day(text: str) -> date | None:
    """Return the day, or None for what is none that a year has around it."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if MINYEAR < day.year < MAXYEAR else None


def _lines(entries: Iterator[AuditEntry]) -> Iterator[str]:
    yield _line(_FIELDS)
    for each in entries:
        yield _line([_cell(getattr(each, name)) for name in _FIELDS])


def _line(cells: Any) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if text.startswith(_HARMFUL) else text
