"""Prints what a command found or did: JSON for programs, lines and tables for people."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

Shown = Mapping[str, Any]
"""What is shown of a record, under the names that JSON has. Each command lists it, so that no secret slips in."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_record(record: Shown, as_json: bool) -> None:
    """Print one record: a JSON object, or a line for each value."""
    if as_json:
        _print_json(record)
        return
    width = max(map(len, record))
    for name, value in record.items():
        click.echo(f"{name + ':':<{width + 1}} {_text(value)}")


def print_records(records: Sequence[Shown], names: Sequence[str], as_json: bool) -> None:
    """Print records: a JSON array of all that is shown, or a table of the values of these names."""
    if as_json:
        _print_json(records)
        return
    rows = [list(names), *([_text(record[name]) for name in names] for record in records)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(names))]
    for row in rows:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def print_more_hint(last_number: int) -> None:
    """Tell, beside the output, how to see the next page of a list."""
    click.echo(f"There are more; see them with --after {last_number}.", err=True)


def print_once_hint(what: str) -> None:
    """Tell, beside the output, that a secret in it is not shown again."""
    click.echo(f"Keep {what} now: only this command shows it, and only once.", err=True)


def json_line(record: Shown) -> str:
    """Return a record as one line of JSON, without the line's end."""
    return json.dumps(record, default=_json_value, separators=(",", ":"))


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, default=_json_value))


def _json_value(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    raise TypeError(type(value).__name__)


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
        case timedelta():
            return _duration(value)
        case list() | tuple():
            return ", ".join(map(_text, value)) or "-"
        case _:
            # A name that a client gave itself could hold codes that a terminal obeys.
            return "".join(character if character.isprintable() else "?" for character in str(value))


def _duration(value: timedelta) -> str:
    """Return the duration in the largest unit that it is a whole number of, as the options take it."""
    seconds = int(value.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
