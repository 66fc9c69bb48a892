"""Whether `scripts/bench` still runs and measures rightly. Its figures are for people to judge, and for `--check`."""

import contextlib
import http.server
import json
import re
import smtplib
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatehouse.load.replies import head_of_whole
from scripts.benchmark import installing, load, table
from scripts.benchmark.cases import account_services
from scripts.benchmark.cases.account_services import Other
from scripts.benchmark.load import Outcome, Series
from scripts.benchmark.measuring import Arm, Comparison, Row, compare
from scripts.benchmark.processes import Service
from scripts.sinks import Taken, running_sinks

ROOT = Path(__file__).parent.parent
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.timeout(300)
def test_quick_run_measures_the_calls_that_matter(tmp_path):
    """A benchmark that nobody runs breaks unseen."""
    written = tmp_path / "figures.json"
    groups = ["login", "refused", "decode"]
    # Long enough for some logins on a busy machine, too.
    command = [sys.executable, "-m", "scripts.benchmark", *groups, "--quick", "--seconds=1", "--json", "--postgres"]

    done = subprocess.run([*command, f"--output={written}"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    printed = json.loads(done.stdout)
    assert json.loads(written.read_text(encoding="utf-8")) == printed
    assert [each["case"] for each in printed["cases"] if "granian" not in each["case"]] == [
        "Login, SQLite",
        "Login, PostgreSQL",
        "UpdatePassword refused, SOAP",
        "UpdatePassword refused, JSON",
        "DecodeLoginCookie, SQLite",
        "DecodeLoginCookie, PostgreSQL",
    ]
    names = [each["case"] for each in printed["cases"]]
    assert len(set(names)) == len(names), "runs are compared by these names"
    for each in printed["cases"]:
        assert each["min"] > 0
        assert each["rate"] > 0
        assert each["cpuMicroseconds"] > 0
        assert 0 <= each["loadBusy"] <= 1


def test_every_module_of_a_case_is_in_a_group():
    """What no name leads to is measured by nobody."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.benchmark", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = set(re.findall(r"[\w-]+", done.stdout.rpartition("Groups:")[2]))

    groups = (ROOT / "scripts/benchmark/cases/__init__.py").read_text(encoding="utf-8")
    modules = {path.stem for path in (ROOT / "scripts/benchmark/cases").glob("*.py")}
    assert set(re.findall(r'Group\("([\w-]+)"', groups)) <= listed
    assert modules - {"__init__", "against_limits"} == set(re.findall(r"Group\(\"[\w-]+\", (\w+)\.", groups))


@contextlib.contextmanager
def stalling_server(stall_after: int, seconds: float, reply: bytes = REPLY) -> Iterator[int]:
    """Give the port of a server that answers at once, but for one stall of all its connections."""
    lock, count = threading.Lock(), [0]

    def serve(connection: socket.socket) -> None:
        with connection:
            while connection.recv(65536):
                with lock:
                    count[0] += 1
                    if count[0] == stall_after:
                        time.sleep(seconds)
                connection.sendall(reply)
                if b"close" in reply:
                    break

    def accept(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def test_steady_load_charges_a_stall_to_every_call_that_it_held_up():
    """A generator that waits for replies before it sends would count one slow call for each connection, and no more."""
    rate, seconds, connections, stall = 200, 1.5, 2, 0.5

    with stalling_server(stall_after=150, seconds=stall) as port:
        waits = load.pace(port, [Series(b"GET / HTTP/1.1\r\n\r\n", b"ok")] * connections, rate, seconds)

    assert len(waits.latencies) == int(rate * seconds)
    held_up = [each for each in waits.latencies if each > stall / 5]
    # Of the hundred that fell due in the half second, those of the first 80 % waited for more than a tenth.
    assert len(held_up) >= 70
    assert waits.pause >= stall * 0.9
    assert waits.part(0.99) >= stall * 0.8


def test_connection_that_the_server_ends_is_opened_again():
    """A process with far more connections than another ends some with their answers, so that the other gets them."""
    last = REPLY.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with stalling_server(stall_after=0, seconds=0, reply=last) as port:
        outcome = load.run(port, [Series(b"GET / HTTP/1.1\r\n\r\n", b"ok")] * 2, 0.2)

    assert outcome.calls > 2


@pytest.mark.parametrize(
    ("reply", "is_whole"),
    [
        (REPLY, True),
        (REPLY[:-1], False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", False),
        (REPLY.partition(b"\r\n\r\n")[0], False),
    ],
    ids=["with its length", "cut", "in chunks", "without the last chunk", "head alone"],
)
def test_reply_counts_when_all_of_it_is_there(reply, is_whole):
    """Half a reply that counted would make a server faster than it is."""
    assert (head_of_whole(reply) is not None) is is_whole


def test_reply_that_does_not_say_where_it_ends_is_refused():
    """Nobody could tell when all of it is there."""
    with pytest.raises(ConnectionError, match="without a length"):
        head_of_whole(b"HTTP/1.1 200 OK\r\n\r\nok")


def case(name: str, *values: float, is_ceiling: bool = False) -> dict[str, object]:
    """Return a row as JSON has it."""
    (told,) = table.plain([Row(name, "", values, is_ceiling=is_ceiling)])
    return told


def test_comparison_tells_a_change_from_chance():
    """Runs differ by some percent each time, and nobody should look for the reason of that."""
    before = [
        case("faster", 1.0, 1.1),
        case("slower", 1.0, 1.1),
        case("the same", 1.0, 1.2),
        case("latency", 3.0, 3.1, is_ceiling=True),
        case("gone", 1.0),
    ]
    now = [
        case("faster", 1.2, 1.3),
        case("slower", 0.8, 0.9),
        case("the same", 1.1, 1.3),
        case("latency", 4.0, 4.1, is_ceiling=True),
        case("added", 1.0),
    ]

    lines = table.changes(before, now)

    assert [line.split()[-1] for line in lines] == ["better", "WORSE", "%", "WORSE", "before", "new"]


def test_median_of_the_repeats_decides():
    """One bad repeat on a machine that others use is no miss, and one good one no hit."""
    assert Row("", "", [0.1, 0.9, 0.9], target=0.8).is_reached is True
    assert Row("", "", [0.7, 0.7, 0.9], target=0.8).is_reached is False
    assert Row("", "", [0.7, 0.7, 0.9], target=0.8, is_ceiling=True).is_reached is True
    assert Row("", "", [0.7]).is_reached is None


def test_programs_of_others_are_pinned_to_the_last_package():
    """Figures of other versions could not be compared, and npm would take newer ones of what is needed indirectly."""
    kinds = {path.parent: path.name for path in installing.OTHERS.glob("*/*") if path.name in PINNED_BY}

    assert {folder.name for folder in kinds} == {path.name for path in installing.OTHERS.iterdir()} - {"soap_php"}
    for folder, name in kinds.items():
        PINNED_BY[name](folder)


def check_requirements(folder: Path) -> None:
    """Each line names one version."""
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)


def check_package(folder: Path) -> None:
    """What is asked for is what is locked, and all that is locked has its hash and comes from the usual index."""
    asked = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert locked.pop("")["dependencies"] == asked
    assert {name: locked[f"node_modules/{name}"]["version"] for name in asked} == asked
    assert all("integrity" in each and "resolved" not in each for each in locked.values())


PINNED_BY = {"requirements.txt": check_requirements, "package.json": check_package}


def test_what_could_not_be_installed_is_said_and_tried_again(tmp_path, capsys):
    """Half an environment that counted as whole would fail for ever, and not say of what."""
    codes = iter(["sys.exit('no such package')", "open('here', 'x')"])

    def install(folder: Path) -> None:
        (folder / "half").touch(exist_ok=False)
        installing._run([sys.executable, "-c", f"import sys; {next(codes)}"], folder)

    with pytest.raises(installing.MissingError, match="no such package"):
        installing._installed(tmp_path, "some", "some==1", install)
    folder = installing._installed(tmp_path, "some", "some==1", install)

    assert {path.name for path in folder.iterdir()} == {"half", "here", "done"}
    assert installing._installed(tmp_path, "some", "some==1", install) == folder
    assert installing._folder(tmp_path, "some", "some==2") != folder
    assert capsys.readouterr().err.count(f"Installing into {folder} (once)") == 2


@contextlib.contextmanager
def session_server(look: Callable[[], bool]) -> Iterator[int]:
    """Give the port of a server that lets everybody log in, and names the owner of a session while `look` says so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"bench@example.com token=1;" if self.path == "/login" or look() else b"nobody"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("is_read", [True, False], ids=["reads it", "answers from memory"])
def test_service_has_to_read_its_session_from_the_database(tmp_path, is_read):
    """A service that remembers sessions would be compared with one that reads them."""
    database = tmp_path / "sessions.db"
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE session AS SELECT 1 AS id")

    def look() -> bool:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            return not is_read or bool(connection.execute("SELECT count(*) FROM session").fetchone()[0])

    def get(path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\n\r\n".encode()

    with session_server(look) as port:
        other = Other(
            "some",
            lambda _bench, _database: contextlib.nullcontext(None),
            lambda _port: get("/login"),
            re.compile(rb"token=(\d)"),
            lambda token: get(f"/session/{token}"),
            "DELETE FROM session",
        )
        refusal = contextlib.nullcontext() if is_read else pytest.raises(RuntimeError, match="look into the database")
        with refusal:
            account_services._check_that_it_reads(other, port, database)


def test_better_auth_is_held_to_our_parameters(tmp_path):
    """With less memory or fewer passes it would log in more people."""
    database = tmp_path / "accounts.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE account AS SELECT '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA' AS password")
        connection.commit()

    account_services._check_parameters(database, ("19456", "2", "1"))
    with pytest.raises(RuntimeError, match=r"other parameters: \$argon2id\$v=19\$m=19456,t=2,p=1\$c2FsdA"):
        account_services._check_parameters(database, ("19456", "3", "1"))


def test_libraries_of_a_service_are_those_that_it_has_loaded():
    """By them the benchmark sees with which build of Argon2 a service hashes."""
    program = "import _argon2_cffi_bindings._ffi as ffi; print(ffi.__file__, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        loaded = Path(process.stdout.readline().decode().strip())
        libraries = Service(process, 0).libraries()
        process.kill()

    assert [each for each in libraries if "_argon2_cffi_bindings" in each.parts] == [loaded]


def test_hashing_with_another_build_than_the_one_that_was_asked_for_is_refused(tmp_path):
    """Else the wheel would be compared with itself."""
    arguments = ["0", "8", "1", "1", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "scripts.benchmark.raw_argon2", *arguments], cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "is not what is used" in done.stderr


def test_what_warms_up_is_not_counted():
    """Node compiles what it runs often, so that its first seconds say little."""
    called: list[tuple[str, float]] = []

    def arm(name: str) -> Arm:
        def measure(seconds: float) -> Outcome:
            called.append((name, seconds))
            return Outcome(calls=len(called), seconds=1.0, slowest=0.0, cpu=0.0)

        return Arm(name, measure)

    (row,) = compare([Comparison("case", arm("ours"), arm("theirs"))], seconds=2, repeats=1, warm_up=5)

    assert called == [("ours", 5), ("theirs", 5), ("ours", 2), ("theirs", 2)]
    assert row.values == [3 / 4]


def test_sinks_tell_what_they_took():
    """The rate of deliveries, and whether a long run lost a message, are read from it."""
    with running_sinks() as sinks:
        assert sinks.taken() == Taken(mails=0, sms=0, mail_seconds=0.0)
        with smtplib.SMTP("127.0.0.1", sinks.mail_port) as client:
            for _ in range(2):
                client.sendmail("a@example.com", ["b@example.com"], "Subject: x\r\n\r\ny\r\n")
                time.sleep(0.1)
        request = b"POST /send HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
        assert b" 200 " in load.ask(sinks.sms_port, request)
        taken = sinks.taken()

    assert (taken.mails, taken.sms) == (2, 1)
    assert 0.1 <= taken.mail_seconds < 5
