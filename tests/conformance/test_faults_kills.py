"""`kill -9` of the whole service under load, at random moments: `scripts/kills` does it more often."""

from pathlib import Path
from typing import cast

import pytest

from scripts.killing.callers import Caller, Ledger
from scripts.killing.client import Answer, Client
from scripts.killing.running import run

KILLS = 6
"""On each database. By hand it is 50."""


@pytest.mark.timeout(300)
def test_killed_service_loses_nothing(empty_database_url: str, tmp_path: Path) -> None:
    """What was answered is there, every mail comes, the audit trail verifies, and no database needs mending."""
    report = run(tmp_path, empty_database_url, KILLS, seed=7)

    assert report.problems == []
    assert report.kills == KILLS
    assert report.lost_answers > 0, "no call was under way when the service was killed"
    assert report.acknowledged["UpdatePassword"] + report.acknowledged["ResetPassword"] > 0
    assert report.mails > 0


class Scripted:
    """A service that answers every call with success, but those of one method otherwise."""

    def __init__(self, method: str, **result: object) -> None:
        self._method, self._result = method, result

    def call(self, method: str, _members: object, _session: str | None = None) -> Answer:
        """Answer a call."""
        right = {"Key": "Success", "CredentialsToken": "t", "EncodedCookie": "c", "IsDeviceRegistered": True}
        return Answer(200, {"d": right | (self._result if method == self._method else {})})

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    "service",
    [
        Scripted("Login", Key="InvalidCredentials"),
        Scripted("Login", IsDeviceRegistered=False),
        Scripted("DecodeLoginCookie", Key="InvalidCookie"),
        Scripted("RegisterDevice", Key="SessionExpired"),
    ],
)
def test_what_is_lost_is_noticed(service: Scripted) -> None:
    """A ledger that nothing contradicts would prove nothing."""
    ledger = Ledger("a@example.com", "b@example.com", "secret", session="t", cookie="c", devices=["device"])
    caller = Caller(cast(Client, service), ledger, "1")

    caller.compare()

    assert caller.problems != []


def test_what_is_there_is_no_problem() -> None:
    """The other half of the test above."""
    ledger = Ledger("a@example.com", "b@example.com", "secret", session="t", cookie="c", devices=["device"])
    caller = Caller(cast(Client, Scripted("none")), ledger, "1")

    caller.compare()

    assert caller.problems == []
