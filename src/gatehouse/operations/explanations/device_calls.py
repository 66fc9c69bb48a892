"""Explains the calls about devices, in the order of their operations. Reads only."""

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.lifetimes import MAX_ACTIVATION_TRIES, MAX_WRONG_ACTIVATION_CODES
from gatehouse.operations import guessing
from gatehouse.operations.calls import Call
from gatehouse.operations.explanations.callers import MOST_DEVICES, explain_application, explain_session, note_device
from gatehouse.operations.explanations.course import Course, utc_text, wait_text
from gatehouse.operations.explanations.values import BLOCKED, DEVICE, NOT_TRIED, VALUES, Values, lacks, text_of
from gatehouse.operations.guessing import Budget
from gatehouse.operations.phone_numbers import normalised_phone
from gatehouse.operations.signed_in import SignedIn
from gatehouse.storage import devices, explanations, merchants
from gatehouse.storage.devices import Device


def explain_register(call: Call, who: SignedIn, course: Course, values: Values) -> None:
    """Add the steps of RegisterDevice."""
    if not call.caller.credentials_token:
        application = explain_application(call, who, course)
        if application is None:
            return
        if not application.registers_devices_by_token:
            text = "There is no credentials token, and the application may not register devices by its token alone."
            course.refuses("The session", ReturnCode.SESSION_REQUIRED, text)
            return
        merchant_id, application_id, account = application.merchant_id, application.id, None
    else:
        found = explain_session(call, who, course, may_lack_device=True)
        if found is None:
            return
        merchant_id, application_id, account = found.session.merchant_id, found.session.application_id, found.account
    device_id = text_of(values, "deviceId")
    if lacks(course, values, "deviceId") or device_id is None:
        return
    note_device(call, course, merchant_id, device_id)
    phone = text_of(values, "phoneNumber")
    region = merchants.get(call.db, merchant_id).region
    if phone:
        if normalised_phone(phone, region) is None:
            text = f"It is no phone number, neither with its country's prefix nor as one of {region}."
            course.refuses(VALUES, ReturnCode.INVALID_FIELD, text, "phoneNumber")
            return
        course.passes(VALUES, "A device and a phone number.")
    else:
        before = devices.find_registered(call.db, application_id, device_id, account.id if account else None)
        if not (before and before.phone) and not (account and account.phone):
            text = "The call has no phone number, and neither an earlier registration nor the account has one."
            course.refuses(VALUES, ReturnCode.PHONE_NUMBER_REQUIRED, text)
            return
        course.passes(VALUES, "A device; its phone number is known already.")
    if devices.is_blocked(call.db, merchant_id, device_id):
        course.refuses(DEVICE, ReturnCode.DEVICE_BLOCKED, BLOCKED)
        return
    course.passes(DEVICE, "It is not blocked.")


def _explain_own_device(call: Call, who: SignedIn, course: Course, values: Values) -> Device | None:
    """Add the steps up to the registration of the session's account; return it, or None where the call ends."""
    found = explain_session(call, who, course, may_lack_device=True)
    if found is None or lacks(course, values, "deviceId"):
        return None
    device_id, session = text_of(values, "deviceId") or "", found.session
    note_device(call, course, session.merchant_id, device_id)
    device = devices.find_registered(call.db, session.application_id, device_id, found.account.id)
    if device is None:
        others = explanations.find_devices(call.db, session.merchant_id, device_id, MOST_DEVICES)
        what = "Others registered it, but not this account in this application." if others else "Nobody registered it."
        course.refuses(DEVICE, ReturnCode.DEVICE_NOT_REGISTERED, what)
        return None
    if devices.is_blocked(call.db, session.merchant_id, device_id):
        course.refuses(DEVICE, ReturnCode.DEVICE_BLOCKED, BLOCKED)
        return None
    state = "It is activated already." if device.activated_at else "It is registered, and waits for its code."
    course.passes(DEVICE, state)
    return device


def explain_send_code(call: Call, who: SignedIn, course: Course, values: Values) -> None:
    """Add the steps of DeviceSendActivationCode."""
    device = _explain_own_device(call, who, course, values)
    if device is None:
        return
    if device.phone is None:
        text = "No phone number is known for it, so that there is nowhere to send a code to."
        course.refuses("The phone number", ReturnCode.PHONE_NUMBER_REQUIRED, text)
        return
    text = "A code would be sent by SMS. Whether it arrived is told under Messages."
    course.passes("The phone number", text)


def explain_activate(call: Call, who: SignedIn, course: Course, values: Values) -> None:
    """Add the steps of DeviceActivate."""
    device = _explain_own_device(call, who, course, values)
    if device is None or lacks(course, values, "activationCode"):
        return
    step = "The activation code"
    budgets = [Budget(("activation code", device.id), MAX_WRONG_ACTIVATION_CODES, keeps_window=True)]
    if wait := guessing.wait(call, budgets):
        text = f"The device waits {wait_text(wait)} after {MAX_WRONG_ACTIVATION_CODES} wrong codes."
        course.refuses(step, ReturnCode.TOO_MANY_REQUESTS, text)
        return
    kept = explanations.find_activation_code(call.db, device.id)
    if kept is None:
        text = "The device waits for no code: none was sent since it was registered, or since its phone number changed."
    elif kept.used_at is not None:
        text = f"The code of the device was used at {utc_text(kept.used_at)}, and is good once."
    elif kept.tries >= MAX_ACTIVATION_TRIES:
        text = f"{MAX_ACTIVATION_TRIES} codes were tried against the one that was sent, which ended it."
    elif kept.expires_at <= call.now:
        text = f"The code expired at {utc_text(kept.expires_at)}. (With a wrong one: InvalidActivationCode.)"
        course.refuses(step, ReturnCode.ACTIVATION_CODE_EXPIRED, text)
        return
    else:
        left = MAX_ACTIVATION_TRIES - kept.tries
        text = f"{NOT_TRIED} The device waits for one, which has {left} more {'tries' if left > 1 else 'try'}."
        course.leaves_open(step, text)
        return
    course.refuses(step, ReturnCode.INVALID_ACTIVATION_CODE, text)
