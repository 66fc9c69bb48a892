"""`gatehouse load` against the live service, and what it would tell of one that is slow, limited or away."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from gatehouse.load.calls import Calls, mixed
from gatehouse.load.driver import LATE, LOST, Driver
from gatehouse.load.people import Person
from gatehouse.load.target import Target
from tests.conformance.certificates import Authority
from tests.conformance.service import Service, free_port, running_service

PEOPLE = [Person("jane@example.com", "secret", "token")]
REPLY = b"<Key>SessionRequired</Key>"


def load(service: Service, *arguments: str, answer: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the service's folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
    return subprocess.run(
        [sys.executable, "-m", "gatehouse", "load", service.url, "--seconds", "1", *arguments],
        cwd=service.folder,
        env=inherited | environment,
        input=answer,
        capture_output=True,
        text=True,
    )


def test_highest_rate_with_the_demo_data(sqlite_service):
    """As the help shows it: every kind of call of the mix, each answered as it should be."""
    done = load(sqlite_service, "--demo", "--connections", "4", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    printed = json.loads(done.stdout)
    assert printed["calls"] > 0
    assert printed["rate"] > 0
    assert printed["errors"] == {}
    assert printed["askedRate"] is None
    assert 0 < printed["p50"] <= printed["p95"] <= printed["p99"] <= printed["max"]
    outcomes = {each["call"]: list(each["outcomes"]) for each in printed["byCall"]}
    assert outcomes["decode"] == ["Success"]
    assert outcomes["refused"] == ["SessionRequired"]
    # Without a rate, this may be more than one address may make.
    assert "GATEHOUSE_REQUESTS_PER_SOURCE" in done.stderr


def test_every_kind_of_call_at_a_rate(sqlite_service):
    """What needs a session, a cookie or a device gets it by a call before."""
    mix = "login=2,decode=2,logoff=1,refused=1,reset=1,register=1,code=1"

    done = load(sqlite_service, "--demo", "--rate", "12", "--seconds", "3", "--mix", mix, "--json")

    printed = json.loads(done.stdout)
    # A busy machine may not keep the rate; that is told, and is an error.
    assert set(printed["errors"]) <= {LATE}, printed
    assert done.returncode == bool(printed["errors"])
    assert printed["calls"] == 36
    assert {each["call"] for each in printed["byCall"]} == set(part.split("=")[0] for part in mix.split(","))
    assert "GATEHOUSE_REQUESTS_PER_SOURCE" not in done.stderr


def test_users_of_a_file(sqlite_service, tmp_path):
    """As for a service elsewhere; a table for people."""
    account, token = sqlite_service.demo["accounts"][1], sqlite_service.demo["applicationToken"]
    file = tmp_path / "users.csv"
    file.write_text(f"email,password,userrole\n{account['email']},{account['password']},15\n", encoding="utf-8")

    done = load(sqlite_service, "--users", str(file), "--token", token, "--rate", "20", "--mix", "decode")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "20.0 answers a second of 20 asked for, 20 calls in 1.0 s" in done.stdout
    assert account["password"] not in done.stdout + done.stderr
    refused = load(sqlite_service, "--users", str(file))
    assert refused.returncode == 1
    assert "line 2 of the file has no token" in refused.stderr


def test_wrong_password_is_told_before_the_load(sqlite_service):
    """One login tells it, and not a thousand guesses."""
    token = sqlite_service.demo["applicationToken"]

    done = load(
        sqlite_service, "--user", "nobody@example.com", "--token", token, "--password-stdin", "--mix", "login=1",
        answer="wrong\n",
    )  # fmt: skip

    assert done.returncode == 1
    assert "InvalidCredentials 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_limit_of_the_service_is_explained(tmp_path):
    """So that nobody takes it for the limit of the machine."""
    settings = {"GATEHOUSE_REQUESTS_PER_SOURCE": "20", "GATEHOUSE_WORKERS": "1"}
    with running_service(tmp_path, settings=settings) as service:
        done = load(service, "--demo", "--rate", "50", "--mix", "refused=1", "--json")

    assert done.returncode == 1
    assert json.loads(done.stdout)["errors"]["TooManyRequests"] >= 29
    assert "raise GATEHOUSE_REQUESTS_PER_SOURCE" in done.stderr


def test_tls(tmp_path):
    """Only with a certificate that is known, unless told otherwise."""
    certificate, key = Authority(tmp_path).sign("service")
    settings = {
        "GATEHOUSE_TLS_CERTIFICATE": str(certificate),
        "GATEHOUSE_TLS_KEY": str(key),
        "GATEHOUSE_WORKERS": "1",
    }
    with running_service(tmp_path, settings=settings) as service:
        done = load(service, "--demo", "--rate", "5", "--mix", "refused=1", "--insecure", "--json")
        refused = load(service, "--demo", "--rate", "5", "--mix", "refused=1")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["byCall"][0]["outcomes"] == {"SessionRequired": 5}
    assert refused.returncode == 1
    assert "no answer 1" in refused.stderr


# A server of the test's own, which does what no service should


class _Server:
    """Answers every request after `pause()` seconds; it hangs up instead when `hangs_up`."""

    def __init__(self) -> None:
        self.pause, self.hangs_up, self.requests = 0.0, False, 0
        self.stands_still_at_first, self._stands_still_until = 0.0, 0.0
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            while connection.recv(65536):
                self.requests += 1
                if self.requests == 1:
                    self._stands_still_until = time.monotonic() + self.stands_still_at_first
                time.sleep(max(self.pause, self._stands_still_until - time.monotonic()))
                if self.hangs_up:
                    return
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(REPLY), REPLY))


@pytest.fixture
def server() -> Iterator[_Server]:
    """A server that answers at once."""
    made = _Server()
    yield made
    made.close()


def drive(port: int, connections: int, **rate: float):
    """Send refused calls, and return the figures."""
    calls = Calls(Target("127.0.0.1", port, is_tls=False, prefix=""), PEOPLE)
    turns = mixed(calls.makers, {"refused": 1})
    with Driver(Target("127.0.0.1", port, is_tls=False, prefix=""), connections) as driver:
        return driver.keep_rate(turns, **rate) if "rate" in rate else driver.repeat(turns, **rate)


def test_calls_that_had_to_wait_are_as_late_as_they_were(server):
    """A server that stands still for half a second delays all calls of that time, not only the one under way."""
    server.stands_still_at_first = 0.5

    found = drive(server.port, 1, rate=100, seconds=1.0, drain=30.0)

    assert found.calls == server.requests == 100
    together = found.all_latencies
    # Calls came every 10 ms: the first waited for half a second, the next 10 ms less, and so on. One that counts from
    # when a call was sent would find one slow call. On a busy machine all of them may wait for longer.
    assert 0.25 <= together.most < 10
    slow = sum(1 for share in range(1, 101) if together.percentile(share / 100) > 0.1)
    assert slow >= 15


def test_too_few_answers_are_not_hidden(server):
    """What could not be begun at all counts with the time that it has waited."""
    server.pause = 0.2

    found = drive(server.port, 1, rate=50, seconds=1.0, drain=0.3)

    assert found.calls == 50
    assert found.errors[LATE] >= 40
    assert found.answered <= 10
    assert found.all_latencies.percentile(0.5) > 0.3


def test_closed_loop_waits_for_each_answer(server):
    """So that it finds what a number of connections can get."""
    server.pause = 0.05

    found = drive(server.port, 4, seconds=1.0)

    assert 20 <= found.calls <= 84
    assert found.errors == {}
    assert found.all_latencies.percentile(0.5) >= 0.05


def test_lost_connections_are_counted_and_made_anew(server):
    """And the load goes on."""
    server.hangs_up = True

    found = drive(server.port, 2, rate=20, seconds=0.5, drain=30.0)

    assert found.errors == {LOST: 10}
    assert drive(free_port(), 2, rate=20, seconds=0.5, drain=30.0).errors == {LOST: 10}


def test_one_core_drives_thousands_of_calls(server):
    """Else the load generator would measure itself."""
    began = time.process_time()
    thread_time = time.thread_time()

    found = drive(server.port, 8, seconds=1.0)

    assert time.process_time() > began  # of this process, which is the server, too
    assert (time.thread_time() - thread_time) / found.calls < 0.0004
