"""Idle connections and senders that dribble: they keep nobody out, and are dropped in time."""

import contextlib
import resource
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.certificates import Authority
from tests.conformance.service import SERVERS, Service, running_service
from tests.conformance.soap import PATH, call, envelope, members

IDLE, DRIBBLING = 40, 32
"""Connections of each kind; the service has eight threads in all, so that four dribblers stand before each."""

REQUEST_SECONDS = 6
FOR_A_BUSY_MACHINE = 10
DROPPED_WITHIN = REQUEST_SECONDS + FOR_A_BUSY_MACHINE
"""The service looks for what is too late once a second; what dribbles goes on for far longer."""

GRANIANS_HANDSHAKE = 10
"""Seconds for the handshake of TLS, which nobody can tell granian."""

LOGIN_SECONDS = REQUEST_SECONDS - 1.0
"""A login takes some tens of milliseconds, on a busy machine longer; one that is kept out waits for the drop."""

HEAD = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml; charset=utf-8\r\n"

DRIBBLES = {
    "head": (HEAD, b"X-Slow: " + b"a" * 1000),
    "body": (f"{HEAD}Content-Length: 5000\r\n\r\n", b"<" + b" " * 4000),
    "chunks": (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n", b"1\r\n<\r\n" * 500),
    "large chunk": (f"{HEAD}Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n", b" " * 4000),
    "after a 100": (f"{HEAD}Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n", b"<" + b" " * 4000),
    "too large": (f"{HEAD}Content-Length: 50000000\r\n\r\n", b"<" + b" " * 4000),
    "JSON": (f"{HEAD}Content-Length: 5000\r\n\r\n".replace("svc HTTP", "svc/Login HTTP"), b"{" + b" " * 4000),
    "no end": ("", b"\r" * 5000),
}
"""What is sent at once, and what follows a byte at a time."""


class Crowd:
    """Connections that a thread of their own keeps dribbling on, and the moment at which each was dropped."""

    def __init__(self, service: Service, tls: ssl.SSLContext | None = None) -> None:
        self._service, self._tls = service, tls
        self._selector = selectors.DefaultSelector()
        self._rest: dict[socket.socket, bytes] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._dribble)
        self.began_at: dict[socket.socket, float] = {}
        self.dropped_after: list[float] = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for each in self.began_at:
            each.close()
        self._selector.close()

    def join(self, first: str, then: bytes) -> None:
        """Connect, and send what is to be sent at once."""
        joined = socket.create_connection(("127.0.0.1", self._service.port), timeout=20)
        if self._tls is not None:
            joined = self._tls.wrap_socket(joined, server_hostname="localhost")
        joined.sendall(first.encode())
        joined.setblocking(False)
        self._rest[joined] = then
        self.began_at[joined] = time.monotonic()
        self._selector.register(joined, selectors.EVENT_READ)

    def begin(self) -> None:
        """Begin to dribble."""
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until everybody is dropped, but no longer than this."""
        deadline = time.monotonic() + seconds
        while len(self.dropped_after) < len(self.began_at) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _dribble(self) -> None:
        next_at = time.monotonic()
        while not self._stop.is_set():
            for key, _ in self._selector.select(timeout=0.05):
                self._look(key.fileobj)
            # Ten times a second rather than once: more would end in the time that a test has.
            if time.monotonic() < next_at:
                continue
            next_at = time.monotonic() + 0.1
            for each, rest in list(self._rest.items()):
                if rest:
                    with contextlib.suppress(OSError):
                        each.send(rest[:1])
                        self._rest[each] = rest[1:]

    def _look(self, dribbler) -> None:
        """Note the end of a connection; what is answered before it does not matter."""
        try:
            while dribbler.recv(4096):
                pass
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            pass
        self._selector.unregister(dribbler)
        del self._rest[dribbler]
        self.dropped_after.append(time.monotonic() - self.began_at[dribbler])


SETTINGS = {
    "GATEHOUSE_REQUEST_SECONDS": str(REQUEST_SECONDS),
    "GATEHOUSE_WORKERS": "2",
    "GATEHOUSE_THREADS": "4",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with few threads and little patience."""
    with running_service(tmp_path_factory.mktemp("slow"), settings=SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def granian_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The same with the other server."""
    settings = SETTINGS | {"GATEHOUSE_SERVER": "granian"}
    with running_service(tmp_path_factory.mktemp("slow-granian"), settings=settings) as running:
        yield running


@pytest.fixture(params=SERVERS)
def either_service(request: pytest.FixtureRequest, service: Service) -> Service:
    """One of these two."""
    found: Service = service if request.param == "gunicorn" else request.getfixturevalue("granian_service")
    return found


@pytest.fixture(scope="module", params=SERVERS)
def secure_service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, ssl.SSLContext]]:
    """The same with TLS, and what its clients trust."""
    folder: Path = tmp_path_factory.mktemp("slow-tls")
    authority = Authority(folder)
    certificate, key = authority.sign("service")
    settings = SETTINGS | {"GATEHOUSE_TLS_CERTIFICATE": str(certificate), "GATEHOUSE_TLS_KEY": str(key)}
    settings["GATEHOUSE_SERVER"] = request.param
    with running_service(folder, settings=settings) as running:
        yield running, ssl.create_default_context(cafile=str(authority.certificate))


def log_in(service: Service, tls: ssl.SSLContext | None = None) -> float:
    """Log in on a connection of its own and return how long that took."""
    account = service.demo["accounts"][1]
    values = {"Email": account["email"], "Password": account["password"], "userrole": account["userrole"]}
    body = envelope(call("Login", members(values | {"applicationToken": service.demo["applicationToken"]}))).encode()
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        caller = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=30))
        if tls is not None:
            caller = stack.enter_context(tls.wrap_socket(caller, server_hostname="localhost"))
        caller.sendall(f"{HEAD}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = b"".join(iter(lambda: caller.recv(65536), b""))
    assert b">Success<" in answer, answer
    return time.monotonic() - began


def log_in_until_dropped(
    service: Service, crowd: Crowd, tls: ssl.SSLContext | None = None, within: float = DROPPED_WITHIN
) -> None:
    """Log in again and again while everybody else is slow; then everybody else must have been dropped."""
    while len(crowd.dropped_after) < len(crowd.began_at):
        assert log_in(service, tls) < LOGIN_SECONDS
        assert time.monotonic() - max(crowd.began_at.values()) < within, (
            f"{len(crowd.began_at) - len(crowd.dropped_after)} are still there"
        )
        time.sleep(0.05)
    assert max(crowd.dropped_after) < within


@pytest.mark.parametrize("kind", DRIBBLES)
def test_dribblers_keep_nobody_out(service: Service, kind: str) -> None:
    """Nor do those who connect and say nothing. All are dropped in time, whatever part of a request they dribble."""
    with Crowd(service) as crowd:
        for _ in range(IDLE):
            crowd.join("", b"")
        for _ in range(DRIBBLING):
            crowd.join(*DRIBBLES[kind])
        crowd.begin()

        log_in_until_dropped(service, crowd)


def test_dribblers_keep_nobody_out_of_granian(granian_service: Service) -> None:
    """All kinds at once."""
    with Crowd(granian_service) as crowd:
        for _ in range(IDLE):
            crowd.join("", b"")
        for kind in DRIBBLES:
            for _ in range(DRIBBLING // 4):
                crowd.join(*DRIBBLES[kind])
        crowd.begin()

        log_in_until_dropped(granian_service, crowd)


def test_dribblers_over_tls(request: pytest.FixtureRequest, secure_service: tuple[Service, ssl.SSLContext]) -> None:
    """Also in the middle of the handshake, which is the first thing that could be dribbled."""
    service, tls = secure_service
    is_granian = request.node.callspec.params["secure_service"] == "granian"
    with Crowd(service, tls) as crowd, Crowd(service) as shaking_hands:
        for kind in ("head", "body"):
            for _ in range(DRIBBLING // 2):
                crowd.join(*DRIBBLES[kind])
        for _ in range(DRIBBLING):
            # The first bytes of a ClientHello of 512 bytes.
            shaking_hands.join("\x16\x03\x01\x02\x00\x01\x00\x01", b"\0" * 400)
        for each in (crowd, shaking_hands):
            each.begin()

        log_in_until_dropped(service, crowd, tls)
        log_in_until_dropped(
            service, shaking_hands, tls, GRANIANS_HANDSHAKE + FOR_A_BUSY_MACHINE if is_granian else DROPPED_WITHIN
        )


def test_idle_connections_after_an_answer_are_dropped(either_service: Service) -> None:
    """They are kept for a next call, not for ever."""
    with Crowd(either_service) as crowd:
        for _ in range(IDLE):
            crowd.join(f"GET {PATH}?wsdl HTTP/1.1\r\nHost: x\r\n\r\n", b"")
        crowd.begin()

        log_in_until_dropped(either_service, crowd)


def test_callers_that_do_not_hang_up_stop_nobody(either_service: Service) -> None:
    """The end of an answer is not waited for by what accepts the next caller."""
    with Crowd(either_service) as crowd:
        for _ in range(IDLE):
            crowd.join(f"GET {PATH}?wsdl HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"x" * 1000)

        assert max(log_in(either_service) for _ in range(10)) < LOGIN_SECONDS


def test_who_was_too_slow_is_told(either_service: Service) -> None:
    """A slow but honest sender learns why it got no answer."""
    with socket.create_connection(("127.0.0.1", either_service.port), timeout=20) as caller:
        caller.sendall(f"{HEAD}Content-Length: 10\r\n\r\n<".encode())

        answer = b"".join(iter(lambda: caller.recv(4096), b""))
        # granian writes names of headers in small letters.
        assert answer.lower().startswith(b"http/1.1 408 request timeout\r\nconnection: close\r\n")


def test_too_large_head_is_refused(either_service: Service) -> None:
    """And the refusal can be read, although not everything was."""
    with socket.create_connection(("127.0.0.1", either_service.port), timeout=20) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\n" + b"X-Large: " + b"a" * 200_000)

        assert caller.recv(4096).startswith(b"HTTP/1.1 431 ")


def test_too_large_body_is_refused_before_it_has_come(either_service: Service) -> None:
    """With the answer of the service, not a broken connection."""
    with socket.create_connection(("127.0.0.1", either_service.port), timeout=20) as caller:
        caller.sendall(f"{HEAD}Content-Length: 400000\r\n\r\n".encode() + b" " * 400_000)

        assert caller.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for more connections than a user usually has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("first", ["", "POST"], ids=["silent", "begun"])
def test_more_connections_than_a_process_keeps(either_service: Service, first: str) -> None:
    """The oldest of those that do nothing, or have sent too little, make room for who calls."""
    with Crowd(either_service) as crowd:
        for _ in range(1700):
            crowd.join(first, b"")

        assert log_in(either_service) < LOGIN_SECONDS


@pytest.mark.parametrize("path", ["/healthz", f"{PATH}?wsdl"])
def test_callers_that_do_not_read_keep_nobody_out(either_service: Service, path: str) -> None:
    """They ask again and again and leave the answers; there are three of them for each thread."""
    asked = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 20_000
    with contextlib.ExitStack() as opened:
        left: dict[socket.socket, memoryview] = {}
        for _ in range(24):
            caller = opened.enter_context(socket.socket())
            # Less than one answer, or a few, so that the rest has to wait in the service.
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            caller.connect(("127.0.0.1", either_service.port))
            caller.setblocking(False)
            left[caller] = memoryview(asked)
        for _ in range(20):
            for caller in left:
                with contextlib.suppress(BlockingIOError):
                    left[caller] = left[caller][caller.send(left[caller]) :]
            time.sleep(0.05)

        assert log_in(either_service) < LOGIN_SECONDS
        with socket.create_connection(("127.0.0.1", either_service.port), timeout=LOGIN_SECONDS) as probe:
            probe.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert probe.recv(4096).lower().startswith(b"http/1.1 200 ")
