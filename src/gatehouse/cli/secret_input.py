"""Takes secrets from a hidden prompt or from standard input, never from an argument, which other users can see."""

import sys

import click


def ask(what: str) -> str:
    """Ask for a secret twice, without showing it, beside the output."""
    return click.prompt(what, hide_input=True, confirmation_prompt=True, err=True)


def read_line(what: str) -> str:
    """Return the next line of standard input without its end. Raises UsageError when there is none."""
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.UsageError(f"standard input has no line with the {what}")
    return line
