"""Tests of what `gatehouse doctor` says of pepper keys."""

import base64
import json

import pytest
from click.testing import CliRunner

from gatehouse.cli.main import main
from tests import factories

OLD, NEW = (f"{name}:{base64.b64encode(name.encode() * 32).decode()}" for name in "12")


@pytest.fixture
def commands(database_url, tmp_path, monkeypatch):
    """A function that runs a command with these pepper keys and returns what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(keys, *arguments, standard_input=None):
        environment = {
            "GATEHOUSE_DATABASE_URL": database_url,
            "GATEHOUSE_SECRET_KEY": factories.SECRET_KEY,
            "GATEHOUSE_PEPPER_KEYS": keys,
            "GATEHOUSE_ARGON2_MEMORY_KIB": "8",
        }
        return CliRunner().invoke(main, arguments, env=environment, input=standard_input).stdout

    return run


def said_by(output):
    """Return what doctor said of pepper keys."""
    found = json.loads(output)
    return [(each["state"], each["text"]) for each in found if each["subject"] == "pepper keys"]


def test_doctor_tells_which_keys_the_passwords_need(commands):
    """An operator who drops a key too early locks people out; doctor says so before, and after."""
    commands(OLD, "merchant", "add", "Acme")
    options = ["--merchant", "1", "--username", "jane", "--password-stdin", "--pincode-stdin"]
    commands(OLD, "account", "add", *options, standard_input="quiet otters and 7 lions\n8063\n")

    assert said_by(commands(OLD, "doctor", "--json")) == [
        ("ok", "1 is the newest, and 2 passwords and pincodes have it")
    ]
    assert said_by(commands(f"{NEW},{OLD}", "doctor", "--json")) == [
        ("ok", "2 is the newest, and 0 passwords and pincodes have it; 2 need 1: keep it")
    ]
    assert said_by(commands(NEW, "doctor", "--json"))[0] == (
        "fail",
        "2 hashes need one that is neither in GATEHOUSE_PEPPER_KEYS nor of the secret key",
    )
