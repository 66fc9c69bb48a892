"""Every event that is audited."""

from enum import StrEnum


class AuditEvent(StrEnum):
    """What happened, as `subject.past_participle`."""

    SESSION_STARTED = "session.started"
    SESSION_ENDED = "session.ended"
    LOGIN_REFUSED = "login.refused"
    LOGIN_COOKIE_ROTATED = "login_cookie.rotated"
    LOGIN_COOKIE_REFUSED = "login_cookie.refused"
    LOGIN_COOKIE_REPLAYED = "login_cookie.replayed"
    DEVICE_REGISTERED = "device.registered"
    DEVICE_REGISTRATION_REFUSED = "device.registration_refused"
    DEVICE_ACTIVATED = "device.activated"
    DEVICE_ACTIVATION_REFUSED = "device.activation_refused"
    DEVICE_BLOCKED = "device.blocked"
    DEVICE_UNBLOCKED = "device.unblocked"
    ACTIVATION_CODE_SENT = "activation_code.sent"
    PASSWORD_CHANGED = "password.changed"
    PASSWORD_CHANGE_REFUSED = "password.change_refused"
    PASSWORD_RESET_REQUESTED = "password.reset_requested"
    PINCODE_CHANGED = "pincode.changed"
    PINCODE_CHANGE_REFUSED = "pincode.change_refused"
    ACCOUNT_ADDED = "account.added"
    ACCOUNT_CHANGED = "account.changed"
    MERCHANT_ADDED = "merchant.added"
    MERCHANT_CHANGED = "merchant.changed"
    APPLICATION_ADDED = "application.added"
    APPLICATION_CHANGED = "application.changed"
    INTEGRATION_ADDED = "integration.added"
    INTEGRATION_CHANGED = "integration.changed"
