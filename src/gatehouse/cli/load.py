"""`gatehouse load`: calls a service as its clients do, and prints what it answers, how fast, and how late."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import click

from gatehouse.cli.opening import open_current_core
from gatehouse.cli.printing import print_record, print_records
from gatehouse.cli.secret_input import read_line
from gatehouse.config import Settings
from gatehouse.domain.errors import AdministrationError
from gatehouse.load.calls import Calls, mixed, read_mix
from gatehouse.load.driver import LATE, LOST, Driver, Figures, summary
from gatehouse.load.people import Person, read_people
from gatehouse.load.target import Target
from gatehouse.operations.demo import make_demo

KINDS = ("login", "decode", "logoff", "refused", "reset", "register", "code")
_CUSTOMER = "15"
_WARM_UP = 1.0
"""Seconds before those that count."""

_LIMITED = "TooManyRequests"


def _mix(value: str) -> Mapping[str, int]:
    """A kind: calls with their shares."""
    try:
        return read_mix(value, KINDS)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


_mix.__name__ = "call=share,…"


def _target(value: str) -> Target:
    """A kind: the address of a service."""
    try:
        return Target.of_url(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


_target.__name__ = "url"


@click.command
@click.argument("target", metavar="URL", type=_target)
@click.option("--token", help="Token of the application that calls.")
@click.option("--user", metavar="EMAIL", help="The account that logs in; its password is asked for.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, and do not ask for it.")
@click.option(
    "--users",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV file of accounts: the columns email and password, and perhaps userrole and token.",
)
@click.option("--demo", "uses_demo", is_flag=True, help="The demo data of this machine's installation.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Calls a second; without, as many as can be.")
@click.option(
    "--connections", type=click.IntRange(1, 800), default=16, show_default=True, help="Calls at the same time at most."
)
@click.option("--seconds", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="How long.")
@click.option(
    "--mix", type=_mix, default="login=1,decode=20,refused=5", show_default=True, help="How often each comes."
)
@click.option("--insecure", is_flag=True, help="Take any certificate of the server.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def load(
    target: Target,
    token: str | None,
    user: str | None,
    password_stdin: bool,
    file: Path | None,
    uses_demo: bool,
    rate: float | None,
    connections: int,
    seconds: float,
    mix: Mapping[str, int],
    insecure: bool,
    as_json: bool,
) -> None:
    """Call a service for some seconds, and print how many calls it answered and what they took.

    Without --rate each connection calls again as soon as it was answered: that finds the highest rate. With --rate
    calls begin at that rate whatever comes back, and what one took counts from the moment at which it was to begin,
    also when all connections were still waiting. The exit status is 1 when an answer was not what it should be.

    \b
    Calls of a mix: login, decode (DecodeLoginCookie), logoff, refused (UpdatePassword without a session), register
    (RegisterDevice); and reset (ResetPassword) and code (DeviceSendActivationCode), which send mails and SMS. The
    accounts get sessions, login cookies and audit entries like any others: take accounts made for this.

    \b
    gatehouse load http://127.0.0.1:8080 --demo
    gatehouse load http://127.0.0.1:8080 --demo --rate 300 --seconds 60
    gatehouse load https://login.example.com --token 5D0C… --users users.csv --mix login=1
    """
    people = _people(token, user, password_stdin, file, uses_demo)
    _warn_of_limits(rate)
    calls = Calls(target, people)
    with Driver(target, connections, verifies_certificate=not insecure) as driver:
        _log_in(driver, calls, connections if "decode" in mix else 1)
        turns = mixed(calls.makers, mix)
        driver.repeat(turns, _WARM_UP if rate is None else 0.0)
        figures = driver.repeat(turns, seconds) if rate is None else driver.keep_rate(turns, rate, seconds)
    _print(figures, rate, as_json)
    _explain(figures, rate)
    if figures.errors:
        sys.exit(1)


def _people(
    token: str | None, user: str | None, password_stdin: bool, file: Path | None, uses_demo: bool
) -> Sequence[Person]:
    if [user is not None, file is not None, uses_demo].count(True) != 1:
        raise click.UsageError("give one of --user, --users and --demo")
    if uses_demo:
        return _demo_people()
    if file is not None:
        return read_people(file, token)
    assert user is not None
    if token is None:
        raise click.UsageError("--user needs --token")
    password = read_line("password") if password_stdin else str(click.prompt("Password", hide_input=True, err=True))
    return [Person(user, password, token)]


def _demo_people() -> Sequence[Person]:
    with open_current_core() as core:
        demo = make_demo(core)
    tokens = (demo["applicationToken"], demo["mobile"]["applicationToken"])
    customers = [each for each in demo["accounts"] if each["userrole"] == _CUSTOMER]
    return [Person(each["email"], each["password"], token) for each in customers for token in tokens]


def _warn_of_limits(rate: float | None) -> None:
    """Tell that the service limits callers, of which this is one."""
    most = Settings(secret_key="").requests_per_source
    if rate is None or rate * 60 > most:
        click.echo(
            f"One address may make {most:,} calls a minute of each process unless the service has a higher "
            "GATEHOUSE_REQUESTS_PER_SOURCE, and an application ten times as many (GATEHOUSE_REQUESTS_PER_APPLICATION); "
            f"more are answered with {_LIMITED}.",
            err=True,
        )


def _log_in(driver: Driver, calls: Calls, cookies: int) -> None:
    """Get login cookies, one for each connection. Raises AdministrationError where nobody can log in."""
    figures = driver.repeat((calls.login_for_cookie() for _ in range(cookies)), seconds=60.0)
    if calls.cookies < cookies:
        outcomes = ", ".join(f"{outcome} {count}" for outcome, count in figures.errors.items()) or "no cookie came"
        raise AdministrationError(f"the logins before the load were not answered as they should be: {outcomes}")


def _print(figures: Figures, rate: float | None, as_json: bool) -> None:
    shown = dict(summary(figures)) | {"askedRate": rate}
    if as_json:
        print_record(shown, as_json)
        return
    by_call = cast("list[dict[str, Any]]", shown["byCall"])
    rows = [{"call": "all", "calls": figures.calls, **_times(shown)}, *({**each, **_times(each)} for each in by_call)]
    asked = f" of {rate:g} asked for" if rate is not None else ""
    click.echo(f"{figures.rate:.1f} answers a second{asked}, {figures.calls} calls in {figures.seconds:.1f} s\n")
    print_records([rows[0], *rows[1:]], ["call", "calls", "p50", "p95", "p99", "max"], as_json)
    click.echo()
    outcomes = [
        {"call": each["call"], "outcome": outcome, "calls": count}
        for each in by_call
        for outcome, count in each["outcomes"].items()
    ]
    print_records(outcomes, ["call", "outcome", "calls"], as_json)


def _times(shown: Mapping[str, Any]) -> Mapping[str, str]:
    return {name: f"{shown[name] * 1000:.1f} ms" for name in ("p50", "p95", "p99", "max")}


def _explain(figures: Figures, rate: float | None) -> None:
    """Say what an operator can do about what went wrong."""
    hints: list[tuple[bool, Callable[[], str]]] = [
        (
            bool(figures.errors[_LIMITED]),
            lambda: (
                f"{_LIMITED} is a limit of the service and not of the machine: raise GATEHOUSE_REQUESTS_PER_SOURCE "
                "and GATEHOUSE_REQUESTS_PER_APPLICATION for the measurement, and GATEHOUSE_GUESSES_PER_… where "
                "passwords are wrong."
            ),
        ),
        (bool(figures.errors[LOST]), lambda: "Connections were refused or cut: look into the log of the service."),
        (
            rate is not None and (bool(figures.errors[LATE]) or figures.rate < rate * 0.98),
            lambda: "The service does not keep up with this rate, or --connections are too few for it.",
        ),
    ]
    for is_so, hint in hints:
        if is_so:
            click.echo(hint(), err=True)
