"""Whether `scripts/bench` still runs and measures rightly. Its figures are for people to judge, and for `--check`."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.benchmark import load, table
from scripts.benchmark.load import Series
from scripts.benchmark.measuring import Row

ROOT = Path(__file__).parent.parent
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.timeout(300)
def test_quick_run_measures_the_calls_that_matter(tmp_path):
    """A benchmark that nobody runs breaks unseen."""
    written = tmp_path / "figures.json"
    groups = ["login", "refused", "decode"]
    command = [sys.executable, "-m", "scripts.benchmark", *groups, "--quick", "--json", "--postgres"]

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
def stalling_server(stall_after: int, seconds: float) -> Iterator[int]:
    """Give the port of a server that answers at once, but for one stall of all its connections."""
    lock, count = threading.Lock(), [0]

    def serve(connection: socket.socket) -> None:
        with connection:
            while connection.recv(65536):
                with lock:
                    count[0] += 1
                    if count[0] == stall_after:
                        time.sleep(seconds)
                connection.sendall(REPLY)

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
    assert load._is_complete(reply) is is_whole


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
