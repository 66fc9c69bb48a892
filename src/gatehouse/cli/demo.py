"""`gatehouse demo`: makes the demo data once, and shows them."""

import click

from gatehouse.cli.opening import open_current_core
from gatehouse.cli.printing import json_option, print_record, print_records
from gatehouse.operations.demo import make_demo


@click.command
@json_option
def demo(as_json: bool) -> None:
    """Make the demo data once, and show them with their passwords and tokens.

    The secrets come from this installation's secret key, so each run shows the same. Do not make demo data
    beside real accounts: whoever may run this command may log in with them.
    """
    with open_current_core() as core:
        data = make_demo(core)
    if as_json:
        print_record(data, as_json)
        return
    applications = [{"application": "shop", **data}, {"application": "mobile", **data["mobile"]}]
    click.echo(f"Merchant {data['merchantId']}\n")
    print_records(applications, ["application", "applicationToken", "hashKey"], as_json)
    click.echo()
    print_records(data["integrations"], ["clientId", "clientSecret", "authentication"], as_json)
    click.echo()
    print_records(data["accounts"], ["accountId", "userrole", "email", "password", "pincode", "phone"], as_json)
    click.echo()
    print_records([data["admin"] | {"operator": data["admin"]["username"]}], ["operator", "password"], as_json)
