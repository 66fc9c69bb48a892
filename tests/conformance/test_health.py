"""`/healthz` and `/readyz`, as load balancers ask."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from gatehouse.app import create_app
from gatehouse.operations.health import OUTBOX_STUCK_AFTER
from gatehouse.operations.passwords import reset_password
from gatehouse.storage.engine import Database
from tests.conformance.soap import Client
from tests.factories import EMAIL, make_core

READY = {
    "database": {"ok": True, "detail": "answers"},
    "migrations": {"ok": True, "detail": "current"},
    "outbox": {"ok": True, "detail": "empties"},
}


def ask(core, path="/readyz"):
    """Return status and body of an answer, which is never kept."""
    answer = Client(create_app(core.settings, core)).get(path)
    assert answer.header("Cache-Control") == "no-store"
    return answer.status, json.loads(answer.body)


def test_ready(shop):
    """Everything is as it should be, on both databases."""
    assert ask(shop.core) == (200, {"status": "ready", "checks": READY})


@pytest.mark.parametrize("is_queued", [True, False])
def test_outbox_is_stuck(shop, is_queued):
    """No worker has taken a message for ten minutes, or done what a call asked."""
    reset_password(shop.call(), EMAIL)
    if is_queued:
        assert len(shop.messages()) == 1
    shop.clock.advance(seconds=OUTBOX_STUCK_AFTER.total_seconds())
    assert ask(shop.core)[0] == 200

    shop.clock.advance(seconds=1)

    stuck = {"ok": False, "detail": "messages are due and no worker takes them"}
    assert ask(shop.core) == (503, {"status": "not ready", "checks": READY | {"outbox": stuck}})


def test_message_that_waits_for_its_next_try_is_not_stuck(shop):
    """The worker is there; it is the mail server that is not."""
    reset_password(shop.call(), EMAIL)
    assert len(shop.messages()) == 1
    with shop.core.database.writing() as db:
        db.execute(sa.text("UPDATE messages SET due_at = :due"), {"due": shop.clock() + timedelta(hours=2)})
    shop.clock.advance(hours=1)

    assert ask(shop.core)[0] == 200


@pytest.fixture
def empty_core(empty_database_url):
    """A core on a database without tables."""
    database = Database(empty_database_url)
    yield make_core(database)
    database.close()


def test_database_without_migrations(empty_core):
    """Alive, and not ready."""
    status, body = ask(empty_core)

    assert (status, body["checks"]["migrations"]["ok"]) == (503, False)
    assert ask(empty_core, "/healthz") == (200, {"status": "alive"})


def test_database_that_does_not_answer():
    """Nothing is told of where it should be. Who asks only for life gets it."""
    core = make_core(Database("postgresql+psycopg://gatehouse:sentinel@127.0.0.1:1/none"))

    assert ask(core) == (
        503,
        {"status": "not ready", "checks": {"database": {"ok": False, "detail": "does not answer"}}},
    )
    assert ask(core, "/healthz") == (200, {"status": "alive"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_verbs(shop, path):
    """Some load balancers ask by HEAD."""
    client = Client(create_app(shop.core.settings, shop.core))

    assert client.request("HEAD", path).body == b""
    assert client.request("HEAD", path).status == 200
    assert client.request("POST", path).status == 405
