"""How log lines look: JSON for programs, text for a person at a terminal. Neither lets what was sent begin a new line.

What a line tells beside its message is in the `fields` of its record, as `extra={"fields": {"source": "192.0.2.7"}}`.
"""

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

from gatehouse.domain.errors import place_of

_MAX_CHARACTERS = 500
"""Longest value in a line, so that a line is written in one piece. Source: POSIX, PIPE_BUF (4,096 bytes on Linux)."""


def configure_logging(level: str, log_format: str, stream: TextIO | None = None) -> None:
    """Write the lines of this level and above to the standard error stream, and nowhere else.

    `log_format` is `json`, `text`, or `auto`: text where the stream is a terminal.
    """
    stream = stream or sys.stderr
    is_text = log_format == "text" or (log_format == "auto" and stream.isatty())
    handler = _make_handler(stream)
    handler.setFormatter(TextFormatter() if is_text else JsonFormatter())
    # What no line tells need not be found out for each of them. Source: Python's logging HOWTO, Optimization.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # What it warns of is raised as well, and logged by us without the driver's text, which may name machines.
    logging.getLogger("psycopg").setLevel(logging.ERROR)


class _FileHandler(logging.Handler):
    """Gives each line to the system in one piece, without a lock that threads would wait for at each other."""

    def __init__(self, file: int) -> None:
        """Take a file that is open; it is kept open here, so that its number never becomes that of another one."""
        super().__init__()
        self._file = os.dup(file)

    def handle(self, record: logging.LogRecord) -> bool:
        """Write the line. The file itself keeps the lines of threads and processes apart."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line."""
        try:
            line = f"{self.format(record)}\n".encode(errors="backslashreplace")
            while line:
                line = line[os.write(self._file, line) :]
        except Exception:
            self.handleError(record)


def _make_handler(stream: TextIO) -> logging.Handler:
    try:
        return _FileHandler(stream.fileno())
    except (AttributeError, OSError):
        return logging.StreamHandler(stream)


_ENCODER = json.JSONEncoder(default=str)


class JsonFormatter(logging.Formatter):
    """One object a line. Everything but ASCII is escaped, and so is what a terminal would obey."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _shortened(record.getMessage()),
            **_fields(record),
        }
        return _ENCODER.encode(line).replace("\x7f", "\\u007f")


class TextFormatter(logging.Formatter):
    """Time, level and message, then the fields as `name=value`, with quotation marks where a value has blanks."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = "".join(f" {name}={_quoted(value)}" for name, value in _fields(record).items())
        message = _printable(_shortened(record.getMessage()))
        return f"{_time(record)} {record.levelname:<7} {record.name.removeprefix('gatehouse.')}: {message}{fields}"


def _time(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.created % 1 * 1000):03d}Z"


@lru_cache(maxsize=4)
def _second(since_1970: int) -> str:
    """Return the second of a moment, in which there may be a thousand lines."""
    return datetime.fromtimestamp(since_1970, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    """Return what the record tells beside its message. Of an exception only the kind and the place: see `place_of`."""
    given: Mapping[str, Any] = getattr(record, "fields", {})
    found = {name: _shortened(value) for name, value in given.items() if value is not None}
    if record.exc_info and record.exc_info[1] is not None:
        found["error"] = place_of(record.exc_info[1])
    return found


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MAX_CHARACTERS:
        return value[:_MAX_CHARACTERS] + "…"
    return value


def _quoted(value: Any) -> str:
    text = str(value)
    plain = text.isprintable() and not any(each in text for each in ' "=')
    return text if plain and text else '"' + _printable(text).replace('"', '\\"') + '"'


def _printable(text: str) -> str:
    """Escape what ends a line, what a terminal would obey, and what would turn the direction of reading."""
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(each if each.isprintable() and each != "\\" else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
