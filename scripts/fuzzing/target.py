"""The service inside the fuzzer's process, on a database of its own, and what it answers to a case."""

import io
import logging
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from gatehouse.app import create_app
from gatehouse.config import Settings
from gatehouse.operations.core import make_core
from gatehouse.operations.demo import make_demo
from gatehouse.operations.schema import upgrade_schema
from gatehouse.storage.tables import sessions
from scripts.fuzzing.cases import SOAP_PATH, Case
from scripts.fuzzing.known import APPLICATION_HEADER, Known

_SECRET_KEY = "fuzzing-fuzzing-fuzzing-fuzzing-"
"""The same each time, so that the demo data are the same, and a kept case means the same when it is sent again."""

_LOGGER = logging.getLogger("gatehouse")

_SESSIONS = ("session-of-the-fuzzer-0", "session-of-the-fuzzer-1")
_COOKIES = ("cookie-of-the-fuzzer-0",)
"""Stand in the cases in the place of tokens, which are others each time."""

_SESSION_LOST = (b"SessionExpired", b'{"Message"')
_COOKIE_LOST = (b"InvalidCookie", b"CookieExpired", b"CookieReplayed")
"""What stands in the answer to a case whose session or cookie has ended."""

_CASES_PER_DATABASE = 3000
"""After so many cases the data are made anew, since some cases lock accounts and change passwords."""


@dataclass(frozen=True)
class Answer:
    """What came back, what it cost, and what was logged meanwhile. `error` is an exception that nobody caught."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cpu_seconds: float
    log: tuple[tuple[int, str], ...] = ()
    error: BaseException | None = None
    started: int = field(default=1)

    def with_cpu(self, seconds: float) -> "Answer":
        """Return the answer with another measurement."""
        return replace(self, cpu_seconds=seconds)

    def header(self, name: str) -> str | None:
        """Return the first header of this name."""
        return next((value for key, value in self.headers if key.casefold() == name.casefold()), None)


class _Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        trace = f" {record.exc_info[1]!r}" if record.exc_info and record.exc_info[1] else ""
        self.records.append((record.levelno, f"{record.name}: {record.getMessage()}{trace}"))


class Target:
    """The service with the demo data. Hashing is as cheap as Argon2 can be, so that what is before it is seen."""

    def __init__(self, folder: Path) -> None:
        """Make the database in this folder, and the application."""
        self._file, self._template = folder / "gatehouse.db", folder / "template.db"
        self._settings = Settings(
            database_url=f"sqlite:///{self._file}",
            secret_key=_SECRET_KEY,
            rest_prefix="/rest/24.1",
            mail_url=folder / "mail",
            sms_url=folder / "sms",
            sms_per_number=10**9,
            sms_per_merchant=10**9,
            sms_per_country={"*": 10**9},
            argon2_memory_kib=8,
            argon2_passes=1,
            log_level="DEBUG",
        )
        self._core = make_core(self._settings)
        upgrade_schema(self._core)
        self._demo = make_demo(self._core)
        self._core.database.close()
        shutil.copy(self._file, self._template)
        self._app = create_app(self._settings, self._core)
        self._log = _Log()
        logging.getLogger().addHandler(self._log)
        self._level = _LOGGER.level
        _LOGGER.setLevel(logging.DEBUG)
        self._tokens: dict[str, str] = {}
        self._count = 0
        self.known = Known(self._demo, _SESSIONS, _COOKIES)

    def send(self, case: Case) -> Answer:
        """Return the answer to a case."""
        if self._count % _CASES_PER_DATABASE == 0:
            self._renew()
        self._count += 1
        filled = self._filled(case)
        answer = self._send(filled)
        if filled != case:
            if any(each in answer.body for each in _SESSION_LOST):
                self._revive_sessions()
            if any(each in answer.body for each in _COOKIE_LOST) and not self._log_in(_SESSIONS[0]):
                self._renew()
        return answer

    def close(self) -> None:
        """Let go of the database and of the log."""
        logging.getLogger().removeHandler(self._log)
        _LOGGER.setLevel(self._level)
        self._core.database.close()

    def _revive_sessions(self) -> None:
        """Let sessions that have ended go on: every seventh case ends one, and a login takes as long as five cases."""
        with self._core.database.writing() as db:
            db.execute(sessions.update().where(sessions.c.ended_at.is_not(None)).values(ended_at=None))

    def _renew(self) -> None:
        self._core.database.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._file}{suffix}").unlink(missing_ok=True)
        shutil.copy(self._template, self._file)
        assert all(self._log_in(name) for name in _SESSIONS), "the demo account cannot log in"

    def _log_in(self, name: str) -> bool:
        account = self._demo["accounts"][0]
        members = {"Email": account["email"], "Password": account["password"], "userrole": "15", "setCookie": "true"}
        content = "".join(f"<{member}>{value}</{member}>" for member, value in members.items())
        body = (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            f"<Login>{content}</Login></s:Body></s:Envelope>"
        )
        headers = (("Content-Type", "text/xml"), (APPLICATION_HEADER, self._demo["applicationToken"]))
        answer = self._send(Case("soap", "login", "POST", SOAP_PATH, headers, body.encode()))
        token = answer.body.partition(b"<a:CredentialsToken>")[2].partition(b"<")[0].decode()
        cookie = answer.body.partition(b"<a:EncodedCookie>")[2].partition(b"<")[0].decode()
        self._tokens |= {name: token, _COOKIES[0]: cookie}
        return bool(token)

    def _filled(self, case: Case) -> Case:
        """Return the case with tokens in the places of their names."""
        body, headers = case.body, case.headers
        for name, token in self._tokens.items():
            body = body.replace(name.encode(), token.encode())
            headers = tuple((key, value.replace(name, token)) for key, value in headers)
        return Case(**{**vars(case), "body": body, "headers": headers})

    def _send(self, case: Case) -> Answer:
        environ = _environ(case)
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
            started.append((status, headers))
            return lambda _: None

        self._log.records.clear()
        error: BaseException | None = None
        body = b""
        before = time.thread_time()
        try:
            parts = self._app(environ, start_response)
            body = b"".join(parts)
            _close(parts)
        except Exception as raised:
            error = raised
        cpu_seconds = time.thread_time() - before
        status, headers = started[-1] if started else ("0", [])
        return Answer(
            status=int(status[:3]),
            headers=tuple(headers),
            body=body,
            cpu_seconds=cpu_seconds,
            log=tuple(self._log.records),
            error=error,
            started=len(started),
        )


def _close(parts: Iterable[bytes]) -> None:
    close = getattr(parts, "close", None)
    if close is not None:
        close()


def _environ(case: Case) -> dict[str, Any]:
    """Return the environment as a server would make it."""
    path, _, query = case.path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": case.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_HOST": "accounts.example.com",
        "CONTENT_LENGTH": str(len(case.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(case.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in case.headers:
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    if "HTTP_TRANSFER_ENCODING" in environ:
        # Of a chunked body no server tells a length.
        environ.pop("CONTENT_LENGTH")
    return environ
