"""Reading a session, and logging in, against libraries and services that do the same, with their data in SQLite.

Each is the least application of its documentation (`others/`), with its sessions in the database where it can, SQLite's
journal as ours, no limits of rates, and one process behind the server that its documentation names for production.
Before anything is measured, each has to show that it looks into the database for each read.
"""

import contextlib
import json
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmark import envelopes, load
from scripts.benchmark.bench import SQLITE, Bench
from scripts.benchmark.gatehouse import CONNECTIONS, Gatehouse
from scripts.benchmark.installing import OTHERS, MissingError, argon2_builds, node, node_folder, python_environment
from scripts.benchmark.load import Series
from scripts.benchmark.measuring import Arm, Comparison, Row, compare
from scripts.benchmark.processes import Service, environment_with, free_port, running_command

READING_TARGET, LOGIN_TARGET = 1.6, 1.1

_EMAIL, _PASSWORD = "bench@example.com", "correct horse battery staple"
_JSON = {"Accept": "application/json"}
_CREDENTIALS = json.dumps({"email": _EMAIL, "password": _PASSWORD})


@dataclass(frozen=True)
class Other:
    """Another service: how it starts on a new database, how one logs in, and how a session is read with what that gave.

    `token` finds it in the reply, `reading` makes a request with it. Every reply with a session names its owner.
    `ending` is SQL after which no session is valid any more.
    """

    name: str
    start: Callable[[Bench, Path], contextlib.AbstractContextManager[Service]]
    login: Callable[[int], bytes]
    token: re.Pattern[bytes]
    reading: Callable[[str], bytes]
    ending: str

    @contextlib.contextmanager
    def started(self, bench: Bench) -> Iterator[tuple[Service, Path]]:
        """Run it on a database of its own, and give that as well. Raises MissingError."""
        database = bench.folder / f"{self.name}-{free_port()}.db"
        with self.start(bench, database) as service:
            yield service, database


def run_reading(bench: Bench) -> list[Row]:
    """Measure DecodeLoginCookie against a session read of each; the best of them counts."""
    gatehouse = bench.gatehouse(SQLITE)
    ours = gatehouse.arm("gunicorn", gatehouse.decodes())
    with contextlib.ExitStack() as stack:
        arms = []
        for other in OTHERS_OF_READING:
            with _told_when_missing(other.name):
                service, database = stack.enter_context(other.started(bench))
                _check_that_it_reads(other, service.port, database)
                same = Series(other.reading(_log_in(other, service.port)), _EMAIL.encode())
                arms.append(bench.arm(f"{other.name}, session read", service, [same] * CONNECTIONS))
        comparisons = [
            Comparison(f"DecodeLoginCookie, against {arm.name.partition(',')[0]}", ours, arm) for arm in arms
        ]
        options = bench.options
        rows = compare(comparisons, options.seconds, options.repeats, warm_up=options.slow_seconds)
    if not rows:
        return []
    best = min(rows, key=lambda row: row.value)
    return [*rows, Row("DecodeLoginCookie, against the best", best.against, best.values, READING_TARGET)]


def run_login(bench: Bench) -> list[Row]:
    """Measure Login against better-auth with its native Argon2, the parameters and the database being the same.

    The target is for the native build of ours. What the installed one comes to, most often the wheel, is told as well.
    """
    with contextlib.ExitStack() as stack, _told_when_missing(BETTER_AUTH.name):
        service, database = stack.enter_context(BETTER_AUTH.started(bench))
        _check_parameters(database, bench.argon2_parameters)
        same = Series(BETTER_AUTH.login(service.port), _EMAIL.encode())
        other = bench.arm("better-auth", service, [same] * CONNECTIONS)
        comparisons = [_login("Login, SQLite, against better-auth", bench.gatehouse(SQLITE), other)]
        with _told_when_missing("the native build of Argon2"):
            native = stack.enter_context(_with_native_argon2(bench))
            comparisons.append(_login("Login, SQLite, native Argon2, against better-auth", native, other, LOGIN_TARGET))
        options = bench.options
        return compare(comparisons, options.slow_seconds, options.repeats, warm_up=options.slow_seconds)
    return []


def _login(name: str, gatehouse: Gatehouse, other: Arm, target: float | None = None) -> Comparison:
    return Comparison(name, gatehouse.arm("gunicorn", gatehouse.logins()), other, target)


@contextlib.contextmanager
def _with_native_argon2(bench: Bench) -> Iterator[Gatehouse]:
    """Run a service of ours that hashes with the build of `scripts/serve --native`. Raises MissingError."""
    build = argon2_builds(bench.options.cache).native
    path = os.pathsep.join([str(build), environment_with({})["PYTHONPATH"]])
    with bench.start("native", bench.new_database("native", SQLITE), PYTHONPATH=path) as gatehouse:
        load.ask(gatehouse.service.port, gatehouse.logins(1)[0].request)
        used = {each for each in gatehouse.service.libraries() if "_argon2_cffi_bindings" in each.parts}
        if not used or not all(each.is_relative_to(build) for each in used):
            raise RuntimeError(f"the service does not hash with the native build, but with {used}")
        yield gatehouse


def _check_that_it_reads(other: Other, port: int, database: Path) -> None:
    """Raise RuntimeError if a session is answered that ended in the database a moment ago."""
    reading = other.reading(_log_in(other, port))
    if _EMAIL.encode() not in (reply := load.ask(port, reading)):
        raise RuntimeError(f"{other.name} did not read its session: {reply!r}")
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        ended = connection.execute(other.ending).rowcount
    if not ended or _EMAIL.encode() in load.ask(port, reading):
        raise RuntimeError(f"{other.name} did not look into the database")


def _check_parameters(database: Path, expected: tuple[str, str, str]) -> None:
    """Raise RuntimeError if the password of better-auth's account is hashed otherwise than ours are."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        (kept,) = connection.execute("SELECT password FROM account").fetchone()
    memory, passes, lanes = expected
    if not kept.startswith(f"$argon2id$v=19$m={memory},t={passes},p={lanes}$"):
        raise RuntimeError(f"better-auth hashes with other parameters: {kept.rpartition('$')[0]}")


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
def _python(bench: Bench, database: Path, name: str, *arguments: str) -> Iterator[Service]:
    """Run the application of this name by a program of its environment."""
    programs, port = python_environment(name, bench.options.cache), free_port()
    threads = str(bench.settings.threads)
    program, *rest = [each.format(port=port, threads=threads) for each in arguments]
    folder = OTHERS / name
    own = {"DATABASE": str(database), "THREADS": threads, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""}
    command: list[str | Path] = [programs / program, *rest, "app:application"]
    log = database.with_suffix(".log")
    with running_command(bench.cores.server, command, port, log, folder, **own) as service:
        yield service


@contextlib.contextmanager
def _better_auth(bench: Bench, database: Path) -> Iterator[Service]:
    folder, port = node_folder("better_auth", bench.options.cache), free_port()
    command = [node(), folder / "server.js", str(port), database, *bench.argon2_parameters]
    log = database.with_suffix(".log")
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
    "DELETE FROM session",
)

OTHERS_OF_READING = (
    Other(
        "django-allauth",
        lambda bench, database: _python(bench, database, "django_allauth", *_GUNICORN),
        lambda _: envelopes.post("/_allauth/app/v1/auth/login", _CREDENTIALS, "application/json", _JSON),
        re.compile(rb'"session_token": "([^"]+)"'),
        lambda token: envelopes.get("/_allauth/app/v1/auth/session", {"X-Session-Token": token}),
        "DELETE FROM django_session",
    ),
    Other(
        "Flask-Security",
        lambda bench, database: _python(bench, database, "flask_security", *_GUNICORN),
        lambda _: envelopes.post("/login", _CREDENTIALS, "application/json", _JSON),
        re.compile(rb"(?i)set-cookie: (session=[^;]+)"),
        lambda cookie: envelopes.get("/session", {"Cookie": cookie}),
        # What the cookie names the account by, and what its documentation has changed to end sessions.
        "UPDATE user SET fs_uniquifier = fs_uniquifier || '-'",
    ),
    Other(
        "fastapi-users",
        lambda bench, database: _python(bench, database, "fastapi_users", *_UVICORN),
        lambda _: envelopes.post(
            "/auth/login",
            f"username={_EMAIL}&password={_PASSWORD.replace(' ', '+')}",
            "application/x-www-form-urlencoded",
            {},
        ),
        re.compile(rb'"access_token":"([^"]+)"'),
        lambda token: envelopes.get("/users/me", {"Authorization": f"Bearer {token}"}),
        "DELETE FROM accesstoken",
    ),
    BETTER_AUTH,
)
