"""The command `gatehouse`. Its subcommands are imported when they are called, so that the help comes at once."""

import importlib
import os

import click

from gatehouse import __version__
from gatehouse.config import SettingsError
from gatehouse.domain.errors import AdministrationError, UnavailableError

_COMMANDS = {
    "migrate": ("gatehouse.cli.migrate", "Bring the database to the schema of this version."),
    "serve": ("gatehouse.cli.serve", "Run the service."),
    "worker": ("gatehouse.cli.worker", "Deliver mails and SMS, apart from the service."),
    "doctor": ("gatehouse.cli.doctor", "Check the configuration."),
    "demo": ("gatehouse.cli.demo", "Make the demo data once, and show them."),
    "merchant": ("gatehouse.cli.merchant", "Merchants and their password rules."),
    "application": ("gatehouse.cli.application", "Programs that call, and their policies."),
    "integration": ("gatehouse.cli.integration", "Partners' servers that call for a merchant."),
    "account": ("gatehouse.cli.account", "Accounts of a merchant's customers and staff."),
    "device": ("gatehouse.cli.device", "Devices that accounts have registered."),
    "message": ("gatehouse.cli.message", "Mails and SMS: what became of them, and how they look."),
    "audit": ("gatehouse.cli.audit", "What happened: listed, taken away and verified."),
    "admin": ("gatehouse.cli.admin", "Operators, who sign in to the panel."),
    "load": ("gatehouse.cli.load", "Measure how many calls a service answers."),
    "wsdl": ("gatehouse.cli.wsdl", "Write the WSDL documents to a folder."),
}
"""Each subcommand with its module, which has a click command of the same name, and its line of help."""


class _Gatehouse(click.Group):
    """The group of all subcommands, none of which is imported before it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a newcomer needs them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a subcommand, or None when there is none of this name."""
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the lines of help without an import."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a subcommand; what an operator can put right is one line and exit status 1, never a traceback."""
        try:
            return super().invoke(ctx)
        except (AdministrationError, SettingsError) as error:
            raise click.ClickException(str(error)) from error
        except UnavailableError as error:
            raise click.ClickException(f"the database does not answer, see GATEHOUSE_DATABASE_URL ({error})") from error
        except BrokenPipeError:
            raise  # click ends quietly when the reader of a pipe has gone
        except OSError as error:
            raise click.ClickException(f"{error.strerror}: {error.filename}") from error


@click.group(cls=_Gatehouse, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="gatehouse")
def main() -> None:
    """Gatehouse, a self-hosted account service.

    Settings are environment variables named GATEHOUSE_…; without any, data go to var/ in the current folder.
    "gatehouse COMMAND --help" tells more of each command.

    \b
    Try it:
      gatehouse migrate
      gatehouse demo --json
      gatehouse serve

    \b
    Set up a merchant:
      gatehouse merchant add Acme --region US
      gatehouse application add --merchant 1 "Acme shop"
      gatehouse account add --merchant 1 --email jane@example.com

    \b
    Look around:
      gatehouse doctor
      gatehouse account list --merchant 1 --json
    """
    # What the service makes is for its own user and group.
    os.umask(0o027)
