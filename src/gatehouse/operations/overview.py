"""The last day at a glance, for the panel's first page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gatehouse.domain.events import AuditEvent
from gatehouse.operations.calls import Call
from gatehouse.operations.operators import SignedIn
from gatehouse.storage import panel_lists
from gatehouse.storage.panel_lists import EndingSecret as EndingSecret

SHOWN = timedelta(hours=24)
OVERDUE_AFTER = timedelta(minutes=10)
"""A message that waits for longer than this beyond its time: no worker runs, or it does not keep up."""
ENDING_WITHIN = timedelta(days=14)

_HOUR = 3600


@dataclass(frozen=True)
class Hour:
    """One hour: when it begins, and how many logins and refusals it had."""

    begins_at: datetime
    logins: int
    refusals: int


@dataclass(frozen=True)
class Overview:
    """What happened in the last day at the merchants of an operator, and what somebody should look at."""

    hours: Sequence[Hour]
    refusals: Mapping[str, int]
    messages: Mapping[str, int]
    abandoned: Mapping[int, int]
    overdue: int
    ending_secrets: Sequence[EndingSecret]


def show_overview(call: Call, who: SignedIn) -> Overview:
    """Return the last day at the operator's merchants: refusals by outcome, messages by state, most frequent first."""
    since, merchant_ids = call.now - SHOWN, who.merchant_ids
    with call.reading():
        events = panel_lists.count_events(call.db, merchant_ids, since)
        messages = panel_lists.count_messages(call.db, merchant_ids, since)
        abandoned = panel_lists.count_abandoned(call.db, merchant_ids, since)
        overdue = panel_lists.count_overdue(call.db, merchant_ids, call.now - OVERDUE_AFTER)
        ending = panel_lists.find_ending_secrets(call.db, merchant_ids, call.now, call.now + ENDING_WITHIN)
    logins, refused, reasons = Counter[int](), Counter[int](), Counter[str]()
    for each in events:
        if each.outcome is not None:
            refused[each.hour] += each.count
            reasons[each.outcome] += each.count
        elif each.event == AuditEvent.SESSION_STARTED:
            logins[each.hour] += each.count
    last = int(call.now.timestamp()) // _HOUR
    hours = range(last - int(SHOWN.total_seconds()) // _HOUR, last + 1)
    return Overview(
        hours=[Hour(datetime.fromtimestamp(at * _HOUR, UTC), logins[at], refused[at]) for at in hours],
        refusals=dict(reasons.most_common()),
        messages=dict(Counter(messages).most_common()),
        abandoned=abandoned,
        overdue=overdue,
        ending_secrets=ending,
    )
