"""Every mail and SMS that exists, and the states that one goes through."""

from enum import StrEnum


class Medium(StrEnum):
    """How a message reaches a person."""

    MAIL = "mail"
    SMS = "sms"


class MessageKind(StrEnum):
    """What a message is for; also the name of its template folder."""

    TEMPORARY_PASSWORD = "temporary_password"
    RESET_CODE = "reset_code"
    PASSWORD_CHANGED = "password_changed"
    PINCODE_CHANGED = "pincode_changed"
    EMAIL_CHANGED = "email_changed"
    DEVICE_ACTIVATED = "device_activated"
    DEVICE_NUMBER_CHANGED = "device_number_changed"
    MANY_WRONG_GUESSES = "many_wrong_guesses"
    LOGIN_COOKIE_REPLAYED = "login_cookie_replayed"
    ACTIVATION_CODE = "activation_code"

    @property
    def medium(self) -> Medium:
        """The medium of this kind."""
        return Medium.SMS if self is MessageKind.ACTIVATION_CODE else Medium.MAIL


class MessageState(StrEnum):
    """Where a message is on its way."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    ABANDONED = "abandoned"
