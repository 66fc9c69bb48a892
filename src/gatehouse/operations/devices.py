"""Devices: registered by their user, activated by a code that arrives by SMS, blocked by an operator."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.lifetimes import MAX_ACTIVATION_TRIES, MAX_WRONG_ACTIVATION_CODES
from gatehouse.domain.messages import MessageKind
from gatehouse.domain.operators import Right
from gatehouse.domain.results import ServiceResult
from gatehouse.operations import audit, authority, callers, guessing, outbox
from gatehouse.operations.callers import LoggedIn
from gatehouse.operations.calls import Call
from gatehouse.operations.guessing import Budget
from gatehouse.operations.phone_numbers import normalised_phone
from gatehouse.security import tokens
from gatehouse.storage import devices, login_cookies, merchants, sessions
from gatehouse.storage.accounts import Account
from gatehouse.storage.devices import Device as Device
from gatehouse.storage.sessions import Session

PAGE = 1000
"""Registrations that a list gives at most; the next page begins after the last number of this one."""


@dataclass(frozen=True)
class _Owner:
    """For whom a device is registered: an account, or for the time being the application alone."""

    merchant_id: int
    application_id: int
    account: Account | None = None
    session: Session | None = None

    def record(
        self, call: Call, event: AuditEvent, device_number: int | None, outcome: ReturnCode | None = None
    ) -> None:
        """Add the audit entry."""
        audit.record(
            call,
            event,
            merchant_id=self.merchant_id,
            application_id=self.application_id,
            account_id=self.account.id if self.account else None,
            outcome=outcome,
            subject=str(device_number) if device_number else None,
        )


def register_device(call: Call, device_id: str | None, phone_number: str | None) -> ServiceResult:
    """Register a device for the session's account, with the number that its activation codes go to.

    Without a session, an application that may register devices by its token alone registers it without an account;
    the first Login from it binds it. Registering again is no error; another number asks for a new activation, and of
    an activated device its owner is told, since a session is all that it takes.
    Without a number the one of an earlier registration counts, else the account's own. Returns SUCCESS with the
    registration's number; what `callers.find_logged_in` says; MISSING_FIELD; INVALID_FIELD;
    PHONE_NUMBER_REQUIRED; DEVICE_BLOCKED.
    Source: contract, Methods; Account Service seed, RegisterDevice.
    """
    call.known.device_id = device_id
    with call.reading():
        owner = _find_owner(call)
        if isinstance(owner, ReturnCode):
            return ServiceResult(return_code=owner)
        if not device_id:
            return ServiceResult(return_code=ReturnCode.MISSING_FIELD, detail="deviceId")
        account_id = owner.account.id if owner.account else None
        if phone_number:
            phone = normalised_phone(phone_number, merchants.get(call.db, owner.merchant_id).region)
            if phone is None:
                return ServiceResult(return_code=ReturnCode.INVALID_FIELD, detail="phoneNumber")
        else:
            before = devices.find_registered(call.db, owner.application_id, device_id, account_id)
            known = (before.phone if before else None, owner.account.phone if owner.account else None)
            phone = next(filter(None, known), None)
        if phone is None:
            return ServiceResult(return_code=ReturnCode.PHONE_NUMBER_REQUIRED)
    with call.writing():
        if devices.is_blocked(call.db, owner.merchant_id, device_id):
            owner.record(call, AuditEvent.DEVICE_REGISTRATION_REFUSED, None, ReturnCode.DEVICE_BLOCKED)
            return ServiceResult(return_code=ReturnCode.DEVICE_BLOCKED)

        device = devices.find_or_add(
            call.db, owner.merchant_id, owner.application_id, account_id, device_id, phone, call.now
        )
        event = AuditEvent.DEVICE_REGISTERED
        if device.phone != phone:
            devices.change(call.db, device.id, phone=phone, activated_at=None, last_seen_at=call.now)
            # Its receiver would vouch for a number that is another's.
            devices.end_activation_code(call.db, device.id)
            if device.activated_at is not None and owner.account:
                event = AuditEvent.DEVICE_NUMBER_CHANGED
                _tell_of_changed_number(call, owner.account, device, phone)
        if owner.session:
            if owner.session.login_cookie_id is not None:
                login_cookies.set_device(call.db, owner.session.login_cookie_id, device_id)
            sessions.set_device(call.db, owner.session.id, device_id)
            callers.note_use(call, owner.session)
        owner.record(call, event, device.id)
        return ServiceResult(return_code=ReturnCode.SUCCESS, number=str(device.id))


def device_send_activation_code(call: Call, device_id: str | None) -> ServiceResult:
    """Send a new activation code to the number of the device's registration; an older code ends.

    Returns SUCCESS; what `callers.find_logged_in` says; MISSING_FIELD; DEVICE_NOT_REGISTERED; DEVICE_BLOCKED;
    PHONE_NUMBER_REQUIRED. Source: Account Service seed, DeviceSendActivationCode.
    """
    call.known.device_id = device_id
    with call.reading():
        who = callers.find_logged_in(call, may_lack_device=True)
    if isinstance(who, ReturnCode):
        return ServiceResult(return_code=who)
    if not device_id:
        return ServiceResult(return_code=ReturnCode.MISSING_FIELD, detail="deviceId")
    with call.writing():
        found = _find_own_device(call, who, device_id)
        if isinstance(found, ServiceResult):
            return found
        owner, account, device = found
        if device.phone is None:
            return ServiceResult(return_code=ReturnCode.PHONE_NUMBER_REQUIRED, number=str(device.id))
        code = tokens.draw_activation_code()
        expires_at = call.now + timedelta(minutes=call.settings.activation_code_minutes)
        devices.replace_activation_code(
            call.db, device, call.keys.activation_code_digest(device.id, code), expires_at, call.now
        )
        outbox.queue_sms(
            call,
            MessageKind.ACTIVATION_CODE,
            account,
            device.phone,
            expires_at=expires_at,
            code=code,
            minutes=str(call.settings.activation_code_minutes),
        )
        owner.record(call, AuditEvent.ACTIVATION_CODE_SENT, device.id)
        return ServiceResult(return_code=ReturnCode.SUCCESS, number=str(device.id))


def device_activate(call: Call, device_id: str | None, activation_code: str | None) -> ServiceResult:
    """Activate a device with the code that its user received, and tell the account's owner.

    Returns SUCCESS; what `callers.find_logged_in` says; MISSING_FIELD; DEVICE_NOT_REGISTERED; DEVICE_BLOCKED;
    INVALID_ACTIVATION_CODE for a code that is wrong, used, replaced or tried too often; TOO_MANY_REQUESTS after
    too many wrong ones for the device;
    ACTIVATION_CODE_EXPIRED for the right one, too late. Source: Account Service seed, DeviceActivate.
    """
    call.known.device_id = device_id
    with call.reading():
        who = callers.find_logged_in(call, may_lack_device=True)
    if isinstance(who, ReturnCode):
        return ServiceResult(return_code=who)
    if not device_id:
        return ServiceResult(return_code=ReturnCode.MISSING_FIELD, detail="deviceId")
    with call.writing():
        found = _find_own_device(call, who, device_id)
        if isinstance(found, ServiceResult):
            return found
        owner, account, device = found
        if not activation_code:
            return ServiceResult(return_code=ReturnCode.MISSING_FIELD, number=str(device.id), detail="activationCode")
        budgets = [Budget(("activation code", device.id), MAX_WRONG_ACTIVATION_CODES, keeps_window=True)]
        if wait := guessing.wait(call, budgets):
            return ServiceResult(return_code=ReturnCode.TOO_MANY_REQUESTS, number=str(device.id), retry_after=wait)
        kept = devices.try_activation_code(call.db, device, MAX_ACTIVATION_TRIES)
        given = call.keys.activation_code_digest(device.id, activation_code.strip())
        is_right = tokens.matches(kept.code_digest if kept else None, given)
        if kept is None or not is_right or kept.expires_at <= call.now:
            is_late = kept is not None and is_right
            if not is_late:
                guessing.count_wrong(call, budgets)
            refusal = ReturnCode.ACTIVATION_CODE_EXPIRED if is_late else ReturnCode.INVALID_ACTIVATION_CODE
            owner.record(call, AuditEvent.DEVICE_ACTIVATION_REFUSED, device.id, refusal)
            return ServiceResult(return_code=refusal, number=str(device.id))
        devices.use_activation_code(call.db, kept, call.now)
        devices.change(call.db, device.id, activated_at=call.now, last_seen_at=call.now)
        outbox.queue_mail(
            call,
            MessageKind.DEVICE_ACTIVATED,
            account,
            device=_masked(device_id, shown=4),
            phone=_masked(device.phone or "", shown=4),
        )
        owner.record(call, AuditEvent.DEVICE_ACTIVATED, device.id)
        return ServiceResult(return_code=ReturnCode.SUCCESS, number=str(device.id))


def set_device_blocked(call: Call, device_number: int, is_blocked: bool) -> Device:
    """Block a device, under every account that registered it, and end what was begun on it; or lift the block.

    Raises AdministrationError.
    """
    with call.writing():
        device = _get_device(call, device_number)
        authority.require(call, Right.BLOCK_DEVICES, device.merchant_id)
        call.known.device_id = device.device_id
        devices.set_blocked(call.db, device.merchant_id, device.device_id, call.now if is_blocked else None)
        if is_blocked:
            login_cookies.end_of_device(call.db, device.merchant_id, device.device_id, call.now)
            sessions.end_of_device(call.db, device.merchant_id, device.device_id, call.now)
        audit.record(
            call,
            AuditEvent.DEVICE_BLOCKED if is_blocked else AuditEvent.DEVICE_UNBLOCKED,
            merchant_id=device.merchant_id,
            account_id=device.account_id,
            subject=str(device_number),
            changes=audit.changes_of(device, {"blocked_at": call.now if is_blocked else None}),
        )
        return _get_device(call, device_number)


def show_device(call: Call, device_number: int) -> Device:
    """Return the registration. Raises AdministrationError."""
    with call.reading():
        found = _get_device(call, device_number)
    authority.require(call, Right.READ, found.merchant_id)
    return found


def list_devices(call: Call, merchant_id: int | None, account_id: int | None, after: int = 0) -> Sequence[Device]:
    """Return a page of registrations, by number."""
    with call.reading():
        return devices.find_page(call.db, merchant_id, account_id, after, PAGE)


def _tell_of_changed_number(call: Call, account: Account, before: Device, phone: str) -> None:
    """Tell the owner, once: until it is activated again, the device has no number that anybody relied on."""
    outbox.queue_mail(
        call,
        MessageKind.DEVICE_NUMBER_CHANGED,
        account,
        device=_masked(before.device_id, shown=4),
        phone=_masked(phone, shown=4),
        former_phone=_masked(before.phone or "", shown=4),
    )


def _masked(text: str, shown: int) -> str:
    """Return the end of a text, by which its owner knows it and nobody else learns it."""
    return "…" + text[-shown:] if len(text) >= 2 * shown else "…"


def _find_own_device(call: Call, who: LoggedIn, device_id: str) -> tuple[_Owner, Account, Device] | ServiceResult:
    """Return the caller, its account and its registration of this device, or the refusal."""
    callers.note_use(call, who.session)
    merchant_id = who.account.merchant_id
    device = devices.find_registered(call.db, who.session.application_id, device_id, who.account.id, lock=True)
    if device is None:
        return ServiceResult(return_code=ReturnCode.DEVICE_NOT_REGISTERED)
    if devices.is_blocked(call.db, merchant_id, device_id):
        return ServiceResult(return_code=ReturnCode.DEVICE_BLOCKED, number=str(device.id))
    return _Owner(merchant_id, who.session.application_id, who.account, who.session), who.account, device


def _find_owner(call: Call) -> _Owner | ReturnCode:
    """Return for whom the caller may register a device, or why it may not."""
    who = callers.find_logged_in(call, may_lack_device=True)
    if isinstance(who, LoggedIn):
        return _Owner(who.account.merchant_id, who.session.application_id, who.account, who.session)
    if who is ReturnCode.SESSION_REQUIRED:
        application = callers.find_application(call)
        if not isinstance(application, ReturnCode) and application.registers_devices_by_token:
            return _Owner(application.merchant_id, application.id)
    return who


def _get_device(call: Call, device_number: int) -> Device:
    found = devices.find(call.db, device_number)
    if found is None:
        raise AdministrationError("there is no device of this number")
    return found
