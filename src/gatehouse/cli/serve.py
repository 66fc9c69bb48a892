"""`gatehouse serve`: the service, with a delivery worker in each of its processes."""

import os
import shlex
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import click

from gatehouse.cli.opening import open_core
from gatehouse.config import MailServer, Settings, SmsGateway, read_settings
from gatehouse.domain.errors import AdministrationError
from gatehouse.logs import configure_logging
from gatehouse.operations.demo import make_demo
from gatehouse.operations.schema import is_schema_current, upgrade_schema

_ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Login xmlns="{namespace}">'
    "<Email>{email}</Email><Password>{password}</Password><userrole>{userrole}</userrole>"
    "<applicationToken>{token}</applicationToken></Login></s:Body></s:Envelope>"
)


@click.command()
@click.option("--demo", "with_demo", is_flag=True, help="First bring the schema up to date and make the demo data.")
@click.option("--no-worker", is_flag=True, help="Deliver no mail and SMS; a `gatehouse worker` does.")
def serve(with_demo: bool, no_worker: bool) -> None:
    """Run the service until it is stopped, by default on 127.0.0.1:8080.

    GATEHOUSE_BIND, GATEHOUSE_WORKERS and GATEHOUSE_THREADS say where and how large.

    \b
    Examples:
      gatehouse serve --demo
      GATEHOUSE_DATABASE_URL=postgresql+psycopg://gatehouse@db/gatehouse gatehouse serve
    """
    # gunicorn and the fronts are imported for this command alone.
    from gatehouse.server import Server
    from gatehouse.server.memory import share_between_threads

    share_between_threads()
    settings = read_settings(os.environ)
    configure_logging(settings.log_level, settings.log_format)
    demo = None
    # Closed before gunicorn makes its processes, which must not share a connection, nor believe in threads of this one.
    with open_core() as core:
        if with_demo:
            upgrade_schema(core)
            try:
                demo = make_demo(core)
            except AdministrationError as error:
                # An operator has changed the demo data since; that is no reason not to serve.
                click.echo(f"The demo data are not shown: {error}", err=True)
        elif not is_schema_current(core):
            raise AdministrationError('the schema of the database is not current, run "gatehouse migrate" first')
    Server(settings, with_worker=not no_worker, when_ready=lambda: _tell(settings, demo)).run()


def _tell(settings: Settings, demo: dict[str, Any] | None) -> None:
    """Print where everything is."""
    address = f"{settings.own_url}/v2/account.svc"
    lines = [
        "Gatehouse is ready.",
        f"  WSDL          {address}?wsdl",
        f"  Help page     {address}",
        f"  Panel         {settings.own_url}/admin",
        f"  Mail          {_shown(settings.mail_url)}",
        f"  SMS           {_shown(settings.sms_url)}",
    ]
    if demo is not None:
        account, token = demo["accounts"][0], demo["applicationToken"]
        values = {"EMAIL": account["email"], "PASSWORD": account["password"], "TOKEN": token}
        envelope = _ENVELOPE.format(
            namespace=settings.soap_namespace,
            email=escape(account["email"]),
            password=escape(account["password"]),
            userrole=account["userrole"],
            token=escape(token),
        )
        lines += [
            f"  Demo account  {account['email']}, password {account['password']}, role {account['userrole']}",
            f"  Application   {token}",
            f"  Operator      {demo['admin']['username']}, password {demo['admin']['password']}",
            f"Everything of the demo data: {sys.argv[0]} demo --json",
            "For the examples of the README:",
            f"  export {' '.join(f'{name}={shlex.quote(value)}' for name, value in values.items())}",
            "Log in:",
            f"  curl -s {shlex.quote(address)} -H 'Content-Type: text/xml; charset=utf-8' -d {shlex.quote(envelope)}",
        ]
    click.echo("\n".join(lines))


def _shown(target: Path | MailServer | SmsGateway) -> str:
    return str(target.absolute() if isinstance(target, Path) else target)
