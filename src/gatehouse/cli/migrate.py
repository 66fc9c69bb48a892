"""`gatehouse migrate`: brings the schema up to date."""

import click

from gatehouse.cli.opening import open_core
from gatehouse.cli.printing import json_option, print_record
from gatehouse.operations.schema import upgrade_schema


@click.command
@json_option
def migrate(as_json: bool) -> None:
    """Bring the database to the schema of this version.

    Run it once before the first start and after each update. It does nothing when there is nothing to do, and
    several machines may run it at the same time.
    """
    with open_core() as core:
        has_changed = upgrade_schema(core)
    if as_json:
        print_record({"hasChanged": has_changed}, as_json)
    else:
        click.echo("The schema was brought up to date." if has_changed else "The schema was up to date.")
