"""https straight from the service, and what the doctor says of certificates."""

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zeep
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from requests import Session
from zeep.transports import Transport

from gatehouse.cli.doctor import doctor
from tests.conformance.certificates import Authority
from tests.conformance.outages import wait_until
from tests.conformance.service import SERVERS, Service, running_service
from tests.conformance.soap import PATH


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs the service's certificate."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module", params=SERVERS)
def service(
    request: pytest.FixtureRequest, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The live service with a certificate, with each server."""
    certificate, key = authority.sign("service")
    settings = {"GATEHOUSE_TLS_CERTIFICATE": str(certificate), "GATEHOUSE_TLS_KEY": str(key)}
    settings["GATEHOUSE_SERVER"] = request.param
    with running_service(tmp_path_factory.mktemp("tls"), settings=settings) as running:
        yield running


def test_client_logs_in(authority: Authority, service: Service) -> None:
    """It trusts the authority and nothing else, and calls the address that stands in the description."""
    session = Session()
    session.verify = str(authority.certificate)
    # Of the environment it would take another authority.
    session.trust_env = False
    client = zeep.Client(f"{service.url}{PATH}?wsdl", transport=Transport(session=session))
    account = service.demo["accounts"][0]
    values = {"Email": account["email"], "Password": account["password"], "userrole": account["userrole"]}

    result = client.service.Login(**values, applicationToken=service.demo["applicationToken"], setCookie=True)

    assert result.Key == "Success"
    assert client.service._binding_options["address"] == f"{service.url}{PATH}"
    assert {each.name: each.secure for each in session.cookies} == {"credentialsToken": True, "EncodedCookie": True}
    session.close()


def connect(authority: Authority, service: Service, version: ssl.TLSVersion) -> str | None:
    """Return the version of TLS that was agreed upon with a client that speaks this one alone."""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    # Otherwise the client's own rules would forbid what the service is to refuse.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", service.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        return secure.version()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_that_are_spoken(authority: Authority, service: Service, version: ssl.TLSVersion) -> None:
    """Clients of .NET Framework 4.7 and PHP 7 have no newer one than 1.2."""
    assert connect(authority, service, version) == version.name.replace("_", ".")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_versions_that_are_refused(authority: Authority, service: Service, version: str) -> None:
    """They have been broken for long. Source: RFC 8996."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(authority, service, ssl.TLSVersion[version])


def test_plain_http_is_not_answered(authority: Authority, service: Service) -> None:
    """Nothing is told to who speaks no TLS, and the next caller is served."""
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", service.port), timeout=20) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            # An alert, or just the end.
            with contextlib.suppress(ConnectionResetError):
                assert b"HTTP" not in plain.recv(100)

    assert connect(authority, service, ssl.TLSVersion.TLSv1_3)


@pytest.fixture(params=SERVERS)
def renewable(request: pytest.FixtureRequest, authority: Authority, tmp_path: Path) -> Iterator[tuple[Service, int]]:
    """A service whose certificate is about to be renewed, and its process; with each server."""
    certificate, key = authority.sign("renewable", days=1)
    settings = {"GATEHOUSE_TLS_CERTIFICATE": str(certificate), "GATEHOUSE_TLS_KEY": str(key)}
    settings["GATEHOUSE_SERVER"] = request.param
    with running_service(tmp_path, settings=settings) as running:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        yield running, int(next(each for each in children if str(running.port) in _environment(each)))


def _environment(process: str) -> str:
    return Path(f"/proc/{process}/environ").read_text("utf-8", errors="replace")


def test_renewed_certificate_is_taken_up(authority: Authority, renewable: tuple[Service, int]) -> None:
    """By a HUP, without a moment in which nobody answers."""
    service, process = renewable
    before = _serial_number(authority, service)
    authority.sign("renewable")

    os.kill(process, signal.SIGHUP)

    deadline = time.monotonic() + 30
    while _serial_number(authority, service) == before:
        assert time.monotonic() < deadline, service.log
        time.sleep(0.1)


@pytest.mark.parametrize("broken", ["renewable.pem", "renewable.key"])
def test_certificate_that_cannot_be_used_is_not_taken_up(
    authority: Authority, renewable: tuple[Service, int], broken: str
) -> None:
    """As while the files are being written. The service goes on with what it has, and takes up the next good one."""
    service, process = renewable
    before = _serial_number(authority, service)
    file = authority.certificate.parent / broken
    file.write_bytes(file.read_bytes()[:200])

    os.kill(process, signal.SIGHUP)

    wait_until(lambda: "nothing is renewed: GATEHOUSE_TLS_CERTIFICATE: " in service.log, 20, lambda: service.log)
    assert _serial_number(authority, service) == before
    authority.sign("renewable")
    os.kill(process, signal.SIGHUP)
    wait_until(lambda: _serial_number(authority, service) != before, 30, lambda: service.log)


def test_service_does_not_begin_with_a_broken_certificate(authority: Authority, tmp_path: Path) -> None:
    """One line says which setting is to be put right."""
    certificate, key = authority.sign("broken")
    key.write_text("none")
    settings = {"GATEHOUSE_TLS_CERTIFICATE": str(certificate), "GATEHOUSE_TLS_KEY": str(key)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}

    done = subprocess.run(
        [sys.executable, "-m", "gatehouse", "serve", "--demo"],
        cwd=tmp_path,
        env=environment | settings | {"GATEHOUSE_BIND": "127.0.0.1:0"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    wrong = "GATEHOUSE_TLS_CERTIFICATE: it and its key are not PEM, or do not belong together"
    assert done.stderr.splitlines()[-1] == f"Error: {wrong}"


def _serial_number(authority: Authority, service: Service) -> object:
    context = ssl.create_default_context(cafile=str(authority.certificate))
    with (
        socket.create_connection(("127.0.0.1", service.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        certificate = secure.getpeercert()
        assert certificate
        return certificate["serialNumber"]


@pytest.fixture
def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, str]]]:
    """Returns what the doctor says of TLS with these settings."""
    monkeypatch.chdir(tmp_path)

    def run(**settings: Path) -> list[tuple[str, str]]:
        given = {f"GATEHOUSE_TLS_{name.upper()}": str(value) for name, value in settings.items()}
        done = CliRunner().invoke(doctor, ["--json"], env=given)
        return [(each["state"], each["text"]) for each in json.loads(done.stdout) if each["subject"] == "TLS"]

    return run


def test_doctor_on_certificates(authority: Authority, tmp_path: Path, examine) -> None:
    """What will not work fails; what soon will not work is warned of."""
    good, key = authority.sign("good")
    soon, soon_key = authority.sign("soon", days=29)
    ended, ended_key = authority.sign("ended", days=-1)
    both = tmp_path / "both.pem"
    both.write_bytes(good.read_bytes() + key.read_bytes())
    both.chmod(0o600)
    locked = tmp_path / "locked.key"
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"sentinel"),
        )
    )
    other = tmp_path / "other.txt"
    other.write_text("no certificate")

    assert examine() == []
    [(state, text)] = examine(certificate=good, key=key)
    assert state == "ok"
    assert re.fullmatch(r"certificate and key belong together; it ends on \d{4}-\d\d-\d\d", text)
    assert [state for state, _ in examine(certificate=both)] == ["ok"]
    [(state, text)] = examine(certificate=soon, key=soon_key)
    assert (state, text[:24]) == ("warn", "the certificate ends on ")
    [(state, text)] = examine(certificate=ended, key=ended_key)
    assert (state, text[:25]) == ("fail", "the certificate ended on ")
    mismatch = [("fail", "GATEHOUSE_TLS_CERTIFICATE: it and its key are not PEM, or do not belong together")]
    assert examine(certificate=good, key=soon_key) == mismatch
    assert examine(certificate=good) == mismatch
    assert examine(certificate=other, key=key) == mismatch
    protected = [("fail", "GATEHOUSE_TLS_KEY: has a password; the service needs a key without one")]
    assert examine(certificate=good, key=locked) == protected
    missing = tmp_path / "missing.pem"
    nothing = "cannot be read (No such file or directory)"
    assert examine(certificate=missing) == [("fail", f"GATEHOUSE_TLS_CERTIFICATE: {nothing}")]
    assert examine(certificate=good, key=missing) == [("fail", f"GATEHOUSE_TLS_KEY: {nothing}")]
    lonely = [("fail", "there is a key, but no certificate: GATEHOUSE_TLS_CERTIFICATE is not set")]
    assert examine(key=key) == lonely
    key.chmod(0o644)
    assert ("warn", f"every user may read the key; chmod 640 {key}") in examine(certificate=good, key=key)
