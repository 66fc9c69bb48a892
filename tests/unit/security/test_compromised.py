"""Tests of security/compromised.py: the filter that is shipped, and a service that is away, slow or odd."""

import hashlib
import http.server
import importlib.util
import logging
import socket
import threading
import time
from pathlib import Path

import pytest

from gatehouse.security import compromised
from gatehouse.security.compromised import CompromisedPasswords

ROOT = Path(__file__).parents[3]
KNOWN = "a known one, caf\u00e9"
DIGEST = hashlib.sha1(KNOWN.encode(), usedforsecurity=False).hexdigest().upper()
PADDING = hashlib.sha1(b"never seen", usedforsecurity=False).hexdigest().upper()[5:]


class Service:
    """A range service that answers as a test says."""

    def __init__(self):
        self.requests, self.status, self.body = [], 200, f"{PADDING}:0\r\n{DIGEST[5:]}:42\r\n".encode()
        self.answer = self.answer_at_once
        self.may_end = threading.Event()
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                service.requests.append((self.path, dict(self.headers)))
                service.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/range"

    def answer_at_once(self, handler):
        handler.send_response(self.status)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body)

    def answer_never(self, _handler):
        self.may_end.wait(20)

    def answer_in_drops(self, handler):
        try:
            for _ in range(400):
                handler.wfile.write(b"H")
                if self.may_end.wait(0.05):
                    return
        except OSError:
            self.may_end.set()


@pytest.fixture
def service():
    """A service on this machine."""
    made = Service()
    yield made
    made.may_end.set()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def logged(caplog):
    """The lines that were logged, anew at each look."""
    caplog.set_level(logging.INFO, "gatehouse.passwords")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "gatehouse.passwords"]


@pytest.mark.parametrize(
    "password",
    [
        "123456789",
        "password1",
        "PASSWORD1",
        "P@ssw0rd",
        "p4ssw0rd1",
        "iloveyou",
        "trustno1",
        "trustn01",
        "\uff51werty",
        "fuckyou1",
    ],
)
def test_most_used_passwords_are_in_the_filter(password):
    """Source of the requirement: ASVS 5.0, 6.2.4, which asks for the 3,000 most used ones."""
    assert CompromisedPasswords().is_common(password)


@pytest.mark.parametrize("password", ["correct horse battery", "quiet otters & 7 l\u00f6wen", "\ud800", "", "x" * 1024])
def test_others_are_not(password):
    """An honest choice must not be refused, nor anything make it fail."""
    assert not CompromisedPasswords().is_common(password)


def test_filter_refuses_nothing_by_chance():
    """Somebody's good password must not be called known because the beginning of its digest is that of another."""
    known = CompromisedPasswords()

    assert not any(known.is_common(f"number {each} of many") for each in range(200_000))


def test_shipped_filter_is_what_the_script_makes():
    """Nobody can read it, so it must be made again from what can be read."""
    spec = importlib.util.spec_from_file_location("common_passwords_script", ROOT / "scripts/data/common_passwords.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    assert script.TARGET.read_bytes() == script.content()
    known = CompromisedPasswords()
    words = script.words()
    assert len(words) > 40_000
    assert all(known.is_common(word) for word in words if word)


def test_service_learns_five_digits_and_nothing_else(service):
    """Hundreds of breached passwords share them; with padding, the length of the answer tells nothing either."""
    known = CompromisedPasswords(service.url)

    assert known.is_breached(KNOWN)
    assert known.is_breached("a known one, cafe\u0301")
    [(path, headers), _] = service.requests
    assert path == f"/range/{DIGEST[:5]}"
    assert headers["Add-Padding"] == "true"
    assert DIGEST[5:12] not in str(headers)


def test_padding_and_other_passwords_are_not_breached(service, logged):
    """Padding has a count of zero."""
    service.body = f"{DIGEST[5:]}:0\r\n{PADDING}:7\r\n".encode()

    assert not CompromisedPasswords(service.url).is_breached(KNOWN)
    assert logged() == []


def test_without_a_service_nobody_is_asked(monkeypatch, logged):
    """The default: nothing of a password leaves the machine."""
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("somebody was asked"))

    assert not CompromisedPasswords().is_breached("password")
    assert logged() == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, b""),
        (404, f"{DIGEST[5:]}:42".encode()),
        (200, b"<html>please log in</html>"),
        (200, f"{DIGEST[5:]}:many".encode()),
        (200, b"\xff\xfe"),
        (200, f"{PADDING}:1\r\n".encode() * 40_000),
    ],
)
def test_wrong_answer_lets_the_password_pass_with_one_line(service, logged, status, body):
    """Nobody is kept from a new password; an operator reads that it was not looked at, and no part of it."""
    service.status, service.body = status, body

    assert not CompromisedPasswords(service.url).is_breached(KNOWN)

    [line] = logged()
    assert line.startswith("a password was not compared with the breached ones: ")
    assert KNOWN not in line
    assert DIGEST[:5] not in line


def test_service_that_refuses_lets_the_password_pass(logged):
    """Nobody listens at this port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    assert not CompromisedPasswords(f"http://127.0.0.1:{port}").is_breached(KNOWN)
    assert logged() == ["a password was not compared with the breached ones: ConnectionRefusedError"]


@pytest.mark.parametrize("kind", ["answer_never", "answer_in_drops"])
def test_service_that_hangs_is_waited_for_no_longer_than_set(service, logged, kind):
    """Also one that sends a byte now and then, which no time-out of a socket would end."""
    service.answer = getattr(service, kind)
    begin = time.perf_counter()

    assert not CompromisedPasswords(service.url, seconds=0.3).is_breached(KNOWN)

    assert 0.2 < time.perf_counter() - begin < 10
    assert logged() == ["a password was not compared with the breached ones: TimeoutError"]
    if kind == "answer_in_drops":
        assert service.may_end.wait(10), "the connection was not cut"


def test_hanging_service_does_not_use_up_threads(service, logged, monkeypatch):
    """Beyond some questions under way, no more are asked; they are all given back in the end."""
    monkeypatch.setattr(compromised, "_ASKED_AT_ONCE", 2)
    service.answer = service.answer_never
    known = CompromisedPasswords(service.url, seconds=2)
    asking = [threading.Thread(target=known.is_breached, args=(KNOWN,)) for _ in range(6)]
    begin = time.perf_counter()
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()

    assert time.perf_counter() - begin < 10
    assert logged() == ["a password was not compared with the breached ones: TimeoutError"] * 6
    assert len(service.requests) == 2
    service.answer = service.answer_at_once
    service.may_end.set()
    deadline = time.monotonic() + 20
    while not (is_breached := known.is_breached(KNOWN)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_breached


def test_no_thread_for_the_service(monkeypatch, service, logged):
    """The system may have none left for a moment: nobody is kept from a new password, then or later."""
    known = CompromisedPasswords(service.url)

    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for _ in range(20):
            assert not known.is_breached(KNOWN)
    assert logged()[0] == "a password was not compared with the breached ones: TimeoutError"

    assert known.is_breached(KNOWN)
