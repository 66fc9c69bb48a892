"""Tests of `gatehouse admin`, on both databases."""

import json

import pytest
from click.testing import CliRunner

from gatehouse.cli.main import main
from gatehouse.operations import operator_sign_in
from gatehouse.operations.calls import Call, Caller
from tests import factories

PASSWORD, OTHER = "seven quiet otters swim", "eight brown herons fly"


@pytest.fixture
def run(database_url, monkeypatch):
    """Run a command and return what it printed as JSON, or its error where one is expected."""
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", database_url)
    monkeypatch.setenv("GATEHOUSE_SECRET_KEY", factories.SECRET_KEY)
    monkeypatch.setenv("GATEHOUSE_ARGON2_MEMORY_KIB", "8")
    monkeypatch.setenv("GATEHOUSE_ARGON2_PASSES", "1")

    def call(*arguments, password=None, fails=False):
        given = ["--password-stdin"] if password else []
        result = CliRunner().invoke(main, ["admin", *arguments, *given, "--json"], input=f"{password}\n")
        assert (result.exit_code != 0) == fails, result.output
        return result.output if fails else json.loads(result.stdout)

    return call


def test_operators_are_added_changed_and_listed(run, core):
    """With their merchants, and never with a secret."""
    merchant = factories.make_merchant(core)
    olga = run("add", "Olga", password=PASSWORD)
    sue = run("add", "sue", "--role", "support", "--merchant", str(merchant.id), password=PASSWORD)
    assert (olga["username"], olga["role"], olga["merchants"]) == ("olga", "owner", "all")
    assert (sue["role"], sue["merchants"]) == ("support", [merchant.id])

    assert run("set", str(sue["operatorNumber"]), "--role", "manager")["role"] == "manager"
    assert [each["username"] for each in run("list")] == ["olga", "sue"]
    assert "argon2" not in json.dumps(run("list"))
    assert "only owner" in run("disable", str(olga["operatorNumber"]), fails=True)
    assert "no operator" in run("show", "999", fails=True)
    assert "of this name" in run("add", "olga", password=PASSWORD, fails=True)
    assert "shorter than 12" in run("add", "max", password="short", fails=True)


def test_a_new_password_or_a_disabled_operator_ends_sessions(run, core):
    """Whoever was signed in is out."""
    run("add", "olga", password=PASSWORD)
    second = str(run("add", "second", password=PASSWORD)["operatorNumber"])

    def sign_in(password):
        return operator_sign_in.sign_in(Call(core, Caller()), "second", password).token

    def is_in(token):
        return operator_sign_in.find_signed_in(Call(core, Caller()), token) is not None

    token = sign_in(PASSWORD)
    assert is_in(token)
    run("password", second, password=OTHER)
    assert not is_in(token)
    token = sign_in(OTHER)
    run("sign-out", second)
    assert not is_in(token)
    token = sign_in(OTHER)
    assert run("disable", second)["disabledAt"]
    assert not is_in(token)
    assert sign_in(OTHER) is None
    assert run("enable", second)["disabledAt"] is None
    assert sign_in(OTHER)
    assert run("remove-second-factor", second)["hasSecondFactor"] is False
