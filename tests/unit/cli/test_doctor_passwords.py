"""Tests of what `gatehouse doctor` says of the passwords that are taken."""

import json

import pytest
from click.testing import CliRunner

from gatehouse.cli.main import main
from tests import factories


@pytest.fixture
def commands(database_url, tmp_path, monkeypatch):
    """A function that runs a command and returns what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **settings):
        environment = {"GATEHOUSE_DATABASE_URL": database_url, "GATEHOUSE_SECRET_KEY": factories.SECRET_KEY} | settings
        return CliRunner().invoke(main, arguments, env=environment).stdout

    return run


def said_of(subject, output):
    """Return what doctor said of this."""
    [found] = [each for each in json.loads(output) if each["subject"] == subject]
    return found["state"], found["text"]


def test_doctor_recommends_longer_passwords(commands):
    """With the command that asks for them; it is no mistake, because old clients and their users know the default."""
    commands("merchant", "add", "Acme")
    commands("merchant", "add", "Other", "--password-min-length", "15")

    state, text = said_of("password length", commands("doctor", "--json"))
    assert state == "ok"
    assert text.startswith("1 of 2 merchants take new passwords of fewer than 15 characters")
    assert '"gatehouse merchant set 1 --password-min-length 15"' in text

    commands("merchant", "set", "1", "--password-min-length", "15")
    assert said_of("password length", commands("doctor", "--json")) == (
        "ok",
        "no merchant takes fewer than 15 characters",
    )


def test_doctor_tells_what_new_passwords_are_compared_with(commands):
    """The setting is named where it is not used."""
    address = {"GATEHOUSE_BREACHED_PASSWORDS_URL": "https://api.pwnedpasswords.com/range"}

    assert "GATEHOUSE_BREACHED_PASSWORDS_URL" in said_of("breached passwords", commands("doctor", "--json"))[1]
    assert said_of("breached passwords", commands("doctor", "--json", **address)) == (
        "ok",
        "new passwords are looked up in the service that is set",
    )
