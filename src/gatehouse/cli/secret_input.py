"""Takes secrets from a hidden prompt or from standard input, never from an argument, which other users can see."""

import sys

import click

from gatehouse.domain.password_policy import MAX_PASSWORD_BYTES, is_too_long


def ask(what: str) -> str:
    """Ask for a secret twice, without showing it, beside the output."""
    return _checked(click.prompt(what, hide_input=True, confirmation_prompt=True, err=True), what.lower())


def read_line(what: str) -> str:
    """Return the next line of standard input without its end. Raises UsageError when there is none."""
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.UsageError(f"standard input has no line with the {what}")
    return _checked(line, what)


def _checked(secret: str, what: str) -> str:
    """Return the secret. Raises UsageError when it is too long to be hashed, or is not of characters."""
    if is_too_long(secret):
        raise click.UsageError(f"the {what} is longer than {MAX_PASSWORD_BYTES} bytes")
    if any("\ud800" <= character <= "\udfff" for character in secret):
        raise click.UsageError(f"the {what} is not in the encoding of this terminal")
    return secret
