"""Takes secrets from a hidden prompt or from standard input, never from an argument, which other users can see."""

import click


def ask(what: str) -> str:
    """Ask for a secret twice, without showing it."""
    answer: str = click.prompt(what, hide_input=True, confirmation_prompt=True)
    return answer


def read_line(what: str) -> str:
    """Return the next line of standard input without its end. Ends the command when there is none."""
    line = click.get_text_stream("stdin").readline().rstrip("\r\n")
    if not line:
        raise click.UsageError(f"standard input has no line with the {what}")
    return line
