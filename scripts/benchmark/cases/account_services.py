"""Reading a session, and logging in, against libraries and services that do the same, with their data in SQLite.

Each is the least application of its documentation (`others/`), with its sessions in the database where it can, SQLite's
journal as ours, no limits of rates, and one process behind the server that its documentation names for production.
"""

import contextlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmark import envelopes, load
from scripts.benchmark.bench import SQLITE, Bench
from scripts.benchmark.gatehouse import CONNECTIONS
from scripts.benchmark.installing import OTHERS, MissingError, node, node_folder, python_environment
from scripts.benchmark.load import Series
from scripts.benchmark.measuring import Comparison, Row, compare
from scripts.benchmark.processes import Service, free_port, running_command

READING_TARGET, LOGIN_TARGET = 1.6, 1.1

_EMAIL, _PASSWORD = "bench@example.com", "correct horse battery staple"
_JSON = {"Accept": "application/json"}
_CREDENTIALS = json.dumps({"email": _EMAIL, "password": _PASSWORD})


@dataclass(frozen=True)
class Other:
    """Another service: how it starts, how one logs in, and how a session is read with what that gave.

    `token` finds it in the reply, `reading` makes a request with it. Every reply with a session names its owner.
    """

    name: str
    start: Callable[[Bench], contextlib.AbstractContextManager[Service]]
    login: Callable[[int], bytes]
    token: re.Pattern[bytes]
    reading: Callable[[str], bytes]


def run_reading(bench: Bench) -> list[Row]:
    """Measure DecodeLoginCookie against a session read of each; the best of them counts."""
    gatehouse = bench.gatehouse(SQLITE)
    ours = gatehouse.arm("gunicorn", gatehouse.decodes())
    with contextlib.ExitStack() as stack:
        arms = []
        for other in OTHERS_OF_READING:
            with _told_when_missing(other.name):
                service = stack.enter_context(other.start(bench))
                token = _log_in(other, service.port)
                same = Series(other.reading(token), _EMAIL.encode())
                arms.append(bench.arm(f"{other.name}, session read", service, [same] * CONNECTIONS))
        comparisons = [
            Comparison(f"DecodeLoginCookie, against {arm.name.partition(',')[0]}", ours, arm) for arm in arms
        ]
        rows = compare(comparisons, bench.options.seconds, bench.options.repeats)
    if not rows:
        return []
    best = min(rows, key=lambda row: row.value)
    return [*rows, Row("DecodeLoginCookie, against the best", best.against, best.values, READING_TARGET)]


def run_login(bench: Bench) -> list[Row]:
    """Measure Login against better-auth with its native Argon2, the parameters and the database being the same."""
    gatehouse = bench.gatehouse(SQLITE)
    with contextlib.ExitStack() as stack, _told_when_missing(BETTER_AUTH.name):
        service = stack.enter_context(BETTER_AUTH.start(bench))
        request = BETTER_AUTH.login(service.port)
        other = bench.arm("better-auth", service, [Series(request, _EMAIL.encode())] * CONNECTIONS)
        ours = gatehouse.arm("gunicorn", gatehouse.logins())
        return compare(
            [Comparison("Login, SQLite, against better-auth", ours, other, LOGIN_TARGET)],
            bench.options.slow_seconds,
            bench.options.repeats,
        )
    return []


@contextlib.contextmanager
def _told_when_missing(name: str) -> Iterator[None]:
    try:
        yield
    except MissingError as error:
        print(f"Without {name}: {error}", file=sys.stderr)


def _log_in(other: Other, port: int) -> str:
    reply = load.ask(port, other.login(port))
    found = other.token.search(reply)
    if found is None:
        raise RuntimeError(f"{other.name} did not log in: {reply!r}")
    return found[1].decode()


@contextlib.contextmanager
def _python(bench: Bench, name: str, *arguments: str) -> Iterator[Service]:
    """Run the application of this name by a program of its environment."""
    programs, port = python_environment(name, bench.options.cache), free_port()
    program, *rest = [each.format(port=port, threads=bench.settings.threads) for each in arguments]
    folder = OTHERS / name
    own = {"DATABASE": str(bench.folder / f"{name}.db"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""}
    command: list[str | Path] = [programs / program, *rest, "app:application"]
    log = bench.folder / f"{name}.log"
    with running_command(bench.cores.server, command, port, log, folder, **own) as service:
        yield service


@contextlib.contextmanager
def _better_auth(bench: Bench) -> Iterator[Service]:
    folder, port = node_folder("better_auth", bench.options.cache), free_port()
    settings = bench.settings
    parameters = (settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes)
    database = bench.folder / f"better_auth-{port}.db"
    command = [node(), folder / "server.js", str(port), database, *map(str, parameters)]
    log = bench.folder / f"better_auth-{port}.log"
    own = {"NODE_ENV": "production", "BETTER_AUTH_TELEMETRY": "0"}
    with running_command(bench.cores.server, command, port, log, folder, **own) as service:
        yield service


_GUNICORN = ("gunicorn", "--bind=127.0.0.1:{port}", "--worker-class=gthread", "--threads={threads}", "--keep-alive=30")
_UVICORN = ("uvicorn", "--port={port}", "--no-access-log", "--timeout-keep-alive=30", "--log-level=warning")


def _origin(port: int) -> dict[str, str]:
    return {"Origin": f"http://127.0.0.1:{port}"}


BETTER_AUTH = Other(
    "better-auth",
    _better_auth,
    lambda port: envelopes.post("/api/auth/sign-in/email", _CREDENTIALS, "application/json", _origin(port)),
    re.compile(rb"(?i)set-cookie: (better-auth\.session_token=[^;]+)"),
    lambda cookie: envelopes.get("/api/auth/get-session", {"Cookie": cookie}),
)

OTHERS_OF_READING = (
    Other(
        "django-allauth",
        lambda bench: _python(bench, "django_allauth", *_GUNICORN),
        lambda _: envelopes.post("/_allauth/app/v1/auth/login", _CREDENTIALS, "application/json", _JSON),
        re.compile(rb'"session_token": "([^"]+)"'),
        lambda token: envelopes.get("/_allauth/app/v1/auth/session", {"X-Session-Token": token}),
    ),
    Other(
        "Flask-Security",
        lambda bench: _python(bench, "flask_security", *_GUNICORN),
        lambda _: envelopes.post("/login", _CREDENTIALS, "application/json", _JSON),
        re.compile(rb"(?i)set-cookie: (session=[^;]+)"),
        lambda cookie: envelopes.get("/session", {"Cookie": cookie}),
    ),
    Other(
        "fastapi-users",
        lambda bench: _python(bench, "fastapi_users", *_UVICORN),
        lambda _: envelopes.post(
            "/auth/login",
            f"username={_EMAIL}&password={_PASSWORD.replace(' ', '+')}",
            "application/x-www-form-urlencoded",
            {},
        ),
        re.compile(rb'"access_token":"([^"]+)"'),
        lambda token: envelopes.get("/users/me", {"Authorization": f"Bearer {token}"}),
    ),
    BETTER_AUTH,
)
