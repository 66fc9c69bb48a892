"""Tests of what `gatehouse doctor` says of the limits on requests."""

import json

import pytest
from click.testing import CliRunner

from gatehouse.cli.main import main
from tests import factories


@pytest.fixture
def said(database_url, tmp_path, monkeypatch):
    """A function that asks doctor about this URL and number of workers."""
    monkeypatch.chdir(tmp_path)

    def ask(url, workers="1"):
        environment = {
            "GATEHOUSE_DATABASE_URL": database_url,
            "GATEHOUSE_SECRET_KEY": factories.SECRET_KEY,
            "GATEHOUSE_RATE_LIMIT_URL": url,
            "GATEHOUSE_WORKERS": workers,
        }
        checks = json.loads(CliRunner().invoke(main, ["doctor", "--json"], env=environment).stdout)
        ((state, text),) = [(each["state"], each["text"]) for each in checks if each["subject"] == "rate limits"]
        assert "redis://127" not in text
        return state, text

    return ask


def test_redis_is_asked(said, redis):
    """With what the service does with it; without it the service goes on, so that it is no failure."""
    assert said(redis.url) == ("ok", "Redis answers")
    redis.stop()
    assert said(redis.url) == (
        "warn",
        "Redis does not answer; until it does, each process counts for itself. Limits on guesses hold anyway",
    )


def test_memory_is_counted_by_process(said, database_url):
    """An operator of several processes or machines should know, and know what does not depend on it."""
    for_itself = (
        "are counted by each process for itself; with redis:// they hold over all processes and machines. "
        "Limits on guesses hold anyway"
    )
    alone = "are counted in memory, by the one process"

    assert said("memory://", "2") == ("ok", for_itself)
    assert said("memory://") == ("ok", for_itself if database_url.startswith("postgresql") else alone)
