"""The last day at a glance, for the panel's first page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gatehouse.domain.messages import MessageState
from gatehouse.operations.calls import Call
from gatehouse.operations.signed_in import SignedIn
from gatehouse.storage import hourly_counts, panel_lists
from gatehouse.storage.panel_lists import EndingSecret as EndingSecret

SHOWN = timedelta(hours=24)
"""From the beginning of the hour in which this began."""
OVERDUE_AFTER = timedelta(minutes=10)
"""A message that waits for longer than this beyond its time: no worker runs, or it does not keep up."""
MOST_OVERDUE = 1000
"""Such messages that are counted: of more, it is enough to know that there are so many."""
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
    """What happened in the last day at the merchants of an operator, and what somebody should look at.

    `abandoned` is by the number of the merchant, and `names` are those of these merchants.
    """

    hours: Sequence[Hour]
    refusals: Mapping[str, int]
    messages: Mapping[str, int]
    abandoned: Mapping[int, int]
    names: Mapping[int, str]
    overdue: int
    ending_secrets: Sequence[EndingSecret]


def show_overview(call: Call, who: SignedIn) -> Overview:
    """Return the last day at the operator's merchants: refusals by outcome, messages by state, most frequent first."""
    merchant_ids = who.merchant_ids
    first = int((call.now - SHOWN).timestamp()) // _HOUR
    since = datetime.fromtimestamp(first * _HOUR, UTC)
    with call.reading():
        counts = hourly_counts.find_counts(call.db, merchant_ids, since)
        not_sent = panel_lists.count_messages_not_sent(call.db, merchant_ids, since)
        overdue = panel_lists.count_overdue(call.db, merchant_ids, call.now - OVERDUE_AFTER, MOST_OVERDUE)
        ending = panel_lists.find_ending_secrets(call.db, merchant_ids, call.now, call.now + ENDING_WITHIN)
        abandoned = {number: count for (number, state), count in not_sent.items() if state == MessageState.ABANDONED}
        names = panel_lists.find_merchant_names(call.db, abandoned)
    logins, refused, reasons, messages = Counter[int](), Counter[int](), Counter[str](), Counter[str]()
    for each in counts:
        match each.kind:
            case hourly_counts.LOGIN:
                logins[each.hour] += each.count
            case hourly_counts.REFUSAL:
                refused[each.hour] += each.count
                reasons[each.detail] += each.count
            case hourly_counts.MESSAGE:
                messages[MessageState.SENT.value] += each.count
    for (_, state), count in not_sent.items():
        messages[state] += count
        messages[MessageState.SENT.value] -= count
    hours = range(first, int(call.now.timestamp()) // _HOUR + 1)
    return Overview(
        hours=[Hour(datetime.fromtimestamp(at * _HOUR, UTC), logins[at], refused[at]) for at in hours],
        refusals=dict(reasons.most_common()),
        messages={state: count for state, count in messages.most_common() if count > 0},
        abandoned=abandoned,
        names=names,
        overdue=overdue,
        ending_secrets=ending,
    )
