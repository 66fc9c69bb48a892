"""Tests of logs.py: what lines look like, and that nothing which was sent can make one."""

import io
import json
import logging
import threading

import pytest

from gatehouse.logs import JsonFormatter, TextFormatter, configure_logging

NASTY = "a\r\nERROR fake: line\x1b[31m\x1b]0;title\x07\x00\x7f\x85\u2028\u202e\udcff\\n"
"""Line ends of every kind, what a terminal obeys, what turns the direction of reading, and half a character."""


def record(message="Login Success", level=logging.INFO, **fields):
    """Return a record as the fronts make it."""
    made = logging.LogRecord("gatehouse.calls", level, __file__, 1, message, (), None)
    made.created = 1767225600.5
    if fields:
        made.fields = fields
    return made


def test_json():
    """One object, what is not known left out."""
    line = JsonFormatter().format(record(source="192.0.2.7", ms=1.5, account=None))

    assert json.loads(line) == {
        "time": "2026-01-01T00:00:00.500Z",
        "level": "info",
        "logger": "gatehouse.calls",
        "message": "Login Success",
        "source": "192.0.2.7",
        "ms": 1.5,
    }


def test_text():
    """As a person reads it."""
    line = TextFormatter().format(record(source="192.0.2.7", identity='j"***', page="a b", account=None, empty=""))

    assert line == (
        '2026-01-01T00:00:00.500Z INFO    calls: Login Success source=192.0.2.7 identity="j\\"***" page="a b" empty=""'
    )


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_nothing_begins_a_line_or_speaks_to_the_terminal(formatter):
    """In the message, in a field, and in a name."""
    line = formatter.format(record(NASTY, identity=NASTY))

    assert line.isprintable()
    assert line.encode("utf-8")
    if isinstance(formatter, JsonFormatter):
        assert json.loads(line)["identity"] == NASTY


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_long_values_are_cut(formatter):
    """So that lines of several processes do not run into each other."""
    line = formatter.format(record("m" * 100_000, identity="i" * 100_000))

    assert len(line.encode()) < 4096


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_exception_shows_kind_and_place_only(formatter):
    """Its words may hold what was sent, and its trace is many lines."""
    try:
        raise ValueError("sentinel-5e1f")
    except ValueError as error:
        made = record()
        made.exc_info = (type(error), error, error.__traceback__)

    line = formatter.format(made)

    assert "ValueError at " in line
    assert "sentinel" not in line
    assert "\n" not in line


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def untouched_root():
    """Gives the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("untouched_root")
@pytest.mark.parametrize(
    ("log_format", "stream", "is_json"),
    [
        ("auto", io.StringIO, True),
        ("auto", Terminal, False),
        ("json", Terminal, True),
        ("text", io.StringIO, False),
    ],
)
def test_format_follows_the_setting(log_format, stream, is_json):
    """By itself it is what the stream's reader wants."""
    written = stream()
    configure_logging("INFO", log_format, written)

    logging.getLogger("gatehouse.calls").info("Login Success", extra={"fields": {"source": "192.0.2.7"}})
    logging.getLogger("gatehouse.calls").debug("too small")

    assert len(written.getvalue().splitlines()) == 1
    assert written.getvalue().startswith("{") is is_json


@pytest.mark.usefixtures("untouched_root")
def test_lines_of_many_threads_stay_whole(tmp_path):
    """Nobody waits for another one's line, and none is lost or mixed with another."""
    log = logging.getLogger("gatehouse.test")

    def write(number):
        for turn in range(100):
            log.info("%d-%d %s", number, turn, "x" * 300)

    with (tmp_path / "log").open("a") as file:
        configure_logging("INFO", "json", file)
        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = (tmp_path / "log").read_text().splitlines()
    told = {json.loads(line)["message"].partition(" ")[0] for line in lines}
    assert len(lines) == len(told) == 800


@pytest.mark.usefixtures("untouched_root")
def test_lines_never_go_to_another_file(tmp_path):
    """Whoever closes the stream gives its number away, perhaps to the connection of a database."""
    with (tmp_path / "log").open("a") as stream:
        configure_logging("INFO", "json", stream)
        number = stream.fileno()
    with (tmp_path / "other").open("w") as other:
        assert other.fileno() == number
        logging.getLogger("gatehouse.test").info("told")

    assert "told" in (tmp_path / "log").read_text()
    assert (tmp_path / "other").read_text() == ""
