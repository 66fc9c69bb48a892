"""What an operator does to many devices at once, all of one merchant."""

from collections.abc import Sequence

from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.operators import Right
from gatehouse.operations import audit, authority
from gatehouse.operations.calls import Call
from gatehouse.operations.devices import set_device_blocked
from gatehouse.storage import devices, login_cookies, panel_lists, sessions
from gatehouse.storage.devices import Device

MOST_AT_ONCE = 200


def find_chosen(call: Call, merchant_id: int, numbers: Sequence[int]) -> Sequence[Device]:
    """Return the merchant's registrations of these numbers, without those that are gone or another's.

    Raises AdministrationError when they are too many for one go.
    """
    authority.require(call, Right.READ, merchant_id)
    if len(numbers) > MOST_AT_ONCE:
        raise AdministrationError(f"this can be done to {MOST_AT_ONCE} devices at once")
    with call.reading():
        return panel_lists.find_devices_by_number(call.db, merchant_id, numbers)


def set_devices_blocked(call: Call, merchant_id: int, numbers: Sequence[int], is_blocked: bool) -> int:
    """Block these devices of the merchant or lift their blocks; return how many. Raises AdministrationError."""
    chosen = find_chosen(call, merchant_id, numbers)
    with call.writing():
        for each in chosen:
            set_device_blocked(call, each.id, is_blocked)
    return len(chosen)


def forget_devices(call: Call, merchant_id: int, numbers: Sequence[int]) -> int:
    """Remove these registrations of the merchant, and end what was begun on them; return how many.

    Raises AdministrationError for one that is blocked, because it could register again.
    """
    authority.require(call, Right.FORGET_DEVICES, merchant_id)
    chosen = find_chosen(call, merchant_id, numbers)
    blocked = [str(each.id) for each in chosen if each.blocked_at is not None]
    if blocked:
        raise AdministrationError(
            f"a blocked device could register again; first lift the block of {', '.join(blocked)}"
        )
    with call.writing():
        for each in chosen:
            call.known.device_id = each.device_id
            login_cookies.end_of_device(call.db, merchant_id, each.device_id, call.now)
            sessions.end_of_device(call.db, merchant_id, each.device_id, call.now)
            devices.remove(call.db, each.id)
            shown = {"device_id": None, "phone": None, "activated_at": None}
            audit.record(
                call,
                AuditEvent.DEVICE_FORGOTTEN,
                merchant_id=merchant_id,
                account_id=each.account_id,
                subject=str(each.id),
                changes=audit.changes_of(each, shown),
            )
    return len(chosen)
