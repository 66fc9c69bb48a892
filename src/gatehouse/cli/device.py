"""`gatehouse device`: the devices that accounts have registered."""

import click

from gatehouse.cli.opening import open_call
from gatehouse.cli.option_types import after_option, any_merchant_option, number
from gatehouse.cli.printing import Shown, json_option, print_more_hint, print_record, print_records
from gatehouse.operations import devices
from gatehouse.operations.devices import Device


@click.group
def device() -> None:
    """Devices that accounts have registered. They add themselves, by RegisterDevice.

    \b
    gatehouse device list --account 1001
    gatehouse device block 7
    """


@device.command("list")
@any_merchant_option
@click.option("--account", "account_id", type=number, help="Only those of this account.")
@after_option
@json_option
def list_page(merchant_id: int | None, account_id: int | None, after: int, as_json: bool) -> None:
    """List up to a thousand registrations, by number."""
    with open_call() as call:
        found = devices.list_devices(call, merchant_id, account_id, after)
    names = ["deviceNumber", "merchantId", "accountId", "deviceId", "phone", "activatedAt", "blockedAt", "lastSeenAt"]
    print_records([_shown(each) for each in found], names, as_json)
    if len(found) == devices.PAGE:
        print_more_hint(found[-1].id)


@device.command("show")
@click.argument("device_number", metavar="NUMBER", type=number)
@json_option
def show(device_number: int, as_json: bool) -> None:
    """Show a registration."""
    with open_call() as call:
        print_record(_shown(devices.show_device(call, device_number)), as_json)


@device.command("block")
@click.argument("device_number", metavar="NUMBER", type=number)
@json_option
def block(device_number: int, as_json: bool) -> None:
    """Block the device under every account; what was begun on it ends."""
    with open_call() as call:
        print_record(_shown(devices.set_device_blocked(call, device_number, True)), as_json)


@device.command("unblock")
@click.argument("device_number", metavar="NUMBER", type=number)
@json_option
def unblock(device_number: int, as_json: bool) -> None:
    """Lift the block of the device."""
    with open_call() as call:
        print_record(_shown(devices.set_device_blocked(call, device_number, False)), as_json)


def _shown(found: Device) -> Shown:
    return {
        "deviceNumber": found.id,
        "merchantId": found.merchant_id,
        "applicationId": found.application_id,
        "accountId": found.account_id,
        "deviceId": found.device_id,
        "phone": found.phone,
        "activatedAt": found.activated_at,
        "blockedAt": found.blocked_at,
        "lastSeenAt": found.last_seen_at,
        "createdAt": found.created_at,
    }
