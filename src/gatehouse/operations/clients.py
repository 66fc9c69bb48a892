"""Which client stacks call, by method, and what was tolerated of them: for an operator who looks after old clients."""

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from gatehouse.domain import client_stacks
from gatehouse.domain.errors import UnavailableError
from gatehouse.domain.tolerances import Tolerance
from gatehouse.operations.calls import Call
from gatehouse.operations.client_counts import MAX_STACKS, Counts, Taken, add
from gatehouse.operations.core import Core
from gatehouse.operations.rounds import attempt
from gatehouse.storage import clients, locks
from gatehouse.storage.clients import Counted

WRITTEN_EVERY = 5.0
"""Seconds for which counts are kept in memory; a process that is killed loses those."""

FORGOTTEN_AFTER = timedelta(days=90)
"""A stack that was not seen for so long makes room for a new one, where there is none left."""

_log = logging.getLogger("gatehouse.clients")


@dataclass(frozen=True)
class Seen:
    """How often, and from when to when, something was seen of a client stack: a method, or a kind of tolerance."""

    name: str
    calls: int
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True)
class Client:
    """One client stack of one application."""

    merchant_id: int
    application_id: int
    stack: str
    methods: Sequence[Seen]
    tolerances: Sequence[Seen]

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return sum(each.calls for each in self.methods)

    @property
    def last_seen_at(self) -> datetime:
        """The moment of the newest call."""
        return max(each.last_seen_at for each in self.methods)


def note_call(call: Call, method: str, stack: str, tolerances: Iterable[Tolerance]) -> None:
    """Count a call that was answered, where it is known which application made it. It does not ask the database."""
    if call.calling is not None:
        call.client_counts.note(*call.calling, stack, method, tolerances, call.now)


def list_clients(call: Call, merchant_id: int | None, application_id: int | None = None) -> Sequence[Client]:
    """Return the client stacks of one merchant, of one application, or all, by application and name."""
    with call.reading():
        by_method = clients.find_calls(call.db, merchant_id, application_id)
        by_kind = clients.find_tolerances(call.db, merchant_id, application_id)
    tolerances: dict[tuple[int, str], list[Seen]] = {}
    for each in by_kind:
        tolerances.setdefault((each.application_id, each.stack), []).append(_seen(each))
    found: dict[tuple[int, str], Client] = {}
    methods: dict[tuple[int, str], list[Seen]] = {}
    for each in by_method:
        key = (each.application_id, each.stack)
        mine = methods.setdefault(key, [])
        mine.append(_seen(each))
        if key not in found:
            found[key] = Client(each.merchant_id, *key, methods=mine, tolerances=tolerances.get(key, []))
    return list(found.values())


def write_counts(core: Core) -> None:
    """Add what this process counted to the tables. Raises UnavailableError, and then keeps it for the next time."""
    taken = core.client_counts.take()
    if not taken.calls:
        return
    try:
        with core.database.writing() as db:
            # One process at a time, so that the bound holds and nobody waits for rows in another order.
            locks.take(db, locks.CLIENT_COUNTS)
            _write(db, taken)
    except UnavailableError:
        core.client_counts.give_back(taken)
        raise


def keep_writing_counts(core: Core, stop: threading.Event) -> None:
    """Write what this process counts now and then until `stop` is set, and then what is left."""
    is_stopping = False
    while not is_stopping:
        is_stopping = stop.wait(WRITTEN_EVERY)
        attempt(
            partial(write_counts, core),
            _log,
            "the counts of clients are not written yet: the database is not available (%s)",
            "the counts of clients were not written: %s",
        )


def _write(db: Connection, taken: Taken) -> None:
    newest: dict[tuple[int, str], datetime] = {}
    for key, count in taken.calls.items():
        stack = (key.application_id, key.stack)
        newest[stack] = max(newest.get(stack, count.last_seen_at), count.last_seen_at)
    others = _without_room(db, newest)
    clients.add_calls(db, _counted(taken.calls, others))
    clients.add_tolerances(db, _counted(taken.tolerances, others))


def _without_room(db: Connection, newest: dict[tuple[int, str], datetime]) -> set[tuple[int, str]]:
    """Return the stacks, by application, that are beyond the bound, and forget old ones instead where there are any."""
    kept = clients.find_stacks(db, {application_id for application_id, _ in newest})
    others: set[tuple[int, str]] = set()
    for application_id, stack in newest.keys() - kept.keys():
        if stack == client_stacks.OTHER:
            continue
        same = {name: seen for (number, name), seen in kept.items() if number == application_id}
        same.pop(client_stacks.OTHER, None)
        if len(same) >= MAX_STACKS:
            oldest = min(same, key=same.__getitem__)
            if same[oldest] > newest[application_id, stack] - FORGOTTEN_AFTER:
                others.add((application_id, stack))
                continue
            clients.forget(db, application_id, oldest)
            del kept[application_id, oldest]
        kept[application_id, stack] = newest[application_id, stack]
    return others


def _counted(counts: Counts, others: set[tuple[int, str]]) -> list[Counted]:
    folded: Counts = {}
    for key, count in counts.items():
        is_other = (key.application_id, key.stack) in others
        add(folded, key._replace(stack=client_stacks.OTHER) if is_other else key, count)
    return [
        Counted(*key, count.calls, count.first_seen_at, count.last_seen_at) for key, count in sorted(folded.items())
    ]


def _seen(counted: Counted) -> Seen:
    return Seen(counted.subject, counted.calls, counted.first_seen_at, counted.last_seen_at)
