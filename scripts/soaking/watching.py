"""Samples of a running service, taken from outside: what its processes hold, and what its database holds."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from gatehouse.storage import tables
from gatehouse.storage.engine import Database

_COUNTED = (
    tables.sessions,
    tables.login_cookies,
    tables.guess_counts,
    tables.account_requests,
    tables.activation_codes,
    tables.reset_codes,
    tables.temporary_passwords,
)
"""Tables whose rows are counted. In those below so many are added that the numbers of the first and last must do."""

_SPANNED = (tables.messages, tables.audit_entries, tables.audit_seals)


@dataclass(frozen=True)
class Held:
    """What a process holds: resident and proportional memory in millions of bytes, open files, threads."""

    resident: float
    proportional: float
    files: int
    threads: int


@dataclass(frozen=True)
class Sample:
    """One moment, in seconds since the beginning: what each process held, and the rows and bytes of the database."""

    seconds: float
    processes: Mapping[int, Held]
    rows: Mapping[str, int]
    megabytes: float


class Watch:
    """Takes a sample now and then, in a thread."""

    def __init__(self, processes: Sequence[int], database: Database, every: float) -> None:
        """Take whom to watch. Nothing is sampled yet."""
        self._processes, self._database, self._every = processes, database, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")
        self.samples: list[Sample] = []
        self.problems: list[str] = []

    def __enter__(self) -> "Watch":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take a last sample, and end."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        began, is_last = time.monotonic(), False
        while not is_last:
            is_last = self._stop.wait(self._every)
            try:
                self.samples.append(self._sample(time.monotonic() - began))
            except OSError as error:
                self.problems.append(f"a process of the service has ended: {error.strerror}")
                return

    def _sample(self, seconds: float) -> Sample:
        held = {each: _held(each) for each in self._processes}
        with self._database.reading() as db:
            rows = {table.name: db.execute(_count(table)).scalar_one() for table in _COUNTED}
            rows |= {table.name: db.execute(_span(table)).scalar_one() for table in _SPANNED}
            size = db.execute(_size(db.dialect.name)).scalar_one()
        return Sample(seconds, held, rows, size / 1e6)


def _count(table: sa.Table) -> sa.Select[tuple[int]]:
    return sa.select(sa.func.count()).select_from(table)


def _span(table: sa.Table) -> sa.Select[tuple[int]]:
    least = sa.select(sa.func.min(table.c.id)).scalar_subquery()
    most = sa.select(sa.func.max(table.c.id)).scalar_subquery()
    return sa.select(sa.func.coalesce(most - least + 1, 0))


def _size(dialect: str) -> sa.TextClause:
    if dialect == "postgresql":
        return sa.text("SELECT pg_database_size(current_database())")
    return sa.text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")


def _held(process: int) -> Held:
    folder = Path(f"/proc/{process}")
    kilobytes = {
        line.split(":")[0]: int(line.split()[1])
        for line in (folder / "smaps_rollup").read_text().splitlines()
        if line.startswith(("Rss:", "Pss:"))
    }
    return Held(
        kilobytes["Rss"] * 1024 / 1e6,
        kilobytes["Pss"] * 1024 / 1e6,
        len(list((folder / "fd").iterdir())),
        len(list((folder / "task").iterdir())),
    )
