"""The delivery: how many mails a second one worker hands to a local mail server that takes them at once."""

import contextlib
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from gatehouse.config import Settings
from gatehouse.domain.messages import MessageKind
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import make_core
from gatehouse.operations.merchants import add_merchant
from gatehouse.operations.schema import upgrade_schema
from gatehouse.storage import outbox, tables
from scripts.benchmark.processes import Cores, environment_with, pinned
from scripts.sinks import running_sinks

_WITHIN_SECONDS = 120


def measure_deliveries(cores: Cores, url: str, mails: int) -> float:
    """Queue so many mails, let `gatehouse worker` deliver them on the core of what is measured, and return its rate."""
    settings = Settings(database_url=url, secret_key="benchmark" * 4)
    _queue(settings, mails)
    with contextlib.ExitStack() as stack:
        with pinned(cores.load):
            sinks = stack.enter_context(running_sinks())
        own = {
            "GATEHOUSE_DATABASE_URL": url,
            "GATEHOUSE_MAIL_URL": f"smtp://127.0.0.1:{sinks.mail_port}",
            "GATEHOUSE_SECRET_KEY": settings.secret_key,
            "GATEHOUSE_LOG_LEVEL": "WARNING",
        }
        with pinned(cores.server):
            worker = subprocess.Popen(
                [Path(sys.executable).with_name("gatehouse"), "worker"], env=environment_with(own)
            )
        try:
            _wait_until_sent(settings)
            taken = sinks.taken()
        finally:
            worker.terminate()
            worker.wait()
    if taken.mails != mails:
        raise RuntimeError(f"{taken.mails} mails arrived, and {mails} were queued")
    return (mails - 1) / taken.mail_seconds


def _queue(settings: Settings, mails: int) -> None:
    core = make_core(settings)
    upgrade_schema(core)
    now = core.now()
    merchant = add_merchant(Call(core, Caller()), f"Benchmark {now.timestamp()}")
    content = {
        "merchant": merchant.name,
        "language": "de",
        "full_name": "Jane Doe",
        "username": "jane",
        "minutes": "60",
    }
    with core.database.writing() as db:
        for number in range(mails):
            outbox.add(
                db,
                merchant_id=merchant.id,
                kind=MessageKind.RESET_CODE.value,
                medium="mail",
                recipient=f"guest-{number}@example.com",
                content=content | {"link": f"https://shop.example.com/reset?code={number:032}"},
                state="queued",
                attempts=0,
                due_at=now,
                expires_at=now + timedelta(hours=1),
                created_at=now,
            )
    core.database.close()


def _wait_until_sent(settings: Settings) -> None:
    core = make_core(settings)
    statement = sa.select(sa.func.count()).where(tables.messages.c.state.in_(["queued", "sending"]))
    deadline = time.monotonic() + _WITHIN_SECONDS
    while True:
        with core.database.reading() as db:
            if not db.execute(statement).scalar_one():
                break
        if time.monotonic() > deadline:
            raise RuntimeError("the worker did not deliver everything in time")
        # Seldom, because looking takes from the core that is measured.
        time.sleep(0.5)
    core.database.close()
