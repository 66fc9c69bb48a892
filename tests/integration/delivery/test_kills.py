"""Kills real workers at random points of their work: nothing is lost, and at most what was under way is sent twice."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gatehouse.operations.core import utc_now
from gatehouse.storage import schema, tables
from tests.integration.delivery.mail_servers import Mailbox, serving

ROOT = Path(__file__).parents[3]
KILLS = 100
"""On each database; 200 in all. Source: issue of guest management, Tests."""
MESSAGES = 400
LONGEST_MS = 200
"""Until a kill that no step of a send brings; a worker begins to send after about 80."""
STEPS = ("EHLO", "RCPT", "DATA")


@contextlib.contextmanager
def worker_source(database_url, port):
    """Give a function that starts a worker and returns its process number."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")} | {
        "GATEHOUSE_DATABASE_URL": database_url,
        "GATEHOUSE_MAIL_URL": f"smtp://127.0.0.1:{port}",
        "GATEHOUSE_SECRET_KEY": "0123456789abcdef0123456789abcdef",
        "GATEHOUSE_LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "tests.integration.delivery.killed_workers"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as source:

        def start():
            source.stdin.write("\n")
            source.stdin.flush()
            return int(source.stdout.readline())

        yield start
        source.stdin.close()


def kill(process):
    """Kill -9, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    while True:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        time.sleep(0.001)


@pytest.mark.timeout(300)
def test_killed_workers_lose_nothing_and_repeat_one_at_most(database, database_url, shop, queue):
    """A machine may lose its power at any moment."""
    chance = random.Random(7)  # noqa: S311  a test that can be repeated
    mailbox = Mailbox()
    recipients = [f"guest-{number}@example.com" for number in range(MESSAGES)]
    queue(*recipients, now=utc_now())
    repeated_at_most = 0
    with serving(mailbox) as port, worker_source(database_url, port) as start:
        for _ in range(KILLS):
            before = len(mailbox.mails)
            reached = threading.Event()
            step, at_count = chance.choice([*STEPS, None]), chance.randrange(1, 5)
            process = start()
            seen = Counter()

            def on_step(name, process=process, step=step, at_count=at_count, seen=seen, reached=reached):
                seen[name] += 1
                if name == step and seen[name] == (1 if name == "EHLO" else at_count):
                    # In the thread of the server, so that its answer finds nobody.
                    os.kill(process, signal.SIGKILL)
                    reached.set()

            mailbox.on_step = on_step
            if step is None:
                time.sleep(chance.uniform(0, LONGEST_MS) / 1000)
            else:
                reached.wait(1.0)
            kill(process)
            mailbox.wait_until_left()
            mailbox.on_step = lambda _: None
            unfinished = _unfinished(database)
            # What was taken and not noted: one at most, because the one before is noted before the next is begun.
            taken = [recipient for recipient, _ in mailbox.mails[before:] if recipient in unfinished]
            assert len(taken) <= 1, taken
            repeated_at_most += len(taken)
            _let_a_minute_pass(database)
        assert _unfinished(database), "the last kills found nothing to send"
        last = start()
        deadline = time.monotonic() + 60
        while _unfinished(database):
            assert time.monotonic() < deadline, "not everything was sent in time"
            time.sleep(0.05)
        kill(last)

    assert set(mailbox.recipients) == set(recipients)
    assert len(mailbox.mails) == len(recipients) + repeated_at_most
    for recipient in recipients:
        assert len({mail["Message-ID"] for to, mail in mailbox.mails if to == recipient}) == 1
    assert len({mail["Message-ID"] for _, mail in mailbox.mails}) == len(recipients)
    assert {row.state for row in shop.messages()} == {"sent"}
    assert schema.is_current(database)


def _unfinished(database):
    statement = sa.select(tables.messages.c.recipient).where(tables.messages.c.state.in_(["queued", "sending"]))
    with database.reading() as db:
        return set(db.scalars(statement))


def _let_a_minute_pass(database):
    """Move what dead workers had claimed into the past, as the clock would."""
    with database.writing() as db:
        db.execute(
            sa.update(tables.messages)
            .where(tables.messages.c.state == "sending")
            .values(due_at=utc_now() - timedelta(minutes=2))
        )
