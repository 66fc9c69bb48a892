"""Devices of a merchant: found, blocked and forgotten, one or many at once."""

from collections.abc import Mapping, Sequence

from flask import Response, url_for

from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.tasks import Tab, Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import applications, device_support, panel_lists
from gatehouse.operations.devices import Device

tasks = Tasks("devices", tab=Tab("Devices", "devices_show_all"))

STATES: Mapping[str, str] = {"registered": "Registered", "activated": "Activated", "blocked": "Blocked"}

_DEVICES = "/merchants/<merchant_id>/devices"
_NAMED = 10
"""Devices that a question names; of more it tells how many."""


@tasks.page(_DEVICES, Right.READ)
def show_all(visit: Visit, merchant_id: int) -> Response:
    """List the newest devices, or those that agree with what is asked for."""
    state, application_id = visit.asked("state"), visit.asked_number("application")
    wanted = visit.asked("device", 256)
    page, owners = panel_lists.list_newest_devices(
        visit.call,
        merchant_id,
        visit.asked_number("before"),
        device_id=wanted or None,
        application_id=application_id,
        state=state if state in STATES else None,
    )
    following = page.continues_at and url_for(
        "admin.devices_show_all",
        merchant_id=merchant_id,
        before=page.continues_at,
        state=state or None,
        application=application_id,
        device=wanted or None,
    )
    known = applications.list_applications(visit.call, merchant_id)
    return visit.render(
        "devices/list",
        devices=page.records,
        owners=owners,
        applications={each.id: each.name for each in known},
        states=STATES,
        asked={"state": state, "application": application_id, "device": wanted},
        next=following,
    )


@tasks.action(f"{_DEVICES}/block", Right.BLOCK_DEVICES)
def block(visit: Visit, merchant_id: int) -> Response:
    """Block what was chosen, after asking."""
    effects = [
        "Nobody can log in from them, or register or activate them again, under any account.",
        "Sessions and login cookies that began on them end at once.",
        "You can lift the block again.",
    ]
    return _do(visit, merchant_id, "Block", effects, "devices_blocked", "block")


@tasks.action(f"{_DEVICES}/unblock", Right.BLOCK_DEVICES)
def unblock(visit: Visit, merchant_id: int) -> Response:
    """Lift the blocks of what was chosen, after asking."""
    effects = ["They can be used again, as they were before they were blocked; what has ended stays ended."]
    return _do(visit, merchant_id, "Unblock", effects, "devices_unblocked", "unblock", is_dangerous=False)


@tasks.action(f"{_DEVICES}/forget", Right.FORGET_DEVICES)
def forget(visit: Visit, merchant_id: int) -> Response:
    """Remove the registrations that were chosen, after asking."""
    effects = [
        "Their registrations are removed, and whoever has them must register and activate them anew.",
        "Sessions and login cookies that began on them end at once.",
        "This cannot be undone.",
    ]
    return _do(visit, merchant_id, "Forget", effects, "devices_forgotten", "forget")


def _do(
    visit: Visit,
    merchant_id: int,
    what: str,
    effects: Sequence[str],
    done: str,
    endpoint: str,
    is_dangerous: bool = True,
) -> Response:
    """Ask first, saying what and to how many; and do it when the question was answered."""
    numbers = visit.numbers("device_number")
    chosen = device_support.find_chosen(visit.call, merchant_id, numbers)
    account_id = next(iter(visit.numbers("back_to_account")), None)

    def back(done: str | None = None) -> str:
        if account_id is None:
            return url_for("admin.devices_show_all", merchant_id=merchant_id, done=done)
        return url_for("admin.accounts_show", merchant_id=merchant_id, account_id=account_id, done=done)

    if not chosen:
        return visit.go_to(back("nothing_chosen"))
    if visit.field("is_confirmed") == "yes":
        if endpoint == "forget":
            device_support.forget_devices(visit.call, merchant_id, numbers)
        else:
            device_support.set_devices_blocked(visit.call, merchant_id, numbers, endpoint == "block")
        return visit.go_to(back(done))
    count = f"{len(chosen)} device{'s' if len(chosen) != 1 else ''}"
    named = ", ".join(_named(each) for each in chosen[:_NAMED])
    more = f", and {len(chosen) - _NAMED} more" if len(chosen) > _NAMED else ""
    hidden: dict[str, Sequence[object]] = {"device_number": [each.id for each in chosen], "is_confirmed": ["yes"]}
    if account_id is not None:
        hidden["back_to_account"] = [account_id]
    return visit.confirm(
        f"{what} {count}",
        [f"{named}{more}.", *effects],
        f"{what} {count}",
        back(),
        hidden,
        is_dangerous,
        url_for(f"admin.devices_{endpoint}", merchant_id=merchant_id),
    )


def _named(device: Device) -> str:
    name = device.device_id if len(device.device_id) <= 24 else f"{device.device_id[:23]}…"
    return f"{name} (number {device.id})"
