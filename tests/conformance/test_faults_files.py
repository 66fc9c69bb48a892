"""What the service makes is for its own user and group, whatever the umask of who starts it."""

import contextlib
import os
import stat
from pathlib import Path

import pytest

from scripts.killing.client import Client
from tests.conformance.outages import wait_until
from tests.conformance.service import running_service

OTHERS = stat.S_IROTH | stat.S_IWOTH | stat.S_IXOTH
GROUP_WRITES = stat.S_IWGRP

MADE = {"gatehouse.db", "gatehouse.db-wal", "gatehouse.db-shm", "secret.key", "mail", "sms"}
"""What must be among the files and folders, beside one of each kind of message."""


@pytest.mark.parametrize("umask", ["022", "000"])
@pytest.mark.parametrize("place", ["var", "elsewhere"])
def test_files_are_for_user_and_group_alone(tmp_path: Path, umask: str, place: str) -> None:
    """Also in a folder that everybody may enter, which an operator has made."""
    folder = tmp_path / "service"
    folder.mkdir(mode=0o755)
    settings = {}
    if place == "elsewhere":
        elsewhere = folder / "data"
        elsewhere.mkdir()
        elsewhere.chmod(0o777)
        settings = {
            "GATEHOUSE_DATABASE_URL": f"sqlite:///{elsewhere / 'gatehouse.db'}",
            "GATEHOUSE_MAIL_URL": f"file:{elsewhere / 'mail'}",
            "GATEHOUSE_SMS_URL": f"file:{elsewhere / 'sms'}",
        }
    with running_service(folder, settings=settings, launcher=["sh", "-c", f'umask {umask}; exec "$0" "$@"']) as service:
        _cause_messages(service.port, service.demo)
        wait_until(lambda: any(folder.rglob("*.eml")) and any(folder.rglob("*.txt")), 60, lambda: "no message has come")
        found = {
            each: each.stat().st_mode
            for each in folder.rglob("*")
            # What the test itself has made.
            if each not in (folder / "log", folder / "told", folder / "demo.json", folder / "data")
        }

    assert {each.name for each in found} >= MADE
    assert {str(each): oct(mode) for each, mode in found.items() if mode & (OTHERS | GROUP_WRITES)} == {}
    for secret in ("secret.key", "*.eml", "*.txt"):
        for each in folder.rglob(secret):
            assert stat.S_IMODE(found[each]) == 0o600, each
    assert stat.S_IMODE(os.stat(folder / "var").st_mode) == 0o700


def _cause_messages(port: int, demo: dict[str, object]) -> None:
    """Make a mail and an SMS."""
    account = demo["accounts"][0]  # type: ignore[index]
    with contextlib.closing(Client(port, str(demo["applicationToken"]))) as client:
        values = {"Email": account["email"], "Password": account["password"], "userrole": account["userrole"]}
        session = client.call("Login", values).result["CredentialsToken"]
        device = {"deviceId": "a telephone"}
        assert client.call("RegisterDevice", device | {"phoneNumber": account["phone"]}, session).key == "Success"
        assert client.call("DeviceSendActivationCode", device, session).key == "Success"
        assert client.call("ResetPassword", {"Email": account["email"]}).key == "Success"
